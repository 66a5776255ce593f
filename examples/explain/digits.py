"""A classifier of handwritten digits on one batch of 32, before any training.

chainrule explain examples/explain/digits.py --open
"""

import chainrule as cr
import chainrule.nn.functional as F
from chainrule import nn
from chainrule.data import load_digits

cr.manual_seed(0)
data = load_digits()
images = cr.tensor(data.train_images[:32])
labels = cr.tensor(data.train_labels[:32])

net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
loss = F.cross_entropy(net(images), labels)
