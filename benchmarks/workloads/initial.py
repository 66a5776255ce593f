"""Initial parameters from their names and shapes."""

from collections.abc import Mapping

import numpy as np


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Parameters under the names of a ``state_dict``, each from a generator of its own.

    Weights and biases are uniform in ±1/√(elements a row of the weight), those of a bias being
    the weight's before it; factors of a normalisation (``norm`` in the name) are one, its summands
    zero.
    """
    parameters, fan_in = {}, 1
    for number, (name, shape) in enumerate(shapes.items()):
        if "norm" in name:
            fill = 1.0 if name.endswith("weight") else 0.0
            parameters[name] = np.full(shape, fill, np.float32)
            continue
        if len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))
        generator = np.random.default_rng([seed, 1, number])
        bound = fan_in**-0.5
        parameters[name] = generator.uniform(-bound, bound, shape).astype(np.float32)
    return parameters


def layer(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a layer's weight and bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
