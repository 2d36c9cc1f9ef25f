#!/usr/bin/env python3
"""Writes opset_07.onnx to opset_17.onnx next to this script: one MMoE as PyTorch 1.13 exports it to each operator set.

    /usr/bin/python3 make_opsets.py      # needs PyTorch 1.13, which has the exporter to all of them, and NumPy

Its parts are those that operator sets write differently: a batch norm and dropout, a softmax over another axis than the last,
stacking, splitting, a negative axis, expand(-1, ...), a view by x.shape[0]. rows.csv are the inputs, and the expected scores,
which are the same for all, what PyTorch makes of them.
"""
import pathlib
import warnings

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
INPUTS, EXPERTS, WIDTH, TASKS = 6, 3, 4, 2


class Model(nn.Module):
    def __init__(self, expands):
        super().__init__()
        self.expands = expands
        self.trunk = nn.Sequential(nn.Linear(INPUTS, 5), nn.BatchNorm1d(5), nn.LeakyReLU(0.2), nn.Dropout(0.3))
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(5, WIDTH), nn.ELU()) for _ in range(EXPERTS)])
        self.gates = nn.Linear(5, TASKS * EXPERTS)
        self.towers = nn.ModuleList([nn.Sequential(nn.Linear(WIDTH, 3), nn.PReLU(), nn.Linear(3, 1)) for _ in range(TASKS)])

    def forward(self, x):
        x = self.trunk(x.view(x.shape[0], INPUTS))
        experts = torch.stack([expert(x) for expert in self.experts], 1)
        scores = []
        for logits, tower in zip(self.gates(x).chunk(TASKS, dim=1), self.towers):
            weights = torch.softmax(logits.unsqueeze(-1), 1)
            if self.expands:
                weights = weights.expand(-1, EXPERTS, WIDTH)
            scores.append(torch.sigmoid(tower((experts * weights).sum(-2))))
        return tuple(scores)


def randomise(model):
    random = numpy.random.default_rng(5)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                values = torch.from_numpy(random.integers(-48, 49, tuple(tensor.shape)) / 64)
                tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)


def main():
    warnings.filterwarnings("ignore")
    rows = torch.from_numpy(numpy.loadtxt(HERE / "rows.csv", delimiter=",", skiprows=1, dtype="f4"))
    for opset in range(7, 18):
        model = Model(expands=opset >= 9)  # before, the exporter itself fails
        randomise(model)
        model.eval()
        path = HERE / f"opset_{opset:02}.onnx"
        torch.onnx.export(model, (rows[:2],), str(path), opset_version=opset, input_names=["x"],
                          output_names=["click", "like"], dynamic_axes={"x": {0: "batch"}})
        with torch.no_grad():
            scores = torch.cat(model(rows), 1).numpy()
        numpy.savetxt(HERE / f"opset_{opset:02}_expected.csv", scores, "%.9g", ",", header="click,like", comments="")


if __name__ == "__main__":
    main()
