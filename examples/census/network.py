"""Multi-gate Mixture-of-Experts (Ma et al., KDD 2018) over embedded and dense features."""

import torch
from torch import nn

import features as feature_rules


class Mmoe(nn.Module):
    """Logits [batch, num_tasks] of {feature name: column [batch]}.

    `sizes`: num_experts, expert_dim, tower_dim, num_tasks and widths {feature: embedding width}.
    """

    def __init__(self, features, sizes, input_dropout=0.0, dropout=0.0, unknown_rate=0.0):
        super().__init__()
        self.features = features
        self.unknown_rate = unknown_rate
        widths = sizes["widths"]
        self.embeddings = nn.ModuleDict({
            f["name"]: nn.Embedding(f["first_id"] + len(f["vocabulary"]), widths[f["name"]])
            for f in features if f["kind"] == "categorical"})
        for table in self.embeddings.values():
            nn.init.normal_(table.weight, std=0.1)
        input_dim = sum(widths.get(f["name"], 1) for f in features)
        expert_dim, tower_dim = sizes["expert_dim"], sizes["tower_dim"]
        self.input_dropout = nn.Dropout(input_dropout)
        self.dropout = nn.Dropout(dropout)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(input_dim, expert_dim), nn.ReLU())
            for _ in range(sizes["num_experts"]))
        self.gates = nn.ModuleList(
            nn.Linear(input_dim, sizes["num_experts"], bias=False)
            for _ in range(sizes["num_tasks"]))
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(expert_dim, tower_dim), nn.ReLU(), nn.Linear(tower_dim, 1))
            for _ in range(sizes["num_tasks"]))

    def embed(self, columns):
        """x: the features' blocks side by side in the order of the features list."""
        return torch.cat([self.block(f["name"], columns[f["name"]]) for f in self.features], 1)

    def block(self, name, column):
        if name not in self.embeddings:
            return column.unsqueeze(1)
        if self.training and self.unknown_rate:
            # Unseen values meet a trained row instead of the random one they would have otherwise.
            hidden = torch.rand(column.shape) < self.unknown_rate
            column = column.masked_fill(hidden, feature_rules.UNKNOWN_ID)
        return self.embeddings[name](column)

    def forward(self, columns):
        x = self.input_dropout(self.embed(columns))
        experts = torch.stack([expert(x) for expert in self.experts], 1)
        experts = self.dropout(experts)  # [batch, num_experts, expert_dim]
        logits = []
        for gate, tower in zip(self.gates, self.towers):
            weights = torch.softmax(gate(x), 1).unsqueeze(1)  # [batch, 1, num_experts]
            logits.append(tower(torch.bmm(weights, experts).squeeze(1)))
        return torch.cat(logits, 1)


def embedding_widths(features, largest):
    """Small tables for small vocabularies: they grow with the 0.4th power of the size."""
    return {f["name"]: min(largest, round(2 * len(f["vocabulary"]) ** 0.4))
            for f in features if f["kind"] == "categorical"}


def load(features, path):
    """The network of a state dict, its sizes read from the tensors."""
    state = torch.load(path, map_location="cpu")
    prefix, suffix = "embeddings.", ".weight"
    sizes = {
        "widths": {name[len(prefix):-len(suffix)]: tensor.shape[1]
                   for name, tensor in state.items() if name.startswith(prefix)},
        "num_experts": state["gates.0.weight"].shape[0],
        "num_tasks": sum(name.startswith("gates.") for name in state),
        "expert_dim": state["experts.0.0.weight"].shape[0],
        "tower_dim": state["towers.0.0.weight"].shape[0],
    }
    model = Mmoe(features, sizes)
    model.load_state_dict(state)
    return model.eval()
