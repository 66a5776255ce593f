"""Convolutions as functions of maps and kernels."""

from chainrule.ops.convolution import conv1d as conv1d
from chainrule.ops.convolution import conv2d as conv2d
from chainrule.ops.convolution import conv3d as conv3d
from chainrule.ops.convolution import conv_transpose1d as conv_transpose1d
from chainrule.ops.convolution import conv_transpose2d as conv_transpose2d
from chainrule.ops.convolution import conv_transpose3d as conv_transpose3d

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]
