"""TensorFlow Recommenders: its Cross and DotInteraction layers in models of Keras 2, and its Ranking model.

It has no recipe, since the layers around are the user's: the settings are descriptions, as RECIPES.md has them.
"""

import importlib.metadata
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

import keras_trained
from case import Case

LIBRARY = "TensorFlow-Recommenders " + importlib.metadata.version("tensorflow-recommenders")
Cross = tfrs.layers.feature_interaction.Cross


def cross_mmoe(inputs, hidden):
    """Two cross layers, the second of low rank and with diag_scale, in front of experts."""
    x = tf.keras.Input(inputs)
    crossed = Cross(name="cross_1")(x)
    crossed = Cross(projection_dim=2, diag_scale=0.25, name="cross_2")(x, crossed)
    dense = tf.keras.layers.Dense
    experts = tf.stack([dense(hidden, "relu", name=f"expert_{i}")(crossed) for i in range(3)], axis=1)
    outputs = []
    for task in ("click", "like"):
        gate = dense(3, "softmax", name="gate_" + task)(crossed)
        mixed = tf.reduce_sum(experts * gate[:, :, None], axis=1)
        outputs.append(dense(1, "sigmoid", name="tower_" + task)(mixed))
    return tf.keras.Model(x, outputs)


def cross_description(inputs):
    layer = {"activation": "linear", "orientation": "in_out", "weight": "/kernel", "bias": "/bias"}
    return {
        "mmoe_description": 1, "architecture": "DCN v2 and MMoE", "input_dim": inputs,
        "nodes": [
            {"name": "w1", "layers": "cross_1/dense#0", "reads": "input", **layer},
            {"name": "c1", "product": ["input", "w1"]},
            {"name": "x1", "sum": ["c1", "input"]},
            {"name": "w2", "layers": ["cross_2/dense#0", "cross_2/dense#1"], "reads": "x1", **layer},
            {"name": "d2", "product": ["x1"], "scale": 0.25},
            {"name": "s2", "sum": ["w2", "d2"]},
            {"name": "c2", "product": ["input", "s2"]},
            {"name": "x2", "sum": ["c2", "x1"]}],
        "levels": [{"experts": {"layers": "expert_{expert}", "reads": "x2", **layer, "activation": "relu"},
                    "gates": {"logits": "gate_{task}", "reads": "x2", "orientation": "in_out", "weight": "/kernel",
                              "bias": "/bias"}}],
        "towers": {"layers": "tower_{task}", **layer},
        "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]}


def ranking(vocabularies, width, hidden):
    """Its own Ranking model: a DLRM."""
    class Tables(tf.keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.tables = {name: tf.keras.layers.Embedding(size, width, name=name) for name, size in vocabularies.items()}

        def call(self, ids):
            return {name: table(ids[name]) for name, table in self.tables.items()}

    mlp = tfrs.layers.blocks.MLP
    return tfrs.experimental.models.Ranking(
        Tables(), bottom_stack=mlp([hidden, width], final_activation="relu"),
        top_stack=mlp([hidden, hidden - 1, 1], final_activation="sigmoid"))


def ranking_description(vocabularies, numbers, stacks, table):
    layer = {"activation": "relu", "orientation": "in_out", "weight": "/kernel", "bias": "/bias"}
    bottom, top = stacks
    return {
        "mmoe_description": 1, "architecture": "DLRM",
        "features": [*({"name": name, "kind": "categorical", "vocabulary": {"identity": size},
                        "embedding": table.replace("TABLE", name)} for name, size in vocabularies.items()),
                     {"name": "price", "kind": "dense", "width": numbers}],
        "nodes": [
            {"name": "bottom", "layers": bottom, "reads": ["price"], **layer},
            {"name": "dots", "lower_pairs": [*vocabularies, "bottom"]}],
        "towers": {"layers": top, "reads": ["bottom", "dots"], **layer},
        "tasks": [{"name": "click", "link": "sigmoid"}]}


def cases(rows, full):
    inputs, hidden = (64, 32) if full else (6, 5)
    rng = np.random.default_rng(51)
    tf.keras.utils.set_random_seed(51)
    model = cross_mmoe(inputs, hidden)
    keras_trained.spread(model, rng)
    model.compile("adam", loss=["binary_crossentropy"] * 2)
    labels = [rng.integers(0, 2, 256).astype("float32") for _ in range(2)]
    model.fit(rng.normal(size=(256, inputs)).astype("float32"), labels, epochs=2, verbose=0)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    scores = np.concatenate(model.predict(x, verbose=0), axis=1)
    yield Case("tfrs_cross_mmoe", LIBRARY, "DCN v2 and MMoE", "weights.h5", model.save_weights, cross_description(inputs),
               ["click", "like"], [f"x{i}" for i in range(inputs)], x.tolist(), scores)
    vocabularies, width, numbers = {"item": 9, "shop": 6, "user": 7}, 3, 2
    model = ranking(vocabularies, width, hidden)

    def make(count):
        return {"dense_features": rng.random((count, numbers)).astype("float32"),
                "sparse_features": {name: rng.integers(0, size, count) for name, size in vocabularies.items()}}

    model(make(4))
    keras_trained.spread(model, rng)
    data = make(rows)
    stacks = [["mlp/ranking/mlp/dense", "mlp/ranking/mlp/dense_1"],
              [f"mlp_1/ranking/mlp_1/dense_{i}" for i in (2, 3, 4)]]
    raw = [[*map(int, ids), *map(float, numbers_)] for *ids, numbers_ in zip(*data["sparse_features"].values(), data["dense_features"])]
    yield Case("tfrs_ranking", LIBRARY, "DLRM", "weights.h5", model.save_weights,
               ranking_description(vocabularies, numbers, stacks, "tables/ranking/tables/TABLE/embeddings"), ["click"],
               [*vocabularies, *(f"price.{i}" for i in range(numbers))], raw, np.reshape(model(data).numpy(), (-1, 1)))
