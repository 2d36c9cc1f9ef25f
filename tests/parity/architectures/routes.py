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


class Normed(nn.Sequential):
    """A layer with a layer norm and a ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU())


class M3oe(Scenarios):
    """Zhang et al., SIGIR 2024, as their code has it, with two tasks. A layer whose weights are products of those of all
    scenarios and of one, as in STAR, with a skip connection. Then experts of all, of each scenario and of each task. A
    tower of each task and scenario reads the sum of three mixtures: of the first by a gate; of the second, in which its own
    scenario's expert has a learned weight and the others share the rest; and so of the third. Learned numbers weigh the
    second and the third."""

    def __init__(self):
        super().__init__()
        domains, hidden = len(SCENARIOS), 6
        self.shared_weight = nn.Parameter(torch.zeros(self.WIDTH, 8))
        self.shared_bias = nn.Parameter(torch.zeros(8))
        self.slot_weight = nn.ParameterList(nn.Parameter(torch.zeros(self.WIDTH, 8)) for _ in SCENARIOS)
        self.slot_bias = nn.ParameterList(nn.Parameter(torch.zeros(8)) for _ in SCENARIOS)
        self.star, self.skip = Normed(8, hidden), Normed(self.WIDTH, hidden)
        self.expert = nn.ModuleList(Normed(hidden, WIDTH) for _ in range(3))
        self.domain_expert = nn.ModuleList(Normed(hidden, WIDTH) for _ in SCENARIOS)
        self.task_expert = nn.ModuleList(Normed(hidden, WIDTH) for _ in TASKS)
        self.gate = nn.ModuleList(nn.ModuleList(nn.Linear(hidden, 3) for _ in range(domains)) for _ in TASKS)
        self.tower = nn.ModuleList(
            nn.ModuleList(nn.Sequential(Normed(WIDTH, 5), nn.Linear(5, 1)) for _ in range(domains)) for _ in TASKS)
        self.weigh_domain, self.weigh_task, self.own_domain, self.own_task = (
            nn.Parameter(torch.zeros(1)) for _ in range(4))

    @staticmethod
    def balanced(outputs, weight):
        """The own one of each, and of the others equal shares."""
        own = torch.sigmoid(weight)
        rest = (1 - own) / (len(outputs) - 1)
        return [own * h + rest * sum(other for j, other in enumerate(outputs) if j != i) for i, h in enumerate(outputs)]

    def forward(self, b):
        x = self.x(b)
        h = taken([x @ (w * self.shared_weight) + bias + self.shared_bias
                   for w, bias in zip(self.slot_weight, self.slot_bias)], b["scenario"])
        h = self.star(h) + self.skip(x)
        experts = [e(h) for e in self.expert]
        domains = self.balanced([e(h) for e in self.domain_expert], self.own_domain)
        of_tasks = self.balanced([e(h) for e in self.task_expert], self.own_task)
        logits = []
        for gates, towers, task in zip(self.gate, self.tower, of_tasks):
            fused = [mix(torch.softmax(gate(h), dim=1), experts) + torch.sigmoid(self.weigh_domain) * domain
                     + torch.sigmoid(self.weigh_task) * task for gate, domain in zip(gates, domains)]
            logits.append(taken([tower(f) for tower, f in zip(towers, fused)], b["scenario"]))
        return sigmoids(logits)


def m3oe(module):
    """The learned numbers are written out, behind their sigmoids. What is of a scenario is chosen by routes, before the
    mixtures: the logits of a gate, and the scenario's own expert, which lacks but a part of its weight in the sum of all."""
    learned = lambda name: torch.sigmoid(getattr(module, name)).item()
    own_domain, own_task = learned("own_domain"), learned("own_task")
    others = lambda own, count: (1 - own) / (count - 1)
    normed = lambda layer, **more: {"layers": f"{layer}.0", "layer_norm": f"{layer}.1", "activation": "relu", **more}
    task_weights = [[own_task if i == j else others(own_task, len(TASKS)) for j in range(len(TASKS))] for i in range(len(TASKS))]
    rest = others(own_domain, len(SCENARIOS))
    every = range(3)
    return {
        "architecture": "M3oE", "features": M3oe.features({"rows": [[0], [1], [2]]}, scenario=False),
        "ignore": ["weigh_*", "own_*"],
        "derived": [{"name": "slot.{expert}.weight", "product": ["shared_weight", "slot_weight.{expert}"]},
                    {"name": "slot.{expert}.bias", "sum": ["shared_bias", "slot_bias.{expert}"]}],
        "levels": [{
            "experts": {"layers": "slot.{expert}", "orientation": "in_out", "activation": "linear", "reads": M3oe.INPUTS},
            "gates": {"name": "slot", "route": "path"},
            "nodes": [{"name": "star", "reads": "slot", **normed("star")},
                      {"name": "skip", "reads": M3oe.INPUTS, **normed("skip")},
                      {"name": "h", "sum": ["star", "skip"]}],
        }, {
            "experts": [{"name": "shared", "reads": "h", **normed("expert.{expert}")},
                        {"name": "domain", "reads": "h", **normed("domain_expert.{expert}")},
                        {"name": "task", "reads": "h", **normed("task_expert.{expert}")},
                        {"name": "gate", "layers": "gate.{task}.{expert}", "reads": "h", "activation": "linear"}],
            "gates": [*({"name": f"shared.{i}", "constant": [1], "mixes": [{"pool": "shared", "expert": i}]} for i in every),
                      {"name": "own.domain", "route": "path", "mixes": ["domain"]},
                      {"name": "every.domain", "constant": [rest] * len(SCENARIOS), "mixes": ["domain"]},
                      *({"name": f"task.{name}", "constant": weights, "mixes": ["task"]}
                        for name, weights in zip(TASKS, task_weights)),
                      {"name": "logits", "route": "path", "per": "task", "mixes": ["gate"]}],
            "nodes": [{"name": "domain.more", "product": ["own.domain"], "scale": own_domain - rest},
                      {"name": "domain", "sum": ["domain.more", "every.domain"]},
                      {"name": "domain.weighed", "product": ["domain"], "scale": learned("weigh_domain")},
                      {"name": "{task}.weights", "softmax": "logits"},
                      {"name": "{task}.weighted", "product": ["{task}.weights", [f"shared.{i}" for i in every]]},
                      {"name": "{task}.mixed", "sum_of_groups": "{task}.weighted", "group": WIDTH},
                      {"name": "{task}.weighed", "product": ["task.{task}"], "scale": learned("weigh_task")},
                      {"name": "{task}.fused", "sum": ["{task}.mixed", "domain.weighed", "{task}.weighed"]}],
        }, {
            "experts": {"layers": "tower.{task}.{expert}.0.0", "layer_norm": "tower.{task}.{expert}.0.1",
                        "output": "tower.{task}.{expert}.1", "activation": "relu", "reads": "{task}.fused"},
            "gates": {"route": "path", "per": "task"}}],
        "towers": {"reads": "gates"}, "tasks": tasks(*TASKS)}


class Debias(nn.Sequential):
    def __init__(self, inputs):
        super().__init__(nn.BatchNorm1d(inputs), nn.Linear(inputs, WIDTH))


class SarNet(Scenarios):
    """Shen et al., CIKM 2021, as Scenario-Wise-Rec has it: without the attention to the user's history. The embeddings are
    scaled and shifted by vectors of the scenario. Debias experts normalise what they read; some are of all scenarios and
    some of one. A gate mixes the former and those of the row's scenario."""

    def __init__(self):
        super().__init__()
        self.domain_weight = nn.ParameterList(nn.Parameter(torch.zeros(1, self.WIDTH)) for _ in SCENARIOS)
        self.domain_bias = nn.ParameterList(nn.Parameter(torch.zeros(self.WIDTH)) for _ in SCENARIOS)
        self.shared = nn.ModuleList(Debias(self.WIDTH) for _ in range(3))
        self.own = nn.ModuleList(nn.ModuleList(Debias(self.WIDTH) for _ in range(2)) for _ in SCENARIOS)
        self.gate = nn.Linear(self.WIDTH, 5)
        self.tower = tower(WIDTH)

    def forward(self, b):
        scenario = b["scenario"]
        x = self.x(b)
        x = taken([x * weight + bias for weight, bias in zip(self.domain_weight, self.domain_bias)], scenario)
        own = [taken([experts[i](x) for experts in self.own], scenario) for i in range(2)]
        mixed = mix(torch.softmax(self.gate(x), dim=1), [*(e(x) for e in self.shared), *own])
        return sigmoids([self.tower(mixed)])


def sar_net():
    debias = lambda name, module: {"name": name, "layers": f"{module}.1", "input_batch_norm": f"{module}.0",
                                   "activation": "linear", "reads": "x"}
    tables = [{"name": name, "column": "scenario", "kind": "categorical", "vocabulary": SCENARIOS,
               "embedding": name} for name in ("scale", "shift")]
    streams = ["shared.0", "shared.1", "shared.2", "own.0", "own.1"]
    return {
        "architecture": "SAR-Net",
        "features": SarNet.features({"rows": [[0], [1], [2]]}, scenario=False) + tables,
        "derived": [{"name": "scale.{layer}.{expert}", "split": "domain_weight.{layer}"},
                    {"name": "scale", "stack": "scale.{layer}.0"}, {"name": "shift", "stack": "domain_bias.{layer}"}],
        "nodes": [{"name": "scaled", "product": [SarNet.INPUTS, ["scale"]]}, {"name": "x", "sum": ["scaled", ["shift"]]}],
        "levels": [{
            "experts": [debias("shared", "shared.{expert}"), *(debias(f"own.{i}", f"own.{{expert}}.{i}") for i in range(2))],
            "gates": [*({"name": f"shared.{i}", "constant": [1], "mixes": [{"pool": "shared", "expert": i}]} for i in range(3)),
                      *({"name": f"own.{i}", "route": "path", "mixes": [f"own.{i}"]} for i in range(2))],
            "nodes": [{"name": "logits", "layers": "gate", "reads": "x", "activation": "linear"},
                      {"name": "weights", "softmax": "logits"},
                      {"name": "weighted", "product": ["weights", streams]},
                      {"name": "mixed", "sum_of_groups": "weighted", "group": WIDTH}]}],
        "towers": {"layers": "tower.{layer}", "activation": "relu", "reads": "mixed"}, "tasks": tasks("click")}


def all_fixtures():
    yield Fixture("star", "top-k MoE with nodes", Star(), star(), batch=Star.batch)
    yield Fixture("scenario_towers", "top-k PLE with nodes", ScenarioTowers(), scenario_towers(), batch=Scenarios.batch)
    yield Fixture("sar_net", "SAR-Net", SarNet(), sar_net(), batch=Scenarios.batch)
    m3oe_fixture = Fixture("m3oe", "M3oE", M3oe(), {"tasks": tasks(*TASKS)}, batch=Scenarios.batch)
    m3oe_fixture.description = m3oe(m3oe_fixture.module)
    yield m3oe_fixture
