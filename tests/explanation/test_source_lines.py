"""Every operation knows the line of the user's program that caused it."""

import chainrule as cr
from chainrule.graph import source_line


def test_an_operation_that_leaves_the_fast_path_still_names_the_users_file() -> None:
    x = cr.tensor([1.0, 2.0], requires_grad=True)
    for y in (x**2, x + 1, x * x, cr.maximum(x, x), (x > 0) * x):
        assert source_line(y._node)[0] == __file__
