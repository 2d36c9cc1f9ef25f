"""DeepCTR (Keras, TensorFlow 2.15): SharedBottom, MMOE, PLE, ESMM, and what deepctr_rankers.py has, by Keras's own fit, predict and save."""

import importlib.metadata
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from deepctr.feature_column import DenseFeat, SparseFeat, VarLenSparseFeat
from deepctr.models import multitask

import deepctr_rankers
from case import Case

LIBRARY = "DeepCTR " + importlib.metadata.version("deepctr")


def make_data(columns, rows, rng):
    data = {}
    for column in columns:
        if isinstance(column, SparseFeat):
            data[column.name] = rng.integers(0, column.vocabulary_size, rows).astype("int32")
        elif isinstance(column, VarLenSparseFeat):  # zeros behind, as the library masks them
            ids = rng.integers(1, column.vocabulary_size, (rows, column.maxlen)).astype("int32")
            ids[np.arange(column.maxlen) >= rng.integers(1, column.maxlen + 1, (rows, 1))] = 0
            data[column.name] = ids
        else:
            data[column.name] = rng.random((rows, column.dimension)).astype("float32")
    return data


def train(model, columns, rng, losses):
    """From embeddings that matter: the library's own, of 0.0001, leave all scores near 0.5 after a few steps."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.Embedding):
            layer.set_weights([rng.normal(size=weights.shape) for weights in layer.get_weights()])
    data = make_data(columns, 256, rng)
    labels = [rng.integers(0, 2, 256).astype("float32") for _ in losses]
    model.compile("adam", loss=losses)
    model.fit(data, labels, batch_size=32, epochs=3, verbose=0)


def cases(rows, full):
    wide, narrow, width = ((256, 128), (64,), 8) if full else ((6, 5), (4,), 3)
    vocabulary = 1000 if full else 7
    columns = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width), DenseFeat("price"),
               DenseFeat("history", 2), VarLenSparseFeat(SparseFeat("tags", vocabulary, width), 4, "mean")]
    features = [{"name": "user"}, {"name": "item"}, {"name": "price"}, {"name": "history", "width": 2},
                {"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean", "padding_id": 0}]
    tasks = dict(task_names=("view", "dwell"), task_types=("binary", "regression"))
    task_list = ["view", {"name": "dwell", "link": "identity"}]
    losses = ["binary_crossentropy", "mse"]
    experts = dict(expert_dnn_hidden_units=wide, tower_dnn_hidden_units=narrow)
    makers = {
        "mmoe": ("MMoE", multitask.MMOE, dict(gate_dnn_hidden_units=narrow, dnn_use_bn=True, **experts, **tasks), "relu"),
        "mmoe_saved": ("MMoE", multitask.MMOE, dict(**experts, **tasks), "relu"),
        "ple": ("PLE", multitask.PLE, dict(specific_expert_num=2, shared_expert_num=1, **experts, **tasks), "tanh"),
        "esmm": ("ESMM", multitask.ESMM, dict(tower_dnn_hidden_units=wide), "relu"),
        "shared_bottom": ("Shared-Bottom", multitask.SharedBottom,
                          dict(bottom_dnn_hidden_units=wide, tower_dnn_hidden_units=narrow, dnn_use_bn=True, **tasks), "dice"),
    }
    for name, (architecture, maker, arguments, activation) in makers.items():
        rng = np.random.default_rng(17)
        tf.keras.utils.set_random_seed(17)
        model = maker(columns, dnn_activation=activation, **arguments)
        esmm = name == "esmm"
        train(model, columns, rng, ["binary_crossentropy"] * 2 if esmm else losses)
        data = make_data(columns, rows, rng)
        scores = np.concatenate(model.predict(data, verbose=0), axis=1)
        settings = {"activation": activation, "features": features}
        if not esmm:
            settings["tasks"] = task_list
        heading = ["user", "item", "price", "history.0", "history.1", "tags"]
        raw = [[int(u), int(i), *p, *h, "|".join(map(str, t))] for u, i, p, h, t in zip(*data.values())]
        saved = name == "mmoe_saved"  # with the model's own config beside the weights

        def save(path, model=model, saved=saved):
            (model.save if saved else model.save_weights)(path)

        yield Case("deepctr_" + name, LIBRARY, architecture, "model.h5" if saved else "weights.h5", save, settings,
                   ["ctr", "ctcvr"] if esmm else ["view", "dwell"], heading, raw, scores)
    yield from deepctr_rankers.rankers(sys.modules[__name__], rows, full)
