"""Three linear layers and a sigmoid, as a module: its parameters and attributes give the names.

chainrule explain examples/explain/lecture_002.py --convention column
"""

import chainrule as cr
from chainrule import nn


class Chain(nn.Module):
    """Three layers without activations in between, so that the deltas are products of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3, 4, bias=False)
        self.fc2 = nn.Linear(4, 2, bias=False)
        self.fc3 = nn.Linear(2, 1, bias=False)

    def forward(self, x: cr.Tensor) -> cr.Tensor:
        self.z1 = self.fc1(x)
        self.z2 = self.fc2(self.z1)
        self.z3 = self.fc3(self.z2)
        self.h3 = cr.sigmoid(self.z3)
        return self.h3


WEIGHTS = {
    "fc1.weight": [
        [0.2369, 0.4875, -0.0785],
        [-0.1420, 0.5180, -0.4875],
        [-0.0190, -0.2783, 0.3500],
        [0.2950, -0.3992, 0.5065],
    ],
    "fc2.weight": [[-0.0172, -0.1255, 0.3816, 0.4249], [-0.0027, -0.1248, 0.4886, 0.1373]],
    "fc3.weight": [[-0.2785, 0.4220]],
}

net = Chain()
net.load_state_dict({name: cr.tensor(rows) for name, rows in WEIGHTS.items()})

x = cr.tensor([[1.0, 2.0, 3.0]])
y = cr.tensor([[1.0]])
loss = nn.BCELoss()(net(x), y)
