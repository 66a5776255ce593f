"""A variational autoencoder on handwritten digits, after Kingma and Welling, 2013."""

import torch
import torch.nn.functional as F
from torch import nn

from chainrule.data import load_digits


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 32)
        self.mean = nn.Linear(32, 4)
        self.log_variance = nn.Linear(32, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 64), nn.Sigmoid())

    def forward(self, x):
        h = F.silu(self.encoder(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        deviation = torch.exp(0.5 * log_variance)
        z = mean + torch.randn_like(deviation) * deviation
        return self.decoder(z), mean, log_variance


torch.manual_seed(2)
images = torch.tensor(load_digits().train_images)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for step in range(120):
    x = images[step * 14 % 1200 :][:128]
    reconstruction, mean, log_variance = model(x)
    likelihood = F.binary_cross_entropy(reconstruction, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    loss = (likelihood + divergence) / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())
