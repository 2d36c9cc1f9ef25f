"""Initial weights with which scores spread: the libraries' own leave them all near 0.5 after a few steps."""

import torch


def spread(module):
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=1 / layer.in_features ** 0.5)
        elif isinstance(layer, torch.nn.Embedding):
            torch.nn.init.normal_(layer.weight)
