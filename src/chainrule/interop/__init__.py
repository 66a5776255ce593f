"""Neighbours: how tensors meet other libraries' arrays and files."""
