"""Functions of functions: PyTorch's `torch.func`.

Transformations of pure functions, which may be nested: gradients, products with Jacobians, whole
Jacobians and Hessians, batches, and modules as functions of their parameters.

>>> import chainrule as cr
>>> from chainrule.func import grad, vmap
>>> vmap(grad(cr.sin))(cr.tensor([0.0, cr.pi]))
tensor([ 1., -1.])
"""

from __future__ import annotations

from chainrule.func.batching import vmap
from chainrule.func.gradients import grad, grad_and_value, jvp, linearize, vjp
from chainrule.func.jacobians import hessian, jacfwd, jacrev
from chainrule.func.stateless import functional_call, stack_module_state

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
