"""Where a tensor lies and how, as PyTorch's programs ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from chainrule import devices, layouts

if TYPE_CHECKING:
    from chainrule.tensor import Tensor


class Placement:
    """Where a tensor lies and how: on the CPU, as a strided array."""

    __slots__ = ()

    @property
    def device(self) -> devices.device:
        """The CPU."""
        return devices.CPU

    @property
    def layout(self) -> layouts.layout:
        """How the elements lie in memory: always at strides."""
        return layouts.strided

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """Return this tensor: it is on the CPU."""
        layouts.check_memory_format(memory_format)
        return self  # type: ignore[no-any-return]

    def cuda(self: Any, device: Any = None, non_blocking: bool = False) -> NoReturn:
        """Refuse: there is no device but the CPU."""
        devices.check_device("cuda")
        raise AssertionError("unreachable")

    def get_device(self: Any) -> int:
        """Return PyTorch's number of the CPU: −1."""
        return -1

    is_cpu = property(lambda self: True, doc="Whether the elements are in main memory: always.")
    is_cuda = property(lambda self: False, doc="Whether the elements are on a GPU: never.")
    is_mps = property(lambda self: False, doc="Whether they are on an Apple GPU: never.")
    is_xpu = property(lambda self: False, doc="Whether they are on an Intel GPU: never.")
    is_meta = property(lambda self: False, doc="Whether there are no elements: never.")
    is_sparse = property(lambda self: False, doc="Whether zeros are left out: never.")
    is_sparse_csr = property(lambda self: False, doc="Whether zeros are left out: never.")
    is_quantized = property(lambda self: False, doc="Whether the elements are quantised: never.")
    is_mkldnn = property(lambda self: False, doc="Whether they lie as oneDNN has them: never.")
    is_nested = property(lambda self: False, doc="Whether rows differ in length: never.")

    def is_inference(self: Any) -> bool:
        """Tell whether this tensor can never be recorded: none is."""
        return False

    def is_distributed(self: Any) -> bool:
        """Tell whether this tensor is spread over several processes: never."""
        return False

    # --- Memory

    def data_ptr(self: Any) -> int:
        """Return the address of the first element."""
        address: int = self._array.__array_interface__["data"][0]
        return address

    const_data_ptr = data_ptr

    def dim_order(self: Any) -> tuple[int, ...]:
        """Return the dimensions by how far apart in memory neighbours lie, farthest first.

        >>> import chainrule as cr
        >>> cr.ones(2, 3).t().dim_order()
        (1, 0)
        """
        strides = self._array.strides
        return tuple(sorted(range(len(strides)), key=lambda d: -strides[d]))

    def is_set_to(self: Any, tensor: Tensor) -> bool:
        """Tell whether another tensor looks at the same memory in the same way."""
        mine, other = self._array, tensor._array
        return bool(
            mine.__array_interface__["data"] == other.__array_interface__["data"]
            and mine.shape == other.shape
            and mine.strides == other.strides
        )

    def is_pinned(self: Any, device: Any = None) -> bool:
        """Tell whether the memory is pinned for copies to a GPU: never."""
        return False

    def pin_memory(self: Any, device: Any = None) -> NoReturn:
        """Refuse: there is no GPU that pinned memory would be for."""
        raise RuntimeError(
            "Cannot access accelerator device when none is available: pin_memory prepares copies "
            "to a GPU; leave it out"
        )

    def is_shared(self: Any) -> bool:
        """Tell whether other processes see the memory: never."""
        return False

    def share_memory_(self: Any) -> NoReturn:
        """Refuse: arrays are the memory of one process."""
        raise NotImplementedError(
            "share_memory_ is not supported: NumPy's arrays are the memory of one process; send "
            "the tensor to the other process (it can be pickled), or use "
            "multiprocessing.shared_memory with cr.frombuffer"
        )

    def untyped_storage(self: Any) -> NoReturn:
        """Refuse: the memory of a tensor is that of its array."""
        raise NotImplementedError(
            "untyped_storage is not supported: the memory of a tensor is that of its NumPy array. "
            "Use nbytes for its size, data_ptr() for its address, numpy() for the array itself"
        )

    def storage(self: Any) -> NoReturn:
        """Refuse: the memory of a tensor is that of its array."""
        raise NotImplementedError(
            "storage is not supported: the memory of a tensor is that of its NumPy array. Use "
            "numpy() for the array, nbytes for its size, data_ptr() for its address"
        )
