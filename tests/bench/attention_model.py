#!/usr/bin/env python3
"""Writes an attention of a candidate to a user's history in front of an MMoE, as DIN has it: attention_model.py FOLDER

attention.safetensors and attention.json are what mmoe-convert takes, attention.onnx is the same network as PyTorch exports
it. x has 3 user columns, the history's embeddings, a number for each element that says whether it is there, and then the
candidate's embedding: that of 50 elements of 32 columns.
"""

import json
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "parity/architectures"))
from fixture import mix, mlp, randomise, write_safetensors  # noqa: E402

USER, LENGTH, WIDTH, HIDDEN = 3, 50, 32, (64, 32)
TASKS = ("click", "buy")


class Din(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = mlp([4 * WIDTH, *HIDDEN, 1], activation=nn.Sigmoid, last=False)
        inputs = USER + 2 * WIDTH
        self.experts = nn.ModuleList(mlp([inputs, 64, 32]) for _ in range(4))
        self.gates = nn.ModuleList(nn.Linear(inputs, 4) for _ in TASKS)
        self.towers = nn.ModuleList(mlp([32, 16, 1], last=False) for _ in TASKS)

    def forward(self, x):
        user, history, there, query = torch.split(x, [USER, LENGTH * WIDTH, LENGTH, WIDTH], dim=1)
        elements = history.reshape(-1, LENGTH, WIDTH)
        q = query.unsqueeze(1).expand_as(elements)
        weights = self.attention(torch.cat([q, elements, q - elements, q * elements], dim=2)).squeeze(2) * there
        interest = (weights.unsqueeze(2) * elements).sum(dim=1)
        h = torch.cat([user, query, interest], dim=1)
        experts = [expert(h) for expert in self.experts]
        mixed = [mix(torch.softmax(gate(h), dim=1), experts) for gate in self.gates]
        return torch.sigmoid(torch.cat([tower(m) for tower, m in zip(self.towers, mixed)], dim=1))


def description():
    history = USER + LENGTH * (WIDTH + 1)
    query = {"first": history, "count": WIDTH}
    reads = [{"first": 0, "count": USER}, query, "interest"]
    return {
        "mmoe_description": 1, "input_dim": history + WIDTH, "shared_dim": history,
        "nodes": [{"name": "interest", "layers": "attention.{layer}", "activation": "sigmoid",
                   "attention": {"query": query, "length": LENGTH,
                                 "sequences": {"first": USER, "count": LENGTH * (WIDTH + 1)}}}],
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu", "reads": reads},
                    "gates": {"logits": "gates.{task}", "reads": reads}}],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": name, "link": "sigmoid"} for name in TASKS]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, module = pathlib.Path(sys.argv[1]), Din().eval()
    folder.mkdir(parents=True, exist_ok=True)
    randomise(module, torch.Generator().manual_seed(1))
    write_safetensors(folder / "attention.safetensors", module.state_dict())
    (folder / "attention.json").write_text(json.dumps(description(), indent=1))
    x = torch.randn(2, description()["input_dim"])
    torch.onnx.export(module, x, str(folder / "attention.onnx"), input_names=["x"], output_names=["scores"],
                      dynamic_axes={"x": {0: "rows"}, "scores": {0: "rows"}}, opset_version=14)


if __name__ == "__main__":
    main()
