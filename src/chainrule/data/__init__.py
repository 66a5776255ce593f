"""The data sets that ship with chainrule, as plain NumPy arrays.

Source and licence of every file are named in the Markdown file beside it.
"""

from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Digits", "load_digits"]


class Digits(NamedTuple):
    """Handwritten digits, split once into a part to train on and a part held out.

    Attributes:
        train_images: ``(1437, 64)`` float32, the 8×8 pixels row by row, 0 (paper) to 1 (ink).
        train_labels: ``(1437,)`` int64, the digits 0 to 9.
        test_images: ``(360, 64)`` float32, the held-out fifth.
        test_labels: ``(360,)`` int64.
    """

    train_images: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]


def load_digits(seed: int = 0) -> Digits:
    """Load the 1,797 handwritten UCI digits, shuffled, with a fifth of them held out.

    The same seed gives the same split with every version of NumPy: the order is made from the raw
    output of a bit generator, which NumPy guarantees not to change.

    Args:
        seed: which shuffle; a non-negative integer.

    Returns:
        Training and test images with their labels; see :class:`Digits`. The arrays are new at every
        call and yours to change.

    Raises:
        TypeError: ``seed`` is not an integer.
        ValueError: ``seed`` is negative.

    Source:
        E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
        Repository, 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0).

    Example:
        >>> from chainrule.data import load_digits
        >>> digits = load_digits()
        >>> digits.train_images.shape, digits.test_images.shape
        ((1437, 64), (360, 64))
        >>> print(digits.test_labels[:5])
        [0 6 3 8 1]
        >>> for row in digits.test_images[0].reshape(8, 8):
        ...     print("".join(" .+#"[round(3 * ink)] * 2 for ink in row).rstrip())
            ++++..
            ######++
          ..++    ++..
          ..++    ++..
          ++++    ++++
          ..++    ++..
          ..++....++
            ..####..
    """
    if not isinstance(seed, int | np.integer):
        raise TypeError(f"load_digits(): seed must be an integer, got {seed!r}")
    if seed < 0:
        raise ValueError(f"load_digits(): seed must be 0 or larger, got {seed}")
    with resources.files(__name__).joinpath("digits.npz").open("rb") as file:
        archive: Any = np.load(file, allow_pickle=False)
        images = archive["images"].astype(np.float32) / np.float32(16)
        labels = archive["labels"].astype(np.int64)
    order = np.argsort(np.random.PCG64(seed).random_raw(len(labels)), kind="stable")
    held_out = -(-len(labels) // 5)
    train, test = order[held_out:], order[:held_out]
    return Digits(images[train], labels[train], images[test], labels[test])
