"""Distances and angles between vectors, as they are called in `torch.nn.functional`."""

from chainrule.ops.similarity import cosine_similarity as cosine_similarity
from chainrule.ops.similarity import pairwise_distance as pairwise_distance
from chainrule.ops.similarity import pdist as pdist

__all__ = [
    "cosine_similarity",
    "pairwise_distance",
    "pdist",
]
