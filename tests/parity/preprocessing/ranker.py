"""The network behind the preprocessing of the fixtures, and what a description says of it."""

import torch
from fixture import mix, mlp, sigmoids, tasks, tower
from torch import nn

LEVELS = {"levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                      "gates": {"logits": "gates.{task}"}}],
          "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"}, "tasks": tasks("income", "married")}


class Ranker(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.experts = nn.ModuleList(mlp([inputs, 6, 5]) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(inputs, 2) for _ in range(2))
        self.towers = nn.ModuleList(tower(5) for _ in range(2))

    def forward(self, x):
        experts = [e(x) for e in self.experts]
        return sigmoids([t(mix(torch.softmax(g(x), dim=1), experts)) for g, t in zip(self.gates, self.towers)])
