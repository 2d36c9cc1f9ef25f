"""Interactions of fields that are made of several operations each, in front of an MMoE: mask blocks (MaskNet) and the
compressed interaction network (xDeepFM)."""

import torch
from torch import nn

from fixture import Fixture, sigmoids
from nodes import Categories, Mixture, mixture

RELU, LINEAR = {"activation": "relu"}, {"activation": "linear"}


class MaskBlock(nn.Module):
    """Wang et al., DLP-KDD 2021: what goes in times a mask that two layers make of the embeddings, then a layer with a
    layer norm."""

    def __init__(self, embedded, inputs, outputs):
        super().__init__()
        self.mask = nn.Sequential(nn.Linear(embedded, 5), nn.ReLU(), nn.Linear(5, inputs))
        self.hidden = nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.LayerNorm(outputs), nn.ReLU())

    def forward(self, embedded, x):
        return self.hidden(self.mask(embedded) * x)


class MaskNet(Categories):
    """Each embedding has a layer norm of its own; masks read the embeddings before it. `serial`: a block reads what the
    one before gives; else all read the embeddings, and what they give lies side by side."""

    def __init__(self, serial):
        super().__init__()
        self.serial = serial
        width = 4 * self.DIM
        self.norms = nn.ModuleDict({name: nn.LayerNorm(self.DIM) for name in self.FIELDS})
        self.blocks = nn.ModuleList([MaskBlock(width, width, 8), MaskBlock(width, 8 if serial else width, 6)])
        self.mmoe = Mixture(6 if serial else 8 + 6)

    def forward(self, b):
        embedded = self.embedded(b)
        x = torch.cat(embedded, dim=1)
        normed = torch.cat([self.norms[name](e) for name, e in zip(self.FIELDS, embedded)], dim=1)
        first, second = self.blocks
        h = first(x, normed)
        return sigmoids(self.mmoe.logits(second(x, h) if self.serial else torch.cat([h, second(x, normed)], dim=1)))


def mask_block(i, reads):
    return [{"name": f"mask.{i}", "layers": f"blocks.{i}.mask.{{layer}}", "reads": "input", "last_activation": "linear",
             **RELU},
            {"name": f"masked.{i}", "product": [f"mask.{i}", reads]},
            {"name": f"block.{i}", "layers": f"blocks.{i}.hidden.0", "layer_norm": f"blocks.{i}.hidden.1",
             "reads": f"masked.{i}", **RELU}]


def mask_net(serial):
    normed = [f"{name}.normed" for name in MaskNet.FIELDS]
    norms = [{"name": f"{name}.normed", "sum": [name], "layer_norm": f"norms.{name}"} for name in MaskNet.FIELDS]
    return {**mixture("block.1" if serial else ["block.0", "block.1"]), "features": MaskNet.features(),
            "nodes": [*norms, *mask_block(0, normed), *mask_block(1, "block.0" if serial else normed)]}


class XDeepFm(Categories):
    """Lian et al., KDD 2018. A feature map of a CIN layer is a weighted sum, for each column of the embeddings, of the
    products of a field's and of a map's of the layer before. The sums of all maps, and a linear part, are added to each
    logit."""

    MAPS = (3, 5)

    def __init__(self):
        super().__init__()
        fields = len(self.FIELDS)
        self.cin = nn.ModuleList(
            nn.Linear(fields * maps, out) for maps, out in zip((fields, *self.MAPS), self.MAPS))
        self.fc = nn.Linear(sum(self.MAPS), 1)
        self.wide = nn.ModuleDict({name: nn.Embedding(size, 1) for name, size in self.FIELDS.items()})
        self.mmoe = Mixture(4 * self.DIM)

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        maps, pooled = v, []
        for layer in self.cin:
            products = torch.einsum("bmd,bhd->bmhd", v, maps).flatten(1, 2)
            maps = layer(products.transpose(1, 2)).transpose(1, 2)
            pooled.append(maps.sum(dim=2))
        first = sum(self.wide[name](b[name]) for name in self.FIELDS)
        cin = self.fc(torch.cat(pooled, dim=1))
        return sigmoids([logit + first + cin for logit in self.mmoe.logits(v.flatten(1))])


def cin(fields, dim, maps, layers):
    """Nodes of a CIN, and what its result consists of. All of them lie column by column of the embeddings: first what
    belongs to the first column of each, then to the second."""
    columns = [{"node": "fields", "first": field * dim + column, "count": 1}
               for column in range(dim) for field in range(len(fields))]
    nodes = [{"name": "fields", "sum": [fields]}, {"name": "by.column", "sum": [columns]}]
    before, width = "by.column", len(fields)
    for i, out in enumerate(maps):
        again = [{"node": before, "first": column * width, "count": width} for column in range(dim) for _ in fields]
        nodes += [{"name": f"products.{i}", "product": ["by.column", again]},
                  {"name": f"maps.{i}", "layers": layers.format(i), "reads": f"products.{i}", "each": len(fields) * width,
                   **LINEAR},
                  {"name": f"pooled.{i}", "sum_of_groups": f"maps.{i}", "group": out}]
        before, width = f"maps.{i}", out
    return nodes, [f"pooled.{i}" for i in range(len(maps))]


def x_deep_fm():
    fields = list(XDeepFm.FIELDS)
    nodes, pooled = cin(fields, XDeepFm.DIM, XDeepFm.MAPS, "cin.{}")
    described = mixture(fields)
    described["levels"][0]["nodes"] = [
        {"name": "{task}.deep", "layers": "mmoe.towers.{task}.{layer}", "reads": "gates", "last_activation": "linear", **RELU},
        {"name": "{task}.logit", "sum": ["{task}.deep", "first", "cin"]}]
    return {**described, "features": XDeepFm.features() + XDeepFm.features("wide", ".wide"),
            "nodes": [{"name": "first", "sum_within_groups": [f"{name}.wide" for name in fields]}, *nodes,
                      {"name": "cin", "layers": "fc", "reads": pooled, **LINEAR}],
            "towers": {"reads": "{task}.logit"}}


def all_fixtures():
    with_nodes = "MMoE with nodes"
    yield Fixture("mask_net_serial", with_nodes, MaskNet(True), mask_net(True), batch=MaskNet.batch)
    yield Fixture("mask_net_parallel", with_nodes, MaskNet(False), mask_net(False), batch=MaskNet.batch)
    yield Fixture("x_deep_fm", with_nodes, XDeepFm(), x_deep_fm(), batch=XDeepFm.batch)
