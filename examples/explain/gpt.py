"""A block of a GPT: embeddings, causal attention, an MLP with GELU, residuals, the next token.

chainrule explain examples/explain/gpt.py --of block.attention.weight
"""

import chainrule as cr
import chainrule.nn.functional as F
from chainrule import nn


class Block(nn.Module):
    """Attention and an MLP, each behind a normalisation and around it a residual connection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.ln2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def attention(self, x: cr.Tensor) -> cr.Tensor:
        n, steps, width = x.shape
        parts = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (p.view(n, steps, self.heads, -1).transpose(1, 2) for p in parts)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(out.transpose(1, 2).reshape(n, steps, width))

    def forward(self, x: cr.Tensor) -> cr.Tensor:
        x = x + self.attention(self.ln1(x))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    """One block between the embeddings and the logits of the next token."""

    def __init__(self, tokens: int, steps: int, width: int, heads: int) -> None:
        super().__init__()
        self.wte = nn.Embedding(tokens, width)
        self.wpe = nn.Embedding(steps, width)
        self.block = Block(width, heads)
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, tokens, bias=False)

    def forward(self, tokens: cr.Tensor) -> cr.Tensor:
        x = self.wte(tokens) + self.wpe(cr.arange(tokens.shape[1]))
        return self.head(self.ln(self.block(x)))


cr.manual_seed(0)
text = cr.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])
tokens, following = text[:, :-1], text[:, 1:]

net = GPT(tokens=10, steps=5, width=8, heads=2)
logits = net(tokens)
loss = F.cross_entropy(logits.reshape(-1, 10), following.reshape(-1))
