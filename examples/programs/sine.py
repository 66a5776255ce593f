"""A network learns a sine wave by L-BFGS."""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_default_dtype(torch.float64)
x = torch.linspace(-3, 3, 64).unsqueeze(1)
y = torch.sin(2 * x)
model = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
loss_function = nn.MSELoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    print(loss.item())
    return loss


for _ in range(6):
    optimizer.step(closure)
torch.set_default_dtype(torch.float32)
