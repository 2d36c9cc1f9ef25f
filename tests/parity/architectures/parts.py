"""Experts, gates and towers that read parts of x and outputs side by side."""

import torch
from torch import nn

from architectures import INPUTS, TOWERS, WIDTH, pool
from fixture import NUM_ROWS, Fixture, mix, mlp, sigmoids, tasks, tower

TASKS = ("click", "like")


class Stem(nn.Module):
    """Su et al., AAAI 2024: each task has embeddings of its own, which its experts and its gate read. All gates mix the
    experts of all tasks; only training stops the gradients between them."""

    FIELDS = {"user": 5, "item": 7}

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleDict({f"{field}_{part}": nn.Embedding(size, 3)
                                     for part in (*TASKS, "shared") for field, size in self.FIELDS.items()})
        self.specific = nn.ModuleDict({task: pool(2, 6) for task in TASKS})
        self.shared = pool(1, 6)
        self.gates = nn.ModuleDict({task: nn.Linear(6, 5) for task in TASKS})
        self.towers = nn.ModuleDict({task: tower(WIDTH) for task in TASKS})

    def forward(self, b):
        embedded = lambda part: torch.cat([self.tables[f"{field}_{part}"](b[field]) for field in self.FIELDS], dim=1)
        own = {task: embedded(task) for task in TASKS}
        h = [e(own[task]) for task in TASKS for e in self.specific[task]] + [e(embedded("shared")) for e in self.shared]
        return sigmoids([
            self.towers[task](mix(torch.softmax(self.gates[task](own[task]), dim=1), h)) for task in TASKS])

    @classmethod
    def batch(cls, generator):
        columns = {field: torch.randint(size, (NUM_ROWS,), generator=generator) for field, size in cls.FIELDS.items()}
        rows = [list(row) for row in zip(*(column.tolist() for column in columns.values()))]
        return columns, list(columns), rows


def stem_description():
    features = [
        {"name": f"{field}.{part}", "column": field, "kind": "categorical", "side": field,
         "vocabulary": {"identity": size}, "embedding": f"tables.{field}_{part}.weight"}
        for part in (*TASKS, "shared") for field, size in Stem.FIELDS.items()]
    layers = {"activation": "relu"}
    own = ["user.{task}", "item.{task}"]
    return {
        "features": features,
        "levels": [{
            "experts": [
                {"name": "specific", "layers": "specific.{task}.{expert}.{layer}", "reads": own, **layers},
                {"name": "shared", "layers": "shared.{expert}.{layer}", "reads": ["user.shared", "item.shared"], **layers}],
            "gates": {"logits": "gates.{task}", "reads": own,
                      "mixes": [{"pool": "specific", "tasks": "all"}, "shared"]}}],
        "towers": TOWERS, "tasks": tasks(*TASKS)}


class GatesReadSome(nn.Module):
    """An MMoE whose gates read other columns of x, in another order, than one of its experts."""

    def __init__(self):
        super().__init__()
        self.experts = pool(2)
        self.narrow = mlp([4, WIDTH])
        self.gates = nn.ModuleList(nn.Linear(4, 3) for _ in range(2))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        h = [e(x) for e in self.experts] + [self.narrow(x[:, 2:6])]
        some = torch.cat([x[:, 5:7], x[:, 0:2]], dim=1)
        return sigmoids([t(mix(torch.softmax(g(some), dim=1), h)) for t, g in zip(self.towers, self.gates)])


def gates_read_some():
    return {
        "input_dim": INPUTS, "shared_dim": 3,
        "levels": [{
            "experts": [
                {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                {"name": "narrow", "layers": "narrow.{layer}", "activation": "relu", "reads": {"first": 2, "count": 4}}],
            "gates": {"logits": "gates.{task}", "reads": [{"first": 5, "count": 2}, {"first": 0, "count": 2}]}}],
        "towers": TOWERS, "tasks": tasks(*TASKS)}


class TowersReadX(nn.Module):
    """Each task's network has columns of its own."""

    def __init__(self):
        super().__init__()
        self.towers = nn.ModuleList(tower(3) for _ in range(2))

    def forward(self, x):
        return sigmoids([t(x[:, 1 + 3 * i:4 + 3 * i]) for i, t in enumerate(self.towers)])


class Dbmtl(nn.Module):
    """Wang et al., 2019, without its Bayesian part: a task's features are read by those that depend on it."""

    def __init__(self):
        super().__init__()
        self.bottom = mlp([INPUTS, 8])
        self.features = nn.ModuleDict({task: mlp([8, 5]) for task in ("click", "buy")})
        self.relation = nn.ModuleDict({"click": mlp([5, 4]), "buy": mlp([5 + 5, 4])})
        self.towers = nn.ModuleDict({task: nn.Linear(4, 1) for task in ("click", "buy")})

    def forward(self, x):
        h = self.bottom(x)
        click, buy = self.features["click"](h), self.features["buy"](h)
        return sigmoids([self.towers["click"](self.relation["click"](click)),
                         self.towers["buy"](self.relation["buy"](torch.cat([buy, click], dim=1)))])


def dbmtl():
    layers = {"activation": "relu"}
    of = lambda task: {"gates": "features", "task": task}
    return {
        "trunk": {"layers": "bottom.{layer}", **layers},
        "levels": [
            {"experts": {"layers": "features.{task}.{layer}", **layers},
             "gates": {"name": "features", "constant": [1], "per": "task"}},
            {"experts": [
                {"name": "click", "layers": "relation.click.{layer}", "reads": [of("click")], **layers},
                {"name": "buy", "layers": "relation.buy.{layer}", "reads": [of("buy"), of("click")], **layers}],
             "gates": [{"name": "click", "constant": [1], "mixes": ["click"]},
                       {"name": "buy", "constant": [1], "mixes": ["buy"]}]}],
        "towers": {"layers": "towers.{task}", "reads": ["{task}"]},
        "tasks": tasks("click", "buy")}


class MixedAndWide(nn.Module):
    """Behind an MMoE, a second level and towers read what it mixes beside x, and beside what the other task's gate
    mixes."""

    def __init__(self):
        super().__init__()
        self.experts = pool(3)
        self.gates = nn.ModuleList(nn.Linear(INPUTS, 3) for _ in range(2))
        self.second = pool(2, INPUTS + WIDTH)
        self.second_gates = nn.ModuleList(nn.Linear(2 * WIDTH, 2) for _ in range(2))
        self.towers = nn.ModuleList(tower(2 + WIDTH) for _ in range(2))

    def forward(self, x):
        h = [e(x) for e in self.experts]
        first = [mix(torch.softmax(g(x), dim=1), h) for g in self.gates]
        own = [[e(torch.cat([x, stream], dim=1)) for e in self.second[i:i + 1]] for i, stream in enumerate(first)]
        weights = [torch.softmax(g(torch.cat(first, dim=1)), dim=1) for g in self.second_gates]
        second = [mix(w, own[0] + own[1]) for w in weights]
        return sigmoids([t(torch.cat([x[:, 3:5], s], dim=1)) for t, s in zip(self.towers, second)])


def mixed_and_wide():
    layers = {"activation": "relu"}
    return {
        "input_dim": INPUTS,
        "levels": [
            {"experts": {"layers": "experts.{expert}.{layer}", **layers}, "gates": {"logits": "gates.{task}"}},
            {"experts": {"layers": "second.{task}.{layer}", "reads": ["input", "gates"], **layers},
             "gates": {"logits": "second_gates.{task}", "reads": [{"gates": "gates", "tasks": "all"}],
                       "mixes": [{"pool": "experts", "tasks": "all"}]}}],
        "towers": {**TOWERS, "reads": [{"first": 3, "count": 2}, "gates"]},
        "tasks": tasks(*TASKS)}


def all_fixtures():
    yield Fixture("dbmtl", "Single-Task on a shared trunk", Dbmtl(), dbmtl(), inputs=INPUTS)
    yield Fixture("mixed_and_wide", "stacked MMoE", MixedAndWide(), mixed_and_wide(), inputs=INPUTS)
    yield Fixture("stem", "MMoE", Stem(), stem_description(), batch=Stem.batch)
    yield Fixture("gates_read_some", "MMoE", GatesReadSome(), gates_read_some(), inputs=INPUTS)
    yield Fixture("towers_read_x", "Single-Task", TowersReadX(), {
        "input_dim": INPUTS, "towers": {**TOWERS, "reads": {"first": 1, "count": 3, "per": "task"}},
        "tasks": tasks(*TASKS)}, inputs=INPUTS)
