"""PyTorch's `torch.backends`: libraries behind the tensors, and their switches.

Programs set these switches to trade speed for repeatability. There is nothing to trade here: every
operation gives the same bits each time. They can be set and read, and change nothing.

>>> import chainrule as cr
>>> cr.backends.cudnn.deterministic = True
>>> cr.backends.mps.is_available()
False
"""

from __future__ import annotations

from chainrule.backends import cpu as cpu
from chainrule.backends import cuda as cuda
from chainrule.backends import cudnn as cudnn
from chainrule.backends import mkl as mkl
from chainrule.backends import mkldnn as mkldnn
from chainrule.backends import mps as mps
from chainrule.backends import openmp as openmp
