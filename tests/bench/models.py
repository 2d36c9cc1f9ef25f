"""The four models of the comparison as their users write them in PyTorch, and their descriptions."""

import torch
from torch import nn

# name: inputs, experts, widths of an expert's layers, tasks, widths of a tower's hidden layers
SIZES = {
    "paper": (100, 8, [16], 2, [8]),
    "small": (128, 4, [64, 32], 2, [16]),
    "medium": (512, 8, [256, 128], 3, [64]),
    "large": (1024, 16, [512, 256], 4, [128, 64]),
}
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


def description(name):
    _, _, _, num_tasks, _ = SIZES[name]
    return {
        "mmoe_description": 1,
        "name": name,
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                    "gates": {"logits": "gates.{task}"}}],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": f"task{t}", "link": "sigmoid"} for t in range(num_tasks)],
    }
