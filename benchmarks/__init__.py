"""Benchmarks: both sides of a comparison in the same run, medians and ratios of many short rounds.

``python -m benchmarks.training_steps`` times whole training steps against other libraries,
``python -m benchmarks.import_time`` times ``import chainrule`` against ``import numpy``.
"""
