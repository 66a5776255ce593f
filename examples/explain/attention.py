"""Scaled dot-product attention of four vectors, and the mean square of what comes out.

chainrule explain examples/explain/attention.py --of scores
"""

import chainrule as cr

cr.manual_seed(2)
x = cr.randn(4, 6)
Wq, Wk, Wv = (0.4 * cr.randn(6, 6) for _ in range(3))
for weight in (Wq, Wk, Wv):
    weight.requires_grad_()

q, k, v = x @ Wq, x @ Wk, x @ Wv
scores = q @ k.T / 6**0.5
p = cr.softmax(scores, dim=1)
out = p @ v
loss = (out**2).mean()
