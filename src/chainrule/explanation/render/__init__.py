"""Renderings of a derivation, one file each; they read the derivation and nothing else."""
