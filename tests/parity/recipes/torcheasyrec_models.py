"""TorchEasyRec: the networks of MMoE, PLE, DBMTL and PEPNet, and of the rankers of torcheasyrec_rankers.py, out of its own modules (tzrec.modules), from a checkout of its repository.

The whole library needs torchrec and fbgemm, which are made for its own images; so the models here put its modules
together as tzrec/models/mmoe.py, ple.py, dbmtl.py and pepnet.py do, under the same names, on x itself instead of its embedding groups.
MMOE_LIBRARIES names the folder in which the checkout lies as TorchEasyRec.
"""

import importlib
import os
import pathlib
import sys
import types

import torch
from torch import nn

import torcheasyrec_rankers
from case import Case
from torch_weights import spread

LIBRARY = "TorchEasyRec 54cac316"
TASKS = ("ctr", "cvr")


def load():
    """Only the modules that the networks need, without the package's own __init__."""
    root = pathlib.Path(os.environ["MMOE_LIBRARIES"], "TorchEasyRec", "tzrec")
    for name, path in (("tzrec", root), ("tzrec.modules", root / "modules"), ("tzrec.utils", root / "utils")):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    for name, needed in (("tzrec.ops", "Kernel"), ("tzrec.modules.utils", "Transpose"),
                         ("tzrec.utils.logging_util", "logger"), ("tzrec.utils.load_class", "load_by_path")):
        stub = types.ModuleType(name)
        setattr(stub, needed, lambda path, needed=needed: getattr(nn, path.split(".")[-1]))
        sys.modules[name] = stub
    return [importlib.import_module("tzrec.modules." + name) for name in ("mmoe", "extraction_net", "task_tower", "mlp", "personalized_net")]


class Model(nn.Module):
    def __init__(self, towers):
        super().__init__()
        self._task_tower = nn.ModuleList(towers)

    def forward(self, x):
        outputs = [tower(stream) for tower, stream in zip(self._task_tower, self.streams(x))]
        return [torch.sigmoid(outputs[0][:, 0]), torch.softmax(outputs[1], dim=1)[:, 1]]


class MMoE(Model):
    def __init__(self, mmoe, towers):
        super().__init__(towers)
        self.mmoe = mmoe

    def streams(self, x):
        return self.mmoe(x)


class PLE(Model):
    def __init__(self, nets, towers):
        super().__init__(towers)
        self._extraction_nets = nn.ModuleList(nets)

    def streams(self, x):
        streams, shared = [x, x], x
        for net in self._extraction_nets:
            streams, shared = net(streams, shared)
        return streams


class DBMTL(nn.Module):
    """A task reads the streams of the tasks in `relations`; tasks without layers of their own pass on what they read."""

    def __init__(self, bottom, mmoe, task_mlps, relations, relation_mlps, outputs):
        super().__init__()
        self.bottom_mlp, self.mmoe, self.relations = bottom, mmoe, relations
        self.task_mlps, self.relation_mlps = nn.ModuleDict(task_mlps), nn.ModuleDict(relation_mlps)
        self.task_outputs = nn.ModuleList(outputs)

    def forward(self, x):
        x = self.bottom_mlp(x) if self.bottom_mlp is not None else x
        streams = self.mmoe(x) if self.mmoe is not None else [x] * len(TASKS)
        related = {}
        for task, stream in zip(TASKS, streams):
            stream = self.task_mlps[task](stream) if task in self.task_mlps else stream
            if task in self.relation_mlps:
                stream = self.relation_mlps[task](torch.cat([stream, *(related[t] for t in self.relations[task])], dim=1))
            related[task] = stream
        logits = [output(related[task]) for output, task in zip(self.task_outputs, TASKS)]
        return [torch.sigmoid(logits[0][:, 0]), torch.softmax(logits[1], dim=1)[:, 1]]


class PEPNet(Model):
    """x is the features of the groups "all", "domain" (where there is one) and "uia" side by side."""

    def __init__(self, widths, epnet, ppnet, towers):
        super().__init__(towers)
        self.widths, self.epnet, self.ppnet = widths, epnet, ppnet

    def streams(self, x):
        every, domain, uia = torch.split(x, self.widths, dim=1)
        return self.ppnet(self.epnet(every, domain) if self.epnet is not None else every, uia)


class Wrapped(nn.Module):
    """The library's trainer saves its models under `model.`."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)


def make_models(inputs, wide, narrow, modules):
    mmoe, extraction, task_tower, mlps, personalized = modules

    def mlp(units, **more):
        return dict(hidden_units=list(units), activation="nn.ReLU", **more)

    def towers():
        return [task_tower.TaskTower(wide[-1], 1, mlp=mlp(narrow)), task_tower.TaskTower(wide[-1], 2, mlp=mlp(narrow))]

    yield "mmoe_bn", "MMoE", MMoE(mmoe.MMoE(inputs, mlp(wide, use_bn=True), 3, 2, gate_mlp=mlp(narrow)), towers())
    yield "mmoe_ln", "MMoE", MMoE(mmoe.MMoE(inputs, mlp(wide, use_ln=True), 3, 2), towers())
    level = dict(network_name="net", share_num=1, expert_num_per_task=2, share_expert_net=mlp(wide),
                 task_expert_net=mlp(wide))
    yield "ple", "PLE", PLE([extraction.ExtractionNet([inputs] * 2, inputs, **level),
                             extraction.ExtractionNet([wide[-1]] * 2, wide[-1], final_flag=True, **level)], towers())
    w, n = wide[-1], narrow[-1]
    yield "dbmtl", "DBMTL", DBMTL(
        mlps.MLP(inputs, **mlp(wide, use_bn=True)), mmoe.MMoE(w, mlp(wide), 3, 2, gate_mlp=mlp(narrow)),
        {task: mlps.MLP(w, **mlp(narrow)) for task in TASKS}, {"cvr": ["ctr"]},
        {"cvr": mlps.MLP(2 * n, **mlp(narrow))}, [nn.Linear(n, 1), nn.Linear(n, 2)])
    yield "dbmtl_plain", "DBMTL", DBMTL(
        mlps.MLP(inputs, **mlp(wide)), None, {"cvr": mlps.MLP(w, **mlp(narrow))}, {"cvr": ["ctr"]},
        {"cvr": mlps.MLP(n + w, **mlp(narrow, use_bn=True))}, [nn.Linear(w, 1), nn.Linear(n, 2)])
    every, domain = inputs // 2, inputs // 4
    for name, width in (("pepnet", domain), ("ppnet", 0)):
        uia = inputs - every - width
        yield name, "PEPNet", PEPNet(
            [every, width, uia], personalized.EPNet(every, width, hidden_dim=5) if width else None,
            personalized.PPNet(every, uia, 2, hidden_units=list(wide)), towers())


def train(model, inputs, generator):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for _ in range(8):
        x, y = torch.randn(64, inputs, generator=generator), torch.rand(64, generator=generator)
        loss = sum(nn.functional.binary_cross_entropy(output, y) for output in model(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def case(name, architecture, model, inputs, rows, settings, tasks):
    generator = torch.Generator().manual_seed(37)
    spread(model)
    train(model, inputs, generator)
    x = torch.randn(rows, inputs, generator=generator)
    with torch.no_grad():
        scores = torch.stack(model(x), dim=1)
    heading = [f"x{i}" for i in range(inputs)]
    if "features" in settings:
        heading = [column for feature in settings["features"] for column in
                   ([f"{feature['name']}.{i}" for i in range(feature["width"])] if "width" in feature else [feature["name"]])]
    return Case("torcheasyrec_" + name, LIBRARY, architecture, "model.pt",
                lambda path: torch.save(model.state_dict(), path), settings, list(tasks), heading, x.tolist(), scores)


class Ranker(nn.Module):
    """A ranker of one task, under the name that the library's trainer gives it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return [torch.sigmoid(self.model(x)[:, 0])]


def cases(rows, full):
    inputs, wide, narrow = (256, (512, 256, 128), (256, 128, 64)) if full else (6, (6, 5), (4,))
    torch.manual_seed(37)
    for name, architecture, inner in make_models(inputs, wide, narrow, load()):
        settings = {"activation": "nn.ReLU", "tasks": ["ctr", {"name": "cvr", "link": {"softmax_column": 1}}]}
        if architecture == "DBMTL":
            settings["relation_tower_names"] = inner.relations
        yield case(name, architecture, Wrapped(inner), inputs, rows, settings, TASKS)
    for name, architecture, width, inner, settings in torcheasyrec_rankers.makers(inputs, wide):
        yield case(name, architecture, Ranker(inner), width, rows, {"activation": "nn.ReLU", **settings}, ["y"])
