"""Networks in which a scenario of the row says which weights it takes."""

import torch
from torch import nn

from architectures import TOWERS, WIDTH, pool
from fixture import NUM_ROWS, Fixture, mix, mlp, sigmoids, tasks, tower

SCENARIOS = ["home", "search", "cart"]
USERS, ITEMS = 5, 7
TASKS = ("click", "buy")


class Scenarios(nn.Module):
    """x is a number and the embeddings of a user and an item; a scenario goes with it."""

    DIM = 4
    INPUTS = ["age", "user", "item"]
    WIDTH = 1 + 2 * DIM

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleDict({"user": nn.Embedding(USERS, self.DIM), "item": nn.Embedding(ITEMS, self.DIM)})

    def x(self, b):
        return torch.cat([b["age"].unsqueeze(1), self.tables["user"](b["user"]), self.tables["item"](b["item"])], dim=1)

    @staticmethod
    def batch(generator):
        draw = lambda size: torch.randint(size, (NUM_ROWS,), generator=generator)
        columns = {"scenario": draw(len(SCENARIOS)), "age": (draw(90) - 45) / 32, "user": draw(USERS), "item": draw(ITEMS)}
        rows = [[SCENARIOS[row[0]], *row[1:]] for row in zip(*(column.tolist() for column in columns.values()))]
        return columns, list(columns), rows

    @classmethod
    def features(cls, path, scenario=True):
        identity = lambda name, side, size: {"name": name, "kind": "categorical", "side": side,
                                             "vocabulary": {"identity": size}, "embedding": f"tables.{name}.weight"}
        strings = {"column": "scenario", "kind": "categorical", "vocabulary": SCENARIOS}
        return [{"name": "age", "kind": "dense", "side": "user"}, identity("user", "user", USERS),
                identity("item", "item", ITEMS), {"name": "path", "embedding": path, **strings},
                *([{"name": "scenario", "embedding": "tables.scenario.weight", **strings}] if scenario else [])]


def taken(outputs, scenario):
    """Of [rows, width] for each scenario those of each row's."""
    return torch.stack(outputs, dim=1)[torch.arange(len(scenario)), scenario]


class Star(Scenarios):
    """Sheng et al., CIKM 2021. Weights are the product of those of all scenarios and of one; biases are the sum. So are
    scale and shift of the norm in front (partitioned normalization). The auxiliary network reads the scenario."""

    def __init__(self):
        super().__init__()
        sizes = [self.WIDTH, 8, 6, 1]
        self.tables["scenario"] = nn.Embedding(len(SCENARIOS), self.DIM)
        self.shared = mlp(sizes, last=False)
        self.specific = nn.ModuleList(mlp(sizes, last=False) for _ in SCENARIOS)
        self.norms = nn.ModuleList(nn.BatchNorm1d(self.WIDTH) for _ in SCENARIOS)
        self.scale, self.shift = nn.Parameter(torch.ones(self.WIDTH)), nn.Parameter(torch.zeros(self.WIDTH))
        self.auxiliary = mlp([self.WIDTH + self.DIM, 5, 1], last=False)

    def path(self, d, x):
        norm = self.norms[d]
        x = (x - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps)
        x = self.scale * norm.weight * x + (self.shift + norm.bias)
        for ours, its in zip(self.shared, self.specific[d]):
            linear = isinstance(ours, nn.Linear)
            x = x @ (ours.weight * its.weight).T + (ours.bias + its.bias) if linear else ours(x)
        return x

    def forward(self, b):
        x = self.x(b)
        main = taken([self.path(d, x) for d in range(len(SCENARIOS))], b["scenario"])
        return sigmoids([main + self.auxiliary(torch.cat([x, self.tables["scenario"](b["scenario"])], dim=1))])


def star():
    both = lambda made, ours, its, how: {"name": made, how: [ours, its]}
    paths = {"layers": "paths.{expert}.{layer}", "activation": "relu", "last_activation": "linear",
             "reads": Star.INPUTS, "input_batch_norm": "norms.{expert}",
             "input_batch_norm_tensors": {"gamma": ".scale", "beta": ".shift"}}
    return {
        "features": Star.features({"rows": [[0], [1], [2]]}),
        "derived": [both("paths.{expert}.{layer}.weight", "shared.{layer}.weight", "specific.{expert}.{layer}.weight", "product"),
                    both("paths.{expert}.{layer}.bias", "shared.{layer}.bias", "specific.{expert}.{layer}.bias", "sum"),
                    both("norms.{expert}.scale", "scale", "norms.{expert}.weight", "product"),
                    both("norms.{expert}.shift", "shift", "norms.{expert}.bias", "sum")],
        "levels": [{"experts": paths, "gates": {"route": "path"},
                    "nodes": [{"name": "auxiliary", "layers": "auxiliary.{layer}", "activation": "relu",
                               "last_activation": "linear", "reads": [*Star.INPUTS, "scenario"]},
                              {"name": "logit", "sum": ["gates", "auxiliary"]}]}],
        "towers": {"reads": "logit"}, "tasks": tasks("click")}


class ScenarioTowers(Scenarios):
    """An MMoE whose towers are of a task and a scenario, behind experts of which one is the scenario's own."""

    def __init__(self):
        super().__init__()
        self.own = pool(len(SCENARIOS), self.WIDTH)
        self.shared = pool(2, self.WIDTH)
        self.gates = nn.ModuleList(nn.Linear(self.WIDTH, 3) for _ in TASKS)
        self.towers = nn.ModuleList(nn.ModuleList(tower(WIDTH) for _ in SCENARIOS) for _ in TASKS)

    def forward(self, b):
        x = self.x(b)
        own = taken([e(x) for e in self.own], b["scenario"])
        experts = [own, *(e(x) for e in self.shared)]
        mixed = [mix(torch.softmax(g(x), dim=1), experts) for g in self.gates]
        return sigmoids([taken([t(m) for t in towers], b["scenario"]) for towers, m in zip(self.towers, mixed)])


def scenario_towers():
    relu = {"activation": "relu", "reads": ScenarioTowers.INPUTS}
    return {
        "features": ScenarioTowers.features({"one_hot": 3}, scenario=False),
        "levels": [
            {"experts": [{"name": "own", "layers": "own.{expert}.{layer}", **relu},
                         {"name": "shared", "layers": "shared.{expert}.{layer}", **relu}],
             "gates": [{"name": "own", "route": "path", "mixes": ["own"]},
                       {"name": "first", "constant": [1], "mixes": [{"pool": "shared", "expert": 0}]},
                       {"name": "second", "constant": [1], "mixes": [{"pool": "shared", "expert": 1}]}],
             "nodes": [{"name": "{task}.logits", "layers": "gates.{task}", "activation": "linear", "reads": relu["reads"]},
                       {"name": "{task}.weights", "softmax": "{task}.logits"},
                       *({"name": f"{{task}}.{name}", "product": [[{"node": "{task}.weights", "first": i, "count": 1}], name]}
                         for i, name in enumerate(["own", "first", "second"])),
                       {"name": "{task}.mixed", "sum": ["{task}.own", "{task}.first", "{task}.second"]}]},
            {"experts": {"layers": "towers.{task}.{expert}.{layer}", "activation": "relu", "last_activation": "linear",
                         "reads": "{task}.mixed"},
             "gates": {"route": "path", "per": "task"}}],
        "towers": {"reads": "gates"}, "tasks": tasks(*TASKS)}


def all_fixtures():
    yield Fixture("star", "top-k MoE with nodes", Star(), star(), batch=Star.batch)
    yield Fixture("scenario_towers", "top-k PLE with nodes", ScenarioTowers(), scenario_towers(), batch=Scenarios.batch)
