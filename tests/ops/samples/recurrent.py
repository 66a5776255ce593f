"""One step of recurrent cells, from their pre-activations."""

import torch

from chainrule.ops.recurrent import gru_step, lstm_memory, lstm_output
from tests.ops.samples.description import Operation, Sample, strided, uniform


def memory(z: torch.Tensor, c: torch.Tensor, size: int) -> torch.Tensor:
    i, f, g, _ = z.split(size, 1)
    return f.sigmoid() * c + i.sigmoid() * g.tanh()


def output(z: torch.Tensor, c: torch.Tensor, size: int) -> torch.Tensor:
    return z[:, 3 * size :].sigmoid() * c.tanh()


def gru(x: torch.Tensor, p: torch.Tensor, h: torch.Tensor, size: int) -> torch.Tensor:
    (r, z, n), (pr, pz, pn) = x.split(size, 1), p.split(size, 1)
    new = (n + (r + pr).sigmoid() * pn).tanh()
    update = (z + pz).sigmoid()
    return new + update * (h - new)


def step(name, ours, theirs, samples):
    return Operation(name, ours, theirs, samples, integers=False, ulps=8, summing=True)


_LSTM = (
    Sample("two rows", (uniform(2, 8), uniform(2, 2, seed=1), 2)),
    Sample("one unit", (uniform(1, 4), uniform(1, 1), 1)),
    Sample("not contiguous", (strided(2, 8), strided(2, 2), 2)),
    Sample("saturated", (100 * uniform(2, 4), 100 * uniform(2, 1), 1), smooth=False),
)

OPERATIONS = (
    step("lstm_memory", lstm_memory, memory, _LSTM),
    step("lstm_output", lstm_output, output, _LSTM),
    step(
        "gru_step",
        gru_step,
        gru,
        (
            Sample("two rows", (uniform(2, 6), uniform(2, 6, seed=1), uniform(2, 2), 2)),
            Sample("one unit", (uniform(1, 3), uniform(1, 3, seed=1), uniform(1, 1), 1)),
            Sample("not contiguous", (strided(2, 6), uniform(2, 6), strided(2, 2), 2)),
        ),
    ),
)
