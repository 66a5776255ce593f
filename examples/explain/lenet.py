"""A small LeNet on eight handwritten digits: convolutions, pooling, and two dense layers.

chainrule explain examples/explain/lenet.py --of conv1.weight
"""

import chainrule as cr
import chainrule.nn.functional as F
from chainrule import nn
from chainrule.data import load_digits


class LeNet(nn.Module):
    """Two convolutions with max pooling, a hidden layer, ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.fc1 = nn.Linear(32, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x: cr.Tensor) -> cr.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.norm(self.conv2(x))), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


cr.manual_seed(0)
data = load_digits()
images = cr.tensor(data.train_images[:8]).reshape(8, 1, 8, 8)
labels = cr.tensor(data.train_labels[:8])

net = LeNet()
loss = nn.CrossEntropyLoss()(net(images), labels)
