"""Scenario-Wise-Rec: MMOE, PLE and SharedBottom, whose tensors have torch-rechub's names, EPNet and PPNet, from a checkout.

It is no package: MMOE_LIBRARIES names the folder in which the checkout lies as Scenario-Wise-Rec. A domain is a task: what
the library predicts for a row as one of each domain.
"""

import os
import pathlib
import sys

import numpy as np
import torch

from case import Case
from torch_weights import spread

sys.path.insert(0, str(pathlib.Path(os.environ["MMOE_LIBRARIES"], "Scenario-Wise-Rec")))
from scenario_wise_rec.basic.features import DenseFeature, SparseFeature  # noqa: E402
from scenario_wise_rec.models.multi_domain import MMOE, PLE, EPNet, PPNet, SharedBottom  # noqa: E402

LIBRARY = "Scenario-Wise-Rec 167ea86"
DOMAINS = 3


class DenseColumn(DenseFeature):
    """The library's models ask dense features for a width too."""
    embed_dim = 1


def make_rows(sizes, count, rng):
    rows = {name: torch.as_tensor(rng.integers(0, size, count)) for name, size in sizes.items()}
    rows["price"] = torch.as_tensor(rng.random(count).astype("float32"))
    rows["domain_indicator"] = torch.as_tensor(rng.integers(0, DOMAINS, count))
    return rows


def train(model, sizes, rng):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(6):
        rows = make_rows(sizes, 128, rng)
        labels = torch.as_tensor(rng.random(128).round().astype("float32"))
        loss = torch.nn.functional.binary_cross_entropy(model(rows), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def case(name, architecture, model, sizes, rows, features, by_domain):
    rng = np.random.default_rng(41)
    spread(model)
    train(model, sizes, rng)
    data = make_rows(sizes, rows, rng)
    columns = []
    with torch.no_grad():
        for domain in range(DOMAINS if by_domain else 1):
            given = dict(data, domain_indicator=torch.full((rows,), domain)) if by_domain else data
            columns.append(model(given).reshape(-1))
    tasks = [f"domain_{i}" for i in range(DOMAINS)] if by_domain else ["y"]
    settings = {"activation": "relu", "features": features, **({"tasks": tasks} if by_domain else {})}
    heading = [feature["name"] for feature in features]
    raw = [[value.item() for value in row] for row in zip(*(data[column] for column in heading))]
    return Case("scenario_wise_rec_" + name, LIBRARY, architecture, "model.pth", lambda path: torch.save(model.state_dict(), path),
                settings, tasks, heading, raw, torch.stack(columns, dim=1))


def cases(rows, full):
    torch.manual_seed(41)
    sizes, width = ({"user": 6000, "item": 4000, "age": 7}, 16) if full else ({"user": 7, "item": 9}, 3)
    features = [*(SparseFeature(name, size, width) for name, size in sizes.items()), DenseColumn("price")]
    scenario = [SparseFeature("domain_indicator", DOMAINS, width)]
    named = [{"name": feature.name} for feature in features]
    wide, narrow = ([64, 32], [16]) if full else ([6, 5], [6])
    expert, tower = dict(dims=wide, activation="relu", dropout=0.2), dict(dims=narrow, activation="relu", dropout=0.2)
    yield case("mmoe", "MMoE", MMOE(features, DOMAINS, 4, expert, tower), sizes, rows, named, True)
    yield case("ple", "PLE", PLE(features, DOMAINS, 2, 2, 1, expert, tower), sizes, rows, named, True)
    yield case("shared_bottom", "Shared-Bottom", SharedBottom(features, DOMAINS, expert, tower), sizes, rows, named, True)
    domain = {"name": "domain_indicator", "kind": "categorical", "vocabulary": {"identity": DOMAINS}}
    table = "_embedding.embed_dict.domain_indicator.weight"
    yield case("epnet", "EPNet", EPNet(scenario, features, wide), sizes, rows,
               [*named, dict(domain, embedding="sce" + table)], False)
    # Its towers read the columns of ids first; a domain is given, and its id is read too.
    yield case("ppnet", "PPNet", ByDomain(PPNet(scenario, features, DOMAINS, wide)), {**sizes, "id": DOMAINS}, rows,
               [dict(domain, name="id", embedding="id" + table), *named], True)


class ByDomain(torch.nn.Module):
    """A row's id of the domain apart from the domain whose tower is asked."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def state_dict(self, *arguments, **more):
        return self.model.state_dict(*arguments, **more)

    def forward(self, rows):
        model = self.model
        ids = model.id_embedding({**rows, "domain_indicator": rows["id"]}, model.id_features, squeeze_dim=True)
        others = model.agn_embedding(rows, model.agn_features, squeeze_dim=True)
        towers = torch.stack([tower(others, torch.cat((ids, others), dim=1)) for tower in model.domain_tower])
        return towers[rows["domain_indicator"], torch.arange(len(ids)), 0]
