"""Two layers learn handwritten digits."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from chainrule.data import load_digits

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.train_images)
labels = torch.tensor(digits.train_labels)
loader = DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.0), nn.Linear(32, 10))
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for _ in range(5):
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        print(loss.item())

model.eval()
with torch.no_grad():
    accuracy = (model(images).argmax(dim=1) == labels).float().mean()
print(accuracy.item())
