# title: Variational autoencoder
# category: Generative models
# summary: The encoder gives a mean and a log-variance; a sample from that Gaussian is decoded into a picture again.
# command: netfig draw examples/autoencoder.py:VariationalAutoencoder --input 1x28x28 --depth 1 -o autoencoder.svg

import torch
from torch import Tensor, nn


class VariationalAutoencoder(nn.Module):
    def __init__(self, latent: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU())
        self.mean = nn.Linear(128, latent)
        self.log_variance = nn.Linear(128, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 128),
            nn.ReLU(),
            nn.Linear(128, 784),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, 28, 28)),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(image)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        noise = torch.randn_like(mean)
        sample = mean + noise * torch.exp(0.5 * log_variance)
        return self.decoder(sample), mean, log_variance
