#!/usr/bin/env python3
"""Writes form_*.onnx next to this script: ways to write activations, gates, links and what is done to the input.

Made with PyTorch 1.13 alone, by its exporter at operator set 14, which writes most of these out in many nodes. Inputs are
rows.csv of make_fixtures.py, form_<model>_expected.csv is what torch makes of them in double precision.
"""
import copy
import pathlib
import warnings

import numpy
import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
INPUTS, WIDTH = 6, 4
warnings.filterwarnings("ignore")


class Written(nn.Module):
    """A function as a module."""
    def __init__(self, function):
        super().__init__()
        self.forward = function


def mlp(inputs, outputs, activation=None):
    return nn.Sequential(nn.Linear(inputs, WIDTH), activation or nn.ReLU(), nn.Linear(WIDTH, outputs))


def modules(count, make):
    return nn.ModuleList([make() for _ in range(count)])


class Mixture(nn.Module):
    """Two tasks over three experts; what a subclass writes differently is a method."""
    tasks, columns = 2, 1

    def __init__(self):
        super().__init__()
        self.experts = modules(3, lambda: mlp(INPUTS, WIDTH, nn.Tanh()))
        self.gates = modules(self.tasks, lambda: nn.Linear(INPUTS, 3))
        self.towers = modules(self.tasks, lambda: mlp(WIDTH, self.columns))

    def read(self, x):
        return x

    def weigh(self, task, logits):
        return torch.softmax(logits, -1)

    def change(self, task, mixed, experts):
        return mixed

    def score(self, logits):
        return [torch.sigmoid(logit) for logit in logits]

    def forward(self, x):
        x = self.read(x)
        experts = torch.stack([expert(x) for expert in self.experts], 1)
        logits = []
        for task, (gate, tower) in enumerate(zip(self.gates, self.towers)):
            weights = self.weigh(task, gate(x))
            mixed = (experts * weights.unsqueeze(-1)).sum(1)
            logits.append(tower(self.change(task, mixed, experts)))
        return torch.cat(self.score(logits), 1)


class Activations(nn.Module):
    """An expert for every activation, all mixed by one gate."""
    def __init__(self, activations):
        super().__init__()
        self.experts = nn.ModuleList([mlp(INPUTS, WIDTH, activation) for activation in activations])
        self.gate = nn.Linear(INPUTS, len(activations))
        self.tower = mlp(WIDTH, 2)

    def forward(self, x):
        weights = torch.softmax(self.gate(x), -1)
        mixed = sum(weights[:, i:i + 1] * expert(x) for i, expert in enumerate(self.experts))
        return self.tower(mixed)


class Gates(Mixture):
    tasks = 6

    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(1.0))
        self.norm = nn.LayerNorm(WIDTH)
        self.shift = nn.Parameter(torch.zeros(WIDTH))

    def weigh(self, task, logits):
        if task == 0:
            return torch.softmax(torch.tanh(logits), -1) * torch.tensor([0.5, 1, 2])
        if task == 1:
            weights = torch.softmax(logits / self.temperature, -1)
            return weights / weights.sum(-1, keepdim=True)
        if task == 2:
            return torch.softmax(logits, -1) + 0.125
        return torch.softmax(logits, -1)

    def change(self, task, mixed, experts):
        if task == 3:
            return self.norm(mixed)
        if task == 4:
            return torch.relu(mixed * 2 - self.shift)
        if task == 5:
            return mixed + experts.mean(1)
        return mixed


class Links(Mixture):
    columns = 3

    def score(self, logits):
        click, stars = logits
        p = torch.sigmoid(click[:, :1])
        conversion = torch.sigmoid(click[:, 1:2])
        classes = torch.softmax(stars, 1)
        return [p, p * conversion, 1 - p, 1 + 4 * p, p.clamp(0.375, 0.625), F.softplus(click[:, 2:]), torch.exp(click[:, 2:] / 2),
                torch.tanh(click[:, 2:]), F.log_softmax(stars, 1), classes[:, 1:2],
                (classes * torch.tensor([1.0, 2, 5])).sum(1, keepdim=True), p * conversion * classes[:, 2:] * 0.5]


class Inputs(Mixture):
    """Standardised, batch norm on a part, a layer on another part, and clamped."""
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.layer = nn.Linear(2, 2)

    def read(self, x):
        x = (x - torch.tensor([0.5, 0, -1, 0, 0, 1])) / torch.tensor([1.0, 2, 1, 0.5, 1, 1])
        return torch.cat([self.norm(x[:, :2]), self.layer(x[:, 2:4]), x[:, 4:]], 1)


class Stitch(nn.Module):
    """A network per task, whose vectors cross-stitch units mix: by a matrix product, with a layer between, and by sums."""
    def __init__(self):
        super().__init__()
        self.bottoms = modules(2, lambda: mlp(INPUTS, WIDTH, nn.ReLU()))
        self.middles = modules(2, lambda: mlp(WIDTH, WIDTH, nn.Tanh()))
        self.towers = modules(2, lambda: mlp(WIDTH, 1))
        self.first = nn.Parameter(torch.zeros(2, 2))
        self.second = nn.Parameter(torch.zeros(2, 2))

    def forward(self, x):
        mixed = torch.matmul(self.first, torch.stack([bottom(x) for bottom in self.bottoms], 1))
        a, b = (middle(mixed[:, i]) for i, middle in enumerate(self.middles))
        mixed = [self.second[i, 0] * a + self.second[i, 1] * b for i in range(2)]
        return torch.sigmoid(torch.cat([tower(vector) for tower, vector in zip(self.towers, mixed)], 1))


def randomise(model, random):
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                values = torch.from_numpy(numpy.array(random.integers(-48, 49, tuple(tensor.shape)) / 64))
                positive = name.endswith("running_var") or name == "temperature"
                tensor.copy_(values.abs() + 0.5 if positive else values)


def export(name, model, rows, random):
    randomise(model, random)
    model.eval()
    x = torch.from_numpy(rows)
    torch.onnx.export(model, (x[:2],), str(HERE / f"form_{name}.onnx"), opset_version=14, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "batch"}})
    with torch.no_grad():
        scores = copy.deepcopy(model).double()(x.double()).numpy()
    header = ",".join(f"y.{i}" for i in range(scores.shape[1]))
    numpy.savetxt(HERE / f"form_{name}_expected.csv", scores, "%.9g", ",", header=header, comments="")


def main():
    random = numpy.random.default_rng(2)
    rows = numpy.loadtxt(HERE / "rows.csv", delimiter=",", skiprows=1).astype("f4")
    activations = [nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(), nn.CELU(1.5), nn.Softsign(),
                   nn.LogSigmoid(), nn.Softplus(2.5), nn.Hardtanh(-0.5, 0.75), nn.LayerNorm(WIDTH),
                   Written(lambda x: F.gelu(x, approximate="tanh")), Written(lambda x: x * torch.sigmoid(1.702 * x)),
                   Written(lambda x: F.relu(x) ** 2), Written(lambda x: torch.maximum(x, 0.25 * x)), Written(torch.abs),
                   Written(lambda x: F.relu(x + 0.5) * 2 - 1)]
    export("activations", Activations(activations), rows, random)
    export("gates", Gates(), rows, random)
    export("links", Links(), rows, random)
    export("inputs", Inputs(), rows, random)
    export("stitch", Stitch(), rows, random)


if __name__ == "__main__":
    main()
