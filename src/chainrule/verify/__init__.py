"""Proof of gradients: finite differences, independent derivations, comparison with PyTorch."""
