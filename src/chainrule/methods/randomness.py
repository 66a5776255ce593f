"""Random values for a tensor, as methods."""

from __future__ import annotations

from chainrule.methods.binding import on_demand
from chainrule.ops import fills, random


class Randomness:
    """Random values for a tensor: the filling methods end in an underscore."""

    __slots__ = ()

    bernoulli = random.bernoulli
    multinomial = on_demand("sampling", "multinomial")

    bernoulli_ = fills.bernoulli_
    cauchy_ = fills.cauchy_
    exponential_ = fills.exponential_
    geometric_ = fills.geometric_
    log_normal_ = fills.log_normal_
    normal_ = fills.normal_
    random_ = fills.random_
    uniform_ = fills.uniform_
