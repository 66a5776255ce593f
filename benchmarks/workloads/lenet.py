"""A convolutional net in the layout of LeNet-5, with ReLUs and maxima.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", 1998, for the layout.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .initial import drawn, layer


@dataclass(frozen=True)
class LeNet:
    """Two convolutions, each with ReLU and max pooling, and two linear layers; plain SGD.

    The first convolution keeps the size of the image, the second does not pad.

    Args:
        size: Pixels a side of the images.
        rows: Images in the batch.
        channels: Of the two convolutions.
        kernel: Odd; pixels a side of both kernels.
        hidden: Width of the linear layer between them and the classes.
        classes: Of the images.
        learning_rate: Of SGD.
        seed: Of data and initial parameters.
    """

    size: int = 28
    rows: int = 64
    channels: tuple[int, int] = (16, 32)
    kernel: int = 5
    hidden: int = 128
    classes: int = 10
    learning_rate: float = 0.02
    seed: int = 0

    @property
    def description(self) -> str:
        channels = "-".join(map(str, (1, *self.channels)))
        return (
            f"{self.rows}×1×{self.size}×{self.size}, {self.kernel}×{self.kernel} convolutions "
            f"{channels}, max pooling, {self.hidden} hidden, SGD"
        )

    @property
    def features(self) -> int:
        """How many numbers the convolutions leave of an image."""
        return self.channels[1] * ((self.size // 2 - self.kernel + 1) // 2) ** 2

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Images (rows, 1, size, size) and labels (rows,)."""
        generator = np.random.default_rng(self.seed)
        images = generator.standard_normal((self.rows, 1, self.size, self.size), dtype=np.float32)
        return images, generator.integers(0, self.classes, self.rows)

    def parameters(self) -> dict[str, np.ndarray]:
        first, second = self.channels
        square = (self.kernel, self.kernel)
        shapes = {
            **layer("0", first, 1, *square),
            **layer("3", second, first, *square),
            **layer("7", self.hidden, self.features),
            **layer("9", self.classes, self.hidden),
        }
        return drawn(shapes, self.seed)

    def model(self, nn: Any) -> Any:
        first, second = self.channels
        return nn.Sequential(
            nn.Conv2d(1, first, self.kernel, padding=self.kernel // 2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, self.kernel),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(self.features, self.hidden),
            nn.ReLU(),
            nn.Linear(self.hidden, self.classes),
        )

    def loss(self, nn: Any) -> Any:
        return nn.CrossEntropyLoss()

    def optimizer(self, optim: Any, parameters: Iterable[Any]) -> Any:
        return optim.SGD(parameters, lr=self.learning_rate)
