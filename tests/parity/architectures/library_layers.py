"""What users put in front of an MMoE with the layers of public libraries: their own classes, so the names of the tensors
are those that the libraries save.

Needs torch-rechub 0.9.0, FuxiCTR 2.3.10 and DeepCTR-Torch 0.3.0, which the other fixtures do not.
"""

import torch
from torch import nn

from architectures import INPUTS
from fixture import NUM_ROWS, Fixture, sigmoids
from nodes import Categories, Din, Mixture, mixture

WITH_NODES, RELU, LINEAR = "MMoE with nodes", {"activation": "relu"}, {"activation": "linear"}
LAYERS, EXPERTS, RANK = 2, 3, 3  # of a cross network that mixes experts of a low rank


class Crossed(nn.Module):
    """A cross network beside a deep one."""

    def __init__(self, crossnet, deep, width):
        super().__init__()
        self.crossnet, self.deep = crossnet, deep
        self.mmoe = Mixture(INPUTS + width)

    def forward(self, x):
        return sigmoids(self.mmoe.logits(torch.cat([self.crossnet(x), self.deep(x)], dim=1)))


def cross_mix(u, v, c):
    """Wang et al., WWW 2021, section 3.2: each layer is a mixture of experts of a low rank, whose gates all layers share:
    x_0 times what the experts give, plus x_l. `u`, `v`, `c`: patterns of their matrices, by layer and expert."""
    nodes, before = [], "input"
    for i in range(LAYERS):
        for e in range(EXPERTS):
            names = {part: pattern.format(layer=i, expert=e) for part, pattern in (("u", u), ("v", v), ("c", c))}
            nodes += [
                {"name": f"v.{i}.{e}", "layers": names["v"], "weight": "", "orientation": "in_out", "reads": before,
                 "activation": "tanh"},
                {"name": f"uv.{i}.{e}", "layers": [names["c"], names["u"]], "weight": "", "output_bias": f"b.{i}.0",
                 "reads": f"v.{i}.{e}", "activation": ["tanh", "linear"]},
                {"name": f"gate.{i}.{e}", "layers": f"crossnet.gating.{e}", "reads": before, **LINEAR}]
        every = lambda name: [f"{name}.{i}.{e}" for e in range(EXPERTS)]
        nodes += [{"name": f"weights.{i}", "softmax": every("gate")},
                  {"name": f"weighted.{i}", "product": [f"weights.{i}", every("uv")]},
                  {"name": f"mixed.{i}", "sum_of_groups": f"weighted.{i}", "group": INPUTS},
                  {"name": f"crossed.{i}", "product": ["input", f"mixed.{i}"]},
                  {"name": f"x{i + 1}", "sum": [f"crossed.{i}", before]}]
        before = f"x{i + 1}"
    return nodes


def rechub_dcn_mix():
    """DCNv2 of torch-rechub by default: its CrossNetMix beside its MLP, which has batch norms."""
    from torch_rechub.basic.layers import MLP, CrossNetMix
    module = Crossed(CrossNetMix(INPUTS, LAYERS, low_rank=RANK, num_experts=EXPERTS),
                     MLP(INPUTS, output_layer=False, dims=[6, 5]), 5)
    lists = [{"name": f"{part}.{{layer}}.{{expert}}", "split": f"crossnet.{part}_list.{{layer}}"} for part in "uvc"]
    deep = {"name": "deep", "layers": "deep.mlp.{layer}", "batch_norm": "deep.mlp.{layer}", "reads": "input", **RELU}
    described = {
        **mixture([f"x{LAYERS}", "deep"]), "input_dim": INPUTS,
        "derived": [*lists, {"name": "b.{layer}.{expert}", "split": "crossnet.bias.{layer}", "axis": 1}],
        "nodes": [*cross_mix("u.{layer}.{expert}", "v.{layer}.{expert}", "c.{layer}.{expert}"), deep]}
    return Fixture("rechub_dcn_mix", WITH_NODES, module, described, inputs=INPUTS)


def deepctr_torch_dcn_mix():
    """The same of DeepCTR-Torch, which has one tensor for all layers and experts."""
    from deepctr_torch.layers import DNN, CrossNetMix
    module = Crossed(CrossNetMix(INPUTS, low_rank=RANK, num_experts=EXPERTS, layer_num=LAYERS), DNN(INPUTS, (6, 5)), 5)
    lists = [{"name": f"{part}.{{layer}}", "split": f"crossnet.{part.upper()}_list"} for part in "uvc"]
    lists += [{"name": f"{part}.{{layer}}.{{expert}}", "split": f"{part}.{{layer}}"} for part in "uvc"]
    bias = [{"name": "b.{layer}", "split": "crossnet.bias"}, {"name": "b.{layer}.{expert}", "split": "b.{layer}", "axis": 1}]
    deep = {"name": "deep", "layers": "deep.linears.{layer}", "reads": "input", **RELU}
    described = {**mixture([f"x{LAYERS}", "deep"]), "input_dim": INPUTS, "derived": [*lists, *bias],
                 "nodes": [*cross_mix("u.{layer}.{expert}", "v.{layer}.{expert}", "c.{layer}.{expert}"), deep]}
    return Fixture("deepctr_torch_dcn_mix", WITH_NODES, module, described, inputs=INPUTS)


def deepctr_torch_dcn(kind):
    """Its CrossNet with vectors (DCN) or matrices (DCN v2): one tensor for all layers."""
    from deepctr_torch.layers import DNN, CrossNet
    module = Crossed(CrossNet(INPUTS, LAYERS, kind), DNN(INPUTS, (6,)), 6)
    nodes, before = [{"name": "deep", "layers": "deep.linears.{layer}", "reads": "input", **RELU}], "input"
    for i in range(LAYERS):
        vector = kind == "vector"
        w = {"name": f"w{i}", "layers": f"k.{i}", "weight": "", "reads": before, **LINEAR}
        nodes += [{**w, "orientation": "in_out"} if vector else {**w, "output_bias": f"b.{i}.0"},
                  {"name": f"c{i}", "product": ["input", f"w{i}"]},
                  {"name": f"x{i + 1}", "sum": [f"c{i}", before], **({"constant": f"b.{i}.0"} if vector else {})}]
        before = f"x{i + 1}"
    derived = [{"name": "k.{layer}", "split": "crossnet.kernels"}, {"name": "b.{layer}", "split": "crossnet.bias"},
               {"name": "b.{layer}.{expert}", "split": "b.{layer}", "axis": 1}]
    described = {**mixture([before, "deep"]), "input_dim": INPUTS, "derived": derived, "nodes": nodes}
    return Fixture(f"deepctr_torch_dcn_{kind}", WITH_NODES, module, described, inputs=INPUTS)


def fuxictr_dcn_v2():
    """DCNv2 of FuxiCTR by default: CrossNetV2 beside an MLP_Block."""
    from fuxictr.pytorch.layers import CrossNetV2, MLP_Block
    deep = MLP_Block(INPUTS, hidden_units=[6, 5], hidden_activations="ReLU", batch_norm=True, dropout_rates=0.1)
    nodes, before = [], "input"
    for i in range(LAYERS):
        nodes += [{"name": f"w{i}", "layers": f"crossnet.cross_layers.{i}", "reads": before, **LINEAR},
                  {"name": f"c{i}", "product": ["input", f"w{i}"]},
                  {"name": f"x{i + 1}", "sum": [f"c{i}", before]}]
        before = f"x{i + 1}"
    nodes.append({"name": "deep", "layers": "deep.mlp.{layer}", "batch_norm": "deep.mlp.{layer}", "reads": "input", **RELU})
    described = {**mixture([before, "deep"]), "input_dim": INPUTS, "nodes": nodes}
    return Fixture("fuxictr_dcn_v2", WITH_NODES, Crossed(CrossNetV2(INPUTS, LAYERS), deep, 5), described, inputs=INPUTS)


class RechubDeepFm(Categories):
    """LR, FM and MLP of torch-rechub's DeepFM; the deep part is an MMoE behind the MLP."""

    def __init__(self):
        from torch_rechub.basic.layers import FM, LR, MLP
        super().__init__()
        self.linear, self.fm = LR(4 * self.DIM), FM(reduce_sum=True)
        self.mlp = MLP(4 * self.DIM, output_layer=False, dims=[6], activation="prelu")
        self.mmoe = Mixture(6)

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        wide = self.linear(v.flatten(1)) + self.fm(v)
        return sigmoids([logit + wide for logit in self.mmoe.logits(self.mlp(v.flatten(1)))])


def rechub_deep_fm():
    described = mixture("deep")
    described["levels"][0]["nodes"] = [
        {"name": "{task}.deep", "layers": "mmoe.towers.{task}.{layer}", "reads": "gates", "last_activation": "linear", **RELU},
        {"name": "{task}.logit", "sum": ["{task}.deep", "linear", "fm"]}]
    return Fixture("rechub_deep_fm", WITH_NODES, RechubDeepFm(), {
        **described, "features": RechubDeepFm.features(),
        "nodes": [{"name": "linear", "layers": "linear.fc", "reads": "input", **LINEAR},
                  {"name": "pairs", "bi_interaction": "input", "group": Categories.DIM},
                  {"name": "fm", "sum_within_groups": "pairs"},
                  {"name": "deep", "layers": "mlp.mlp.{layer}", "batch_norm": "mlp.mlp.{layer}", "slopes": "mlp.mlp.2",
                   "reads": "input", "activation": "prelu"}],
        "towers": {"reads": "{task}.logit"}}, batch=RechubDeepFm.batch)


class FuxictrDlrm(Categories):
    """Naumov et al., 2019, as FuxiCTR has it: the bottom MLP's output is the last of the fields, and comes again behind the
    products, which its InnerProductInteraction lists as the upper triangle."""

    DENSE = ("age", "price")

    def __init__(self):
        from fuxictr.pytorch.layers import InnerProductInteraction, MLP_Block
        super().__init__()
        self.bottom_mlp = MLP_Block(2, output_dim=self.DIM, hidden_units=[6], hidden_activations="ReLU",
                                    output_activation="ReLU", batch_norm=True)
        self.interact = InnerProductInteraction(5, output="inner_product")
        self.mmoe = Mixture(10 + self.DIM)

    def forward(self, b):
        bottom = self.bottom_mlp(b["dense"])
        products = self.interact(torch.stack([*self.embedded(b), bottom], dim=1))
        return sigmoids(self.mmoe.logits(torch.cat([products, bottom], dim=1)))

    @classmethod
    def batch(cls, generator):
        columns, heading, rows = super().batch(generator)
        columns["dense"] = torch.randn(NUM_ROWS, 2, generator=generator)
        dense = [[f"{value:.9g}" for value in row] for row in columns["dense"].tolist()]
        return columns, [*cls.DENSE, *heading], [a + b for a, b in zip(dense, rows)]


def fuxictr_dlrm():
    dense = [{"name": name, "kind": "dense"} for name in FuxictrDlrm.DENSE]
    return Fixture("fuxictr_dlrm", WITH_NODES, FuxictrDlrm(), {
        **mixture(["pairs", "bottom"]), "features": dense + FuxictrDlrm.features(),
        "nodes": [{"name": "bottom", "layers": "bottom_mlp.mlp.{layer}", "batch_norm": "bottom_mlp.mlp.{layer}",
                   "reads": list(FuxictrDlrm.DENSE), **RELU},
                  {"name": "pairs", "upper_pairs": [*Categories.FIELDS, "bottom"]}],
        }, batch=FuxictrDlrm.batch)


class LibraryDin(nn.Module):
    """Items that the user has seen, by a library's own attention; id 0 is padding, whose embedding is zero in the libraries."""

    ITEMS, WIDTH = Din.ITEMS, 4

    def __init__(self, attention, attend):
        super().__init__()
        self.item, self.user, self.attend = nn.Embedding(self.ITEMS, self.WIDTH), nn.Embedding(6, 3), attend
        self.attention = attention
        self.mmoe = Mixture(3 + 2 * self.WIDTH)

    def forward(self, b):
        query = self.item(b["item"])
        there = (b["items"] != 0).unsqueeze(2)
        interest = self.attend(self.attention, query, self.item(b["items"]) * there, there.squeeze(2))
        return sigmoids(self.mmoe.logits(torch.cat([self.user(b["user"]), query, interest], dim=1)))

    @classmethod
    def batch(cls, generator):
        columns, heading, rows = Din.batch(generator)
        length = Din.LENGTH
        count = torch.randint(1, length + 1, (NUM_ROWS, 1), generator=generator)  # padding stands behind
        columns["items"] = torch.where(torch.arange(length) < count, columns["items"].clamp(min=1), 0)
        items = ["|".join(map(str, row)) for row in columns["items"].tolist()]
        return columns, ["user", "item", "items"], [[row[0], row[1], cell] for row, cell in zip(rows, items)]


def library_din(name, attention, attend, options, **layers):
    category = lambda name, side, size: {"name": name, "kind": "categorical", "side": side,
                                         "vocabulary": {"identity": size}, "embedding": f"{name}.weight"}
    items = {**category("items", "user", Din.ITEMS), "kind": "sequence", "embedding": "item.weight", "length": Din.LENGTH,
             "pooling": "none", "padding_id": 0}
    node = {"name": "interest", "attention": {"query": "item", "sequences": "items", **options}, **layers}
    described = {**mixture(["user", "item", "interest"]), "nodes": [node],
                 "features": [category("user", "user", 6), category("item", "item", Din.ITEMS), items]}
    return Fixture(name, WITH_NODES, LibraryDin(attention, attend), described, batch=LibraryDin.batch)


def rechub_din(softmax):
    """ActivationUnit: its Dice normalises over the row, and its softmax knows no padding."""
    from torch_rechub.models.ranking.din import ActivationUnit
    return library_din(
        "rechub_din_softmax" if softmax else "rechub_din",
        ActivationUnit(LibraryDin.WIDTH, dims=[6], activation="dice", use_softmax=softmax),
        lambda unit, query, items, there: unit(items, query), {"softmax": softmax, "mask": not softmax},
        layers=["attention.attention.mlp.0", "attention.attention.mlp.4"], batch_norm="attention.attention.mlp.1",
        activation=["dice", "linear"], dice={"alpha": "attention.attention.mlp.2.alpha"})


def fuxictr_din():
    """DIN_Attention by default: Dice, no softmax."""
    from fuxictr.pytorch.layers import DIN_Attention
    return library_din(
        "fuxictr_din", DIN_Attention(LibraryDin.WIDTH, attention_units=[6], hidden_activations="Dice"),
        lambda unit, query, items, there: unit(query, items, there), {},
        layers=["attention.attention_layer.mlp.0", "attention.attention_layer.mlp.2"], activation=["dice", "linear"],
        dice={"alpha": "attention.attention_layer.mlp.1.alpha", "batch_norm": "attention.attention_layer.mlp.1.bn",
              "epsilon": 1e-9})


def deepctr_torch_din():
    """AttentionSequencePoolingLayer as DIN has it, with softmax."""
    from deepctr_torch.layers import AttentionSequencePoolingLayer
    unit = AttentionSequencePoolingLayer((6, 5), "sigmoid", weight_normalization=True, embedding_dim=LibraryDin.WIDTH)
    attend = lambda unit, query, items, there: unit(query.unsqueeze(1), items, there.sum(dim=1, keepdim=True)).squeeze(1)
    return library_din(
        "deepctr_torch_din", unit, attend, {"softmax": True},
        layers=["attention.local_att.dnn.linears.0", "attention.local_att.dnn.linears.1", "attention.local_att.dense"],
        activation=["sigmoid", "sigmoid", "linear"])


def all_fixtures():
    yield rechub_dcn_mix()
    yield rechub_deep_fm()
    yield rechub_din(False)
    yield rechub_din(True)
    yield fuxictr_dcn_v2()
    yield fuxictr_dlrm()
    yield fuxictr_din()
    yield deepctr_torch_dcn("vector")
    yield deepctr_torch_dcn("matrix")
    yield deepctr_torch_dcn_mix()
    yield deepctr_torch_din()
