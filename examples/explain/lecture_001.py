"""Two layers, ReLU and sigmoid, with binary cross-entropy: a net small enough for the blackboard.

chainrule explain examples/explain/lecture_001.py
"""

import chainrule as cr
import chainrule.nn.functional as F

W1 = cr.tensor(
    [[0.1433, -0.2529, 0.2200, 0.0073], [-0.3766, 0.0989, -0.0612, 0.1814]], requires_grad=True
)
W2 = cr.tensor([[-0.5954, 0.5741]], requires_grad=True)

x = cr.tensor([[-2.0, -0.3, 1.7, 0.2]])
y = cr.tensor([[1.0]])

z1 = F.linear(x, W1)
h1 = cr.relu(z1)
z2 = F.linear(h1, W2)
y_hat = cr.sigmoid(z2)
loss = F.binary_cross_entropy(y_hat, y)
