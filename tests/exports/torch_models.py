"""Rankers as public repositories spell them, in PyTorch: one class for each way of writing a part of the family.

A model's inputs are given by name: numbers(width), ids(size), fields(count, size) and history(length, size), whose id 0
is the padding. Everything is small: what counts is the graph.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from inputs import fields, history, ids, numbers

MODELS = {}


def model(name, **inputs):
    def keep(cls):
        MODELS[name] = (cls, inputs)
        return cls

    return keep


def mlp(*widths, last=True, act=nn.ReLU, norm=None, drop=0.0):
    layers = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1]))
        if i + 2 < len(widths) or last:
            if norm is not None:
                layers.append(norm(widths[i + 1]))
            layers.append(act())
            if drop:
                layers.append(nn.Dropout(drop))
    return nn.Sequential(*layers)


class Mmoe(nn.Module):
    """The usual end of a model: experts and gates by lists, a tower per task."""

    def __init__(self, width, experts=3, hidden=8, out=6, tasks=2, tower=5):
        super().__init__()
        self.experts = nn.ModuleList([mlp(width, hidden, out) for _ in range(experts)])
        self.gates = nn.ModuleList([nn.Linear(width, experts) for _ in range(tasks)])
        self.towers = nn.ModuleList([mlp(out, tower, 1, last=False) for _ in range(tasks)])

    def forward(self, x):
        stacked = torch.stack([e(x) for e in self.experts], dim=1)
        outputs = []
        for gate, tower in zip(self.gates, self.towers):
            weights = torch.softmax(gate(x), dim=-1).unsqueeze(1)
            outputs.append(torch.sigmoid(tower(torch.bmm(weights, stacked).squeeze(1))).squeeze(-1))
        return tuple(outputs)


# ------------------------------------------------------------------------------------ experts and gates, spelled


@model("parameters_einsum", x=numbers(12))
class ParametersEinsum(nn.Module):
    """Experts and gates as bare parameters, as the first Keras port of MMoE has them."""

    def __init__(self):
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(12, 6, 4) * 0.3)
        self.bias = nn.Parameter(torch.randn(6, 4) * 0.3)
        self.gates = nn.ParameterList([nn.Parameter(torch.randn(12, 4) * 0.3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        experts = F.relu(torch.einsum("ab,bcd->acd", x, self.kernels) + self.bias)
        outputs = []
        for gate, tower in zip(self.gates, self.towers):
            weights = F.softmax(x @ gate, dim=1)
            mixed = torch.sum(experts * weights.unsqueeze(1).expand(-1, 6, -1), dim=2)
            outputs.append(torch.sigmoid(tower(mixed)))
        return outputs


@model("parameters_bmm", x=numbers(12))
class ParametersBmm(nn.Module):
    """Two layers of stacked experts by bmm, the batch in the middle."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(4, 12, 8) * 0.3)
        self.b1 = nn.Parameter(torch.randn(4, 1, 8) * 0.3)
        self.w2 = nn.Parameter(torch.randn(4, 8, 6) * 0.3)
        self.b2 = nn.Parameter(torch.randn(4, 1, 6) * 0.3)
        self.gate = nn.Parameter(torch.randn(2, 12, 4) * 0.3)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = x.unsqueeze(0).expand(4, -1, -1)
        h = F.relu(torch.bmm(h, self.w1) + self.b1)
        h = F.relu(torch.bmm(h, self.w2) + self.b2).permute(1, 0, 2)
        gates = torch.softmax(torch.einsum("bd,tde->tbe", x, self.gate), dim=-1)
        return [torch.sigmoid(tower(torch.einsum("be,beh->bh", gates[t], h))) for t, tower in enumerate(self.towers)]


@model("parameters_baddbmm", x=numbers(12))
class ParametersBaddbmm(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(4, 12, 6) * 0.3)
        self.b1 = nn.Parameter(torch.randn(4, 1, 6) * 0.3)
        self.gate = nn.Linear(12, 8)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = torch.baddbmm(self.b1, x.repeat(4, 1, 1), self.w1).relu().transpose(0, 1)
        g = self.gate(x).view(-1, 2, 4).softmax(-1)
        mixed = torch.matmul(g, h)
        return torch.cat([torch.sigmoid(tower(mixed[:, t])) for t, tower in enumerate(self.towers)], dim=1)


@model("parameters_matmul", x=numbers(12))
class ParametersMatmul(nn.Module):
    """x @ [experts, in, out]: broadcast by matmul, and all gates by one einsum."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 12, 6) * 0.3)
        self.b = nn.Parameter(torch.randn(4, 6) * 0.3)
        self.g = nn.Parameter(torch.randn(3, 12, 4) * 0.3)
        self.gb = nn.Parameter(torch.randn(3, 4) * 0.3)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(3)])

    def forward(self, x):
        h = torch.matmul(x.unsqueeze(1).unsqueeze(1), self.w).squeeze(2) + self.b
        h = torch.tanh(h)
        g = torch.softmax(torch.einsum("bd,tde->bte", x, self.g) + self.gb, dim=2)
        mixed = torch.einsum("bte,beh->bth", g, h)
        return [torch.sigmoid(tower(m)).view(-1) for tower, m in zip(self.towers, mixed.unbind(1))]


@model("grouped_convolution", x=numbers(12))
class GroupedConvolution(nn.Module):
    """Experts by Conv1d of kernel 1, in groups."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(12, 4 * 8, 1)
        self.second = nn.Conv1d(4 * 8, 4 * 6, 1, groups=4)
        self.gates = nn.ModuleList([nn.Linear(12, 4) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = F.relu(self.first(x.unsqueeze(-1)))
        h = F.relu(self.second(h)).view(-1, 4, 6)
        return [
            torch.sigmoid(t((h * g(x).softmax(1).unsqueeze(-1)).sum(1)))
            for g, t in zip(self.gates, self.towers)
        ]


@model("gates_with_dropout", x=numbers(10))
class GatesWithDropout(nn.Module):
    """BatchNorm, dropout left in, a gate of two layers without a bias, a temperature."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(10)
        self.experts = nn.ModuleList([mlp(10, 8, 6, norm=nn.BatchNorm1d, drop=0.3) for _ in range(3)])
        self.gates = nn.ModuleList(
            [nn.Sequential(nn.Linear(10, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 3, bias=False)) for _ in range(2)]
        )
        self.temperature = nn.Parameter(torch.ones(1) * 1.3)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False, norm=nn.BatchNorm1d, drop=0.2) for _ in range(2)])

    def forward(self, x):
        x = self.norm(x)
        h = torch.cat([e(x).unsqueeze(1) for e in self.experts], 1)
        outputs = []
        for g, t in zip(self.gates, self.towers):
            w = torch.softmax(g(x) / self.temperature, -1)
            outputs.append(t(torch.einsum("be,bed->bd", w, h)).sigmoid().squeeze())
        return outputs


@model("layer_norm_gelu", x=numbers(10))
class LayerNormGelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6, norm=nn.LayerNorm, act=nn.GELU, drop=0.1) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.norm = nn.LayerNorm(6)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False, act=nn.SiLU) for _ in range(2)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=-1)
        outputs = []
        for g, t in zip(self.gates, self.towers):
            w = g(x).softmax(dim=-1)
            outputs.append(torch.sigmoid(t(self.norm((h @ w.unsqueeze(-1)).squeeze(-1)))))
        return outputs


@model("residual_experts", x=numbers(8))
class ResidualExperts(nn.Module):
    """Experts of residual blocks with LayerNorm before them."""

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.norm = nn.LayerNorm(width)
            self.up = nn.Linear(width, 2 * width)
            self.down = nn.Linear(2 * width, width)

        def forward(self, x):
            return x + self.down(F.gelu(self.up(self.norm(x))))

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([nn.Sequential(self.Block(8), self.Block(8)) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(8, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(8, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        return [
            torch.sigmoid(t((h * F.softmax(g(x), -1)[..., None]).sum(1))) for g, t in zip(self.gates, self.towers)
        ]


@model("residual_experts_norm_after", x=numbers(8))
class ResidualNormAfter(nn.Module):
    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(8) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(8, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(8, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = torch.stack([F.relu(n(e(x)) + x) for e, n in zip(self.experts, self.norms)], dim=1)
        return [
            torch.sigmoid(t((h * F.softmax(g(x), -1)[..., None]).sum(1))) for g, t in zip(self.gates, self.towers)
        ]


def top_k_model(name, mix):
    @model(name, x=numbers(10))
    class TopK(nn.Module):
        def __init__(self):
            super().__init__()
            self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(5)])
            self.gates = nn.ModuleList([nn.Linear(10, 5) for _ in range(2)])
            self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

        def forward(self, x):
            h = torch.stack([e(x) for e in self.experts], dim=1)
            return [torch.sigmoid(t(mix(g(x), h))) for g, t in zip(self.gates, self.towers)]


def by_scatter(logits, h):
    values, indices = torch.topk(logits, 2, dim=-1)
    weights = torch.zeros_like(logits).scatter(-1, indices, F.softmax(values, dim=-1))
    return torch.einsum("be,beh->bh", weights, h)


def by_scatter_infinite(logits, h):
    values, indices = logits.topk(2, dim=1)
    masked = torch.full_like(logits, float("-inf")).scatter_(1, indices, values)
    return (masked.softmax(1).unsqueeze(-1) * h).sum(1)


def by_gather(logits, h):
    values, indices = torch.topk(logits, 2, dim=-1)
    chosen = torch.gather(h, 1, indices.unsqueeze(-1).expand(-1, -1, h.size(-1)))
    return (F.softmax(values, dim=-1).unsqueeze(-1) * chosen).sum(1)


def by_renormalised(logits, h):
    weights = F.softmax(logits, dim=-1)
    values, indices = torch.topk(weights, 2, dim=-1)
    values = values / values.sum(dim=-1, keepdim=True)
    return torch.bmm(torch.zeros_like(weights).scatter_(1, indices, values).unsqueeze(1), h).squeeze(1)


def by_renormalised_eps(logits, h):
    weights = F.softmax(logits, dim=-1)
    values, indices = torch.topk(weights, 2, dim=-1)
    values = values / (values.sum(dim=-1, keepdim=True) + 1e-6)
    return torch.bmm(torch.zeros_like(weights).scatter_(1, indices, values).unsqueeze(1), h).squeeze(1)


def by_mask(logits, h):
    weights = F.softmax(logits, dim=-1)
    kth = torch.topk(weights, 2, dim=-1)[0][:, -1:]
    weights = torch.where(weights >= kth, weights, torch.zeros_like(weights))
    return torch.einsum("be,beh->bh", weights, h)


def by_masked_fill(logits, h):
    kth = torch.topk(logits, 2, dim=-1).values[..., -1, None]
    weights = logits.masked_fill(logits < kth, float("-inf")).softmax(-1)
    return torch.einsum("be,beh->bh", weights, h)


def by_one_hot(logits, h):
    values, indices = torch.topk(logits, 2, dim=-1)
    weights = (F.one_hot(indices, 5).to(values.dtype) * F.softmax(values, -1).unsqueeze(-1)).sum(1)
    return torch.einsum("be,beh->bh", weights, h)


for _name, _mix in dict(
    top_k_scatter=by_scatter,
    top_k_scatter_infinite=by_scatter_infinite,
    top_k_gather=by_gather,
    top_k_renormalised=by_renormalised,
    top_k_renormalised_eps=by_renormalised_eps,
    top_k_mask=by_mask,
    top_k_masked_fill=by_masked_fill,
    top_k_one_hot=by_one_hot,
).items():
    top_k_model(_name, _mix)


@model("top_k_indexed_loop", x=numbers(10))
class TopKLoop(nn.Module):
    """Top-1 of the switch transformer: the largest weight times its expert, by argmax and one_hot."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(4)])
        self.gate = nn.Linear(10, 4)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        p = self.gate(x).softmax(-1)
        best = F.one_hot(p.argmax(-1), 4).float()
        h = torch.stack([e(x) for e in self.experts], dim=1)
        mixed = ((p * best).unsqueeze(-1) * h).sum(1)
        return [torch.sigmoid(t(mixed)) for t in self.towers]


@model("noisy_top_k", x=numbers(10))
class NoisyTopK(nn.Module):
    """Shazeer's gate in eval mode: bare parameters, top k + 1 logits, scatter of the softmax."""

    def __init__(self):
        super().__init__()
        self.w_gate = nn.Parameter(torch.randn(10, 4) * 0.4)
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(4)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])
        self.softmax = nn.Softmax(1)

    def forward(self, x):
        logits = x @ self.w_gate
        top_logits, top_indices = logits.topk(3, dim=1)
        k_logits, k_indices = top_logits[:, :2], top_indices[:, :2]
        zeros = torch.zeros_like(logits, requires_grad=True)
        gates = zeros.scatter(1, k_indices, self.softmax(k_logits))
        h = torch.stack([e(x) for e in self.experts], dim=1)
        mixed = torch.einsum("be,beh->bh", gates, h)
        return [torch.sigmoid(t(mixed)) for t in self.towers]


# ------------------------------------------------------------------------------------ levels


@model("ple_two_levels", x=numbers(10))
class Ple(nn.Module):
    """Progressive layered extraction: own and shared experts, the shared stream has a gate on the first level."""

    class Level(nn.Module):
        def __init__(self, width, out, tasks, last):
            super().__init__()
            self.own = nn.ModuleList([nn.ModuleList([mlp(width, out) for _ in range(2)]) for _ in range(tasks)])
            self.shared = nn.ModuleList([mlp(width, out) for _ in range(2)])
            self.gates = nn.ModuleList([nn.Linear(width, 4) for _ in range(tasks)])
            self.shared_gate = None if last else nn.Linear(width, 2 * tasks + 2)

        def forward(self, streams):
            shared = [e(streams[-1]) for e in self.shared]
            own = [[e(s) for e in experts] for experts, s in zip(self.own, streams)]
            results = []
            for mine, gate, stream in zip(own, self.gates, streams):
                stacked = torch.stack(mine + shared, dim=1)
                results.append(torch.matmul(gate(stream).softmax(1).unsqueeze(1), stacked).squeeze(1))
            if self.shared_gate is not None:
                every = torch.stack([e for mine in own for e in mine] + shared, dim=1)
                weights = self.shared_gate(streams[-1]).softmax(1)
                results.append((weights.unsqueeze(-1) * every).sum(1))
            return results

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList([self.Level(10, 7, 2, False), self.Level(7, 6, 2, True)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        streams = [x] * 3
        for level in self.levels:
            streams = level(streams)
        return [torch.sigmoid(t(s)).squeeze(1) for t, s in zip(self.towers, streams)]


@model("adatt", x=numbers(10))
class AdaTt(nn.Module):
    """Task units over all experts, plus a residual mixture of the task's own ones by a linear gate."""

    def __init__(self):
        super().__init__()
        self.tasks, self.own = 2, 2
        self.experts = nn.ModuleList([mlp(10, 6) for _ in range(4)])
        self.gates = nn.ModuleList([nn.Sequential(nn.Linear(10, 4), nn.Softmax(dim=-1)) for _ in range(2)])
        self.self_weights = nn.Parameter(torch.randn(2, 2) * 0.4)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        every = torch.stack([e(x) for e in self.experts], dim=1)
        grouped = every.view(-1, 2, 2, 6)
        outputs = []
        own = torch.einsum("te,bteh->bth", self.self_weights, grouped)
        for t in range(2):
            mixed = torch.bmm(self.gates[t](x).unsqueeze(1), every).squeeze(1) + own[:, t]
            outputs.append(torch.sigmoid(self.towers[t](mixed)))
        return outputs


@model("cross_stitch", x=numbers(10))
class CrossStitch(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.ModuleList([mlp(10, 6) for _ in range(2)])
        self.alpha = nn.Parameter(torch.tensor([[0.9, 0.1], [0.2, 0.8]]))
        self.second = nn.ModuleList([mlp(6, 5) for _ in range(2)])
        self.out = nn.ModuleList([nn.Linear(5, 1) for _ in range(2)])

    def forward(self, x):
        a, b = (f(x) for f in self.first)
        m = self.alpha @ torch.stack([a, b], dim=1)
        return [torch.sigmoid(o(f(m[:, i]))) for i, (f, o) in enumerate(zip(self.second, self.out))]


@model("aitm", x=numbers(10))
class Aitm(nn.Module):
    """AITM: the second task's vector attends to itself and to what the first hands over."""

    def __init__(self):
        super().__init__()
        self.bottom = nn.ModuleList([mlp(10, 8, 6) for _ in range(2)])
        self.info = mlp(6, 6)
        self.q, self.k, self.v = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        first, second = (b(x) for b in self.bottom)
        both = torch.stack([second, self.info(first)], dim=1)
        q, k, v = self.q(both), self.k(both), self.v(both)
        scores = torch.sum(q * k, 2, keepdim=True) / math.sqrt(6)
        attended = torch.sum(torch.softmax(scores, dim=1) * v, 1)
        click = torch.sigmoid(self.towers[0](first)).squeeze(1)
        buy = torch.sigmoid(self.towers[1](attended)).squeeze(1)
        return click, buy


@model("escm2", x=numbers(10))
class Escm2(nn.Module):
    """Click, conversion, the product of both, and the imputation tower."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(3)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(3)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        click, buy, imputed = (
            torch.sigmoid(t((h * g(x).softmax(-1).unsqueeze(-1)).sum(1))) for g, t in zip(self.gates, self.towers)
        )
        return click, buy, torch.mul(click, buy), imputed


@model("dbmtl", x=numbers(10))
class Dbmtl(nn.Module):
    """The second tower reads the first one's hidden vector too."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(10)
        self.first, self.second = mlp(10, 6), mlp(10, 6)
        self.relation = mlp(12, 5)
        self.out = nn.ModuleList([nn.Linear(6, 1), nn.Linear(5, 1)])

    def forward(self, x):
        a, b = self.first(x), self.second(x)
        joined = self.relation(torch.cat([b, a], -1))
        return torch.sigmoid(self.out[0](a)), torch.sigmoid(self.out[1](joined))


@model("pepnet", x=numbers(12), domain=ids(3), user=ids(9))
class PepNet(nn.Module):
    """EPNet scales the embedding, PPNet every layer of the towers, by 2 sigmoid of a gate that sees both, detached."""

    class GateNu(nn.Module):
        def __init__(self, width, out):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(width, 7), nn.ReLU(), nn.Linear(7, out), nn.Sigmoid())

        def forward(self, x):
            return 2 * self.net(x)

    def __init__(self):
        super().__init__()
        self.domain, self.user = nn.Embedding(3, 4), nn.Embedding(9, 5)
        self.ep = self.GateNu(16, 12)
        self.layers = nn.ModuleList([nn.ModuleList([nn.Linear(12, 8), nn.Linear(8, 6)]) for _ in range(2)])
        self.pp = nn.ModuleList([self.GateNu(17, 16), self.GateNu(17, 12)])
        self.out = nn.ModuleList([nn.Linear(6, 1) for _ in range(2)])

    def forward(self, x, domain, user):
        scaled = self.ep(torch.cat([self.domain(domain), x.detach()], -1)) * x
        prior = torch.cat([self.user(user), scaled.detach()], -1)
        streams = [scaled, scaled]
        for depth, gate in enumerate(self.pp):
            weights = gate(prior).chunk(2, dim=-1)
            streams = [F.relu(self.layers[t][depth](streams[t])) * weights[t] for t in range(2)]
        return [torch.sigmoid(o(s)) for o, s in zip(self.out, streams)]


@model("star", x=numbers(10), domain=ids(3))
class Star(nn.Module):
    """Shared weights times the domain's, chosen by an index; one tower for each domain is the mask's matter."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Parameter(torch.randn(10, 6) * 0.4)
        self.shared_bias = nn.Parameter(torch.randn(6) * 0.4)
        self.own = nn.ParameterList([nn.Parameter(torch.randn(10, 6) * 0.4 + 1) for _ in range(3)])
        self.own_bias = nn.ParameterList([nn.Parameter(torch.randn(6) * 0.4) for _ in range(3)])
        self.out = nn.Linear(6, 1)

    def forward(self, x, domain):
        results = []
        for d in range(3):
            h = F.relu(x @ (self.shared * self.own[d]) + self.shared_bias + self.own_bias[d])
            results.append(torch.sigmoid(self.out(h)))
        final = torch.zeros_like(results[0])
        for d in range(3):
            mask = (domain == d).unsqueeze(1)
            final = torch.where(mask, results[d], final)
        return final


@model("domain_masks", x=numbers(10), domain=ids(3))
class DomainMasks(nn.Module):
    """One tower for each domain; the scores of all are weighed by one-hot masks."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(3)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(3)])

    def forward(self, x, domain):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        total = 0
        for d, (g, t) in enumerate(zip(self.gates, self.towers)):
            y = torch.sigmoid(t((h * g(x).softmax(-1).unsqueeze(-1)).sum(1)))
            total = total + y * (domain == d).float().unsqueeze(1)
        return total


@model("domain_gather", x=numbers(10), domain=ids(3))
class DomainGather(nn.Module):
    """All towers' scores stacked, the row's own one gathered."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(3)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(3)])

    def forward(self, x, domain):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        scores = torch.cat(
            [t((h * g(x).softmax(-1).unsqueeze(-1)).sum(1)) for g, t in zip(self.gates, self.towers)], dim=1
        )
        return torch.sigmoid(torch.gather(scores, 1, domain.unsqueeze(1))).squeeze(1)


@model("domain_one_hot", x=numbers(10), domain=ids(3))
class DomainOneHot(nn.Module):
    """The domain one-hot beside x, and an embedding of it in the gates."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(3, 4)
        self.experts = nn.ModuleList([mlp(13, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(4, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x, domain):
        both = torch.cat([x, F.one_hot(domain, 3).float()], dim=-1)
        e = self.embedding(domain)
        h = torch.stack([f(both) for f in self.experts], dim=1)
        return [
            torch.sigmoid(t((h * g(e).softmax(-1).unsqueeze(-1)).sum(1))) for g, t in zip(self.gates, self.towers)
        ]


@model("domain_gates_masked", x=numbers(10), domain=ids(2))
class DomainGatesMasked(nn.Module):
    """A gate for each domain, of which torch.where takes the row's."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.tower = mlp(6, 5, 1, last=False)

    def forward(self, x, domain):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        weights = [g(x).softmax(-1) for g in self.gates]
        chosen = torch.where((domain == 0).view(-1, 1), weights[0], weights[1])
        return torch.sigmoid(self.tower(torch.einsum("be,beh->bh", chosen, h)))


# ------------------------------------------------------------------------------------ inputs


@model("fields_table_each", dense=numbers(3), cat=fields(4, 11))
class FieldsTableEach(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(11, 4) for _ in range(4)])
        self.mmoe = Mmoe(19)

    def forward(self, dense, cat):
        vectors = [table(cat[:, i]) for i, table in enumerate(self.tables)]
        return self.mmoe(torch.cat([dense] + vectors, dim=1))


@model("fields_offsets", cat=fields(4, 11))
class FieldsOffsets(nn.Module):
    """One table for all fields with offsets, as pytorch-fm has it; FM and a linear part beside the MLP."""

    def __init__(self):
        super().__init__()
        self.table, self.linear = nn.Embedding(44, 5), nn.Embedding(44, 1)
        self.register_buffer("offsets", torch.tensor([0, 11, 22, 33]))
        self.bias = nn.Parameter(torch.zeros(1) + 0.1)
        self.mlp = mlp(20, 8, 6)
        self.heads = nn.ModuleList([nn.Linear(6, 1) for _ in range(2)])

    def forward(self, cat):
        shifted = cat + self.offsets.unsqueeze(0)
        e = self.table(shifted)
        square_of_sum = torch.sum(e, dim=1) ** 2
        sum_of_square = torch.sum(e**2, dim=1)
        fm = 0.5 * torch.sum(square_of_sum - sum_of_square, dim=1, keepdim=True)
        wide = torch.sum(self.linear(shifted), dim=1) + self.bias
        deep = self.mlp(e.view(-1, 20))
        return [torch.sigmoid(wide + fm + h(deep)).squeeze(1) for h in self.heads]


@model("ids_as_floats", x=numbers(7))
class IdsAsFloats(nn.Module):
    """All columns in one float tensor; ids are cast, as DeepCTR-Torch does. Rows give whole numbers from 0 to 4."""

    whole = (0, 1, 2)

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(5, 4) for _ in range(3)])
        self.mmoe = Mmoe(16)

    def forward(self, x):
        vectors = [table(x[:, i : i + 1].long()) for i, table in enumerate(self.tables)]
        return self.mmoe(torch.cat([torch.flatten(torch.cat(vectors, dim=-1), start_dim=1), x[:, 3:]], dim=-1))


@model("field_masks", cat=fields(4, 11))
class FieldMasks(nn.Module):
    """Each task weighs the fields by a learned mask, and a squeeze-and-excitation gate over fields."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.masks = nn.Parameter(torch.randn(2, 4) * 0.5)
        self.squeeze = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.ReLU())
        self.bottom = mlp(20, 8)
        self.towers = nn.ModuleList([mlp(8, 5, 1, last=False) for _ in range(2)])

    def forward(self, cat):
        e = self.table(cat)
        weights = self.squeeze(e.mean(dim=-1))
        e = e * weights.unsqueeze(-1)
        outputs = []
        for t, tower in enumerate(self.towers):
            masked = (e * torch.sigmoid(self.masks[t]).view(1, -1, 1)).flatten(1)
            outputs.append(torch.sigmoid(tower(self.bottom(masked))))
        return outputs


@model("missing_fields", cat=fields(4, 11))
class MissingFields(nn.Module):
    """Fields whose id is 0 are missing: their embeddings are multiplied by a mask."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.mmoe = Mmoe(20)

    def forward(self, cat):
        e = self.table(cat) * (cat > 0).unsqueeze(-1).float()
        return self.mmoe(e.reshape(e.size(0), -1))


@model("numbers_embedded", x=numbers(4))
class NumbersEmbedded(nn.Module):
    """Every number times a vector of its own (AutoInt), then LayerNorm and attention between the fields."""

    def __init__(self):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(4, 6) * 0.5)
        self.bias = nn.Parameter(torch.randn(4, 6) * 0.5)
        self.q, self.k, self.v, self.r = (nn.Linear(6, 6, bias=False) for _ in range(4))
        self.mmoe = Mmoe(24)

    def forward(self, x):
        e = x.unsqueeze(-1) * self.vectors + self.bias
        q, k, v = self.q(e), self.k(e), self.v(e)
        q, k, v = (torch.stack(torch.split(t, 3, dim=2)) for t in (q, k, v))
        scores = torch.einsum("hbik,hbjk->hbij", q, k) / 3**0.5
        attended = torch.einsum("hbij,hbjk->hbik", torch.softmax(scores, -1), v)
        attended = torch.cat(torch.split(attended, 1), dim=-1).squeeze(0)
        return self.mmoe(F.relu(attended + self.r(e)).flatten(1))


@model("padded_input", x=numbers(5))
class PaddedInput(nn.Module):
    """F.pad in front of a residual of another width."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(5, 8)
        self.mmoe = Mmoe(8)

    def forward(self, x):
        return self.mmoe(F.relu(self.up(x)) + F.pad(x, (0, 3)))


@model("normalised_input", x=numbers(6))
class NormalisedInput(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(6))
        self.register_buffer("std", torch.rand(6) + 0.5)
        self.mmoe = Mmoe(6)

    def forward(self, x):
        x = torch.clamp((x - self.mean) / (self.std + 1e-8), -3, 3)
        return self.mmoe(x)


@model("log_input", x=numbers(6))
class LogInput(nn.Module):
    """sign(x) log1p(|x|)."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(6)

    def forward(self, x):
        return self.mmoe(torch.sign(x) * torch.log1p(torch.abs(x)))


@model("nan_input", x=numbers(6))
class NanInput(nn.Module):
    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(6)

    def forward(self, x):
        return self.mmoe(torch.nan_to_num(x, nan=0.0))


# ------------------------------------------------------------------------------------ interactions


@model("cross_v1", x=numbers(8))
class CrossV1(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.ParameterList([nn.Parameter(torch.randn(8, 1) * 0.3) for _ in range(3)])
        self.b = nn.ParameterList([nn.Parameter(torch.randn(8, 1) * 0.3) for _ in range(3)])
        self.mmoe = Mmoe(8)

    def forward(self, x):
        x0 = x.unsqueeze(2)
        xl = x0
        for w, b in zip(self.w, self.b):
            xl = torch.matmul(x0, torch.tensordot(xl, w, dims=([1], [0]))) + b + xl
        return self.mmoe(xl.squeeze(2))


@model("cross_v2", x=numbers(8))
class CrossV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.u = nn.ModuleList([nn.Linear(8, 3, bias=False) for _ in range(2)])
        self.v = nn.ModuleList([nn.Linear(3, 8) for _ in range(2)])
        self.deep = mlp(8, 6)
        self.mmoe = Mmoe(14)

    def forward(self, x):
        xl = x
        for u, v in zip(self.u, self.v):
            xl = x * v(u(xl)) + xl
        return self.mmoe(torch.cat([xl, self.deep(x)], dim=-1))


@model("cross_mixture", x=numbers(8))
class CrossMixture(nn.Module):
    """DCN-Mix: low-rank experts of a cross layer, weighed by a softmax of scalar gates."""

    def __init__(self):
        super().__init__()
        self.u = nn.Parameter(torch.randn(2, 3, 8, 2) * 0.4)
        self.v = nn.Parameter(torch.randn(2, 3, 8, 2) * 0.4)
        self.c = nn.Parameter(torch.randn(2, 3, 2, 2) * 0.4)
        self.bias = nn.ParameterList([nn.Parameter(torch.randn(8, 1) * 0.3) for _ in range(2)])
        self.gates = nn.ModuleList([nn.Linear(8, 1, bias=False) for _ in range(3)])
        self.mmoe = Mmoe(8)

    def forward(self, x):
        x0 = x.unsqueeze(2)
        xl = x0
        for i in range(2):
            outputs, scores = [], []
            for e in range(3):
                scores.append(self.gates[e](xl.squeeze(2)))
                v = torch.tanh(torch.matmul(self.v[i][e].t(), xl))
                v = torch.tanh(torch.matmul(self.c[i][e], v))
                outputs.append((x0 * (torch.matmul(self.u[i][e], v) + self.bias[i])).squeeze(2))
            mixed = torch.matmul(torch.stack(outputs, 2), torch.stack(scores, 1).softmax(1))
            xl = mixed + xl
        return self.mmoe(xl.squeeze(2))


@model("cin", cat=fields(4, 11))
class Cin(nn.Module):
    """xDeepFM's compressed interaction network by Conv1d."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.convs = nn.ModuleList([nn.Conv1d(16, 6, 1), nn.Conv1d(24, 6, 1)])
        self.fc = nn.Linear(12, 1)
        self.mmoe = Mmoe(20)

    def forward(self, cat):
        x0 = self.table(cat)
        h, pooled = x0, []
        for conv in self.convs:
            outer = torch.einsum("bhd,bmd->bhmd", h, x0).reshape(x0.shape[0], -1, x0.shape[2])
            h = F.relu(conv(outer))
            pooled.append(h.sum(-1))
        wide = self.fc(torch.cat(pooled, 1)).squeeze(1)
        a, b = self.mmoe(x0.flatten(1))
        return torch.sigmoid(wide), a, b


@model("inner_products", cat=fields(4, 11))
class InnerProducts(nn.Module):
    """Pairs by index lists (PNN)."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.rows = [i for i in range(3) for _ in range(i + 1, 4)]
        self.cols = [j for i in range(3) for j in range(i + 1, 4)]
        self.mmoe = Mmoe(26)

    def forward(self, cat):
        e = self.table(cat)
        products = torch.sum(e[:, self.rows] * e[:, self.cols], dim=-1)
        return self.mmoe(torch.cat([e.flatten(1), products], dim=1))


@model("bilinear", cat=fields(3, 11))
class Bilinear(nn.Module):
    """FiBiNET: e_i W * e_j of all pairs."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.w = nn.Linear(4, 4, bias=False)
        self.mmoe = Mmoe(24)

    def forward(self, cat):
        e = self.table(cat)
        parts = torch.split(e, 1, dim=1)
        pairs = [torch.mul(self.w(parts[i]), parts[j]) for i in range(3) for j in range(i + 1, 3)]
        return self.mmoe(torch.cat([e] + pairs, dim=1).flatten(1))


@model("afm", cat=fields(4, 11))
class Afm(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.attention, self.projection = nn.Linear(5, 4), nn.Linear(4, 1, bias=False)
        self.mmoe = Mmoe(25)

    def forward(self, cat):
        e = self.table(cat)
        pairs = torch.stack([e[:, i] * e[:, j] for i in range(3) for j in range(i + 1, 4)], dim=1)
        weights = torch.softmax(self.projection(F.relu(self.attention(pairs))), dim=1)
        return self.mmoe(torch.cat([e.flatten(1), torch.sum(weights * pairs, dim=1)], dim=1))


@model("dssm_cosine", user=ids(9), item=ids(9), x=numbers(6))
class DssmCosine(nn.Module):
    """Two towers and their cosine similarity beside an MMoE."""

    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(9, 6), nn.Embedding(9, 6)
        self.a, self.b = mlp(6, 5, last=False), mlp(6, 5, last=False)
        self.mmoe = Mmoe(19)

    def forward(self, user, item, x):
        u, i = self.users(user), self.items(item)
        similarity = F.cosine_similarity(self.a(u), self.b(i), dim=-1)
        return self.mmoe(torch.cat([u, i, x, similarity.unsqueeze(1)], dim=1))


# ------------------------------------------------------------------------------------ sequences


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 5, padding_idx=0)
        self.mmoe = Mmoe(10)

    def forward(self, hist, item):
        return self.mmoe(torch.cat([self.pool(hist), self.items(item)], dim=-1))


def pooled_model(name, pool):
    @model(name, hist=history(6, 13), item=ids(13))
    class Model(Pooled):
        def pool(self, hist):
            return pool(self.items, hist)


def mean_masked(items, hist):
    mask = (hist != 0).float().unsqueeze(-1)
    return (items(hist) * mask).sum(1) / mask.sum(1).clamp(min=1)


def mean_eps(items, hist):
    mask = (hist > 0).float()
    return torch.bmm(mask.unsqueeze(1), items(hist)).squeeze(1) / (mask.sum(dim=-1, keepdim=True) + 1e-8)


def mean_eps_large(items, hist):
    mask = (hist > 0).float()
    return torch.sum(items(hist) * mask.unsqueeze(2), 1) / (mask.sum(dim=-1, keepdim=True) + 1e-3)


def sum_masked(items, hist):
    return torch.sum(items(hist) * torch.gt(hist, 0).unsqueeze(-1), dim=1)


def max_masked(items, hist):
    return items(hist).masked_fill((hist == 0).unsqueeze(-1), -1e9).max(dim=1)[0]


def last_element(items, hist):
    return items(hist)[:, -1]


def last_by_length(items, hist):
    length = (hist != 0).sum(1)
    index = (length - 1).clamp(min=0)
    return items(hist)[torch.arange(hist.shape[0]), index]


def softmax_pool(items, hist):
    """exp · mask / sum."""
    e = items(hist)
    logits = e.mean(-1)
    weights = torch.exp(logits) * (hist != 0).float()
    weights = weights / (weights.sum(1, keepdim=True) + 1e-8)
    return (e * weights.unsqueeze(-1)).sum(1)


def mean_all(items, hist):
    return items(hist).mean(1)


def sqrt_n(items, hist):
    mask = (hist != 0).float().unsqueeze(-1)
    return (items(hist) * mask).sum(1) / torch.sqrt(mask.sum(1).clamp(min=1))


for _name, _pool in dict(
    pool_mean_masked=mean_masked,
    pool_mean_eps=mean_eps,
    pool_mean_eps_large=mean_eps_large,
    pool_sum_masked=sum_masked,
    pool_max_masked=max_masked,
    pool_last=last_element,
    pool_last_by_length=last_by_length,
    pool_softmax=softmax_pool,
    pool_mean_all=mean_all,
    pool_sqrt_n=sqrt_n,
).items():
    pooled_model(_name, _pool)


@model("embedding_bag", hist=history(6, 13), item=ids(13))
class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(13, 5, mode="sum")
        self.items = nn.Embedding(13, 5)
        self.mmoe = Mmoe(10)

    def forward(self, hist, item):
        return self.mmoe(torch.cat([self.bag(hist), self.items(item)], dim=-1))


@model("embedding_bag_mean", hist=history(6, 13), item=ids(13))
class BagMean(Bag):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(13, 5, mode="mean")


class DinBase(nn.Module):
    softmax = False

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 5, padding_idx=0)
        self.attention = mlp(20, 8, 1, last=False, act=nn.Sigmoid)
        self.mmoe = Mmoe(10)

    def weigh(self, hist, k, logits):
        return (logits * (hist != 0).float().unsqueeze(-1) * k).sum(1)

    def forward(self, hist, item):
        k, q = self.items(hist), self.items(item)
        qs = q.unsqueeze(1).expand(-1, k.shape[1], -1)
        logits = self.attention(torch.cat([qs, k, qs - k, qs * k], dim=-1))
        return self.mmoe(torch.cat([self.weigh(hist, k, logits), q], dim=-1))


def din_model(name, weigh):
    @model(name, hist=history(6, 13), item=ids(13))
    class Model(DinBase):
        def weigh(self, hist, k, logits):
            return weigh(hist, k, logits)


def din_plain(hist, k, logits):
    return (logits * (hist != 0).float().unsqueeze(-1) * k).sum(1)


def din_bmm(hist, k, logits):
    weights = logits.transpose(1, 2)
    weights = torch.where((hist > 0).unsqueeze(1), weights, torch.zeros_like(weights))
    return torch.bmm(weights, k).squeeze(1)


def din_softmax(hist, k, logits):
    """-1e9, scaled by the root of the width; all may be padded."""
    scores = logits.squeeze(-1).masked_fill(hist == 0, -1e9) / math.sqrt(5)
    weights = scores.softmax(-1)
    return torch.matmul(weights.unsqueeze(1), k).squeeze(1)


def din_softmax_paddings(hist, k, logits):
    """The original code: paddings of -2^32 + 1."""
    scores = logits.transpose(1, 2)
    paddings = torch.ones_like(scores) * (-(2**32) + 1)
    scores = torch.where((hist != 0).unsqueeze(1), scores, paddings)
    return torch.matmul(F.softmax(scores, dim=-1), k).squeeze(1)


def din_softmax_added(hist, k, logits):
    scores = logits.squeeze(-1) + (1.0 - (hist != 0).float()) * -1e9
    return (scores.softmax(1).unsqueeze(-1) * k).sum(1)


def din_softmax_masked_after(hist, k, logits):
    mask = (hist != 0).float()
    weights = torch.softmax(logits.squeeze(-1), -1) * mask
    return (weights.unsqueeze(-1) * k).sum(1)


def din_softmax_renormalised(hist, k, logits):
    weights = torch.exp(logits.squeeze(-1)) * (hist != 0).float()
    weights = weights / (weights.sum(-1, keepdim=True) + 1e-8)
    return torch.einsum("bl,bld->bd", weights, k)


for _name, _weigh in dict(
    din_plain=din_plain,
    din_bmm=din_bmm,
    din_softmax=din_softmax,
    din_softmax_paddings=din_softmax_paddings,
    din_softmax_added=din_softmax_added,
    din_softmax_masked_after=din_softmax_masked_after,
    din_softmax_renormalised=din_softmax_renormalised,
).items():
    din_model(_name, _weigh)


@model("din_dice", hist=history(6, 13), item=ids(13))
class DinDice(DinBase):
    """The activation unit with Dice, its queries repeated, its layers applied to [batch * length, width]."""

    class Dice(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.bn = nn.BatchNorm1d(width, eps=1e-8)
            self.alpha = nn.Parameter(torch.rand(width) * 0.5)

        def forward(self, x):
            p = torch.sigmoid(self.bn(x))
            return p * x + (1 - p) * self.alpha * x

    def __init__(self):
        super().__init__()
        self.attention = nn.Sequential(nn.Linear(20, 8), self.Dice(8), nn.Linear(8, 1))

    def forward(self, hist, item):
        k, q = self.items(hist), self.items(item)
        b, length, width = k.shape
        qs = q.repeat(1, length).view(-1, length, width)
        joined = torch.cat([qs, k, qs - k, qs * k], dim=-1).view(-1, 4 * width)
        logits = self.attention(joined).view(-1, length, 1)
        return self.mmoe(torch.cat([self.weigh(hist, k, logits), q], dim=-1))


@model("din_target_dot", hist=history(6, 13), item=ids(13))
class DinDot(DinBase):
    """Scaled dot-product of the target with the history, -inf where it is padded, nan_to_num behind."""

    def __init__(self):
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Linear(5, 5) for _ in range(3))

    def forward(self, hist, item):
        k, q = self.items(hist), self.items(item)
        scores = torch.bmm(self.wk(k), self.wq(q).unsqueeze(-1)).squeeze(-1) / 5**0.5
        scores = scores.masked_fill(hist == 0, -1e9)
        weights = F.softmax(scores, dim=1)
        return self.mmoe(torch.cat([(weights.unsqueeze(-1) * self.wv(k)).sum(1), q], dim=-1))


@model("sasrec", hist=history(6, 13), item=ids(13))
class SasRec(nn.Module):
    """The PyTorch SASRec: scaled embeddings, positions, MultiheadAttention with a causal mask, a pointwise
    feed-forward of Conv1d, padding zeroed after each block, the last position beside the target."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6, padding_idx=0)
        self.positions = nn.Embedding(6, 6)
        self.norm1, self.norm2, self.last = nn.LayerNorm(6), nn.LayerNorm(6), nn.LayerNorm(6)
        self.attention = nn.MultiheadAttention(6, 2)
        self.conv1, self.conv2 = nn.Conv1d(6, 6, 1), nn.Conv1d(6, 6, 1)
        self.mmoe = Mmoe(12)

    def forward(self, hist, item):
        seqs = self.items(hist) * 6**0.5
        seqs = seqs + self.positions(torch.arange(6).unsqueeze(0))
        keep = (hist != 0).unsqueeze(-1)
        seqs = seqs * keep
        causal = ~torch.tril(torch.ones((6, 6), dtype=torch.bool))
        seqs = seqs.transpose(0, 1)
        q = self.norm1(seqs)
        attended, _ = self.attention(q, seqs, seqs, attn_mask=causal)
        seqs = (q + attended).transpose(0, 1)
        seqs = self.norm2(seqs)
        h = self.conv2(F.relu(self.conv1(seqs.transpose(-1, -2)))).transpose(-1, -2)
        seqs = (seqs + h) * keep
        return self.mmoe(torch.cat([self.last(seqs)[:, -1, :], self.items(item)], dim=-1))


@model("sasrec_plain", hist=history(6, 13), item=ids(13))
class SasRecPlain(nn.Module):
    """RecBole's form: an additive mask of -10000 of padding and future, heads by view and permute, GELU."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6, padding_idx=0)
        self.positions = nn.Embedding(6, 6)
        self.norm0, self.norm1, self.norm2 = (nn.LayerNorm(6, eps=1e-12) for _ in range(3))
        self.q, self.k, self.v, self.o = (nn.Linear(6, 6) for _ in range(4))
        self.up, self.down = nn.Linear(6, 10), nn.Linear(10, 6)
        self.mmoe = Mmoe(12)

    @staticmethod
    def gelu(x):
        return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))

    def heads(self, x):
        return x.view(*(x.size()[:-1] + (2, 3))).permute(0, 2, 1, 3)

    def forward(self, hist, item):
        mask = (hist != 0).unsqueeze(1).unsqueeze(2).expand((-1, -1, hist.size(-1), -1))
        mask = torch.tril(mask.float()) != 0
        mask = torch.where(mask, 0.0, -10000.0)
        x = self.norm0(self.items(hist) + self.positions(torch.arange(6).unsqueeze(0).expand_as(hist)))
        q, k, v = self.heads(self.q(x)), self.heads(self.k(x)), self.heads(self.v(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(3) + mask
        context = torch.matmul(F.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
        context = self.o(context.view(*(context.size()[:-2] + (6,))))
        x = self.norm1(context + x)
        x = self.norm2(self.down(self.gelu(self.up(x))) + x)
        return self.mmoe(torch.cat([x[:, -1], self.items(item)], dim=-1))


@model("sasrec_gather_last", hist=history(6, 13), item=ids(13))
class SasRecGather(SasRecPlain):
    """The element at the sequence's length is read, by gather."""

    def forward(self, hist, item):
        x = self.norm0(self.items(hist) + self.positions.weight)
        q, k, v = self.heads(self.q(x)), self.heads(self.k(x)), self.heads(self.v(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(3)
        context = torch.matmul(F.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
        x = self.norm1(self.o(context.flatten(2)) + x)
        index = ((hist != 0).sum(1) - 1).clamp(min=0).view(-1, 1, 1).expand(-1, -1, 6)
        return self.mmoe(torch.cat([x.gather(1, index).squeeze(1), self.items(item)], dim=-1))


@model("bst", hist=history(5, 13), item=ids(13))
class Bst(nn.Module):
    """The target is the sequence's last element; an encoder of the library, everything flattened."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6)
        self.positions = nn.Parameter(torch.randn(6, 6) * 0.3)
        layer = nn.TransformerEncoderLayer(6, 2, dim_feedforward=8, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.mmoe = Mmoe(36)

    def forward(self, hist, item):
        sequence = torch.cat([hist, item.unsqueeze(1)], dim=1)
        x = self.items(sequence) + self.positions
        return self.mmoe(self.encoder(x).flatten(1))


@model("encoder_padded", hist=history(5, 13), item=ids(13))
class EncoderPadded(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6)
        self.layer = nn.TransformerEncoderLayer(6, 2, dim_feedforward=8, batch_first=True, norm_first=True)
        self.mmoe = Mmoe(12)

    def forward(self, hist, item):
        # The last element is always there.
        x = self.layer(self.items(hist), src_key_padding_mask=hist == 0)
        return self.mmoe(torch.cat([x.mean(1), self.items(item)], dim=1))


@model("sdpa", hist=history(5, 13), item=ids(13))
class Sdpa(nn.Module):
    """F.scaled_dot_product_attention, where torch has it."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6)
        self.qkv, self.o = nn.Linear(6, 18), nn.Linear(6, 6)
        self.mmoe = Mmoe(12)

    def forward(self, hist, item):
        x = self.items(hist)
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (t.reshape(-1, 5, 2, 3).transpose(1, 2) for t in (q, k, v))
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, 5, 6)
        return self.mmoe(torch.cat([self.o(x).sum(1), self.items(item)], dim=1))


@model("gru", hist=history(5, 13), item=ids(13))
class Gru(nn.Module):
    """DIEN's first layer: recurrence, which is no part of the family."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6)
        self.gru = nn.GRU(6, 6, batch_first=True)
        self.mmoe = Mmoe(12)

    def forward(self, hist, item):
        x, _ = self.gru(self.items(hist))
        return self.mmoe(torch.cat([x[:, -1], self.items(item)], dim=1))


@model("caser", hist=history(5, 13), item=ids(13))
class Caser(nn.Module):
    """Convolutions over the sequence with max pooling."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 6)
        self.vertical = nn.Conv2d(1, 3, (5, 1))
        self.horizontal = nn.ModuleList([nn.Conv2d(1, 4, (h, 6)) for h in (2, 3)])
        self.mmoe = Mmoe(18 + 8 + 6)

    def forward(self, hist, item):
        x = self.items(hist).unsqueeze(1)
        parts = [self.vertical(x).flatten(1)]
        for conv in self.horizontal:
            c = F.relu(conv(x).squeeze(3))
            parts.append(F.max_pool1d(c, c.size(2)).squeeze(2))
        return self.mmoe(torch.cat(parts + [self.items(item)], dim=1))


# ------------------------------------------------------------------------------------ towers and tasks


@model("wide_towers", x=numbers(10))
class WideTowers(nn.Module):
    """Each tower reads x too, and a wide part is added to each logit."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(16, 5, 1, last=False) for _ in range(2)])
        self.wide = nn.Linear(10, 2)

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        wide = self.wide(x)
        outputs = []
        for i, (g, t) in enumerate(zip(self.gates, self.towers)):
            mixed = (h * g(x).softmax(-1).unsqueeze(-1)).sum(1)
            outputs.append(torch.sigmoid(t(torch.cat([mixed, x], -1)) + wide[:, i : i + 1]))
        return outputs


@model("several_outputs", x=numbers(10))
class SeveralOutputs(nn.Module):
    """A tower gives a class distribution, one a regression, one a click and a dwell time."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(3)])
        self.towers = nn.ModuleList([mlp(6, 5, n, last=False) for n in (4, 1, 2)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        mixed = [torch.einsum("be,beh->bh", g(x).softmax(-1), h) for g in self.gates]
        classes, value, both = (t(m) for t, m in zip(self.towers, mixed))
        click, dwell = both.chunk(2, dim=1)
        return F.softmax(classes, dim=-1), value, torch.sigmoid(click), F.softplus(dwell)


@model("ordinal", x=numbers(10))
class Ordinal(nn.Module):
    """Watch time by ordinal thresholds: the sum of sigmoids times the bins' widths."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(10)
        self.head = mlp(10, 6, 4, last=False)
        self.register_buffer("widths", torch.tensor([3.0, 7.0, 15.0, 30.0]))

    def forward(self, x):
        a, b = self.mmoe(x)
        return a, b, (torch.sigmoid(self.head(x)) * self.widths).sum(-1)


@model("watch_time", x=numbers(10))
class WatchTime(nn.Module):
    """Weighted logistic regression: exp of the logit, and a final score as product of powers."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        click, time = (t((h * g(x).softmax(-1).unsqueeze(-1)).sum(1)) for g, t in zip(self.gates, self.towers))
        return torch.sigmoid(click), torch.exp(time).clamp(max=600.0)


@model("dict_output", x=numbers(10))
class DictOutput(nn.Module):
    """Outputs of a dictionary; the bias tower of a YouTube model reads its own features."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(7)
        self.bias = mlp(3, 4, 1, last=False)
        self.click = mlp(7, 5, 1, last=False)

    def forward(self, x):
        main, position = x[:, :7], x[:, 7:]
        a, b = self.mmoe(main)
        return {"like": a, "share": b, "click": torch.sigmoid(self.click(main) + self.bias(position)).squeeze(-1)}


@model("shared_bottom_many", x=numbers(10))
class SharedBottom(nn.Module):
    """One tower for many tasks, as a layer with several outputs and per-task scales."""

    def __init__(self):
        super().__init__()
        self.bottom = mlp(10, 8, 6, norm=nn.BatchNorm1d, drop=0.2, act=nn.PReLU)
        self.heads = nn.Linear(6, 4)
        self.scale = nn.Parameter(torch.rand(4) + 0.5)

    def forward(self, x):
        return torch.sigmoid(self.heads(self.bottom(x)) * self.scale)


@model("logits_and_scores", x=numbers(10))
class LogitsAndScores(nn.Module):
    """Logits are returned beside scores, and the gates' weights."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        weights = [g(x).softmax(-1) for g in self.gates]
        logits = torch.cat([t((h * w.unsqueeze(-1)).sum(1)) for w, t in zip(weights, self.towers)], dim=1)
        return logits, torch.sigmoid(logits), torch.stack(weights, dim=1)


@model("contextual_gate", x=numbers(10), user=ids(9))
class ContextualGate(nn.Module):
    """The gate reads the user's embedding and the mean of the experts; entropy-like temperature by softplus."""

    def __init__(self):
        super().__init__()
        self.users = nn.Embedding(9, 5)
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(11, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])
        self.log_temperature = nn.Parameter(torch.tensor(0.3))

    def forward(self, x, user):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        context = torch.cat([self.users(user), h.mean(dim=1)], dim=1)
        return [
            torch.sigmoid(t(torch.einsum("be,beh->bh", (g(context) / F.softplus(self.log_temperature)).softmax(-1), h)))
            for g, t in zip(self.gates, self.towers)
        ]


@model("glu_experts", x=numbers(10))
class GluExperts(nn.Module):
    """SwiGLU experts with RMSNorm."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(10) + 0.5)
        self.w1 = nn.ModuleList([nn.Linear(10, 8, bias=False) for _ in range(3)])
        self.w2 = nn.ModuleList([nn.Linear(10, 8, bias=False) for _ in range(3)])
        self.w3 = nn.ModuleList([nn.Linear(8, 6, bias=False) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight
        h = torch.stack([c(F.silu(a(x)) * b(x)) for a, b, c in zip(self.w1, self.w2, self.w3)], dim=1)
        return [
            torch.sigmoid(t((h * g(x).softmax(-1).unsqueeze(-1)).sum(1))) for g, t in zip(self.gates, self.towers)
        ]


@model("hypercube_gate", x=numbers(10))
class SelectGate(nn.Module):
    """DSelect-k: smooth-step binary codes times a softmax over k selectors."""

    def __init__(self):
        super().__init__()
        self.z = nn.Linear(10, 2 * 2)
        self.w = nn.Linear(10, 2)
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(4)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])
        self.register_buffer("codes", torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).float().bool())

    @staticmethod
    def smooth(t):
        poly = -2 * t**3 + 1.5 * t + 0.5
        return torch.where(t <= -0.5, torch.zeros_like(t), torch.where(t >= 0.5, torch.ones_like(t), poly))

    def forward(self, x):
        s = self.smooth(self.z(x)).view(-1, 2, 1, 2)
        selectors = torch.where(self.codes.view(1, 1, 4, 2), s, 1 - s).prod(-1)
        weights = (selectors * self.w(x).softmax(-1).unsqueeze(-1)).sum(1)
        h = torch.stack([e(x) for e in self.experts], dim=1)
        mixed = torch.einsum("be,beh->bh", weights, h)
        return [torch.sigmoid(t(mixed)) for t in self.towers]


@model("home_self_gate", x=numbers(10))
class HomeSelfGate(nn.Module):
    """HoME: swish experts behind a batch norm, feature gates of low rank, a sigmoid gate that scales."""

    def __init__(self):
        super().__init__()
        self.lora_a = nn.ModuleList([nn.Linear(10, 3, bias=False) for _ in range(3)])
        self.lora_b = nn.ModuleList([nn.Linear(3, 10, bias=False) for _ in range(3)])
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(10, 6), nn.BatchNorm1d(6), nn.SiLU()) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(2)])
        self.self_gates = nn.ModuleList([nn.Linear(10, 1) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        h = [e(x * (2 * torch.sigmoid(b(a(x))))) for a, b, e in zip(self.lora_a, self.lora_b, self.experts)]
        stacked = torch.stack(h, dim=1)
        outputs = []
        for t, (g, s, tower) in enumerate(zip(self.gates, self.self_gates, self.towers)):
            mixed = (stacked * g(x).softmax(-1).unsqueeze(-1)).sum(1) + h[t] * torch.sigmoid(s(x))
            outputs.append(torch.sigmoid(tower(mixed)))
        return outputs


@model("masknet", cat=fields(4, 11))
class MaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.norm = nn.LayerNorm(5)
        self.mask = nn.Sequential(nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 20))
        self.hidden = nn.Sequential(nn.Linear(20, 8), nn.LayerNorm(8), nn.ReLU())
        self.mmoe = Mmoe(8)

    def forward(self, cat):
        e = self.table(cat)
        flat = e.flatten(1)
        normed = torch.cat([self.norm(e[:, i]) for i in range(4)], dim=1)
        return self.mmoe(self.hidden(normed * self.mask(flat)))


@model("metaheac", x=numbers(10), task=ids(4))
class MetaHeac(nn.Module):
    """Attention of a task embedding over experts and over critics, bmm on both sides."""

    def __init__(self):
        super().__init__()
        self.tasks = nn.Embedding(4, 5)
        self.experts = nn.ModuleList([mlp(10, 6) for _ in range(3)])
        self.critics = nn.ModuleList([nn.Linear(6, 1) for _ in range(4)])
        self.expert_gate = nn.Sequential(nn.Linear(15, 3), nn.Softmax(dim=1))
        self.critic_gate = nn.Sequential(nn.Linear(15, 4), nn.Softmax(dim=1))

    def forward(self, x, task):
        both = torch.cat([self.tasks(task), x], dim=1)
        h = torch.cat([e(x).unsqueeze(1) for e in self.experts], dim=1)
        mixed = torch.bmm(self.expert_gate(both).unsqueeze(1), h).squeeze(1)
        scores = torch.cat([torch.sigmoid(c(mixed)) for c in self.critics], dim=1)
        return torch.bmm(self.critic_gate(both).unsqueeze(1), scores.unsqueeze(2)).squeeze(2).squeeze(1)
