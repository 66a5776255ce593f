"""Layers, activations and losses as functions: PyTorch's `torch.nn.functional`."""

from chainrule.nn.functional.activation import *
from chainrule.nn.functional.adaptive_pooling import *
from chainrule.nn.functional.attention import *
from chainrule.nn.functional.channel_dropout import *
from chainrule.nn.functional.classes import *
from chainrule.nn.functional.convolution import *
from chainrule.nn.functional.ctc import *
from chainrule.nn.functional.distance import *
from chainrule.nn.functional.dropout import *
from chainrule.nn.functional.embedding import *
from chainrule.nn.functional.folding import *
from chainrule.nn.functional.heads import *
from chainrule.nn.functional.loss import *
from chainrule.nn.functional.margins import *
from chainrule.nn.functional.normalization import *
from chainrule.nn.functional.padding import *
from chainrule.nn.functional.pooling import *
from chainrule.nn.functional.regression import *
from chainrule.nn.functional.resampling import *
from chainrule.nn.functional.sampling import *
from chainrule.nn.functional.unpooling import *
from chainrule.nn.functional.vision import *
from chainrule.ops.bilinear_maps import bilinear as bilinear
from chainrule.ops.exponential import sigmoid as sigmoid
from chainrule.ops.exponential import tanh as tanh
from chainrule.ops.linear_algebra import linear as linear
