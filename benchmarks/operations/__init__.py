"""Single operations, forward and backward, against PyTorch: `python -m benchmarks.operations`."""
