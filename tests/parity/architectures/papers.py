"""Multi-task networks of the literature whose parts stand in other places than an MMoE's, each written from its paper, with
the sizes of a test."""

import torch
from torch import nn

from architectures import INPUTS, WIDTH, pool
from fixture import Fixture, mix, mlp, sigmoids, tasks, tower
from nodes import TASKS, Categories, Mixture, mixture

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


class Escm2(Categories):
    """Wang et al., SIGIR 2022: towers of the click and of the conversion on shared embeddings. A third tower imputes the
    conversion's error while it is trained (DR); predictions are those of ESMM."""

    def __init__(self):
        super().__init__()
        self.ctr, self.cvr, self.imputation = (mlp([4 * self.DIM, 6, 1], last=False) for _ in range(3))

    def forward(self, b):
        x = torch.cat(self.embedded(b), dim=1)
        ctr, cvr = torch.sigmoid(self.ctr(x)), torch.sigmoid(self.cvr(x))
        return torch.cat([ctr, cvr, ctr * cvr], dim=1)


def escm2():
    return {"features": Escm2.features(), "ignore": ["imputation.*"], "towers": {"layers": "{task}.{layer}", **RELU},
            "tasks": [*tasks("ctr", "cvr"), {"name": "ctcvr", "link": {"product": ["ctr", "cvr"]}}]}


class MetaHeac(Categories):
    """Zhu et al., KDD 2021, as it predicts: gates that all tasks share read the task's embedding and the mean of the
    fields. One mixes experts, the other the probabilities of critics, which all tasks share too."""

    CRITICS = 2

    def __init__(self):
        super().__init__()
        self.task_embedding = nn.Embedding(len(TASKS), 3)
        self.experts = pool(3, 4 * self.DIM)
        self.critics = nn.ModuleList(mlp([WIDTH, 5, 1], last=False) for _ in range(self.CRITICS))
        self.expert_gate, self.critic_gate = nn.Linear(3 + self.DIM, 3), nn.Linear(3 + self.DIM, self.CRITICS)

    def forward(self, b):
        fields = torch.stack(self.embedded(b), dim=1)
        h, scores = [e(fields.flatten(1)) for e in self.experts], []
        for embedding in self.task_embedding.weight:
            gated = torch.cat([embedding.expand(len(fields), 3), fields.mean(dim=1)], dim=1)
            mixed = mix(torch.softmax(self.expert_gate(gated), dim=1), h)
            critics = torch.sigmoid(torch.cat([critic(mixed) for critic in self.critics], dim=1))
            scores.append((torch.softmax(self.critic_gate(gated), dim=1) * critics).sum(dim=1, keepdim=True))
        return torch.cat(scores, dim=1)


def metaheac():
    gated = ["{task}.embedding", "mean"]
    critics = [f"{{task}}.critic.{i}" for i in range(MetaHeac.CRITICS)]
    return {
        "architecture": "MetaHeac", "features": MetaHeac.features(),
        "derived": [{"name": "embedding.{task}", "split": "task_embedding.weight"}],
        "nodes": [{"name": "{task}.embedding", "constant": "embedding.{task}"},
                  {"name": "mean", "sum_of_groups": "input", "group": MetaHeac.DIM, "scale": 1 / len(MetaHeac.FIELDS)}],
        "levels": [{
            "experts": {"layers": "experts.{expert}.{layer}", "reads": "input", **RELU},
            "gates": {"logits": "expert_gate", "per": "task", "reads": gated},
            "nodes": [
                *({"name": name, "layers": f"critics.{i}.{{layer}}", "reads": "gates", "last_activation": "sigmoid", **RELU}
                  for i, name in enumerate(critics)),
                {"name": "{task}.critics", "layers": "critic_gate", "reads": gated, **LINEAR},
                {"name": "{task}.weights", "softmax": "{task}.critics"},
                {"name": "{task}.score", "dot": [critics, "{task}.weights"]}]}],
        "towers": {"reads": "{task}.score"}, "tasks": tasks(*TASKS, link="identity")}


class LoRa(nn.Module):
    """2 sigmoid of a layer of a low rank, by which a group of experts sees its input."""

    def __init__(self, width):
        super().__init__()
        self.a, self.b = nn.Linear(width, 2, bias=False), nn.Linear(2, width, bias=False)

    def forward(self, x):
        return 2 * torch.sigmoid(self.b(self.a(x))) * x


class Home(nn.Module):
    """Wang et al., 2024 (Kuaishou): experts with a batch norm before SiLU. A first level has experts of all tasks and of
    two categories of tasks; a second one has these for each category, and experts of each task. A gate sees the experts of
    its own category only. Each group of experts reads a gated input, and is added once more by a gate of its own, which
    for a single expert is a sigmoid."""

    CATEGORIES = {"inter": ("click", "like"), "watch": ("stay",)}
    TASKS = ("click", "like", "stay")

    def __init__(self):
        super().__init__()
        groups = ("share", *self.CATEGORIES)
        experts = lambda inputs, count=2: nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, WIDTH), nn.BatchNorm1d(WIDTH), nn.SiLU()) for _ in range(count))
        self.meta = nn.ModuleDict({group: experts(INPUTS) for group in groups})
        self.meta_lora = nn.ModuleDict({group: LoRa(INPUTS) for group in groups})
        self.meta_gate = nn.ModuleDict({group: nn.Linear(INPUTS, 6 if group == "share" else 4) for group in groups})
        self.meta_self = nn.ModuleDict({group: nn.Linear(INPUTS, 2) for group in groups})
        self.second = nn.ModuleDict({group: experts(WIDTH) for group in groups})
        self.lora = nn.ModuleDict({group: LoRa(WIDTH) for group in groups})
        self.own = nn.ModuleDict({task: experts(WIDTH, 1) for task in self.TASKS})
        self.own_lora = nn.ModuleDict({task: LoRa(WIDTH) for task in self.TASKS})
        self.gate = nn.ModuleDict({task: nn.Linear(2 * WIDTH, 5) for task in self.TASKS})
        self.own_gate = nn.ModuleDict({task: nn.Linear(WIDTH, 1) for task in self.TASKS})
        self.towers = nn.ModuleDict({task: tower(WIDTH) for task in self.TASKS})

    def forward(self, x):
        h = {group: [e(self.meta_lora[group](x)) for e in experts] for group, experts in self.meta.items()}
        z = {}
        for group in h:
            seen = h["share"] + (h["inter"] + h["watch"] if group == "share" else h[group])
            z[group] = (mix(torch.softmax(self.meta_gate[group](x), dim=1), seen)
                        + mix(torch.softmax(self.meta_self[group](x), dim=1), h[group]))
        h = {group: [e(self.lora[group](z[group])) for e in experts] for group, experts in self.second.items()}
        logits = []
        for category, names in self.CATEGORIES.items():
            for task in names:
                own = [e(self.own_lora[task](z[category])) for e in self.own[task]]
                gate = torch.softmax(self.gate[task](torch.cat([z[category], z["share"]], dim=1)), dim=1)
                mixed = (mix(gate, h["share"] + h[category] + own)
                         + mix(torch.sigmoid(self.own_gate[task](z[category])), own))
                logits.append(self.towers[task](mixed))
        return sigmoids(logits)


def home():
    def gated(name, reads, lora):
        return [{"name": f"{name}.gate", "layers": [f"{lora}.a", f"{lora}.b"], "reads": reads,
                 "activation": ["linear", "sigmoid"]},
                {"name": f"{name}.gated", "product": [f"{name}.gate", reads], "scale": 2}]

    groups, category = ("share", *Home.CATEGORIES), {t: c for c, names in Home.CATEGORIES.items() for t in names}
    experts = lambda module, name, reads: {
        "name": name, "layers": f"{module}.{{expert}}.0", "batch_norm": f"{module}.{{expert}}.1", "activation": "silu",
        "reads": reads}
    seen = {"share": list(groups), "inter": ["share", "inter"], "watch": ["share", "watch"]}
    own = lambda task: {"pool": "own", "task": task}
    return {
        "architecture": "HoME", "input_dim": INPUTS,
        "nodes": [node for group in groups for node in gated(group, "input", f"meta_lora.{group}")],
        "levels": [{
            "experts": [experts(f"meta.{group}", group, f"{group}.gated") for group in groups],
            "gates": [{"name": f"meta.{group}", "logits": f"meta_gate.{group}", "mixes": seen[group], "reads": "input"}
                      for group in groups] +
                     [{"name": f"meta.{group}.self", "logits": f"meta_self.{group}", "mixes": [group], "reads": "input"}
                      for group in groups],
            "nodes": [{"name": f"z.{group}", "sum": [f"meta.{group}", f"meta.{group}.self"]} for group in groups] +
                     [node for group in groups for node in gated(f"z.{group}", f"z.{group}", f"lora.{group}")] +
                     [{"name": "{task}.z", "tasks": list(names), "sum": [f"z.{c}"]} for c, names in Home.CATEGORIES.items()] +
                     gated("{task}.z", "{task}.z", "own_lora.{task}"),
        }, {
            "experts": [*(experts(f"second.{group}", group, f"z.{group}.gated") for group in groups),
                        experts("own.{task}", "own", "{task}.z.gated")],
            "gates": [{"name": task, "logits": f"gate.{task}", "mixes": ["share", category[task], own(task)],
                       "reads": [f"{task}.z", "z.share"]} for task in Home.TASKS] +
                     [{"name": f"{task}.self", "logits": f"own_gate.{task}", "activation": "sigmoid", "mixes": [own(task)],
                       "reads": f"{task}.z"} for task in Home.TASKS],
            "nodes": [{"name": "{task}.out", "sum": ["{task}", "{task}.self"]}]}],
        "towers": {"layers": "towers.{task}.{layer}", "reads": "{task}.out", **RELU}, "tasks": tasks(*Home.TASKS)}


class GateNet(Categories):
    """Huang et al., 2020: each element of an embedding times the sigmoid of a layer of its own field, and each output of a
    hidden layer times the sigmoid of another of these outputs."""

    def __init__(self):
        super().__init__()
        self.field_gates = nn.ModuleDict({name: nn.Linear(self.DIM, self.DIM) for name in self.FIELDS})
        self.hidden, self.hidden_gate = nn.Linear(4 * self.DIM, 6), nn.Linear(6, 6, bias=False)
        self.mmoe = Mixture(6)

    def forward(self, b):
        fields = [e * torch.sigmoid(self.field_gates[name](e)) for name, e in zip(self.FIELDS, self.embedded(b))]
        h = torch.relu(self.hidden(torch.cat(fields, dim=1)))
        return sigmoids(self.mmoe.logits(h * torch.sigmoid(self.hidden_gate(h))))


def gatenet():
    fields = [node for name in GateNet.FIELDS for node in (
        {"name": f"{name}.gate", "layers": f"field_gates.{name}", "reads": [name], "activation": "sigmoid"},
        {"name": f"{name}.gated", "product": [name, f"{name}.gate"]})]
    return {
        **mixture("h"), "features": GateNet.features(),
        "nodes": [*fields,
                  {"name": "hidden", "layers": "hidden", "reads": [f"{name}.gated" for name in GateNet.FIELDS], **RELU},
                  {"name": "hidden.gate", "layers": "hidden_gate", "reads": "hidden", "activation": "sigmoid"},
                  {"name": "h", "product": ["hidden", "hidden.gate"]}]}


class Lhuc(Categories):
    """Learning hidden unit contributions (Swietojanski and Renals, 2014), as rankers have it: each hidden layer of a task's
    tower times 2 sigmoid of a number for each unit, which the user's embedding gives; here behind an MMoE."""

    def __init__(self):
        super().__init__()
        self.experts = pool(2, 4 * self.DIM)
        self.gates = nn.ModuleList(nn.Linear(4 * self.DIM, 2) for _ in TASKS)
        self.layers = nn.ModuleList(nn.ModuleList([nn.Linear(WIDTH, 6), nn.Linear(6, 4)]) for _ in TASKS)
        self.amplitudes = nn.ModuleList(nn.ModuleList(mlp([self.DIM, 3, n], last=False) for n in (6, 4)) for _ in TASKS)
        self.heads = nn.ModuleList(nn.Linear(4, 1) for _ in TASKS)

    def forward(self, b):
        embedded = self.embedded(b)
        x, logits = torch.cat(embedded, dim=1), []
        experts = [e(x) for e in self.experts]
        for gate, layers, amplitudes, head in zip(self.gates, self.layers, self.amplitudes, self.heads):
            h = mix(torch.softmax(gate(x), dim=1), experts)
            for layer, amplitude in zip(layers, amplitudes):
                h = 2 * torch.sigmoid(amplitude(embedded[0])) * torch.relu(layer(h))
            logits.append(head(h))
        return sigmoids(logits)


def lhuc():
    nodes, before = [], "gates"
    for i in range(2):
        nodes += [{"name": f"{{task}}.{i}", "layers": f"layers.{{task}}.{i}", "reads": before, **RELU},
                  {"name": f"{{task}}.amplitude.{i}", "layers": f"amplitudes.{{task}}.{i}.{{layer}}", "reads": ["user"],
                   "last_activation": "sigmoid", **RELU},
                  {"name": f"{{task}}.h{i}", "product": [f"{{task}}.{i}", f"{{task}}.amplitude.{i}"], "scale": 2}]
        before = f"{{task}}.h{i}"
    return {"features": Lhuc.features(),
            "levels": [{"experts": {"layers": "experts.{expert}.{layer}", **RELU}, "gates": {"logits": "gates.{task}"},
                        "nodes": nodes}],
            "towers": {"layers": "heads.{task}", "reads": before}, "tasks": tasks(*TASKS)}


def all_fixtures():
    yield Fixture("aitm_steps", "AITM", AitmSteps(), aitm_steps(), inputs=INPUTS)
    yield Fixture("escm2", "ESMM", Escm2(), escm2(), batch=Escm2.batch)
    yield Fixture("metaheac", "MetaHeac", MetaHeac(), metaheac(), batch=MetaHeac.batch)
    yield Fixture("home", "HoME", Home(), home(), inputs=INPUTS)
    yield Fixture("gatenet", "MMoE with nodes", GateNet(), gatenet(), batch=GateNet.batch)
    yield Fixture("lhuc", "MMoE with nodes", Lhuc(), lhuc(), batch=Lhuc.batch)
