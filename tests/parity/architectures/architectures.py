"""Every architecture of the family as a PyTorch module, with the description that says what its tensors mean."""

import torch
from torch import nn

from fixture import Fixture, mix, mlp, sigmoids, tasks, tower

INPUTS, WIDTH = 7, 6
EXPERTS = {"layers": "experts.{expert}.{layer}", "activation": "relu"}
TOWERS = {"layers": "towers.{task}.{layer}", "activation": "relu"}
CLICK_LIKE = tasks("click", "like")


def pool(count, inputs=INPUTS, hidden=9, width=WIDTH):
    return nn.ModuleList(mlp([inputs, hidden, width]) for _ in range(count))


class SharedBottom(nn.Module):
    def __init__(self):
        super().__init__()
        self.bottom = mlp([INPUTS, 9, WIDTH])
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        h = self.bottom(x)
        return sigmoids([t(h) for t in self.towers])


class Mmoe(nn.Module):
    """Ma et al., KDD 2018. One gate for all tasks: OMoE; one task: MoE; `trunk`: section 6 of the paper."""

    def __init__(self, num_tasks=2, num_gates=2, trunk=None, experts=4, gate_input=None, weigh=None):
        super().__init__()
        width = trunk or INPUTS
        self.trunk = mlp([INPUTS, trunk]) if trunk else nn.Identity()
        self.experts = pool(experts, width)
        self.gates = nn.ModuleList(nn.Linear(gate_input or width, experts) for _ in range(num_gates))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(num_tasks))
        self.weigh = weigh or (lambda logits: torch.softmax(logits, dim=1))

    def forward(self, x):
        x = self.trunk(x)
        outputs = [e(x) for e in self.experts]
        mixed = [mix(self.weigh(g(x)), outputs) for g in self.gates]
        return sigmoids([t(mixed[i if len(mixed) > 1 else 0]) for i, t in enumerate(self.towers)])


def mmoe_description(names=("click", "like"), logits="gates.{task}", **gate):
    return {"levels": [{"experts": EXPERTS, "gates": {"logits": logits, **gate}}], "towers": TOWERS,
            "tasks": tasks(*names)}


class StackedMmoe(nn.Module):
    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList()
        for inputs in (INPUTS, WIDTH):
            self.levels.append(nn.ModuleDict({
                "experts": pool(3, inputs), "gates": nn.ModuleList(nn.Linear(inputs, 3) for _ in range(2))}))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        # The second level's experts are shared: they read the first level's one stream, the mean of its gates'.
        first, second = self.levels
        outputs = [e(x) for e in first["experts"]]
        h = mix(torch.softmax(first["gates"][0](x), dim=1), outputs)
        outputs = [e(h) for e in second["experts"]]
        return sigmoids([t(mix(torch.softmax(g(h), dim=1), outputs)) for t, g in zip(self.towers, second["gates"])])


class SingleTasks(nn.Module):
    """A network per task. L2-Constrained (Duong et al. 2015) differs from it only in how it is trained."""

    def __init__(self, num_tasks):
        super().__init__()
        self.nets = nn.ModuleList(mlp([INPUTS, 9, WIDTH, 1], last=False) for _ in range(num_tasks))

    def forward(self, x):
        return sigmoids([n(x) for n in self.nets])


class CrossStitch(nn.Module):
    """Misra et al., CVPR 2016: a stitch matrix behind each layer."""

    def __init__(self):
        super().__init__()
        dims = [INPUTS, 8, WIDTH]
        self.layers = nn.ModuleList(
            nn.ModuleList(nn.Linear(dims[i], dims[i + 1]) for _ in range(3)) for i in range(2))
        self.stitch = nn.ParameterList(nn.Parameter(torch.eye(3)) for _ in range(2))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(3))

    def forward(self, x):
        streams = [x, x, x]
        for layers, stitch in zip(self.layers, self.stitch):
            h = torch.stack([torch.relu(l(s)) for l, s in zip(layers, streams)], dim=1)
            streams = list(torch.einsum("ts,bsd->btd", stitch, h).unbind(dim=1))
        return sigmoids([t(s) for t, s in zip(self.towers, streams)])


def cross_stitch_level(index):
    return {"experts": {"layers": "layers.{level}.{task}", "activation": "relu"},
            "gates": {"constant": "stitch.{level}", "per": "task", "mixes": [{"pool": "experts", "tasks": "all"}]}}


class TensorFactorization(nn.Module):
    """Hidden layers' weights of all tasks as one tensor in Tucker's form (Yang and Hospedales, ICLR 2017)."""

    def __init__(self):
        super().__init__()
        dims = [INPUTS, 8, WIDTH]
        self.hidden = nn.ModuleList()
        for rows, cols in zip(dims[1:], dims):
            self.hidden.append(nn.ParameterDict({
                "core": nn.Parameter(torch.zeros(4, 5, 2)), "out": nn.Parameter(torch.zeros(rows, 4)),
                "in": nn.Parameter(torch.zeros(cols, 5)), "task": nn.Parameter(torch.zeros(2, 2)),
                "bias": nn.Parameter(torch.zeros(2, rows))}))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        logits = []
        for t, head in enumerate(self.towers):
            h = x
            for layer in self.hidden:
                weight = torch.einsum("abc,oa,ib,c->oi", layer["core"], layer["out"], layer["in"], layer["task"][t])
                h = torch.relu(h @ weight.T + layer["bias"][t])
            logits.append(head(h))
        return sigmoids(logits)


class Cgc(nn.Module):
    """One level of PLE (Tang et al., RecSys 2020): a task's gate mixes its own experts, then the shared ones."""

    def __init__(self, inputs, gate_inputs=None, shared_gate=False):
        super().__init__()
        gate_inputs = gate_inputs or inputs
        self.specific = nn.ModuleList(pool(2, inputs) for _ in range(2))
        self.shared = pool(3, inputs)
        self.gates = nn.ModuleList(nn.Linear(gate_inputs, 5) for _ in range(2))
        if shared_gate:
            self.shared_gate = nn.Linear(gate_inputs, 7)

    def forward(self, streams, gate_streams):
        """Streams of the tasks and the shared one -> the same."""
        specific = [[e(s) for e in experts] for experts, s in zip(self.specific, streams)]
        shared = [e(streams[2]) for e in self.shared]
        out = [mix(torch.softmax(g(s), dim=1), own + shared) for g, own, s in zip(self.gates, specific, gate_streams)]
        if hasattr(self, "shared_gate"):
            out.append(mix(torch.softmax(self.shared_gate(gate_streams[2]), dim=1), sum(specific, []) + shared))
        return out


class Ple(nn.Module):
    """`dead`: the last level has a shared gate that nothing reads, as some libraries leave it."""

    def __init__(self, levels, gates_read_x=False, dead=False):
        super().__init__()
        self.gates_read_x = gates_read_x
        self.levels = nn.ModuleList(
            Cgc(INPUTS if i == 0 else WIDTH, INPUTS if gates_read_x else None, dead or i + 1 < levels)
            for i in range(levels))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        streams = [x, x, x]
        for level in self.levels:
            streams = level(streams, [x, x, x] if self.gates_read_x else streams)
        return sigmoids([t(s) for t, s in zip(self.towers, streams)])


def cgc_level(shared_gate=False, **reads):
    gates = [{"name": "task", "logits": "levels.{level}.gates.{task}", **reads}]
    if shared_gate:
        gates.append({"name": "shared", "logits": "levels.{level}.shared_gate", **reads})
    return {"experts": [
        {"name": "specific", "layers": "levels.{level}.specific.{task}.{expert}.{layer}", "activation": "relu"},
        {"name": "shared", "layers": "levels.{level}.shared.{expert}.{layer}", "activation": "relu"}], "gates": gates}


class FlatPle(nn.Module):
    """Task-specific and shared experts under one running number, shared first in the gates' columns, gates with
    a batch norm and without bias."""

    def __init__(self):
        super().__init__()
        self.experts = pool(2 * 2 + 3)
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(INPUTS, 5, bias=False), nn.BatchNorm1d(5), nn.Softmax(dim=1)) for _ in range(2))
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, x):
        h = [e(x) for e in self.experts]
        return sigmoids([t(mix(g(x), h[4:] + h[2 * i:2 * i + 2]))
                         for i, (t, g) in enumerate(zip(self.towers, self.gates))])


class Esmm(nn.Module):
    """Ma et al., SIGIR 2018: pCTCVR = pCTR * pCVR."""

    def __init__(self):
        super().__init__()
        self.ctr = mlp([INPUTS, 8, WIDTH, 1], last=False)
        self.cvr = mlp([INPUTS, 8, WIDTH, 1], last=False)

    def forward(self, x):
        ctr, cvr = torch.sigmoid(self.ctr(x)), torch.sigmoid(self.cvr(x))
        return torch.cat([ctr, cvr, ctr * cvr], dim=1)


def softmax_of_top_k(logits):
    values, chosen = logits.topk(2, dim=1)
    return torch.zeros_like(logits).scatter(1, chosen, torch.softmax(values, dim=1))


def top_k_of_softmax(renormalise):
    def weigh(logits):
        values, chosen = torch.softmax(logits, dim=1).topk(2, dim=1)
        if renormalise:
            values = values / values.sum(dim=1, keepdim=True)
        return torch.zeros_like(logits).scatter(1, chosen, values)
    return weigh


def networks(count, **more):
    names = ("click", "like", "share")[:count]
    return {"towers": {"layers": "nets.{task}.{layer}", "activation": "relu"}, "tasks": tasks(*names), **more}


def fixtures():
    stacked = [
        {"experts": {**EXPERTS, "layers": "levels.{level}.experts.{expert}.{layer}"},
         "gates": {"logits": "levels.{level}.gates.0"}},
        {"experts": {**EXPERTS, "layers": "levels.{level}.experts.{expert}.{layer}"},
         "gates": {"logits": "levels.{level}.gates.{task}"}}]
    flat = [
        {"name": "specific", "layers": "experts.{expert}.{layer}", "activation": "relu", "per": "task", "num_experts": 2},
        {"name": "shared", "layers": "experts.{expert}.{layer}", "activation": "relu", "first_expert": 4}]
    towers = {"towers": TOWERS, "tasks": CLICK_LIKE}
    yield "shared_bottom", "Shared-Bottom", SharedBottom(), {
        "trunk": {"layers": "bottom.{layer}", "activation": "relu"}, **towers}
    yield "single_task", "Single-Task", SingleTasks(1), networks(1)
    yield "l2_constrained", "L2-Constrained", SingleTasks(2), networks(2, architecture="L2-Constrained")
    yield "cross_stitch", "Cross-Stitch", CrossStitch(), {
        "levels": [cross_stitch_level(0), cross_stitch_level(1)], "towers": TOWERS,
        "tasks": tasks("click", "like", "share")}
    yield "tensor_factorization", "Tensor-Factorization", TensorFactorization(), {
        "derived": [
            {"name": "hidden.{layer}.{task}.weight",
             "tucker": {"core": "hidden.{layer}.core",
                        "factors": ["hidden.{layer}.out", "hidden.{layer}.in", "hidden.{layer}.task"]}},
            {"name": "hidden.{layer}.{task}.bias", "split": "hidden.{layer}.bias"}],
        "levels": [{"experts": {"layers": "hidden.{layer}.{task}", "activation": "relu"},
                    "gates": {"constant": [1], "per": "task"}}], **towers}
    yield "moe", "MoE", Mmoe(1, 1), mmoe_description(("click",))
    yield "omoe", "OMoE", Mmoe(2, 1), mmoe_description(logits="gates.0")
    yield "mmoe", "MMoE", Mmoe(), mmoe_description()
    yield "mmoe_trunk", "MMoE on a shared trunk", Mmoe(trunk=10), {
        "trunk": {"layers": "trunk.{layer}", "activation": "relu"}, **mmoe_description()}
    yield "stacked_mmoe", "stacked MMoE", StackedMmoe(), {"levels": stacked, "ignore": ["levels.0.gates.1.*"], **towers}
    yield "top_k_softmax_of_top_k", "top-k MMoE", Mmoe(weigh=softmax_of_top_k), mmoe_description(top_k=2)
    yield "top_k_of_softmax", "top-k MMoE", Mmoe(weigh=top_k_of_softmax(False)), mmoe_description(
        top_k=2, top_k_mode="top_k_of_softmax")
    yield "top_k_renormalised", "top-k MMoE", Mmoe(weigh=top_k_of_softmax(True)), mmoe_description(
        top_k=2, top_k_mode="top_k_of_softmax_renormalised")
    yield "cgc", "CGC", Ple(1), {"levels": [cgc_level()], **towers}
    yield "ple", "PLE", Ple(3), {"levels": [cgc_level(True), cgc_level(True), cgc_level()], **towers}
    yield "ple_gates_read_x", "PLE", Ple(2, gates_read_x=True), {
        "levels": [cgc_level(True, reads="input"), cgc_level(reads="input")], **towers}
    yield "ple_dead_gate", "PLE", Ple(2, dead=True), {
        "levels": [cgc_level(True), cgc_level()], "ignore": ["levels.1.shared_gate.*"], **towers}
    yield "cgc_flat_numbers", "CGC", FlatPle(), {
        "levels": [{"experts": flat, "gates": {"logits": "gates.{task}.0", "batch_norm": "gates.{task}.1",
                                               "mixes": ["shared", "specific"]}}], **towers}
    yield "esmm", "ESMM", Esmm(), {
        "towers": {"layers": "{task}.{layer}", "activation": "relu"},
        "tasks": tasks("ctr", "cvr") + [{"name": "ctcvr", "link": {"product": ["ctr", "cvr"]}}]}


def all_fixtures():
    for name, architecture, module, description in fixtures():
        yield Fixture(name, architecture, module, description, inputs=INPUTS)
