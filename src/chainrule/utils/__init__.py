"""What training needs besides layers and optimizers: data sets and loaders."""

from chainrule.utils import data

__all__ = ["data"]
