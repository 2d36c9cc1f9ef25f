"""Keras-RS: FeatureCross, DotInteraction, EmbedReduce and DistributedEmbedding in models of Keras 3.

It has no recipe, since the layers around are the user's: the settings are descriptions, as RECIPES.md has them.
"""

import importlib.metadata
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import keras_rs
import numpy as np

import keras_trained
from case import Case

LIBRARY = "Keras-RS " + importlib.metadata.version("keras-rs")
DENSE = {"activation": "linear", "orientation": "in_out", "weight": "/kernel", "bias": "/bias"}


def cross_mmoe(inputs, hidden):
    """Two cross layers, the second of low rank and with diag_scale, in front of experts."""
    x = keras.Input((inputs,))
    crossed = keras_rs.layers.FeatureCross(name="cross_1")(x)
    crossed = keras_rs.layers.FeatureCross(projection_dim=2, diag_scale=0.25, name="cross_2")(x, crossed)
    dense = keras.layers.Dense
    experts = keras.ops.stack([dense(hidden, "relu", name=f"expert_{i}")(crossed) for i in range(3)], axis=1)
    outputs = []
    for task in ("click", "like"):
        gate = dense(3, "softmax", name="gate_" + task)(crossed)
        mixed = keras.ops.sum(experts * keras.ops.expand_dims(gate, -1), axis=1)
        outputs.append(dense(1, "sigmoid", name="tower_" + task)(mixed))
    return keras.Model(x, outputs)


def cross_description(inputs):
    return {
        "mmoe_description": 1, "architecture": "DCN v2 and MMoE", "input_dim": inputs,
        "nodes": [
            {"name": "w1", "layers": "cross_1/dense", "reads": "input", **DENSE},
            {"name": "c1", "product": ["input", "w1"]},
            {"name": "x1", "sum": ["c1", "input"]},
            {"name": "v2", "layers": "cross_2/down_proj_dense", "reads": "x1", **DENSE, "weight": "/0"},
            {"name": "w2", "layers": "cross_2/dense", "reads": "v2", **DENSE},
            {"name": "d2", "product": ["x1"], "scale": 0.25},
            {"name": "s2", "sum": ["w2", "d2"]},
            {"name": "c2", "product": ["input", "s2"]},
            {"name": "x2", "sum": ["c2", "x1"]}],
        "levels": [{"experts": {"layers": "expert_{expert}", "reads": "x2", **DENSE, "activation": "relu"},
                    "gates": {"logits": "gate_{task}", "reads": "x2", "orientation": "in_out", "weight": "/kernel",
                              "bias": "/bias"}}],
        "towers": {"layers": "tower_{task}", **DENSE},
        "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]}


def dots(vocabularies, tags, width, hidden):
    """Embeddings of a DistributedEmbedding and a pooled list by EmbedReduce, their dot products, a tower."""
    table = {name: keras_rs.layers.TableConfig(name=name, vocabulary_size=size, embedding_dim=width)
             for name, size in vocabularies.items()}
    features = {name: keras_rs.layers.FeatureConfig(name=name, table=table[name], input_shape=(4, 1), output_shape=(4, width))
                for name in vocabularies}
    ids = {name: keras.Input((1,), dtype="int32", name=name) for name in vocabularies}
    ids["tags"] = keras.Input((3,), dtype="int32", name="tags")
    embedded = keras_rs.layers.DistributedEmbedding(features, name="embedding")({name: ids[name] for name in vocabularies})
    pooled = keras_rs.layers.EmbedReduce(tags, width, combiner="mean", name="tags_embedding")(ids["tags"])
    fields = [*(embedded[name] for name in vocabularies), pooled]
    joined = keras.layers.Concatenate()([*fields, keras_rs.layers.DotInteraction(name="dots")(fields)])
    h = keras.layers.Dense(hidden, "relu", name="top_0")(joined)
    return keras.Model(ids, keras.layers.Dense(1, "sigmoid", name="top_1")(h))


def dots_description(vocabularies, tags, tables):
    fields = [*vocabularies, "tags"]
    return {
        "mmoe_description": 1, "architecture": "DLRM",
        "features": [*({"name": name, "kind": "categorical", "vocabulary": {"identity": size}, "embedding": tables[name]}
                       for name, size in vocabularies.items()),
                     {"name": "tags", "kind": "sequence", "length": 3, "pooling": "mean", "padding_id": None,
                      "vocabulary": {"identity": tags}, "embedding": tables["tags"]}],
        "nodes": [{"name": "dots", "lower_pairs": fields}],
        "towers": {"layers": "top_{layer}", "reads": [*fields, "dots"], **DENSE, "activation": "relu"},
        "tasks": [{"name": "click", "link": "sigmoid"}]}


def fit(model, data, rng):
    model.compile("adam", loss=["binary_crossentropy"] * len(model.outputs))
    labels = [rng.integers(0, 2, 256).astype("float32") for _ in model.outputs]
    model.fit(data, labels, epochs=2, verbose=0)


def cases(rows, full):
    inputs, hidden = (64, 32) if full else (6, 5)
    rng = np.random.default_rng(53)
    keras.utils.set_random_seed(53)
    model = cross_mmoe(inputs, hidden)
    keras_trained.spread(model, rng)
    fit(model, rng.normal(size=(256, inputs)).astype("float32"), rng)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    scores = np.concatenate(model.predict(x, verbose=0), axis=1)
    yield Case("keras_rs_cross_mmoe", LIBRARY, "DCN v2 and MMoE", "model.keras", model.save, cross_description(inputs),
               ["click", "like"], [f"x{i}" for i in range(inputs)], x.tolist(), scores)
    vocabularies, tags, width = {"item": 9, "user": 7}, 6, 4
    model = dots(vocabularies, tags, width, hidden)

    def make(count):
        return {**{name: rng.integers(0, size, (count, 1)).astype("int32") for name, size in vocabularies.items()},
                "tags": rng.integers(0, tags, (count, 3)).astype("int32")}

    keras_trained.spread(model, rng)
    data = make(rows)
    tables = {"tags": "tags_embedding/0",
              **{name: f"embedding/_default_device_embedding_layers/{name}/0" for name in vocabularies}}
    raw = [[int(item[0]), int(user[0]), "|".join(map(str, ids))] for item, user, ids in zip(*data.values())]
    yield Case("keras_rs_dots", LIBRARY, "DLRM", "model.keras", model.save, dots_description(vocabularies, tags, tables),
               ["click"], ["item", "user", "tags"], raw, model.predict(data, verbose=0))
