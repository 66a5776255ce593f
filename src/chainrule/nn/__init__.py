"""Building blocks of networks: PyTorch's `torch.nn`."""

from chainrule.nn import functional as functional
from chainrule.nn import init as init
from chainrule.nn import utils as utils
from chainrule.nn.activation import *
from chainrule.nn.adaptive_pooling import *
from chainrule.nn.attention import *
from chainrule.nn.batchnorm import *
from chainrule.nn.container import *
from chainrule.nn.conv import *
from chainrule.nn.dropout import *
from chainrule.nn.embedding import *
from chainrule.nn.flatten import *
from chainrule.nn.fold import *
from chainrule.nn.heads import *
from chainrule.nn.lazy import *
from chainrule.nn.lazy_convolutions import *
from chainrule.nn.lazy_norms import *
from chainrule.nn.linear import *
from chainrule.nn.loss import *
from chainrule.nn.margins import *
from chainrule.nn.module import *
from chainrule.nn.normalization import *
from chainrule.nn.padding import *
from chainrule.nn.parameter import *
from chainrule.nn.parameter_containers import *
from chainrule.nn.piecewise import *
from chainrule.nn.pixelshuffle import *
from chainrule.nn.pooling import *
from chainrule.nn.regression import *
from chainrule.nn.rnn import *
from chainrule.nn.rnn_cells import *
from chainrule.nn.smooth import *
from chainrule.nn.transformer import *
from chainrule.nn.upsampling import *
