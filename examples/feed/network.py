"""The feed's networks: an embedding table before the family's networks; how both are trained.

The table holds the ids of all sparse features behind each other. Its gradient is sparse and its
optimiser lazy, so that a step costs what its rows cost, not what a million rows do.
"""

import sys
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import family, optimise  # noqa: E402
import simulate  # noqa: E402

# Dense features lie in [0, 1]; layers learn faster of inputs around 0. The file has the scaling.
CENTRE, SPREAD = 0.5, 0.25
TASKS, LINKS = ["engagement", "satisfaction"], ["sigmoid", "identity"]
EXPERTS, TRUNK, TOP, TOWER = 8, [128, 64], 32, [16]
# The paper's section 6: the top layer of the shared bottom becomes experts of the same width.
# Single-Task is a Shared-Bottom for each task alone, with embeddings of its own.
CONFIGS = {
    "single_task": {"architecture": "shared_bottom", "hidden": [*TRUNK, TOP], "tower": TOWER},
    "shared_bottom": {"architecture": "shared_bottom", "hidden": [*TRUNK, TOP], "tower": TOWER},
    **{name: {"architecture": name, "trunk": TRUNK, "experts": EXPERTS, "hidden": [TOP],
              "tower": TOWER} for name in ("omoe", "mmoe")},
}


def models_of(architecture):
    """The tasks of each model that the architecture consists of."""
    return [(0,), (1,)] if architecture == "single_task" else [(0, 1)]


def small(config):
    """The same network, narrower; for --quick."""
    widths = {"trunk": [48, 24], "hidden": [16], "experts": 4, "tower": [8]}
    narrow = {key: widths.get(key, value) for key, value in config.items()}
    if config["architecture"] == "shared_bottom":
        narrow["hidden"] = [*widths["trunk"], *widths["hidden"]]
    return narrow


class FeedModel(nn.Module):
    """One run: raw ids and dense features to logits [rows, tasks].

    config: as experiment.family's; sizes: {sparse feature: vocabulary}; prior: (engagement rate,
    mean rating) of the training labels, at which the towers' biases start; tasks: numbers of TASKS.
    """

    def __init__(self, config, seed, sizes, prior, tasks=(0, 1), width=8):
        super().__init__()
        self.tasks = list(tasks)
        self.sizes, self.width = [sizes[name] for name in simulate.SPARSE], width
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.register_buffer("starts", torch.from_numpy(starts[:-1]))
        self.table = nn.Embedding(int(starts[-1]), width, sparse=True)
        generator = torch.Generator().manual_seed(int(seed) + 1_000_000)
        with torch.no_grad():
            self.table.weight.uniform_(-0.05, 0.05, generator=generator)
        inputs = len(simulate.SPARSE) * width + len(simulate.DENSE)
        self.network = family.make(config, [seed], inputs, len(self.tasks))
        start = torch.tensor([np.log(prior[0] / (1 - prior[0])), prior[1]], dtype=torch.float32)
        with torch.no_grad():
            self.network.towers.layers[-1].bias[0, :, 0] += start[self.tasks]

    def inputs(self, ids, dense):
        """x: [rows, input_dim], the features in the order of feature_list()."""
        embedded = self.table(ids + self.starts).flatten(1)
        dense = (dense - CENTRE) / SPREAD
        user, item = len(simulate.USER_IDS) * self.width, len(simulate.USER_DENSE)
        parts = [embedded[:, :user], dense[:, :item], embedded[:, user:], dense[:, item:]]
        return torch.cat(parts, dim=1)

    def forward(self, ids, dense):
        return self.network(self.inputs(ids, dense))[0]

    def gate_weights(self, ids, dense):
        """[rows, gates, experts] of a Mixture."""
        x = self.network.trunk(self.inputs(ids, dense)).squeeze(2)
        return self.network.gate_weights(x)[0]

    @torch.no_grad()
    def by_chunks(self, rows, function, chunk=8192):
        """function(ids, dense) of all rows, as one array."""
        ids, dense = torch.from_numpy(rows.ids), torch.from_numpy(rows.dense)
        return torch.cat([function(ids[i:i + chunk], dense[i:i + chunk])
                          for i in range(0, len(rows), chunk)]).numpy()

    def scores(self, rows):
        """float32 [rows, tasks]: probability of engagement, rating."""
        def linked(ids, dense):
            columns = self(ids, dense).unbind(1)
            return torch.stack([torch.sigmoid(column) if task == 0 else column
                                for task, column in zip(self.tasks, columns)], dim=1)
        return self.by_chunks(rows, linked)

    def state_of_run(self):
        """For the converter: a table per sparse feature, and the network."""
        tables = torch.split(self.table.weight.detach(), self.sizes)
        named = {f"embeddings.{name}.weight": t.clone() for name, t in zip(simulate.SPARSE, tables)}
        return {**named, **self.network.state_of_run(0)}

    def description(self):
        """What mmoe-convert reads; raw features in, both scores out."""
        names, links = ([of_all[task] for task in self.tasks] for of_all in (TASKS, LINKS))
        network = self.network.description(names, links, name="feed")
        return {**network, "features": feature_list(dict(zip(simulate.SPARSE, self.sizes)))}


def feature_list(sizes):
    """Features in the order of the model's input: the user's, the item's, the context's."""
    def categorical(name, side):
        return {"name": name, "kind": "categorical", "side": side, "unknown": "error",
                "vocabulary": {"identity": sizes[name]}, "embedding": f"embeddings.{name}.weight"}

    def dense(name, side):
        return {"name": name, "kind": "dense", "side": side,
                "scale": {"mean": CENTRE, "std": SPREAD}}

    return [*(categorical(name, "user") for name in simulate.USER_IDS),
            *(dense(name, "user") for name in simulate.USER_DENSE),
            *(categorical(name, "item") for name in simulate.ITEM_IDS),
            *(dense(name, "item") for name in simulate.ITEM_DENSE),
            *(dense(name, "context") for name in simulate.CONTEXT_DENSE)]


def loss(model, ids, dense, engaged, rating, weight):
    """Mean cross-entropy of engagement, and `weight` times the mean squared error of the ratings
    that there are."""
    rated = ~torch.isnan(rating)
    if model.tasks == [1]:  # nothing to learn from the others
        ids, dense, rating, rated = ids[rated], dense[rated], rating[rated], rated[rated]
    logits = dict(zip(model.tasks, model(ids, dense).unbind(1)))
    total = 0
    if 0 in logits:
        total = total + functional.binary_cross_entropy_with_logits(logits[0], engaged)
    if 1 in logits:
        squares = (logits[1] - rating)[rated].square().sum() / rated.sum().clamp(min=1)
        total = total + weight * squares
    return total


class Training:
    """One pass over a stream of rows, in order, with both optimisers' states."""

    def __init__(self, model, rate, table_rate, weight):
        self.model, self.weight, self.done = model, weight, 0
        self.dense = optimise.Adam(model.network.parameters(), rate)
        self.sparse = torch.optim.SparseAdam(list(model.table.parameters()), lr=table_rate)

    def run(self, rows, until, batch, progress):
        """Trains on rows self.done .. until - 1."""
        ids, dense = torch.from_numpy(rows.ids), torch.from_numpy(rows.dense)
        engaged = torch.from_numpy(rows.engaged.astype(np.float32))
        rating = torch.from_numpy(rows.rating)
        while self.done < until:
            part = slice(self.done, min(self.done + batch, until))
            self.dense.zero_grad()
            self.sparse.zero_grad()
            loss(self.model, ids[part], dense[part], engaged[part], rating[part],
                 self.weight).backward()
            self.dense.step()
            self.sparse.step()
            progress.step(part.stop - self.done)
            self.done = part.stop

    def state_dict(self):
        return {"model": self.model.state_dict(), "done": self.done,
                "dense": self.dense.state_dict(), "sparse": self.sparse.state_dict()}

    def load_state_dict(self, state):
        self.model.load_state_dict(state["model"])
        self.dense.load_state_dict(state["dense"])
        self.sparse.load_state_dict(state["sparse"])
        self.done = state["done"]
