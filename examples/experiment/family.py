"""The family's architectures, many independent networks ("runs") at a time.

A network of the paper's size is far too small for a processor that likes large matrices. Here `runs`
networks of one shape and different weights are computed side by side: every parameter has the run as its
first axis, every product is one batched product. Runs do not see each other: each has its own seed, labels
and learning rate, and what it learns is what it would learn alone.

    network = make({"architecture": "mmoe", "experts": 8, "hidden": [16], "tower": [8]},
                   seeds=range(10), input_dim=100, tasks=2)
    logits = network(x)                    # x: [batch, input_dim], or [runs, batch, input_dim]
    weights = network.state_of_run(3)      # names and shapes as of torch.nn.Linear
    description = network.description(["y1", "y2"], "identity")  # what mmoe-convert reads beside the weights
"""

import math

import torch
from torch import nn


def grouped(x, weight, bias):
    """x W + b for groups of layers.

    x: [batch, in], [runs, batch, in] or [runs, batch, groups, in]; weight: [runs, groups, in, out];
    bias: [runs, groups, out]. Returns [runs, batch, groups, out].
    """
    runs, groups, inputs, outputs = weight.shape
    if x.dim() == 2:
        flat = weight.permute(2, 0, 1, 3).reshape(inputs, -1)
        y = (x @ flat).view(-1, runs, groups, outputs).transpose(0, 1)
    elif x.dim() == 3:
        flat = weight.transpose(1, 2).reshape(runs, inputs, groups * outputs)
        y = torch.bmm(x, flat).view(runs, -1, groups, outputs)
    else:
        rows = x.transpose(1, 2).reshape(runs * groups, -1, inputs)
        y = torch.bmm(rows, weight.reshape(runs * groups, inputs, outputs))
        y = y.view(runs, groups, -1, outputs).transpose(1, 2)
    return y + bias.unsqueeze(1)


def uniform(seeded, shape, bound):
    """[runs, *shape], each run from its own generator."""
    return torch.stack([torch.rand(shape, generator=g) * (2 * bound) - bound for g in seeded])


class Dense(nn.Module):
    """`groups` linear layers of equal shape per run, started as torch.nn.Linear starts them."""

    def __init__(self, seeded, groups, inputs, outputs):
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(uniform(seeded, (groups, inputs, outputs), bound))
        self.bias = nn.Parameter(uniform(seeded, (groups, outputs), bound))

    def forward(self, x):
        return grouped(x, self.weight, self.bias)

    def tensors(self, run, name):
        """{name.format(group).weight: [out, in], ....bias: [out]} of one run."""
        found = {}
        for group in range(self.weight.shape[1]):
            module = name.format(group)
            found[module + ".weight"] = self.weight[run, group].detach().t().contiguous()
            found[module + ".bias"] = self.bias[run, group].detach().clone()
        return found


class Layers(nn.Module):
    """Dense layers behind each other with ReLU between, and behind the last unless `last_linear`."""

    def __init__(self, seeded, groups, dims, last_linear=False):
        super().__init__()
        self.layers = nn.ModuleList(Dense(seeded, groups, i, o) for i, o in zip(dims, dims[1:]))
        self.last_linear = last_linear

    def forward(self, x):
        """Like grouped(); without layers x itself."""
        for number, layer in enumerate(self.layers, 1):
            x = layer(x)
            if not (self.last_linear and number == len(self.layers)):
                x = torch.relu(x)
        return x

    def tensors(self, run, prefix):
        """Modules prefix.<group>.<layer>."""
        found = {}
        for number, layer in enumerate(self.layers):
            found.update(layer.tensors(run, f"{prefix}.{{}}.{number}"))
        return found


class Network(nn.Module):
    """Logits [runs, batch, tasks] of x; what all architectures share: seeds, a trunk, towers."""

    def __init__(self, config, seeds, input_dim, tasks):
        super().__init__()
        self.config, self.seeds, self.tasks = dict(config), list(seeds), tasks
        self.runs, self.input_dim = len(self.seeds), input_dim
        self.seeded = [torch.Generator().manual_seed(int(seed)) for seed in self.seeds]
        trunk = [input_dim, *config.get("trunk", [])]
        self.trunk = Layers(self.seeded, 1, trunk)
        width = self.build(trunk[-1])
        self.towers = Layers(self.seeded, tasks, [width, *config["tower"], 1], last_linear=True)
        del self.seeded

    def build(self, inputs):
        """Makes what stands between trunk and towers; its width."""
        raise NotImplementedError

    def streams(self, x):
        """Trunk's output [runs, batch, inputs] or x -> [runs, batch, tasks, width]."""
        raise NotImplementedError

    def forward(self, x):
        if len(self.trunk.layers):
            x = self.trunk(x).squeeze(2)
        return self.towers(self.streams(x)).squeeze(3)

    def penalty(self):
        """What the architecture adds to each run's loss, [runs]."""
        return torch.zeros(self.runs)

    def shared_everywhere(self, x):
        """[runs, batch, 1, width] as every task's."""
        return x.expand(-1, -1, self.tasks, -1)

    def middle_tensors(self, run):
        raise NotImplementedError

    def middle_description(self):
        raise NotImplementedError

    def state_of_run(self, run):
        """{name: float32 tensor} of one run's network, as a state dict of torch.nn.Linear layers has it."""
        trunk = {name.replace("trunk.0.", "trunk."): tensor
                 for name, tensor in self.trunk.tensors(run, "trunk").items()}
        return {**trunk, **self.middle_tensors(run), **self.towers.tensors(run, "towers")}

    def description(self, names, link, name="model"):
        """The description that mmoe-convert reads. names: of the tasks; link: one for all, or a list."""
        links = [link] * self.tasks if isinstance(link, str) else link
        trunk = {"trunk": {"layers": "trunk.{layer}", "activation": "relu"}} if len(self.trunk.layers) else {}
        return {"mmoe_description": 1, "name": name, **trunk, **self.middle_description(),
                "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
                "tasks": [{"name": n, "link": l} for n, l in zip(names, links)]}

    def parameters_per_run(self):
        return sum(p[0].numel() for p in self.parameters())


class SharedBottom(Network):
    """Caruana 1997; figure 1 (a) of the paper. config: hidden."""

    def build(self, inputs):
        dims = [inputs, *self.config["hidden"]]
        self.bottom = Layers(self.seeded, 1, dims)
        return dims[-1]

    def streams(self, x):
        return self.shared_everywhere(self.bottom(x))

    def middle_tensors(self, run):
        first = len(self.trunk.layers)
        found = {}
        for number, layer in enumerate(self.bottom.layers, first):
            found.update(layer.tensors(run, f"trunk.{number}"))
        return found

    def middle_description(self):
        return {"trunk": {"layers": "trunk.{layer}", "activation": "relu"}}


class Mixture(Network):
    """Experts and softmax gates: a gate per task (MMoE), or one for all (OMoE; Jacobs et al. 1991). The gates have
    a bias, which the paper's formula leaves out. config: experts, hidden (of an expert)."""

    def build(self, inputs):
        dims = [inputs, *self.config["hidden"]]
        self.experts = Layers(self.seeded, self.config["experts"], dims)
        gates = 1 if self.config["architecture"] == "omoe" else self.tasks
        self.gates = Dense(self.seeded, gates, inputs, self.config["experts"])
        return dims[-1]

    def gate_weights(self, x):
        """[runs, batch, gates, experts]; they sum to 1."""
        return torch.softmax(self.gates(x), dim=3)

    def streams(self, x):
        mixed = torch.matmul(self.gate_weights(x), self.experts(x))
        return mixed if mixed.shape[2] == self.tasks else self.shared_everywhere(mixed)

    def middle_tensors(self, run):
        return {**self.experts.tensors(run, "experts"), **self.gates.tensors(run, "gates.{}")}

    def middle_description(self):
        logits = "gates.0" if self.config["architecture"] == "omoe" else "gates.{task}"
        return {"levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                            "gates": {"logits": logits}}]}


class Separate(Network):
    """A network per task. With `penalty` (alpha) L2-Constrained (Duong et al., ACL 2015): alpha times the
    squared distance of the tasks' weights; without it, and one task, Single-Task. config: hidden, penalty."""

    def build(self, inputs):
        dims = [inputs, *self.config["hidden"]]
        self.hidden = Layers(self.seeded, self.tasks, dims)
        return dims[-1]

    def streams(self, x):
        return self.hidden(x)

    def penalty(self):
        alpha = self.config.get("penalty", 0)
        if not alpha:
            return super().penalty()
        pairs = [(a, b) for a in range(self.tasks) for b in range(a)]
        return alpha * sum((p[:, a] - p[:, b]).square().flatten(1).sum(1)
                           for p in self.parameters() for a, b in pairs)

    def middle_tensors(self, run):
        return self.hidden.tensors(run, "hidden")

    def middle_description(self):
        return {"levels": [{"experts": {"layers": "hidden.{task}.{layer}", "activation": "relu"},
                            "gates": {"constant": [1], "per": "task"}}]}


class CrossStitch(Network):
    """Misra et al., CVPR 2016: behind each layer, tasks' outputs are mixed by a matrix that is learned.
    config: hidden, `stitch` (weight that a task gives its own output at the start; default 0.9)."""

    def build(self, inputs):
        dims = [inputs, *self.config["hidden"]]
        self.hidden = nn.ModuleList(
            Dense(self.seeded, self.tasks, i, o) for i, o in zip(dims, dims[1:]))
        own = self.config.get("stitch", 0.9)
        start = torch.full((self.tasks, self.tasks), (1 - own) / max(1, self.tasks - 1))
        start.fill_diagonal_(own)
        self.stitches = nn.ParameterList(
            nn.Parameter(start.repeat(self.runs, 1, 1)) for _ in self.hidden)
        return dims[-1]

    def streams(self, x):
        for layer, stitch in zip(self.hidden, self.stitches):
            x = torch.matmul(stitch.unsqueeze(1), torch.relu(layer(x)))
        return x

    def middle_tensors(self, run):
        found = {}
        for number, (layer, stitch) in enumerate(zip(self.hidden, self.stitches)):
            found.update(layer.tensors(run, f"hidden.{number}.{{}}"))
            found[f"stitch.{number}"] = stitch[run].detach().clone()
        return found

    def middle_description(self):
        level = {"experts": {"layers": "hidden.{level}.{task}", "activation": "relu"},
                 "gates": {"constant": "stitch.{level}", "per": "task",
                           "mixes": [{"pool": "experts", "tasks": "all"}]}}
        return {"levels": [level] * len(self.hidden)}


class TensorFactorisation(Network):
    """Yang and Hospedales, ICLR 2017: a hidden layer's weights of all tasks are one tensor in Tucker's form.
    config: hidden, `ranks` (outputs, inputs, tasks)."""

    def build(self, inputs):
        dims = [inputs, *self.config["hidden"]]
        self.hidden = nn.ModuleList(
            self.factors(i, o, self.config["ranks"]) for i, o in zip(dims, dims[1:]))
        return dims[-1]

    def factors(self, inputs, outputs, ranks):
        """Started so that the composed weights have the variance of torch.nn.Linear's, 1 / (3 inputs)."""
        a, b, c = (min(r, n) for r, n in zip(ranks, (outputs, inputs, self.tasks)))
        shapes = {"core": (a, b, c), "out": (outputs, a), "in": (inputs, b), "task": (self.tasks, c)}
        # A product of four factors of variance v each, summed over a b c terms, has variance v^4 a b c.
        bound = math.sqrt(3) * (1 / (3 * inputs * a * b * c)) ** (1 / 8)
        found = {name: nn.Parameter(uniform(self.seeded, shape, bound)) for name, shape in shapes.items()}
        bias = uniform(self.seeded, (self.tasks, outputs), 1 / math.sqrt(inputs))
        return nn.ParameterDict({**found, "bias": nn.Parameter(bias)})

    def streams(self, x):
        for f in self.hidden:
            weight = torch.einsum("rabc,roa->rboc", f["core"], f["out"])
            weight = torch.einsum("rboc,rtc->rbot", weight, f["task"])
            weight = torch.einsum("rbot,rib->rtio", weight, f["in"])
            x = torch.relu(grouped(x, weight, f["bias"]))
        return x

    def middle_tensors(self, run):
        return {f"hidden.{number}.{name}": tensor[run].detach().clone()
                for number, factors in enumerate(self.hidden) for name, tensor in factors.items()}

    def middle_description(self):
        module = "hidden.{layer}."
        factors = [module + name for name in ("out", "in", "task")]
        return {"derived": [
                    {"name": module + "{task}.weight", "tucker": {"core": module + "core", "factors": factors}},
                    {"name": module + "{task}.bias", "split": module + "bias"}],
                "levels": [{"experts": {"layers": "hidden.{layer}.{task}", "activation": "relu"},
                            "gates": {"constant": [1], "per": "task"}}]}


class Cgc(nn.Module):
    """One level of PLE (Tang et al., RecSys 2020): each task's gate mixes its own experts, then the shared."""

    def __init__(self, seeded, tasks, dims, specific, shared, last):
        super().__init__()
        self.tasks, self.own = tasks, specific
        inputs = dims[0]
        self.specific = nn.ModuleList(Layers(seeded, specific, dims) for _ in range(tasks))
        self.shared = Layers(seeded, shared, dims)
        self.gates = nn.ModuleList(Dense(seeded, 1, inputs, specific + shared) for _ in range(tasks))
        if not last:
            self.shared_gate = Dense(seeded, 1, inputs, tasks * specific + shared)

    def forward(self, streams):
        """Streams of the tasks and the shared one -> the same; each [runs, batch, width], or x."""
        own = [layers(s) for layers, s in zip(self.specific, streams)]
        shared = self.shared(streams[-1])
        mixed = [mix(gate(s), torch.cat([o, shared], dim=2)) for gate, o, s in zip(self.gates, own, streams)]
        if hasattr(self, "shared_gate"):
            mixed.append(mix(self.shared_gate(streams[-1]), torch.cat([*own, shared], dim=2)))
        return mixed

    def tensors(self, run, prefix):
        found = self.shared.tensors(run, prefix + ".shared")
        for task, (layers, gate) in enumerate(zip(self.specific, self.gates)):
            found.update(layers.tensors(run, f"{prefix}.specific.{task}"))
            found.update(gate.tensors(run, f"{prefix}.gates.{task}"))
        if hasattr(self, "shared_gate"):
            found.update(self.shared_gate.tensors(run, f"{prefix}.shared_gate"))
        return found


def mix(logits, experts):
    """logits: [runs, batch, 1, experts]; experts: [runs, batch, experts, width] -> [runs, batch, width]."""
    return torch.matmul(torch.softmax(logits, dim=3), experts).squeeze(2)


class Ple(Network):
    """config: levels, specific and shared (experts per level), hidden (of an expert)."""

    def build(self, inputs):
        levels, hidden = self.config["levels"], self.config["hidden"]
        self.levels = nn.ModuleList()
        for level in range(levels):
            dims = [inputs if level == 0 else hidden[-1], *hidden]
            self.levels.append(Cgc(self.seeded, self.tasks, dims, self.config["specific"],
                                   self.config["shared"], level + 1 == levels))
        return hidden[-1]

    def streams(self, x):
        streams = [x] * (self.tasks + 1)
        for level in self.levels:
            streams = level(streams)
        return torch.stack(streams[:self.tasks], dim=2)

    def middle_tensors(self, run):
        found = {}
        for number, level in enumerate(self.levels):
            found.update(level.tensors(run, f"levels.{number}"))
        return found

    def middle_description(self):
        experts = [{"name": name, "layers": f"levels.{{level}}.{pattern}.{{expert}}.{{layer}}", "activation": "relu"}
                   for name, pattern in (("specific", "specific.{task}"), ("shared", "shared"))]
        task_gate = {"name": "task", "logits": "levels.{level}.gates.{task}"}
        shared_gate = {"name": "shared", "logits": "levels.{level}.shared_gate"}
        return {"levels": [{"experts": experts, "gates": [task_gate] + [shared_gate] * (number + 1 < len(self.levels))}
                           for number in range(len(self.levels))]}


ARCHITECTURES = {
    "single_task": Separate, "shared_bottom": SharedBottom, "l2_constrained": Separate, "cross_stitch": CrossStitch,
    "tensor_factorisation": TensorFactorisation, "omoe": Mixture, "mmoe": Mixture, "ple": Ple}


def make(config, seeds, input_dim, tasks):
    """The networks of `config`, one per seed. config: "architecture" and what its class names; "tower": hidden
    units of a task's tower; "trunk": shared layers before it all (default none)."""
    return ARCHITECTURES[config["architecture"]](config, seeds, input_dim, tasks)
