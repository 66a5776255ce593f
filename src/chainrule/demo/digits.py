"""A ReLU network on the handwritten digits: its training, and the proof of its gradients."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Digits, load_digits
from chainrule.modes import no_grad
from chainrule.nn import CrossEntropyLoss, Linear, Module, ReLU, Sequential
from chainrule.ops.creation import from_numpy
from chainrule.ops.random import manual_seed, randn_like
from chainrule.optim import SGD
from chainrule.tensor import Tensor
from chainrule.utils.data import DataLoader, TensorDataset
from chainrule.verify import Certificate, prove

SIZES = (64, 32, 16, 10)
EPOCHS = 80
BATCH_SIZE = 32
LEARNING_RATE = 0.1
MOMENTUM = 0.9
NOISE = 0.25
REQUIRED_ACCURACY = 0.97
PROOF_BATCH = 32
# Ten times as far as the smallest steps of the finite differences move a pre-activation.
KINK_MARGIN = 0.02


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes:
        number: 1 for the first.
        loss: the mean cross-entropy of its batches.
        accuracy: the fraction of held-out digits that the network reads right after it.
    """

    number: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Training:
    """A trained network and how it got there.

    Attributes:
        model: the network: ``fc1``, ``relu1``, ``fc2``, … on rows of 64 pixels.
        digits: what it was trained and judged on.
        epochs: the course of the training.
        steps: the number of updates.
        seconds: what the updates took, without judging the epochs.
    """

    model: Sequential
    digits: Digits
    epochs: list[Epoch]
    steps: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """The fraction of held-out digits that the trained network reads right."""
        return self.epochs[-1].accuracy

    @property
    def loss(self) -> float:
        """The mean cross-entropy in the last epoch."""
        return self.epochs[-1].loss

    @property
    def ok(self) -> bool:
        """Whether the network is as accurate as it has to be."""
        return self.accuracy >= REQUIRED_ACCURACY


def build(sizes: tuple[int, ...] = SIZES) -> Sequential:
    """Return a network of affine layers ``fc1``, ``fc2``, … with ReLUs between them.

    >>> from chainrule.demo.digits import build
    >>> [name for name, _ in build().named_parameters()][:3]
    ['fc1.weight', 'fc1.bias', 'fc2.weight']
    """
    layers: OrderedDict[str, Module] = OrderedDict()
    last = len(sizes) - 1
    for number in range(1, last + 1):
        layers[f"fc{number}"] = Linear(sizes[number - 1], sizes[number])
        if number < last:
            layers[f"relu{number}"] = ReLU()
    return Sequential(layers)


def train(
    seed: int = 0,
    epochs: int = EPOCHS,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Training:
    """Train the network on the digits.

    Stochastic gradient descent with momentum; the learning rate falls linearly to 0. Every batch is
    shown with fresh noise on its pixels: a network that reads noisy digits reads new ones better
    (Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7,
    1995). The held-out digits are only looked at, never learned from.

    Args:
        seed: decides which fifth is held out, the initial weights, the batches and the noise.
        epochs: passes over the training images.
        after_epoch: told of each epoch when it is over.

    Raises:
        ValueError: if there is no epoch to train.
    """
    if epochs < 1:
        raise ValueError(f"train: expected at least one epoch, got {epochs}")
    digits = load_digits(seed)
    manual_seed(seed)
    model = build()
    data = TensorDataset(from_numpy(digits.train_images), from_numpy(digits.train_labels))
    batches = DataLoader(data, batch_size=BATCH_SIZE, shuffle=True)
    optimizer = SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    cross_entropy = CrossEntropyLoss()
    course: list[Epoch] = []
    seconds = 0.0
    for number in range(1, epochs + 1):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - (number - 1) / epochs)
        losses = []
        start = time.perf_counter()
        for images, labels in batches:
            optimizer.zero_grad()
            loss = cross_entropy(model(images + NOISE * randn_like(images)), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds += time.perf_counter() - start
        right = predictions(model, digits.test_images) == digits.test_labels
        course.append(Epoch(number, float(np.mean(losses)), float(right.mean())))
        after_epoch(course[-1])
    return Training(model, digits, course, epochs * len(batches), seconds)


def predictions(model: Module, images: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the class that the network gives to each image, shape (n,)."""
    with no_grad():
        found: NDArray[np.int64] = model(from_numpy(images)).numpy().argmax(axis=1)
    return found


def instructive_digit(training: Training) -> int:
    """Return the held-out digit that the network reads right with the least confidence.

    A digit that it is sure of has gradients near 0, which show little. If it reads none right, the
    answer is the one whose label it gives the largest probability.
    """
    digits = training.digits
    losses = losses_of(training.model, digits.test_images, digits.test_labels)
    right = predictions(training.model, digits.test_images) == digits.test_labels
    return int(np.argmax(np.where(right, losses, -losses)))


def proof_batch(training: Training, size: int = PROOF_BATCH) -> NDArray[np.int64]:
    """Return the held-out digits that gradients are best compared on, shape (size,).

    These are the ones that the network is least sure of: where p is nearly onehot(y), their
    difference has lost most of its digits to rounding. Left out are those with a unit close to the
    kink of its ReLU: at 0 the loss has no derivative, and close to it a finite difference steps
    across and measures something else.
    """
    digits = training.digits
    losses = losses_of(training.model, digits.test_images, digits.test_labels)
    close = kink_distances(training.model, digits.test_images) < KINK_MARGIN
    return np.sort(np.lexsort((-losses, close))[:size])


def losses_of(
    model: Module, images: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the cross-entropy of each image, shape (n,)."""
    with no_grad():
        losses = CrossEntropyLoss(reduction="none")(model(from_numpy(images)), from_numpy(labels))
    found: NDArray[np.float32] = losses.numpy()
    return found


def kink_distances(model: Sequential, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the smallest absolute pre-activation of a ReLU for each image, shape (n,)."""
    distances = np.full(len(images), np.inf, np.float32)
    with no_grad():
        values: Tensor = from_numpy(images)
        for layer in model:
            if isinstance(layer, ReLU):
                distances = np.minimum(distances, np.abs(values.numpy()).min(axis=1))
            values = layer(values)
    return distances


def prove_gradients(training: Training) -> Certificate:
    """Prove the gradients of the network on a batch of held-out digits, every entry of them.

    The methods are those of `chainrule.verify.prove`; finite differences move each entry of each
    parameter by itself.
    """
    chosen = proof_batch(training)
    digits = training.digits
    entries = sum(parameter.numel() for parameter in training.model.parameters())
    return prove(
        training.model,
        digits.test_images[chosen],
        digits.test_labels[chosen],
        CrossEntropyLoss(),
        exhaustive=entries,
    )


def training_data(training: Training) -> dict[str, Any]:
    """Return the training as plain data."""
    held_out = len(training.digits.test_labels)
    return {
        "ok": training.ok,
        "layers": list(SIZES),
        "train_images": len(training.digits.train_labels),
        "held_out_images": held_out,
        "steps": training.steps,
        "seconds": training.seconds,
        "loss": training.loss,
        "accuracy": training.accuracy,
        "right": round(training.accuracy * held_out),
        "required_accuracy": REQUIRED_ACCURACY,
        "epochs": [
            {"number": e.number, "loss": e.loss, "accuracy": e.accuracy} for e in training.epochs
        ],
    }
