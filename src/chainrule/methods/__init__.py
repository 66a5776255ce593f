"""The operations as methods of `Tensor`, one line each, for editors, type checkers and readers."""

from chainrule.methods.activations import Activations
from chainrule.methods.conversion import Conversion
from chainrule.methods.elementwise import Elementwise
from chainrule.methods.elementwise_in_place import ElementwiseInPlace
from chainrule.methods.filling import Filling
from chainrule.methods.indexing import Indexing
from chainrule.methods.linear_algebra import LinearAlgebra
from chainrule.methods.operators import Operators
from chainrule.methods.placement import Placement
from chainrule.methods.python_values import PythonValues
from chainrule.methods.randomness import Randomness
from chainrule.methods.reductions import Reductions
from chainrule.methods.shapes import Shapes


class Operations(
    Activations,
    Operators,
    Elementwise,
    ElementwiseInPlace,
    Reductions,
    Shapes,
    Indexing,
    LinearAlgebra,
    Filling,
    Randomness,
    Conversion,
    Placement,
    PythonValues,
):
    """What a tensor can do. `Tensor` inherits from it, and is what ``self`` stands for."""

    __slots__ = ()
