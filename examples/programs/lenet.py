"""Convolutions and max pooling on handwritten digits, after LeCun et al., 1998."""

import torch
import torch.nn.functional as F
from torch import nn

from chainrule.data import load_digits


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.log_softmax(self.fc2(x), dim=1)


torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.train_images).reshape(-1, 1, 8, 8)
labels = torch.tensor(digits.train_labels)
model = LeNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=40, gamma=0.5)

for _ in range(100):
    rows = torch.randint(0, len(images), (32,))
    optimizer.zero_grad()
    loss = F.nll_loss(model(images[rows]), labels[rows])
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(loss.item())

model.eval()
with torch.no_grad():
    accuracy = (model(images).argmax(1) == labels).float().mean().item()
print(accuracy)
