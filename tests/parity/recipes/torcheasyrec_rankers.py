"""TorchEasyRec's rankers of one task: its modules, put together as tzrec/models has them, on x itself: the columns of the
groups that a model reads, side by side in the order in which RECIPES.md lists them."""

import importlib

import torch
from torch import nn


class Dcn(nn.Module):
    def __init__(self, inputs, wide, tools):
        super().__init__()
        self.cross, self.deep = tools.interaction.Cross(inputs, cross_num=2), tools.mlp(inputs, wide)
        for bias in self.cross.b:
            nn.init.normal_(bias, std=0.3)
        self.final_dnn = tools.mlp(inputs + wide[-1], wide)
        self.output_linear = nn.Linear(wide[-1], 1, bias=False)

    def forward(self, x):
        return self.output_linear(self.final_dnn(torch.cat([self.cross(x), self.deep(x)], dim=-1)))


class DcnV2(nn.Module):
    def __init__(self, inputs, wide, tools, whole):
        super().__init__()
        self.backbone = tools.mlp(inputs, wide) if whole else None
        width = wide[-1] if whole else inputs
        self.cross = tools.interaction.CrossV2(width, cross_num=2, low_rank=2)
        self.deep = tools.mlp(inputs, wide) if whole else None
        self.final = tools.mlp(width + (wide[-1] if whole else 0), wide)
        self.output_mlp = nn.Linear(wide[-1], 1, bias=False)

    def forward(self, x):
        net = self.cross(self.backbone(x) if self.backbone is not None else x)
        return self.output_mlp(self.final(torch.cat([net, self.deep(x)], dim=-1) if self.deep is not None else net))


class MaskNet(nn.Module):
    def __init__(self, inputs, wide, tools, parallel):
        super().__init__()
        self.mask_net_layer = tools.masknet.MaskNetModule(
            inputs, 2, dict(hidden_dim=5, reduction_ratio=2.0), tools.arguments(wide), use_parallel=parallel)
        self.output_linear = nn.Linear(wide[-1], 1, bias=False)

    def forward(self, x):
        return self.output_linear(self.mask_net_layer(x))


class Dlrm(nn.Module):
    """Groups dense and sparse."""

    def __init__(self, dense, fields, width, wide, tools, with_sparse):
        super().__init__()
        self.dense, self.fields, self.width, self.with_sparse = dense, fields, width, with_sparse
        self.dense_mlp = tools.mlp(dense, [*wide, width])
        self.interaction = tools.interaction.InteractionArch(fields + 1)
        pairs = self.interaction.output_dim() + width
        self.final_mlp = tools.mlp(pairs + (fields * width if with_sparse else 0), wide)
        self.output_mlp = nn.Linear(wide[-1], 1)

    def forward(self, x):
        bottom, sparse = self.dense_mlp(x[:, :self.dense]), x[:, self.dense:]
        fields = torch.cat([bottom.unsqueeze(1), sparse.reshape(-1, self.fields, self.width)], dim=1)
        parts = [self.interaction(fields), bottom, *([sparse] if self.with_sparse else [])]
        return self.output_mlp(self.final_mlp(torch.cat(parts, dim=-1)))


class Wide(nn.Module):
    """DeepFM or WideAndDeep: groups deep and wide."""

    def __init__(self, fields, width, wide, tools, fm, final):
        super().__init__()
        self.fields, self.width = fields, width
        self.fm = tools.fm.FactorizationMachine() if fm else None
        self.deep_mlp = tools.mlp(fields * width, wide)
        self.final_mlp = tools.mlp(1 + (width if fm else 0) + wide[-1], wide) if final else None
        self.output_mlp = nn.Linear(wide[-1], 1)

    def forward(self, x):
        deep, y_wide = x[:, :self.fields * self.width], x[:, self.fields * self.width:].sum(dim=1, keepdim=True)
        y_deep = self.deep_mlp(deep)
        y_fm = self.fm(deep.reshape(-1, self.fields, self.width)) if self.fm is not None else None
        if self.final_mlp is not None:
            return self.output_mlp(self.final_mlp(torch.cat([y_wide, *([] if y_fm is None else [y_fm]), y_deep], dim=1)))
        return y_wide + (0 if y_fm is None else y_fm.sum(dim=1, keepdim=True)) + self.output_mlp(y_deep)


class MultiTower(nn.Module):
    def __init__(self, groups, wide, tools, final):
        super().__init__()
        self.groups = list(groups.values())
        self.towers = nn.ModuleDict({name: tools.mlp(width, wide) for name, width in groups.items()})
        joined = wide[-1] * len(groups)
        self.final_mlp = tools.mlp(joined, wide) if final else None
        self.output_mlp = nn.Linear(wide[-1] if final else joined, 1)

    def forward(self, x):
        parts = torch.split(x, self.groups, dim=1)
        joined = torch.cat([tower(part) for tower, part in zip(self.towers.values(), parts)], dim=-1)
        return self.output_mlp(self.final_mlp(joined) if self.final_mlp is not None else joined)


class Tools:
    def __init__(self):
        self.interaction, self.fm, self.masknet, self.mlps = [
            importlib.import_module("tzrec.modules." + name) for name in ("interaction", "fm", "masknet", "mlp")]

    def arguments(self, units):
        return dict(hidden_units=list(units), activation="nn.ReLU")

    def mlp(self, inputs, units):
        return self.mlps.MLP(inputs, **self.arguments(units), use_bn=len(units) > 1)


def fields_of(count, width, before=(), behind=()):
    """Features of the settings, where x consists of fields of one width."""
    return [*({"name": name, "kind": "dense"} for name in before),
            *({"name": f"f{i}", "kind": "dense", "width": width} for i in range(count)),
            *({"name": name, "kind": "dense"} for name in behind)]


def makers(inputs, wide):
    """Name, architecture, inputs, model, settings."""
    tools = Tools()
    width, fields = 3, 4
    yield "dcn", "DCN", inputs, Dcn(inputs, wide, tools), {}
    yield "dcn_v2", "DCN v2", inputs, DcnV2(inputs, wide, tools, True), {}
    yield "dcn_v2_plain", "DCN v2", inputs, DcnV2(inputs, wide, tools, False), {}
    yield "masknet", "MaskNet", inputs, MaskNet(inputs, wide, tools, True), {}
    yield "masknet_serial", "MaskNet", inputs, MaskNet(inputs, wide, tools, False), {"model": "MaskNet serial"}
    dense = {"features": fields_of(fields, width, before=("a", "b"))}
    yield "dlrm", "DLRM", 2 + fields * width, Dlrm(2, fields, width, wide, tools, True), dense
    yield ("dlrm_without_sparse", "DLRM", 2 + fields * width, Dlrm(2, fields, width, wide, tools, False),
           {"model": "DLRM without sparse", **dense})
    listed = {"features": fields_of(fields, width, behind=("w0", "w1", "w2"))}
    for name, architecture, fm in (("DeepFM", "DeepFM", True), ("WideAndDeep", "Wide & Deep", False)):
        for final in (True, False):
            model = name if final else name + " without final"
            yield (model.lower().replace(" ", "_"), architecture, fields * width + 3,
                   Wide(fields, width, wide, tools, fm, final), {"model": model, **listed})
    for name, final in (("multi_tower", True), ("multi_tower_plain", False)):
        yield name, "MultiTower", inputs, MultiTower({"user": inputs - 2, "item": 2}, wide, tools, final), {}
