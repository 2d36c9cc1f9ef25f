"""DeepCTR-Torch: SharedBottom, MMOE, PLE, ESMM, by its own compile, fit and predict."""

import importlib.metadata

import numpy as np
import torch
from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat, get_feature_names
from deepctr_torch.models import multitask

from case import Case
from torch_weights import spread

LIBRARY = "DeepCTR-Torch " + importlib.metadata.version("deepctr-torch")


def make_data(columns, rows, rng):
    data = {}
    for column in columns:
        if isinstance(column, SparseFeat):
            data[column.name] = rng.integers(0, column.vocabulary_size, rows)
        elif isinstance(column, VarLenSparseFeat):  # zeros behind, as the library masks them
            ids = rng.integers(1, column.vocabulary_size, (rows, column.maxlen))
            ids[np.arange(column.maxlen) >= rng.integers(1, column.maxlen + 1, (rows, 1))] = 0
            data[column.name] = ids
        else:
            data[column.name] = rng.random((rows, column.dimension) if column.dimension > 1 else rows).astype("float32")
    return data


def train(model, columns, rng, task_types):
    data = make_data(columns, 256, rng)
    labels = rng.integers(0, 2, (256, len(task_types))).astype("float32")
    model.compile("adam", loss=["binary_crossentropy" if task == "binary" else "mse" for task in task_types])
    model.fit(data, labels, batch_size=64, epochs=3, verbose=0)


def raw_rows(data, columns):
    heading, values = [], []
    for column in columns:
        if isinstance(column, VarLenSparseFeat):
            heading.append(column.name)
            values.append(np.array(["|".join(map(str, ids)) for ids in data[column.name]]))
            continue
        wide = not isinstance(column, SparseFeat) and column.dimension > 1
        for i in range(column.dimension if wide else 1):
            heading.append(f"{column.name}.{i}" if wide else column.name)
            values.append(data[column.name][:, i] if wide else data[column.name])
    return heading, [[int(v) if np.issubdtype(v.dtype, np.integer) else v for v in row] for row in zip(*values)]


def cases(rows, full):
    wide, narrow, width = ((256, 128), (64,), 8) if full else ((6, 5), (4,), 3)
    vocabulary = 1000 if full else 7
    columns = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width),
               SparseFeat("last_item", 2 * vocabulary, width, embedding_name="item"), DenseFeat("price"),
               DenseFeat("history", 2), VarLenSparseFeat(SparseFeat("tags", vocabulary, width), 4, "mean")]
    features = [{"name": "user"}, {"name": "item"}, {"name": "last_item", "embedding_name": "item"}, {"name": "price"},
                {"name": "history", "width": 2},
                {"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean", "padding_id": 0}]
    common = dict(seed=7, tower_dnn_hidden_units=narrow)
    tasks = dict(task_names=("click", "dwell"), task_types=("binary", "regression"))
    task_list = ["click", {"name": "dwell", "link": "identity"}]
    makers = {
        "mmoe": ("MMoE", multitask.MMOE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=narrow, **tasks), "relu"),
        "mmoe_bn_prelu": ("MMoE", multitask.MMOE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=(),
                                                       dnn_use_bn=True, dnn_activation="prelu", **tasks), "prelu"),
        "ple": ("PLE", multitask.PLE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=narrow,
                                           specific_expert_num=2, shared_expert_num=1, **tasks), "relu"),
        "esmm": ("ESMM", multitask.ESMM, {}, "relu"),
        "shared_bottom": ("Shared-Bottom", multitask.SharedBottom,
                          dict(bottom_dnn_hidden_units=wide, dnn_activation="sigmoid", **tasks), "sigmoid"),
    }
    for name, (architecture, maker, arguments, activation) in makers.items():
        rng = np.random.default_rng(11)
        torch.manual_seed(11)
        model = maker(columns, **common, **arguments)
        spread(model)
        train(model, columns, rng, arguments.get("task_types", ("binary", "binary")))
        data = make_data(columns, rows, rng)
        assert get_feature_names(columns) == [feature["name"] for feature in features]
        scores = np.asarray(model.predict(data, batch_size=256))
        settings = {"activation": activation, "features": features}
        names = ["click", "dwell"]
        if name == "esmm":
            names, scores = ["ctr", "ctcvr"], scores
        else:
            settings["tasks"] = task_list
        heading, raw = raw_rows(data, columns)
        yield Case("deepctr_torch_" + name, LIBRARY, architecture, "weights.h5",
                   lambda path, model=model: torch.save(model.state_dict(), path), settings, names, heading, raw, scores)
