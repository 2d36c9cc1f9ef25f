"""LibMTL: HPS, MMoE, CGC and DSelect-k with encoders and decoders as its users write them.

Of the package only the architecture is loaded: its __init__ also wants ResNets of a torchvision of its time.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
import types

import torch
from torch import nn

from case import Case
from torch_weights import spread

LIBRARY = "LibMTL " + importlib.metadata.version("LibMTL")


def load(name):
    if "LibMTL" not in sys.modules:
        package = types.ModuleType("LibMTL")
        package.__path__ = list(importlib.util.find_spec("LibMTL").submodule_search_locations)
        architecture = types.ModuleType("LibMTL.architecture")
        architecture.__path__ = [package.__path__[0] + "/architecture"]
        sys.modules.update({"LibMTL": package, "LibMTL.architecture": architecture})
    return getattr(importlib.import_module("LibMTL.architecture." + name), name)


def cases(rows, full):
    yield case("MMoE", rows, full, [3], {})
    # The steps are as wide as 1 whatever kgamma says; the weights of `spread` make numbers on both sides of them.
    yield case("HPS", rows, full, [], {})
    yield case("CGC", rows, full, [2, 1, 2], {})
    yield case("DSelect_k", rows, full, [3], {"num_nonzeros": 2, "kgamma": 1.0})


def case(name, rows, full, num_experts, options):
    inputs, hidden, outputs, tower = (128, 256, 128, 64) if full else (6, 5, 4, 3)
    tasks = ["click", "dwell"]

    def encoder():
        return nn.Sequential(nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs),
                             nn.ReLU())

    generator = torch.Generator().manual_seed(9)
    torch.manual_seed(9)
    decoders = nn.ModuleDict({task: nn.Sequential(nn.Linear(outputs, tower), nn.ReLU(), nn.Linear(tower, 1))
                              for task in tasks})
    model = load(name)(tasks, encoder, decoders, False, False, torch.device("cpu"), img_size=[inputs],
                       num_experts=num_experts, **options)
    spread(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(8):
        x, y = torch.randn(64, inputs, generator=generator), torch.rand(64, 1, generator=generator)
        loss = sum(nn.functional.mse_loss(output, y) for output in model(x).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    x = torch.randn(rows, inputs, generator=generator)
    with torch.no_grad():
        found = model(x)
    scores = torch.cat([torch.sigmoid(found["click"]), found["dwell"]], dim=1)
    settings = {"activation": "relu", "last_activation": "relu", "tasks": ["click", {"name": "dwell", "link": "identity"}]}
    architecture = {"DSelect_k": "DSelect-k MMoE", "HPS": "Shared-Bottom"}.get(name, name)
    return Case("libmtl_" + name.lower(), LIBRARY, architecture, "best.pt",
                lambda path: torch.save(model.state_dict(), path), settings, tasks, [f"x{i}" for i in range(inputs)], x.tolist(), scores)
