"""The four models of the comparison as their users write them in PyTorch."""

import torch
from torch import nn

from sizes import SIZES

# Two usual ways to write the weighted sum of the experts; engines differ in which they like.
STYLES = ("sum", "bmm")


def mlp(inputs, widths, outputs=None):
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    if outputs:
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


class MMoE(nn.Module):
    def __init__(self, inputs, num_experts, expert_widths, num_tasks, tower_widths, style="sum"):
        super().__init__()
        self.experts = nn.ModuleList([mlp(inputs, expert_widths) for _ in range(num_experts)])
        self.gates = nn.ModuleList([nn.Linear(inputs, num_experts, bias=False) for _ in range(num_tasks)])
        self.towers = nn.ModuleList([mlp(expert_widths[-1], tower_widths, 1) for _ in range(num_tasks)])
        self.style = style

    def forward(self, x):
        experts = torch.stack([expert(x) for expert in self.experts], dim=1)
        scores = []
        for gate, tower in zip(self.gates, self.towers):
            weights = torch.softmax(gate(x), dim=-1)
            if self.style == "sum":
                mixed = (weights.unsqueeze(-1) * experts).sum(dim=1)
            else:
                mixed = torch.bmm(weights.unsqueeze(1), experts).squeeze(1)
            scores.append(torch.sigmoid(tower(mixed)))
        return torch.cat(scores, dim=1)


def make_model(name, style="sum"):
    """Seeded by the name's place in SIZES. Gates are sharper than freshly initialised ones, as trained ones are."""
    torch.manual_seed(1 + list(SIZES).index(name))
    model = MMoE(*SIZES[name], style=style)
    with torch.no_grad():
        for gate in model.gates:
            gate.weight.mul_(4)
        for tower in model.towers:
            tower[-1].weight.mul_(8)
    return model.eval()
