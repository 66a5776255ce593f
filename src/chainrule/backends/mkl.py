"""Intel's MKL, which NumPy may call but chainrule does not."""

from __future__ import annotations


def is_available() -> bool:
    """Tell whether chainrule calls MKL itself: no; `numpy.show_config()` says what NumPy calls."""
    return False
