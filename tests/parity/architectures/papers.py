"""Multi-task networks of the literature whose parts stand in other places than an MMoE's, each written from its paper, with
the sizes of a test."""

import torch
from torch import nn

from architectures import INPUTS
from fixture import Fixture, mlp, sigmoids, tasks

STEPS = ("click", "cart", "buy")
RELU, LINEAR = {"activation": "relu"}, {"activation": "linear"}


class AitmSteps(nn.Module):
    """Xi et al., KDD 2021, with three steps: each passes on what it has learned, and the next one attends to that and to
    its own. The layers between two steps are counted from 0."""

    DIM = 6

    def __init__(self):
        super().__init__()
        self.bottom = nn.ModuleDict({task: mlp([INPUTS, self.DIM]) for task in STEPS})
        self.info = nn.ModuleList(nn.Linear(self.DIM, self.DIM) for _ in STEPS[1:])
        self.q, self.k, self.v = (nn.Linear(self.DIM, self.DIM) for _ in range(3))
        self.towers = nn.ModuleDict({task: nn.Linear(self.DIM, 1) for task in STEPS})

    def forward(self, x):
        streams = [self.bottom[task](x) for task in STEPS]
        for i, info in enumerate(self.info):
            both = torch.stack([torch.relu(info(streams[i])), streams[i + 1]], dim=1)
            scores = (self.q(both) * self.k(both)).sum(dim=2) / self.DIM ** 0.5
            streams[i + 1] = (torch.softmax(scores, dim=1).unsqueeze(2) * self.v(both)).sum(dim=1)
        return sigmoids([self.towers[task](stream) for task, stream in zip(STEPS, streams)])


def aitm_steps():
    later = {"tasks": "later"}
    projections = [{"name": f"{{task}}.{stream}.{part}", **later, "layers": part, "reads": f"{{task}}.{stream}", **LINEAR}
                   for stream in ("info", "own") for part in "qkv"]
    both = lambda part: [f"{{task}}.info.{part}", f"{{task}}.own.{part}"]
    return {
        "architecture": "AITM", "input_dim": INPUTS,
        "nodes": [
            {"name": "{task}.own", "layers": "bottom.{task}.{layer}", "reads": "input", **RELU},
            {"task_by_task": [
                {"name": "{task}", "tasks": "first", "sum": ["{task}.own"]},
                {"name": "{task}.info", **later, "layers": "info.{previous_task}", "reads": "{previous_task}", **RELU},
                *projections,
                {"name": "{task}.scores", **later, "dot": [both("q"), both("k")], "group": AitmSteps.DIM,
                 "scale": AitmSteps.DIM ** -0.5},
                {"name": "{task}.weights", **later, "softmax": "{task}.scores"},
                {"name": "{task}.parts", **later, "product": ["{task}.weights", both("v")]},
                {"name": "{task}", **later, "sum_of_groups": "{task}.parts", "group": AitmSteps.DIM}]}],
        "towers": {"layers": "towers.{task}", "reads": "{task}"}, "tasks": tasks(*STEPS)}


def all_fixtures():
    yield Fixture("aitm_steps", "AITM", AitmSteps(), aitm_steps(), inputs=INPUTS)
