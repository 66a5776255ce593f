"""An LSTM learns to predict the next character."""

import torch
import torch.nn.functional as F
from torch import nn

from examples.programs.text import numbers, symbols

ROWS, STEPS = 8, 24


class CharacterModel(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.embedding = nn.Embedding(count, 16)
        self.lstm = nn.LSTM(16, 32, num_layers=2, batch_first=True)
        self.head = nn.Linear(32, count)

    def forward(self, tokens, state=None):
        outputs, state = self.lstm(self.embedding(tokens), state)
        return self.head(outputs), state


torch.manual_seed(4)
tokens = torch.tensor(numbers)
model = CharacterModel(len(symbols))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for _ in range(100):
    starts = torch.randint(0, len(tokens) - STEPS - 1, (ROWS,))
    x = torch.stack([tokens[s : s + STEPS] for s in starts])
    y = torch.stack([tokens[s + 1 : s + STEPS + 1] for s in starts])
    logits, _ = model(x)
    loss = F.cross_entropy(logits.reshape(-1, len(symbols)), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(loss.item())
