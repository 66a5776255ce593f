"""An LSTM over five steps, its last state read out by a dense layer.

chainrule explain examples/explain/lstm.py --of lstm.weight_hh_l0
"""

import chainrule as cr
import chainrule.nn.functional as F
from chainrule import nn


class Reader(nn.Module):
    """Reads a sequence and answers with one number."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 3)
        self.readout = nn.Linear(3, 1)

    def forward(self, x: cr.Tensor) -> cr.Tensor:
        states, _ = self.lstm(x)
        return self.readout(states[-1])


cr.manual_seed(1)
sequence = cr.randn(5, 2)
target = cr.tensor([1.0])

net = Reader()
loss = F.mse_loss(net(sequence), target)
