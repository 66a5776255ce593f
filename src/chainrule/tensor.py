"""Tensor: an array, its gradient, and the node of the graph that made it.

Its operations are listed in `chainrule.methods`; the mathematics is in `chainrule.ops`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from chainrule import dtypes, layouts
from chainrule.graph import AfterAccumulation, Node, leaf, mutations
from chainrule.methods import Operations
from chainrule.operation import results_are
from chainrule.ops import cast, creation, inplace, pieces
from chainrule.ops import shape as shapes
from chainrule.primitive import attach


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple with PyTorch's `numel`."""

    __slots__ = ()

    def numel(self) -> int:
        """Return the number of elements of a tensor of this shape."""
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"chainrule.Size({list(self)})"


@results_are
class Tensor(Operations):
    """An array that remembers what it was computed from.

    Args:
        data: numbers, nested sequences or an array. Python numbers become the default dtype;
            arrays keep theirs. The data is copied.
        requires_grad: record what is computed from it.

    >>> import chainrule as cr
    >>> a = cr.Tensor(2.0, requires_grad=True)
    >>> b = a * a + a
    >>> b.backward()
    >>> a.grad
    tensor(5.)
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_base", "_node")
    # Ahead of ndarray in mixed arithmetic, for code that asks the old way.
    __array_priority__ = 1000

    _array: ndarray[Any, Any]
    _node: Node | None
    _base: Tensor | None
    # How many recorded in-place changes there were: of a base, those it went through; of a view,
    # those of its base that its node knows of.
    _changes: int = 0
    _silent: bool = False
    _grad: Tensor | None = None

    def __init__(self, data: Any = (), requires_grad: bool = False) -> None:
        array = creation.to_array(data)
        if array.dtype.kind != "f" and not hasattr(data, "dtype"):
            array = array.astype(dtypes.get_default_dtype())
        self._array = array
        self._base = None
        self._node = None
        if requires_grad:
            creation.require_grad(self)

    # --- What it is -------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.nbytes

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return inplace.node_of(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        node = inplace.node_of(self)
        return node is None or node.primitive is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor; None for a leaf."""
        node = inplace.node_of(self)
        return None if node is None or node.primitive is None else node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have accumulated here; None before the first."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    "assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(value).__name__}; wrap it with cr.as_tensor(...)"
                )
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of "
                    f"size '{list(self.shape)}'. Please ensure that the gradient and the tensor "
                    "are the same size"
                )
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor of "
                    f"dtype '{self.dtype}'. Please convert the gradient with .to(tensor.dtype)"
                )
        self._grad = value

    @property
    def data(self) -> Tensor:
        """The values without the graph, sharing memory; assigning replaces the values."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        replacement = creation.as_tensor(value)
        node = self._node
        if node is not None and replacement._array.dtype.kind != "f":
            raise RuntimeError(
                f"data of dtype {replacement.dtype} cannot replace that of a tensor that requires "
                "grad; convert it to a float first"
            )
        self._array = replacement._array
        if node is not None and node.primitive is None:
            node.shape, node.saved = self._array.shape, (self._array,)

    @property
    def _version(self) -> int:
        return mutations.count(self._array)

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or one size."""
        if dim is None:
            return self.shape
        return self._array.shape[shapes.normal_dim("size", dim, self._array.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return self._array.size

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """Return how many elements apart neighbours along each dimension, or one, lie."""
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[shapes.normal_dim("stride", dim, len(strides))]

    def is_contiguous(self) -> bool:
        """Tell whether the elements lie in memory in order."""
        return bool(self._array.flags.c_contiguous)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """Return this tensor if its elements lie in order, else a copy where they do."""
        if memory_format is not None:
            layouts.check_memory_format(memory_format)
        return self if self._array.flags.c_contiguous else cast.ordered(self)

    def is_floating_point(self) -> bool:
        """Tell whether the elements are floats."""
        return bool(self._array.dtype.kind == "f")

    def element_size(self) -> int:
        """Return the bytes per element."""
        return self._array.itemsize

    # --- Values out -------------------------------------------------------------------------------

    def item(self) -> Any:
        """Return the only element as a Python number.

        >>> import chainrule as cr
        >>> cr.tensor([2.5]).item()
        2.5
        """
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar: item() "
                f"needs exactly one, the shape is {list(self.shape)}; use tolist() or index it"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self._array.tolist()

    def numpy(self, *, force: bool = False) -> ndarray[Any, Any]:
        """Return the array itself (memory is shared), for a tensor outside the graph.

        Args:
            force: detach first, as ``t.detach().numpy()``.
        """
        if not force and self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. "
                "Use tensor.detach().numpy() instead."
            )
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray[Any, Any]:
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead. NumPy asked for the plain array (np.array, array.dot(tensor), "
                "array[i] = tensor), where the gradient would be lost; in a computation to be "
                "differentiated use np.stack([...]), np.dot(array, tensor), or a tensor made by "
                "cr.zeros(...) in place of the array"
            )
        array = self._array
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(
                    f"a tensor of dtype {array.dtype} cannot become {dtype} without a copy"
                )
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from chainrule.interop.numpy_protocols import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from chainrule.interop.numpy_protocols import apply_function

        return apply_function(function, args, kwargs)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __float__(self) -> float:
        return float(self._only_element())

    def __int__(self) -> int:
        return int(self._only_element())

    def _only_element(self) -> Any:
        if self._array.size != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars: this one has "
                f"{self._array.size}, its shape is {list(self.shape)}"
            )
        return self._array.item()

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __bool__(self) -> bool:
        if self._array.size != 1:
            count = "more than one value" if self._array.size else "no values"
            raise RuntimeError(
                f"Boolean value of Tensor with {count} is ambiguous; use .any() or .all()"
            )
        return bool(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(pieces.unbind(self))

    def __contains__(self, element: Any) -> bool:
        return bool((self._array == getattr(element, "_array", element)).any())

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0 and type(self) is Tensor:
            return format(self._array.item(), spec)
        return object.__format__(self, spec)

    def __repr__(self) -> str:
        from chainrule.printing import tensor_text

        return tensor_text(self)

    # --- Copies -----------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol; detach() the tensor first"
            )
        known = memo.get(id(self))
        if known is not None:
            return known
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        if not self.is_leaf:
            raise RuntimeError(
                "a tensor with a graph cannot be pickled: the graph stays in this process; "
                "detach() it first"
            )
        attributes = {
            k: v for k, v in self.__dict__.items() if k not in ("_changes", "_silent", "_grad")
        }
        return {
            "array": self._array,
            "requires_grad": self._node is not None,
            "grad": None if self._grad is None else self._grad._array,
            "attributes": attributes,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What was unpickled has a dtype object of its own; the engine compares with `is`.
        self._array = creation.to_array(state["array"], copy=False)
        self._base = None
        self._node = None
        self.__dict__.update(state["attributes"])
        if state["grad"] is not None:
            self._grad = attach(creation.to_array(state["grad"], copy=False), None)
        if state["requires_grad"]:
            self._node = leaf(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (type(self), self.__getstate__())

    # --- The graph --------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Compute the gradient of this tensor with respect to everything it was made from.

        Every tensor of the graph that is still held, leaf or intermediate, has its ``.grad``
        increased.

        Args:
            gradient: the gradient arriving at this tensor: of its shape, or a number for all
                elements; 1 if None, which only a tensor of one element allows.
            retain_graph: keep what the graph saved, so that it can be swept again; the default is
                the value of ``create_graph``.
            create_graph: record the backward pass, for higher derivatives.
            inputs: accumulate into these tensors only.

        Raises:
            RuntimeError: if no gradient can flow, the shape of ``gradient`` does not fit, the
                graph was freed, or a value it saved was changed in place since.

        >>> import chainrule as cr
        >>> x = cr.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).backward(cr.tensor([1.0, 1.0]))
        >>> x.grad
        tensor([2., 4.])
        """
        from chainrule.differentiate import run_backward

        run_backward(
            (self,),
            (gradient,),
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
            inputs=inputs,
        )

    def detach(self) -> Tensor:
        """Return the values outside the graph; memory is shared.

        >>> import chainrule as cr
        >>> cr.tensor(1.0, requires_grad=True).detach().requires_grad
        False
        """
        return attach(self._array, None)

    def detach_(self) -> Tensor:
        """Take this tensor out of the graph that made it."""
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead")
        self._node = None
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record what is computed from this tensor from now on, or stop it; return the tensor."""
        node = inplace.node_of(self)
        if requires_grad:
            if node is None:
                creation.require_grad(self)
        elif node is not None:
            if node.primitive is not None:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to "
                    "use a computed variable in a subgraph that doesn't require differentiation "
                    "use var_no_grad = var.detach()."
                )
            self._node = None
        return self

    def zero_grad(self) -> None:
        """Forget the accumulated gradient."""
        self._grad = None

    def retain_grad(self) -> None:
        """Do nothing: every tensor that is held keeps its gradient. For PyTorch programs."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")

    @property
    def retains_grad(self) -> bool:
        """Whether an intermediate tensor keeps its gradient: always, while it is held."""
        return not self.is_leaf

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook`` with this tensor's gradient in each backward pass.

        What it returns, unless None, replaces the gradient. Returns a handle to `remove` it.

        >>> import chainrule as cr
        >>> x = cr.tensor(3.0, requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> (x * 2).backward()
        >>> x.grad
        tensor(20.)
        """
        node = inplace.node_of(self)
        if node is None:
            raise RuntimeError(
                "cannot register a hook on a tensor that doesn't require gradient; call "
                "requires_grad_() first"
            )
        if node.hooks is None:
            node.hooks = {}
        handle = RemovableHandle(node.hooks)
        node.hooks[handle.id] = hook
        return handle

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook`` with this leaf after each backward pass that increased its ``.grad``.

        Returns a handle to `remove` it.

        >>> import chainrule as cr
        >>> w = cr.tensor(3.0, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda t: print(t.grad))
        >>> (w * 2).backward()
        tensor(2.)
        """
        node = inplace.node_of(self)
        if node is None:
            raise RuntimeError(
                "cannot register a hook on a tensor that doesn't require gradient; call "
                "requires_grad_() first"
            )
        if node.primitive is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors; use "
                "register_hook for the gradient of a computed one"
            )
        if node.hooks is None:
            node.hooks = {}
        handle = RemovableHandle(node.hooks)
        node.hooks[handle.id] = AfterAccumulation(hook)
        return handle


def _rebuild(cls: type[Tensor], state: dict[str, Any]) -> Tensor:
    tensor = cls.__new__(cls)
    tensor.__setstate__(state)
    return tensor


class RemovableHandle:
    """What registering a hook returns; `remove` takes the hook away again."""

    _count = 0

    def __init__(self, hooks: dict[int, Any]) -> None:
        RemovableHandle._count += 1
        self.id = RemovableHandle._count
        self._hooks = hooks

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def wrap(array: Any) -> Tensor:
    """Return an array, or a NumPy scalar, as a tensor outside any graph."""
    return attach(np.asarray(array), None)
