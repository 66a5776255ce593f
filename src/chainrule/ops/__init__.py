"""The derivative table: one family of operations a file.

Each file defines primitives (a forward function and its rules, side by side) and composes further
operations from them. `chainrule.methods` gives the operations to `Tensor`.
"""
