"""Whole rankers as people publish them, in PyTorch: what is beside torch_models.py, which has a class for each part."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from inputs import fields, history, ids, numbers
from torch_models import Mmoe, mlp, model


@model("gates_transposed", x=numbers(9))
class GatesTransposed(nn.Module):
    """Experts stacked in front of the batch, gates of bare parameters turned to them: g.t().unsqueeze(2).expand."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(9, 8, 6, last=False, drop=0.3) for _ in range(4)])
        self.w_gates = nn.ParameterList([nn.Parameter(torch.randn(9, 4) * 0.4) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False, drop=0.4) for _ in range(2)])
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        outputs = torch.stack([e(x) for e in self.experts])
        gates = [self.softmax(x @ g) for g in self.w_gates]
        mixed = [torch.sum(g.t().unsqueeze(2).expand(-1, -1, 6) * outputs, dim=0) for g in gates]
        return [torch.sigmoid(t(m)) for t, m in zip(self.towers, mixed)]


@model("columns_as_ids", x=numbers(7))
class ColumnsAsIds(nn.Module):
    """One matrix: its first columns are ids, the others numbers; experts joined by e[:, np.newaxis, :]."""

    whole = (0, 1, 2)

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(5, 3) for _ in range(3)])
        self.experts = nn.ModuleList([mlp(13, 8, 6, norm=nn.BatchNorm1d) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Sequential(mlp(13, 4), nn.Linear(4, 3), nn.Softmax(dim=1)) for _ in range(2)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False, norm=nn.BatchNorm1d) for _ in range(2)])

    def forward(self, x):
        parts = [table(x[:, i].long()) for i, table in enumerate(self.tables)]
        x = torch.cat(parts + [x[:, 3:]], dim=1)
        joined = torch.cat([e(x)[:, np.newaxis, :] for e in self.experts], dim=1)
        mixed = [torch.matmul(joined.transpose(1, 2), g(x).unsqueeze(2)).squeeze(2) for g in self.gates]
        return [torch.sigmoid(t(m)).squeeze() for t, m in zip(self.towers, mixed)]


@model("module_dict", user=ids(11), item=ids(13), x=numbers(4))
class ByModuleDict(nn.Module):
    """Tables, gates and towers by ModuleDict, a temperature, a dictionary of logits and scores."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleDict({"user": nn.Embedding(11, 4), "item": nn.Embedding(13, 4)})
        self.norm = nn.LayerNorm(12)
        self.experts = nn.ModuleList([mlp(12, 8, 6, act=nn.SiLU, norm=nn.LayerNorm) for _ in range(3)])
        self.gates = nn.ModuleDict({task: nn.Linear(12, 3, bias=False) for task in ("click", "buy")})
        self.towers = nn.ModuleDict({task: mlp(6, 5, 1, last=False) for task in ("click", "buy")})

    def forward(self, user, item, x):
        x = self.norm(torch.cat([self.tables["user"](user), self.tables["item"](item), x], dim=-1))
        h = torch.stack([e(x) for e in self.experts], dim=-2)
        found = {}
        for task, gate in self.gates.items():
            weights = F.softmax(gate(x) / 0.7, dim=-1)
            found[task] = torch.sigmoid(self.towers[task](torch.einsum("...e,...eh->...h", weights, h)).squeeze(-1))
        found["both"] = found["click"] * found["buy"]
        return found


@model("cgc_levels", cat=fields(5, 11))
class CgcLevels(nn.Module):
    """PLE with nested lists of experts; a gate for what is shared is the last of a level's."""

    class Level(nn.Module):
        def __init__(self, width, last):
            super().__init__()
            self.own = nn.ModuleList([nn.ModuleList([mlp(width, 6) for _ in range(2)]) for _ in range(2)])
            self.shared = nn.ModuleList([mlp(width, 6) for _ in range(2)])
            self.gates = nn.ModuleList([nn.Linear(width, 4) for _ in range(2)])
            self.shared_gate = None if last else nn.Linear(width, 6)

        def forward(self, tasks, shared):
            common = [e(shared) for e in self.shared]
            own = [[e(x) for e in experts] for experts, x in zip(self.own, tasks)]
            mixed = []
            for outputs, gate, x in zip(own, self.gates, tasks):
                weights = torch.softmax(gate(x), dim=-1).unsqueeze(-1)
                mixed.append((torch.stack(outputs + common, dim=1) * weights).sum(dim=1))
            if self.shared_gate is None:
                return mixed, None
            everything = torch.stack(sum(own, []) + common, dim=1)
            return mixed, torch.sum(everything * self.shared_gate(shared).softmax(1)[..., None], 1)

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(11, 3, padding_idx=0) for _ in range(5)])
        self.levels = nn.ModuleList([self.Level(15, False), self.Level(6, True)])
        self.heads = nn.ModuleList([mlp(6, 4, 1, last=False) for _ in range(2)])

    def forward(self, cat):
        shared = torch.cat([table(cat[:, i]) for i, table in enumerate(self.tables)], dim=1)
        tasks = [shared] * 2
        for level in self.levels:
            tasks, shared = level(tasks, shared)
        return torch.stack([h(t).squeeze(-1) for h, t in zip(self.heads, tasks)], dim=1).sigmoid()


@model("star_tables", x=numbers(8), domain=ids(3))
class StarTables(nn.Module):
    """STAR: the domain's weights, norm and bias are rows of tables, multiplied by what all domains share."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Parameter(torch.randn(8, 6) * 0.4)
        self.shared_bias = nn.Parameter(torch.randn(6) * 0.3)
        self.own = nn.Embedding(3, 8 * 6)
        self.own_bias = nn.Embedding(3, 6)
        self.norm = nn.BatchNorm1d(8)
        self.scale = nn.Parameter(torch.rand(3, 8) + 0.5)
        self.shift = nn.Parameter(torch.randn(3, 8) * 0.3)
        self.auxiliary = nn.Linear(8, 1)
        self.out = nn.Linear(6, 1)

    def forward(self, x, domain):
        x = self.norm(x) * self.scale[domain] + self.shift[domain]
        weight = self.own(domain).view(-1, 8, 6) * self.shared.unsqueeze(0)
        h = torch.bmm(x.unsqueeze(1), weight).squeeze(1) + self.shared_bias + self.own_bias(domain)
        return torch.sigmoid(self.out(F.relu(h)) + self.auxiliary(x))


@model("pepnet_chunks", cat=fields(4, 11), domain=ids(3))
class PepNetChunks(nn.Module):
    """PEPNet: one gate for all tasks, cut by chunk; detach; gamma times a sigmoid."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.domains = nn.Embedding(3, 4)
        self.ep = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 16), nn.Sigmoid())
        self.pp = nn.ModuleList([nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 2 * w)) for w in (8, 6)])
        self.first = nn.ModuleList([nn.Linear(16, 8) for _ in range(2)])
        self.second = nn.ModuleList([nn.Linear(8, 6) for _ in range(2)])
        self.last = nn.ModuleList([nn.Linear(6, 1) for _ in range(2)])

    def forward(self, cat, domain):
        embedded = self.table(cat).flatten(1)
        prior = self.domains(domain)
        embedded = 2 * self.ep(torch.cat([prior, embedded.detach()], dim=-1)) * embedded
        gates = [torch.chunk(2 * torch.sigmoid(g(torch.cat([prior, embedded], dim=-1))), 2, dim=1) for g in self.pp]
        outputs = []
        for t in range(2):
            h = F.relu(self.first[t](embedded)) * gates[0][t]
            h = F.relu(self.second[t](h)) * gates[1][t]
            outputs.append(torch.sigmoid(self.last[t](h)))
        return torch.cat(outputs, dim=1)


@model("hmoe_scenarios", x=numbers(10), scenario=ids(3))
class HmoeScenarios(nn.Module):
    """HMoE: every scenario's tower scores, weighed by a gate over scenarios; the row's own one by one-hot."""

    def __init__(self):
        super().__init__()
        self.scenarios = nn.Embedding(3, 4)
        self.experts = nn.ModuleList([mlp(10, 8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(10, 3) for _ in range(3)])
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(3)])
        self.mix = nn.Linear(14, 3)

    def forward(self, x, scenario):
        h = torch.stack([e(x) for e in self.experts], dim=1)
        scores = []
        for gate, tower in zip(self.gates, self.towers):
            scores.append(tower(torch.matmul(gate(x).softmax(1).unsqueeze(1), h).squeeze(1)))
        scores = torch.cat(scores, dim=1)
        weights = torch.softmax(self.mix(torch.cat([x, self.scenarios(scenario)], 1)), dim=1)
        own = (scores * F.one_hot(scenario, num_classes=3)).sum(1)
        return torch.sigmoid(0.5 * own + 0.5 * (weights * scores.detach()).sum(dim=1))


@model("sasrec_mmoe", hist=history(5, 13), item=ids(13))
class SasRecMmoe(nn.Module):
    """SASRec's own code in front: conv feed-forward, ~mask, `attention_mask = ~tril`, the last position."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4, padding_idx=0)
        self.positions = nn.Embedding(5, 4)
        self.norms = nn.ModuleList([nn.LayerNorm(4, eps=1e-8) for _ in range(3)])
        self.attention = nn.MultiheadAttention(4, 2, 0.2)
        self.conv1, self.conv2 = nn.Conv1d(4, 4, kernel_size=1), nn.Conv1d(4, 4, kernel_size=1)
        self.mmoe = Mmoe(8)

    def forward(self, hist, item):
        x = self.items(hist) * 4**0.5
        x = x + self.positions(torch.arange(5, device=hist.device).unsqueeze(0))
        padding = hist == 0
        x = x * ~padding.unsqueeze(-1)
        causal = ~torch.tril(torch.ones((5, 5), dtype=torch.bool))
        x = x.transpose(0, 1)
        query = self.norms[0](x)
        x = query + self.attention(query, x, x, attn_mask=causal, need_weights=False)[0]
        x = x.transpose(0, 1)
        x = self.norms[1](x)
        x = x + self.conv2(F.relu(self.conv1(x.transpose(-1, -2)))).transpose(-1, -2)
        x = x * ~padding.unsqueeze(-1)
        x = self.norms[2](x)
        return self.mmoe(torch.cat([x[:, -1, :], self.items(item)], dim=-1))


@model("din_has_history", hist=history(5, 13), item=ids(13))
class DinHasHistory(nn.Module):
    """DIN with a softmax over -1e9; zeros by torch.where for a row without any history."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4)
        self.weigh = mlp(16, 8, 1, last=False, act=nn.Sigmoid)
        self.mmoe = Mmoe(8)

    def forward(self, hist, item):
        query, keys, mask = self.items(item), self.items(hist), hist != 0
        wide = query.unsqueeze(1).expand_as(keys)
        scores = self.weigh(torch.cat([wide, keys, wide - keys, wide * keys], dim=-1)).squeeze(-1)
        weights = torch.softmax(scores.masked_fill(~mask, -1e9), dim=-1)
        pooled = torch.sum(weights.unsqueeze(-1) * keys, dim=1)
        pooled = torch.where(mask.any(dim=1, keepdim=True), pooled, torch.zeros_like(pooled))
        return self.mmoe(torch.cat([query, pooled], dim=-1))


@model("masked_by_length", hist=history(5, 13), length=ids(6), item=ids(13))
class MaskedByLength(nn.Module):
    """The mask arange < length, from an input of lengths; a mean over it."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4)
        self.mmoe = Mmoe(8)

    def forward(self, hist, length, item):
        mask = (torch.arange(5, device=hist.device)[None, :] < length[:, None]).float()
        pooled = (self.items(hist) * mask.unsqueeze(-1)).sum(1) / torch.clamp(mask.sum(1, keepdim=True), min=1.0)
        return self.mmoe(torch.cat([pooled, self.items(item)], dim=-1))


@model("last_by_given_length", hist=history(5, 13), length=ids(5), item=ids(13))
class LastByGivenLength(nn.Module):
    """The element at an index that is an input, gathered along the sequence."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4)
        self.mmoe = Mmoe(8)

    def forward(self, hist, length, item):
        index = length.view(-1, 1, 1).expand(-1, -1, 4)
        last = self.items(hist).gather(dim=1, index=index).squeeze(1)
        return self.mmoe(torch.cat([last, self.items(item)], dim=-1))


@model("dcn_parallel", cat=fields(4, 11), x=numbers(3))
class DcnParallel(nn.Module):
    """DCN v2 beside a deep part, joined in front of the experts; weights by ParameterList."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(44, 3)
        self.register_buffer("offsets", torch.arange(4) * 11)
        self.w = nn.ParameterList([nn.Parameter(torch.randn(15, 15) * 0.2) for _ in range(2)])
        self.b = nn.ParameterList([nn.Parameter(torch.randn(15, 1) * 0.2) for _ in range(2)])
        self.deep = mlp(15, 8, norm=nn.BatchNorm1d)
        self.mmoe = Mmoe(23)

    def forward(self, cat, x):
        x = torch.cat([self.table(cat + self.offsets).view(-1, 12), x], dim=1)
        x0 = x.unsqueeze(2)
        xl = x0
        for w, b in zip(self.w, self.b):
            xl = x0 * (torch.matmul(w, xl) + b) + xl
        return self.mmoe(torch.cat([xl.squeeze(2), self.deep(x)], dim=-1))


@model("fm_tasks", cat=fields(4, 11), x=numbers(3))
class FmTasks(nn.Module):
    """A linear part, an FM and a deep tower for each task, in one sum of logits."""

    def __init__(self):
        super().__init__()
        self.embeddings, self.linear = nn.Embedding(11, 4), nn.Embedding(11, 1)
        self.tower = mlp(19, 8, 6)
        self.heads = nn.ModuleList([nn.Linear(6, 1) for _ in range(2)])
        self.bias = nn.Parameter(torch.randn(2))

    def forward(self, cat, x):
        e = self.embeddings(cat)
        fm = 0.5 * (e.sum(dim=1).square().sum(dim=1) - e.square().sum(dim=(1, 2)))
        deep = self.tower(torch.cat([e.flatten(start_dim=1), x], dim=1))
        first = self.linear(cat).squeeze(-1).sum(dim=1)
        return torch.stack([self.bias[t] + first + fm + h(deep).squeeze(-1) for t, h in enumerate(self.heads)], dim=1)


@model("aitm_chain", cat=fields(4, 11))
class AitmChain(nn.Module):
    """AITM over three steps; the attention's root is of a tensor, its queries and keys of one layer."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleDict({str(i): nn.Embedding(11, 4) for i in range(4)})
        self.towers = nn.ModuleList([mlp(16, 8, 6, drop=0.1) for _ in range(3)])
        self.q, self.v = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
        self.info = nn.ModuleList([mlp(6, 6, drop=0.1) for _ in range(2)])
        self.out = nn.ModuleList([nn.Sequential(nn.Linear(6, 1), nn.Sigmoid()) for _ in range(3)])

    def attend(self, x):
        q, k, v = self.q(x), self.q(x), self.v(x)
        a = torch.sum(torch.mul(q, k), -1) / torch.sqrt(torch.tensor(6.0))
        return torch.sum(torch.mul(torch.unsqueeze(nn.Softmax(dim=1)(a), -1), v), dim=1)

    def forward(self, cat):
        x = torch.cat([self.tables[str(i)](cat[:, i]) for i in range(4)], 1)
        hidden = [t(x) for t in self.towers]
        for i in (1, 2):
            told = torch.unsqueeze(self.info[i - 1](hidden[i - 1]), 1)
            hidden[i] = self.attend(torch.cat([torch.unsqueeze(hidden[i], 1), told], 1))
        return [torch.squeeze(o(h), dim=1) for o, h in zip(self.out, hidden)]


@model("task_embeddings", x=numbers(8))
class TaskEmbeddings(nn.Module):
    """One gate and one tower for all tasks, told the task by an embedding beside x; tasks are an axis."""

    def __init__(self):
        super().__init__()
        self.tasks = nn.Parameter(torch.randn(3, 4))
        self.experts = nn.ModuleList([mlp(8, 6) for _ in range(3)])
        self.gate = mlp(12, 6, 3, last=False)
        self.tower = mlp(10, 5, 1, last=False)

    def forward(self, x):
        told = self.tasks.unsqueeze(0).expand(x.size(0), -1, -1)
        both = torch.cat([x.unsqueeze(1).repeat(1, 3, 1), told], dim=-1)
        h = torch.stack([e(x) for e in self.experts], dim=1)
        mixed = torch.bmm(F.softmax(self.gate(both), dim=-1), h)
        return torch.sigmoid(self.tower(torch.cat([mixed, told], dim=-1))).squeeze(-1)


@model("recalibrated", x=numbers(8))
class Recalibrated(nn.Module):
    """Scores of a model that was trained on a part of the negatives: p / (p + (1 - p) / rate)."""

    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(8)

    def forward(self, x):
        return [p / (p + (1 - p) / 0.05) for p in self.mmoe(x)]


@model("lifetime_value", x=numbers(8))
class LifetimeValue(nn.Module):
    """Zero-inflated lognormal head: the chance of any times exp(mean + deviation squared / 2)."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(8, 6) for _ in range(3)])
        self.gates = nn.ModuleList([nn.Linear(8, 3) for _ in range(2)])
        self.click = nn.Linear(6, 1)
        self.value = nn.Linear(6, 3)

    def forward(self, x):
        h = torch.stack([e(x) for e in self.experts], 1)
        a, b = [(h * F.softmax(g(x), -1).unsqueeze(-1)).sum(1) for g in self.gates]
        logits = self.value(b)
        chance, mean = torch.sigmoid(logits[..., :1]), 0.1 * logits[..., 1:2]
        deviation = F.softplus(0.1 * logits[..., 2:])
        return torch.sigmoid(self.click(a)), chance * torch.exp(mean + 0.5 * deviation**2)


@model("quantile_heads", x=numbers(8))
class QuantileHeads(nn.Module):
    """Watch time as quantiles that cannot cross: a base and a running sum of softplus."""

    def __init__(self):
        super().__init__()
        self.mmoe = nn.ModuleList([mlp(8, 6) for _ in range(3)])
        self.gate = nn.Linear(8, 3)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        h = torch.stack([e(x) for e in self.mmoe], 1)
        y = self.head((h * F.softmax(self.gate(x), -1).unsqueeze(-1)).sum(1))
        return y[:, :1] + torch.cumsum(F.softplus(y[:, 1:]), dim=1)


@model("log_columns", x=numbers(7))
class LogColumns(nn.Module):
    """Some columns are counts: log1p of what is not below 0, clipped; the others as they are."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(7)
        self.mmoe = Mmoe(7)

    def forward(self, x):
        counts = torch.log1p(torch.clamp(x[:, :3], min=0.0))
        return self.mmoe(self.norm(torch.cat([counts, x[:, 3:]], dim=1)))


@model("root_columns", x=numbers(4), cat=fields(2, 11))
class RootColumns(nn.Module):
    """A number as itself, its square and its root (Covington et al., 2016), beside embeddings."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 3)
        self.mmoe = Mmoe(18)

    def forward(self, x, cat):
        x = torch.clamp(x, min=0.0)
        return self.mmoe(torch.cat([x, x**2, torch.sqrt(x), self.table(cat).flatten(1)], dim=1))


@model("clean_input", x=numbers(6))
class CleanInput(nn.Module):
    """What serving code puts in front: no NaN, no infinity, clipped, scaled."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(6))
        self.mmoe = Mmoe(6)

    def forward(self, x):
        x = torch.nan_to_num(x, nan=0.0, posinf=10.0, neginf=-10.0)
        return self.mmoe((torch.clamp(x, -10, 10) - self.mean) / 3)


@model("unbound_experts", x=numbers(8))
class UnboundExperts(nn.Module):
    """One wide layer for all experts, cut by split and unbind; gates by one layer, cut by chunk."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(8, 18)
        self.gates = nn.Linear(8, 6)
        self.towers = nn.ModuleList([mlp(6, 5, 1, last=False) for _ in range(2)])

    def forward(self, x):
        experts = torch.stack(torch.split(F.relu(self.wide(x)), 6, dim=-1), dim=1)
        gates = torch.stack(self.gates(x).chunk(2, dim=-1), dim=1).softmax(-1)
        mixed = gates @ experts
        return [torch.sigmoid(t(m)) for t, m in zip(self.towers, mixed.unbind(1))]


@model("wide_bag", tags=history(6, 13), item=ids(13))
class WideBag(nn.Module):
    """A weighted sum of tags by EmbeddingBag with padding_idx, as a wide part and a deep one."""

    def __init__(self):
        super().__init__()
        self.deep = nn.EmbeddingBag(13, 5, mode="mean", padding_idx=0)
        self.wide = nn.EmbeddingBag(13, 1, mode="sum", padding_idx=0)
        self.items = nn.Embedding(13, 5)
        self.mmoe = Mmoe(10)
        self.register_buffer("unit", torch.tensor(1.0))

    def forward(self, tags, item):
        first, second = self.mmoe(torch.cat([self.deep(tags), self.items(item)], dim=-1))
        return first + self.wide(tags).squeeze(-1), second


@model("field_attention", cat=fields(5, 11), x=numbers(3))
class FieldAttention(nn.Module):
    """FiBiNET's squeeze by mean and max, AutoInt's residual and ReLU, in front of the experts."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.squeeze = nn.Sequential(nn.Linear(5, 2, bias=False), nn.ReLU(), nn.Linear(2, 5, bias=False), nn.ReLU())
        self.w = nn.ParameterList([nn.Parameter(torch.randn(4, 4) * 0.4) for _ in range(4)])
        self.mmoe = Mmoe(23)

    def forward(self, cat, x):
        e = self.table(cat)
        a = self.squeeze(torch.mean(e, dim=-1)) + self.squeeze(torch.max(e, dim=-1)[0])
        e = e * (1 + a).unsqueeze(-1)
        q, k, v, r = [torch.tensordot(e, w, dims=([-1], [0])) for w in self.w]
        q, k, v = [torch.stack(torch.split(t, 2, dim=2)) for t in (q, k, v)]
        weights = F.softmax(torch.einsum("bnik,bnjk->bnij", q, k) / math.sqrt(2), dim=-1)
        out = torch.cat(torch.split(torch.matmul(weights, v), 1), dim=-1).squeeze(0)
        return self.mmoe(torch.cat([F.relu(out + r).flatten(1), x], dim=1))


@model("last_valid_sequence", hist=history(5, 13), length=ids(6), item=ids(13))
class LastValidSequence(nn.Module):
    """x[arange, length - 1] with the lengths as an input, kept above 0."""

    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4)
        self.mmoe = Mmoe(8)

    def forward(self, hist, length, item):
        h = self.items(hist)
        last = h[torch.arange(h.size(0)), (length - 1).clamp(min=0)]
        return self.mmoe(torch.cat([last, self.items(item)], dim=-1))


@model("lstm_history", hist=history(5, 13), item=ids(13))
class LstmHistory(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 4)
        self.lstm = nn.LSTM(4, 4, batch_first=True)
        self.mmoe = Mmoe(8)

    def forward(self, hist, item):
        _, (state, _) = self.lstm(self.items(hist))
        return self.mmoe(torch.cat([state[-1], self.items(item)], dim=-1))


@model("noisy_gate", x=numbers(8))
class NoisyGate(nn.Module):
    """The noisy top-k gate of Shazeer et al., in evaluation: softmax, top-k, divided by the sum and 1e-6, scattered."""

    def __init__(self):
        super().__init__()
        self.w_gate = nn.Parameter(torch.randn(8, 5) * 0.5)
        self.w_noise = nn.Parameter(torch.randn(8, 5) * 0.5)
        self.experts = nn.ModuleList([mlp(8, 6) for _ in range(5)])
        self.towers = nn.ModuleList([mlp(6, 4, 1, last=False) for _ in range(2)])

    def forward(self, x):
        logits = x @ self.w_gate
        if self.training:
            logits = logits + torch.randn_like(logits) * (F.softplus(x @ self.w_noise) + 1e-2)
        top, at = F.softmax(logits, dim=1).topk(3, dim=1)
        top, at = top[:, :2], at[:, :2]
        weights = torch.zeros_like(logits).scatter(1, at, top / (top.sum(1, keepdim=True) + 1e-6))
        mixed = torch.stack([e(x) for e in self.experts], 2) @ weights.unsqueeze(-1)
        return [torch.sigmoid(t(mixed.squeeze(-1))) for t in self.towers]


@model("domain_scores_masked", x=numbers(8), domain=ids(3))
class DomainScoresMasked(nn.Module):
    """Logits of all domains, those of others filled with -1e9, and the largest taken."""

    def __init__(self):
        super().__init__()
        self.bottom = mlp(8, 6)
        self.heads = nn.ModuleList([nn.Linear(6, 1) for _ in range(3)])

    def forward(self, x, domain):
        h = self.bottom(x)
        logits = torch.cat([head(h) for head in self.heads], dim=1)
        own = torch.arange(3).unsqueeze(0) == domain.unsqueeze(1)
        return torch.sigmoid(logits.masked_fill(~own, -1e9).max(dim=1).values)


@model("gates_masked_by_domain", x=numbers(8), domain=ids(3))
class GatesMaskedByDomain(nn.Module):
    """A domain may not see all experts: logits of the others are filled with -1e9 by a table of masks."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([mlp(8, 6) for _ in range(4)])
        self.gate = nn.Linear(8, 4)
        self.tower = mlp(6, 4, 1, last=False)
        mask = torch.tensor([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 0]])
        self.register_buffer("mask", mask)

    def forward(self, x, domain):
        seen = self.mask[domain]
        weights = F.softmax(self.gate(x).masked_fill(seen == 0, -1e9), dim=-1)
        h = torch.stack([e(x) for e in self.experts], dim=1)
        return torch.sigmoid(self.tower(torch.einsum("be,beh->bh", weights, h))).squeeze(-1)
