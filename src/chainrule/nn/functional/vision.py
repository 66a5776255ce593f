"""Functions for images: channels and pixels exchanged, images sampled at the points of a grid."""

from chainrule.ops.shuffling import channel_shuffle as channel_shuffle
from chainrule.ops.shuffling import native_channel_shuffle as native_channel_shuffle
from chainrule.ops.shuffling import pixel_shuffle as pixel_shuffle
from chainrule.ops.shuffling import pixel_unshuffle as pixel_unshuffle

__all__ = [
    "channel_shuffle",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]
