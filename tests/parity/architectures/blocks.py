"""Building blocks, each in a small MMoE: gates, normalisations, activations, heads."""

import torch
from torch import nn

from architectures import CLICK_LIKE, INPUTS, TOWERS, WIDTH
from fixture import Fixture, mix, mlp, sigmoids, tasks, tower

HIDDEN = 9


class Blocks(nn.Module):
    """An MMoE of given experts and gates (a module from x to logits each)."""

    def __init__(self, experts, gates, temperature=1.0, head=None):
        super().__init__()
        self.experts, self.gates, self.temperature = nn.ModuleList(experts), nn.ModuleList(gates), temperature
        self.towers = nn.ModuleList(head() if head else tower(WIDTH) for _ in gates)
        self.link = sigmoids

    def forward(self, x):
        outputs = [e(x) for e in self.experts]
        return self.link([t(mix(torch.softmax(g(x) / self.temperature, dim=1), outputs))
                          for t, g in zip(self.towers, self.gates)])


def gates(make=lambda: nn.Linear(INPUTS, 2)):
    return [make(), make()]


def two(make):
    return [make(), make()]


def description(experts=None, gate=None, **more):
    experts = {"layers": "experts.{expert}.{layer}", "activation": "relu", **(experts or {})}
    return {"levels": [{"experts": experts, "gates": {"logits": "gates.{task}", **(gate or {})}}], "towers": TOWERS,
            "tasks": CLICK_LIKE, **more}


def sequence(activation, norm=None, norm_last=False):
    """Linear, then what comes before and what comes after the activation, twice."""
    layers = []
    for i, o in ((INPUTS, HIDDEN), (HIDDEN, WIDTH)):
        layers += [nn.Linear(i, o)]
        layers += ([norm(o)] if norm and not norm_last else []) + [activation(o)] + ([norm(o)] if norm_last else [])
    return nn.Sequential(*layers)


class DiceBatch(nn.Module):
    """Over the batch's running statistics: with scale and shift (DeepCTR-Torch) or without (DeepCTR, FuxiCTR)."""

    def __init__(self, width, affine, epsilon):
        super().__init__()
        self.bn = nn.BatchNorm1d(width, eps=epsilon, affine=affine)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        p = torch.sigmoid(self.bn(x))
        return self.alpha * (1 - p) * x + p * x


class DiceRow(nn.Module):
    """Over the row's own outputs, the sum of the squares in place of the variance (torch-rechub)."""

    def __init__(self, _):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        mean = x.mean(dim=1, keepdim=True)
        variance = ((x - mean) ** 2 + 1e-3).sum(dim=1, keepdim=True)
        p = torch.sigmoid((x - mean) / torch.sqrt(variance))
        return p * x + (1 - p) * self.alpha * x


ACTIVATIONS = {
    "linear": (lambda _: nn.Identity(), "linear"),
    "leaky_relu": (lambda _: nn.LeakyReLU(0.02), {"kind": "leaky_relu", "alpha": 0.02}),
    "elu": (lambda _: nn.ELU(0.7), {"kind": "elu", "alpha": 0.7}),
    "selu": (lambda _: nn.SELU(), "selu"),
    "gelu": (lambda _: nn.GELU(), "gelu"),
    "gelu_tanh": (lambda _: nn.GELU(approximate="tanh"), "gelu_tanh"),
    "silu": (lambda _: nn.SiLU(), "silu"),
    "tanh": (lambda _: nn.Tanh(), "tanh"),
    "sigmoid": (lambda _: nn.Sigmoid(), "sigmoid"),
    "softplus": (lambda _: nn.Softplus(), "softplus"),
}


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


# Two at a time: behind the first layer and behind the second.
PAIRS = {
    "celu_mish": ((nn.CELU(0.6), {"kind": "celu", "alpha": 0.6}), (nn.Mish(), "mish")),
    "hard_swish_hard_sigmoid": ((nn.Hardswish(), "hard_swish"),
                                (nn.Hardsigmoid(), {"kind": "hard_sigmoid", "alpha": 1 / 6})),
    "relu6_hardtanh": ((nn.ReLU6(), "relu6"), (nn.Hardtanh(-0.5, 2), {"kind": "hardtanh", "min": -0.5, "max": 2})),
    "quick_gelu_swish": ((Function(lambda x: x * torch.sigmoid(1.702 * x)), "quick_gelu"),
                         (Function(lambda x: x * torch.sigmoid(0.5 * x)), {"kind": "swish", "alpha": 0.5})),
    "softsign_exp": ((nn.Softsign(), "softsign"), (Function(torch.exp), "exp")),
    "log_sigmoid_threshold": ((nn.LogSigmoid(), "log_sigmoid"),
                              (nn.Threshold(0.1, -0.3), {"kind": "threshold", "threshold": 0.1, "value": -0.3})),
    "squared_relu_softplus": ((Function(lambda x: torch.relu(x) ** 2), "squared_relu"),
                              (nn.Softplus(beta=2.5), {"kind": "softplus", "beta": 2.5})),
}


def pair(first, second):
    layers = [nn.Linear(INPUTS, HIDDEN), first, nn.Linear(HIDDEN, WIDTH), second]
    return nn.Sequential(*layers)


class DiceDeviation(DiceRow):
    """The same, divided by the deviation."""

    def forward(self, x):
        p = torch.sigmoid(nn.functional.layer_norm(x, x.shape[1:], eps=1e-4))
        return p * x + (1 - p) * self.alpha * x


class ScaledGates(Blocks):
    """Constants behind the softmax of the two largest, a vector per task."""

    def __init__(self, *args):
        super().__init__(*args)
        self.scales = nn.ParameterList(nn.Parameter(torch.zeros(3)) for _ in self.gates)

    def forward(self, x):
        outputs = [e(x) for e in self.experts]

        def weights(gate, scales):
            values, chosen = gate(x).topk(2, dim=1)
            kept = torch.zeros(len(x), 3).scatter(1, chosen, torch.softmax(values, dim=1))
            return kept * scales
        return self.link([t(mix(weights(g, s), outputs)) for t, g, s in zip(self.towers, self.gates, self.scales)])


class SigmoidGates(Blocks):
    def forward(self, x):
        outputs = [e(x) for e in self.experts]
        return self.link([t(mix(torch.sigmoid(g(x)), outputs)) for t, g in zip(self.towers, self.gates)])


class SmoothStepGates(Blocks):
    """DSelect-k (Hazimeh et al. 2021, section 3): two selectors of one of three experts, by two bits each."""

    def __init__(self, experts, gamma, static):
        super().__init__(experts, gates(nn.Identity))
        self.gamma = gamma
        make = (lambda n: nn.Parameter(torch.zeros(n))) if static else (lambda n: nn.Linear(INPUTS, n))
        kind = nn.ParameterList if static else nn.ModuleList
        self.z, self.w = kind(make(4) for _ in self.gates), kind(make(2) for _ in self.gates)

    def step(self, t):
        inside = -2 / self.gamma ** 3 * t ** 3 + 3 / (2 * self.gamma) * t + 0.5
        return torch.where(t <= -self.gamma / 2, 0, torch.where(t >= self.gamma / 2, 1, inside))

    def weights(self, x, z, w):
        z, w = (part.expand(len(x), -1) if isinstance(part, nn.Parameter) else part(x) for part in (z, w))
        first, second = self.step(z.view(-1, 2, 2)).unbind(2)
        parts = torch.stack([(1 - first) * (1 - second), (1 - first) * second, first * (1 - second)], dim=2)
        return (torch.softmax(w, dim=1).unsqueeze(2) * parts).sum(1)

    def forward(self, x):
        outputs = [e(x) for e in self.experts]
        return self.link([t(mix(self.weights(x, z, w), outputs)) for t, z, w in zip(self.towers, self.z, self.w)])


class UniformGates(Blocks):
    def forward(self, x):
        mean = torch.stack([e(x) for e in self.experts]).mean(dim=0)
        return self.link([t(mean) for t in self.towers])


class SeparateBias(nn.Module):
    """A last layer without bias, and a scalar one of its own (DeepCTR)."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList(mlp([INPUTS, WIDTH]) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(INPUTS, 2, bias=False) for _ in range(2))
        self.towers = nn.ModuleList(mlp([WIDTH, 5]) for _ in range(2))
        self.final = nn.ModuleList(nn.Linear(5, 1, bias=False) for _ in range(2))
        self.out = nn.ModuleList(nn.ParameterDict({"bias": nn.Parameter(torch.zeros(1))}) for _ in range(2))

    def forward(self, x):
        outputs = [e(x) for e in self.experts]
        return sigmoids([f(t(mix(torch.softmax(g(x), dim=1), outputs))) + o["bias"]
                         for g, t, f, o in zip(self.gates, self.towers, self.final, self.out)])


def heads():
    """Three classes of which each is a score, two of which the second is, and a value."""
    def link(logits):
        return torch.cat([torch.softmax(logits[0], dim=1), torch.softmax(logits[1], dim=1)[:, 1:], logits[2]], dim=1)
    module = Blocks(two(lambda: mlp([INPUTS, WIDTH])), [nn.Linear(INPUTS, 2) for _ in range(3)])
    module.towers = nn.ModuleList(mlp([WIDTH, 5, n], last=False) for n in (3, 2, 1))
    module.link = link
    return module, {**description(), "tasks": [
        {"name": "low", "link": {"softmax_column": 0}},
        {"name": "middle", "link": {"softmax_column": 1, "tower": "low"}},
        {"name": "high", "link": {"softmax_column": 2, "tower": "low"}},
        {"name": "click", "link": {"softmax_column": 1}},
        {"name": "price", "link": "identity"}]}


def links():
    """Several scores of one tower, classes as logarithms and as their mean, a product with a factor that is no score."""
    def link(logits):
        stars, click, amount = logits
        p = torch.sigmoid(click)
        columns = [torch.log_softmax(stars, dim=1)[:, 2:3], torch.softmax(stars, dim=1) @ torch.tensor([[0.1], [0.5], [1]]),
                   torch.tanh(stars[:, 1:2]), click, p, 1 - p, torch.clamp(0.5 * p + 0.25, max=0.6),
                   p * torch.nn.functional.softplus(amount)]
        return torch.cat(columns, dim=1)
    module = Blocks(two(lambda: mlp([INPUTS, WIDTH])), [nn.Linear(INPUTS, 2) for _ in range(3)])
    module.towers = nn.ModuleList(mlp([WIDTH, 5, n], last=False) for n in (3, 1, 1))
    module.link = link
    return module, {**description(), "tasks": [
        {"name": "log high", "link": {"log_softmax_column": 2}},
        {"name": "stars", "link": {"expected_value": [0.1, 0.5, 1], "tower": "log high"}},
        {"name": "middle", "link": {"column": 1, "activation": "tanh", "tower": "log high"}},
        {"name": "logit", "link": "identity"},
        {"name": "click", "link": {"activation": "sigmoid", "tower": "logit"}},
        {"name": "no click", "link": {"activation": "sigmoid", "scale": -1, "shift": 1, "tower": "logit"}},
        {"name": "bounded", "link": {"activation": "sigmoid", "scale": 0.5, "shift": 0.25, "clamp": [None, 0.6],
                                     "tower": "logit"}},
        {"name": "amount", "link": "softplus", "output": False},
        {"name": "spent", "link": {"product": ["click", "amount"]}}]}


def normed(norm, position, module, last, **more):
    """`norm` is batch_norm or layer_norm."""
    experts = {norm: "experts.{expert}.{layer}", f"{norm}_position": position, **more}
    return Blocks(two(lambda: sequence(lambda _: nn.ReLU(), module, last)), gates()), description(experts)


def fixtures():
    relu = two(lambda: mlp([INPUTS, HIDDEN, WIDTH]))
    yield "gate_hidden", Blocks(relu, gates(lambda: mlp([INPUTS, 5, 4, 2], last=False))), description(
        gate={"logits": "gates.{task}.4", "hidden": {"layers": ["gates.{task}.0", "gates.{task}.2"], "activation": "relu"}})
    yield "gate_no_bias", Blocks(relu, gates(lambda: nn.Linear(INPUTS, 2, bias=False))), description()
    yield "gate_batch_norm", Blocks(relu, gates(lambda: nn.Sequential(nn.Linear(INPUTS, 2), nn.BatchNorm1d(2)))), description(
        gate={"logits": "gates.{task}.0", "batch_norm": "gates.{task}.1"})
    yield "gate_temperature", Blocks(relu, gates(), temperature=0.6), description(gate={"temperature": 0.6})
    yield "batch_norm_before", *normed("batch_norm", "before_activation", nn.BatchNorm1d, False)
    yield "batch_norm_after", *normed("batch_norm", "after_activation", lambda n: nn.BatchNorm1d(n, eps=1e-3), True,
                                      batch_norm_epsilon=1e-3)
    yield "layer_norm_before", *normed("layer_norm", "before_activation", nn.LayerNorm, False)
    yield "layer_norm_after", *normed("layer_norm", "after_activation", nn.LayerNorm, True)
    yield "layer_norm_plain", Blocks(
        two(lambda: sequence(lambda _: nn.ReLU(), lambda n: nn.LayerNorm(n, elementwise_affine=False, eps=1e-3))), gates()
    ), description({"layer_norm": True, "layer_norm_epsilon": 1e-3})
    yield "separate_bias", SeparateBias(), {
        **description(), "towers": {**TOWERS, "output": "final.{task}", "output_bias": "out.{task}.bias"}}
    for name, (module, text) in ACTIVATIONS.items():
        yield f"activation_{name}", Blocks(two(lambda: sequence(module)), gates()), description({"activation": text})
    yield "activation_prelu", Blocks(two(lambda: sequence(lambda n: nn.PReLU())), gates()), description(
        {"activation": "prelu", "slopes": "experts.{expert}.{layer}"})
    yield "activation_prelu_channels", Blocks(two(lambda: sequence(lambda n: nn.PReLU(n))), gates()), description(
        {"activation": "prelu", "slopes": "experts.{expert}.{layer}"})
    dice = {"alpha": "experts.{expert}.{layer}.alpha", "batch_norm": "experts.{expert}.{layer}.bn"}
    yield "dice_affine", Blocks(two(lambda: sequence(lambda n: DiceBatch(n, True, 1e-8))), gates()), description(
        {"activation": "dice", "dice": dice})
    yield "dice_plain", Blocks(two(lambda: sequence(lambda n: DiceBatch(n, False, 1e-9))), gates()), description(
        {"activation": "dice", "dice": {**dice, "epsilon": 1e-9}})
    yield "dice_row", Blocks(two(lambda: sequence(DiceRow)), gates()), description(
        {"activation": "dice", "dice": {"alpha": "experts.{expert}.{layer}.alpha"}})
    yield "dice_row_deviation", Blocks(two(lambda: sequence(DiceDeviation)), gates()), description(
        {"activation": "dice", "dice": {"alpha": "experts.{expert}.{layer}.alpha", "divide_by": "deviation", "epsilon": 1e-4}})
    for name, (first, second) in PAIRS.items():
        yield f"activation_{name}", Blocks(two(lambda: pair(first[0], second[0])), gates()), description(
            {"activation": [first[1], second[1]]})
    three = [mlp([INPUTS, HIDDEN, WIDTH]) for _ in range(3)]
    yield "gate_scales", ScaledGates(three, gates(lambda: nn.Linear(INPUTS, 3))), description(
        gate={"top_k": 2, "weight_scales": "scales.{task}"})
    yield "gate_sigmoid", SigmoidGates(three, gates(lambda: nn.Linear(INPUTS, 3))), description(
        gate={"activation": "sigmoid"})
    steps = {"activation": "smooth_step", "logits": "z.{task}", "selector_weights": "w.{task}"}
    yield "gate_smooth_step", SmoothStepGates(three, 1.5, False), description(gate={**steps, "gamma": 1.5})
    yield "gate_smooth_step_static", SmoothStepGates(three, 1.0, True), description(gate={**steps, "static": True})
    yield "gate_uniform", UniformGates(three, gates(lambda: nn.Identity())), {
        **description(), "levels": [{"experts": description()["levels"][0]["experts"],
                                     "gates": {"constant": "uniform", "per": "task"}}]}
    yield "heads", *heads()
    yield "links", *links()


ARCHITECTURES = {"gate_scales": "top-k MMoE", "gate_uniform": "Cross-Stitch",
                 "gate_smooth_step": "DSelect-k MMoE", "gate_smooth_step_static": "Cross-Stitch", "links": "MMoE with product link (ESMM)"}


def all_fixtures():
    for name, module, text in fixtures():
        yield Fixture(name, ARCHITECTURES.get(name, "MMoE"), module, text, inputs=INPUTS)
