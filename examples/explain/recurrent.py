"""A recurrent net over five steps: one set of weights, five uses, a sum over time.

chainrule explain examples/explain/recurrent.py --of U
"""

import chainrule as cr

cr.manual_seed(1)
W = cr.randn(3, 2, requires_grad=True)
U = cr.randn(3, 3, requires_grad=True)
b = cr.zeros(3, requires_grad=True)
V = cr.randn(1, 3, requires_grad=True)

inputs = [cr.randn(1, 2) for _ in range(5)]
states = [cr.zeros(1, 3)]
for step in range(5):
    states.append(cr.tanh(inputs[step] @ W.T + states[step] @ U.T + b))

target = cr.tensor([[1.0]])
error = states[-1] @ V.T - target
loss = (error**2).sum()
