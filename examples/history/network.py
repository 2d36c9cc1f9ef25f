"""DIN (Zhou et al., KDD 2018) in front of an MMoE (Ma et al., KDD 2018), and the description of what it saves."""

import torch
from torch import nn

from ratings import LABELS, LENGTH

WIDTH = {"gender": 4, "occupation": 8, "film": 16, "genre": 8}
EXPERTS, HIDDEN, OUT = 4, 64, 32
ATTENTION = 36


def mlp(*widths):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1]) if widths[-1] == 1 else nn.Sequential(*layers)


class Network(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.tables = nn.ModuleDict({field: nn.Embedding(size + 1, WIDTH[field]) for field, size in sizes.items()})
        element = WIDTH["film"] + WIDTH["genre"]
        self.attention = nn.Sequential(nn.Linear(4 * element, ATTENTION), nn.Sigmoid(), nn.Linear(ATTENTION, 1))
        inputs = 1 + WIDTH["gender"] + WIDTH["occupation"] + 2 * element
        self.experts = nn.ModuleList(mlp(inputs, HIDDEN, OUT) for _ in range(EXPERTS))
        self.gates = nn.ModuleList(nn.Linear(inputs, EXPERTS) for _ in LABELS)
        self.towers = nn.ModuleList(mlp(OUT, 16, 1) for _ in LABELS)

    def interest(self, query, elements, there):
        q = query.unsqueeze(1).expand(elements.shape)
        weights = self.attention(torch.cat([q, elements, q - elements, q * elements], dim=2)).squeeze(2)
        return ((weights * there).unsqueeze(2) * elements).sum(dim=1)

    def forward(self, batch):
        """Logits [rows, labels]."""
        embedded = lambda film, genre: torch.cat([self.tables["film"](batch[film]), self.tables["genre"](batch[genre])], -1)
        query = embedded("film", "genre")
        interest = self.interest(query, embedded("films", "genres"), (batch["films"] != 0).float())
        user = [self.tables[field](batch[field]) for field in ("gender", "occupation")]
        x = torch.cat([batch["age"].unsqueeze(1), *user, query, interest], dim=1)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        mixed = [torch.einsum("re,rew->rw", torch.softmax(gate(x), dim=1), outputs) for gate in self.gates]
        return torch.cat([tower(m) for tower, m in zip(self.towers, mixed)], dim=1)


def batches(rows, known, size):
    """Tensors of `size` rows each: ids by the vocabularies, histories padded with 0, ages from 0 to 1."""
    ids = {field: {value: i + 1 for i, value in enumerate(values)} for field, values in known.items()}
    field_of = {"films": "film", "genres": "genre"}
    for first in range(0, len(rows), size):
        part = rows[first:first + size]
        batch = {"age": torch.tensor([float(row["age"]) for row, _ in part]) / 100}
        for field in ("gender", "occupation", "film", "genre"):
            batch[field] = torch.tensor([ids[field].get(row[field], 0) for row, _ in part])
        for field, table in field_of.items():
            lists = [[ids[table].get(value, 0) for value in row[field]] for row, _ in part]
            batch[field] = torch.tensor([each + [0] * (LENGTH - len(each)) for each in lists])
        yield batch, torch.tensor([labels for _, labels in part])


def description(known):
    def category(field, side):
        return {"name": field, "kind": "categorical", "side": side, "vocabulary": known[field], "first_id": 1,
                "unknown": {"id": 0}, "embedding": f"tables.{field}.weight"}

    def history(name, field):
        return {**category(field, "user"), "name": name, "kind": "sequence", "length": LENGTH, "pooling": "none"}

    item = ["film", "genre"]
    x = ["age", "gender", "occupation", *item, "interest"]
    relu = {"activation": "relu"}
    return {
        "mmoe_description": 1,
        "features": [{"name": "age", "kind": "dense", "side": "user", "scale": {"min": 0, "max": 100}},
                     category("gender", "user"), category("occupation", "user"),
                     category("film", "item"), category("genre", "item"),
                     {**history("films", "film"), "padding_id": 0}, history("genres", "genre")],
        "nodes": [{"name": "interest", "attention": {"query": item, "sequences": ["films", "genres"]},
                   "layers": ["attention.0", "attention.2"], "activation": ["sigmoid", "linear"]}],
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "reads": x, **relu},
                    "gates": {"logits": "gates.{task}", "reads": x}}],
        "towers": {"layers": "towers.{task}.{layer}", **relu},
        "tasks": [{"name": label, "link": "sigmoid"} for label in LABELS]}
