"""MTReclib (Multitask-Recommendation-Library): SharedBottom, OMoE, MMoE, PLE, AITM, from a checkout of its repository.

It is no package: MMOE_LIBRARIES names the folder in which the checkout lies as MTReclib. Trained as its main.py does,
on made-up data with the columns of its AliExpress data set.
"""

import importlib
import os
import pathlib
import sys

import numpy as np
import torch

from case import Case
from torch_weights import spread

LIBRARY = "MTReclib 8c6529c"
if not hasattr(np, "long"):
    np.long = np.int64  # as NumPy had it when the library was written


def load(module):
    root = pathlib.Path(os.environ["MMOE_LIBRARIES"], "MTReclib")
    for folder in (root, root / "models"):  # its ple.py imports `layers`, the others `.layers`
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    return importlib.import_module("models." + module)


def train(model, field_dims, num_numeric, task_num, generator):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = torch.nn.BCELoss()
    model.train()
    for _ in range(8):
        categorical, numeric = make_data(field_dims, num_numeric, 64, generator)
        labels = torch.randint(0, 2, (64, task_num), generator=generator).float()
        outputs = model(categorical, numeric)
        loss = sum(criterion(output, labels[:, i]) for i, output in enumerate(outputs)) / task_num
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def make_data(field_dims, num_numeric, rows, generator):
    columns = [torch.randint(0, int(size), (rows,), generator=generator) for size in field_dims]
    return torch.stack(columns, dim=1), torch.rand(rows, num_numeric, generator=generator)


def cases(rows, full):
    bottom, tower, width = ((512, 256), (128, 64), 128) if full else ((6, 5), (4, 3), 2)
    field_dims = np.array([11, 4, 50, 9] if full else [5, 3, 4])
    num_numeric = 63 if full else 3
    common = dict(embed_dim=width, bottom_mlp_dims=bottom, tower_mlp_dims=tower, dropout=0.2)
    makers = {
        "shared_bottom": ("Shared-Bottom", "sharedbottom", "SharedBottomModel", {}),
        "omoe": ("OMoE", "omoe", "OMoEModel", {"expert_num": 3}),
        "mmoe": ("MMoE", "mmoe", "MMoEModel", {"expert_num": 3}),
        "ple": ("PLE", "ple", "PLEModel", {"shared_expert_num": 1, "specific_expert_num": 2}),
        "aitm": ("AITM", "aitm", "AITMModel", {}),
    }
    for name, (architecture, module, maker, arguments) in makers.items():
        generator = torch.Generator().manual_seed(3)
        torch.manual_seed(3)
        tasks = ["click", "conversion"] if name != "aitm" else ["click", "cart", "conversion"]
        model = getattr(load(module), maker)(field_dims, num_numeric, task_num=len(tasks), **common, **arguments)
        if not full:  # so small, its own weights leave all scores alike
            spread(model)
        train(model, field_dims, num_numeric, len(tasks), generator)
        categorical, numeric = make_data(field_dims, num_numeric, rows, generator)
        model.eval()
        with torch.no_grad():
            scores = torch.stack(model(categorical, numeric), dim=1)
        heading = [f"categorical_{i + 1}" for i in range(len(field_dims))]
        heading += [f"numerical.{i}" for i in range(num_numeric)]
        raw = [[*ids, *values] for ids, values in zip(categorical.tolist(), numeric.tolist())]
        settings = {"field_dims": field_dims.tolist(), "tasks": tasks}
        yield Case("mtreclib_" + name, LIBRARY, architecture, f"AliExpress_{module}.pt",
                   lambda path, model=model: torch.save(model.state_dict(), path), settings, tasks,
                   heading, raw, scores)
