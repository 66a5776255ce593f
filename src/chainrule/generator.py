"""Generator: the Mersenne Twister whose words all random numbers are made of, as PyTorch has it."""

from __future__ import annotations

import operator
import os
import struct
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from chainrule import devices
from chainrule.primitive import attach

if TYPE_CHECKING:
    from chainrule.tensor import Tensor

__all__ = [
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

# The seed of a generator that nobody seeded, as in PyTorch.
_UNSEEDED = 67280421310721
# How PyTorch lays out the state of its CPU generator: the seed, how many words are left plus one,
# whether it is seeded, the position, 624 words in eight bytes each, three numbers of which the
# second is the normal sample kept for the next call, whether there is one, and an unused sample.
_LAYOUT = struct.Struct("<Qii Q 4992s d d d i 4x f ? 3x")
_WORDS = 624
# Held where a generator changes in more than one step; words are drawn in one.
lock = threading.RLock()


class Generator:
    """A source of random numbers: MT19937, with the stream of PyTorch's CPU generator.

    Args:
        device: only ``"cpu"``.

    Source: Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform
    pseudo-random number generator", 1998.

    >>> import chainrule as cr
    >>> g = cr.Generator().manual_seed(0)
    >>> cr.rand(3, generator=g)
    tensor([0.4963, 0.7682, 0.0885])
    """

    def __init__(self, device: Any = "cpu") -> None:
        devices.check_device(device)
        self._restart(_UNSEEDED)

    @property
    def device(self) -> devices.device:
        """The CPU."""
        return devices.CPU

    def _restart(self, seed: int) -> None:
        self._seed = seed
        self._bits: np.random.MT19937 | None = None
        self.kept_normal: float | None = None  # the second of the last pair of normal numbers

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream at a seed, of which the lowest 32 bits decide; return the generator.

        Args:
            seed: from −2⁶³ to 2⁶⁴ − 1; a negative one stands for that plus 2⁶⁴.
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise RuntimeError(
                f"manual_seed expected a long, but got {type(seed).__name__}: give an integer"
            )
        number = operator.index(seed)
        if not -(2**63) <= number < 2**64:
            raise ValueError(
                f"Overflow when unpacking long long: the seed {number} is outside "
                "-2**63 ... 2**64 - 1"
            )
        self._restart(number % 2**64)
        return self

    def seed(self) -> int:
        """Restart the stream at a seed from the operating system and return it."""
        fresh = int.from_bytes(os.urandom(8))
        self._restart(fresh)
        return fresh

    def initial_seed(self) -> int:
        """Return the seed the stream was started at."""
        return self._seed

    def _started(self) -> np.random.MT19937:
        with lock:
            if self._bits is None:
                # Made late: `numpy.random` takes its time to import.
                bits = np.random.MT19937(0)
                np.random.RandomState(bits).seed(self._seed & 0xFFFFFFFF)
                self._bits = bits
            return self._bits

    def words(self, count: int) -> ndarray[Any, Any]:
        """Return the next ``count`` numbers of 32 bits, as uint64."""
        words: ndarray[Any, Any] = (self._bits or self._started()).random_raw(count)
        return words

    def word(self) -> int:
        """Return the next number of 32 bits."""
        return int((self._bits or self._started()).random_raw())

    def long_words(self, count: int) -> ndarray[Any, Any]:
        """Return the next ``count`` numbers of 64 bits, as uint64: two words each."""
        pairs = self.words(2 * count)
        high = pairs[::2] << np.uint64(32)
        high |= pairs[1::2]
        return high

    def get_state(self) -> Tensor:
        """Return the state as PyTorch lays it out: 5056 bytes, which PyTorch can set, too."""
        bits = self._bits or self._started()
        state: Any = bits.state["state"]
        position = int(state["pos"])
        words = state["key"].astype("<u8")
        if position == _WORDS and np.array_equal(state["key"], _first_words(self._seed)):
            position, left = 0, 1  # nothing was drawn yet
        else:
            left = _WORDS - position + 1
        kept = self.kept_normal
        packed = _LAYOUT.pack(
            *(self._seed, left, 1, position, words.tobytes()),
            *(0.0, kept or 0.0, 0.0, kept is not None, 0.0, False),
        )
        return attach(np.frombuffer(packed, np.uint8).copy(), None)

    def set_state(self, new_state: Any) -> None:
        """Continue where the generator that gave this state was.

        Args:
            new_state: what `get_state` returned, here or (as bytes) in PyTorch: 5056 of uint8.
        """
        array = getattr(new_state, "_array", None)
        if array is None:
            raise TypeError(
                f"expected a ByteTensor, but got {type(new_state).__name__}: the state is what "
                "get_state() returned"
            )
        if array.dtype != np.uint8:
            raise TypeError(f"RNG state must be a ByteTensor (cr.uint8), got dtype {array.dtype}")
        if array.size != _LAYOUT.size:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_LAYOUT.size} but found the input RNG "
                f"state size to be {array.size}"
            )
        seed, left, seeded, position, words, _, kept, _, is_kept, _, _ = _LAYOUT.unpack(
            array.tobytes()
        )
        if not (seeded == 1 and 1 <= left <= _WORDS and position <= _WORDS):
            raise RuntimeError("Invalid mt19937 state: the bytes are not what get_state() returned")
        key = np.frombuffer(words, "<u8").astype(np.uint32)
        bits = np.random.MT19937(0)
        bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": key, "pos": _WORDS + 1 - left},
        }
        self._seed, self._bits = seed, bits
        self.kept_normal = kept if is_kept else None

    def clone_state(self) -> Generator:
        """Return a generator that continues as this one would."""
        twin = Generator()
        twin.set_state(self.get_state())
        return twin

    def __getstate__(self) -> bytes:
        return bytes(self.get_state()._array)

    def __setstate__(self, state: bytes) -> None:
        self.set_state(attach(np.frombuffer(state, np.uint8), None))


def _first_words(seed: int) -> ndarray[Any, Any]:
    bits = np.random.MT19937(0)
    np.random.RandomState(bits).seed(seed & 0xFFFFFFFF)
    state: Any = bits.state["state"]
    words: ndarray[Any, Any] = state["key"]
    return words


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: Any) -> Generator:
    """Seed the generator that random tensors, initial weights and dropout draw from; return it.

    The same seed gives the same numbers as in PyTorch; docs/randomness.md says where it does not.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(0)
    >>> cr.rand(2)
    tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator with a number from the operating system and return the number.

    >>> import chainrule as cr
    >>> cr.seed() == cr.initial_seed()
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed that the default generator was started at.

    >>> import chainrule as cr
    >>> _ = cr.manual_seed(3)
    >>> cr.initial_seed()
    3
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator, 5056 bytes as PyTorch lays them out.

    >>> import chainrule as cr
    >>> state = cr.get_rng_state()
    >>> first = cr.rand(3)
    >>> cr.set_rng_state(state)
    >>> bool((cr.rand(3) == first).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Let the default generator continue from a state that `get_rng_state` returned.

    >>> import chainrule as cr
    >>> cr.set_rng_state(cr.Generator().manual_seed(0).get_state())
    >>> cr.rand(1)
    tensor([0.4963])
    """
    default_generator.set_state(new_state)


def chosen(generator: Generator | None) -> Generator:
    """Return the given generator, or the default one for None."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(
            f"generator must be a chainrule.Generator or None, got {type(generator).__name__}; "
            "make one with cr.Generator().manual_seed(0)"
        )
    return generator
