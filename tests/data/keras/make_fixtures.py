#!/usr/bin/env python3
"""Writes the Keras fixtures next to this script: one MMoE, saved in every way that Keras has.

    KERAS_BACKEND=torch python make_fixtures.py            # made with Keras 3.15: .keras, .weights.h5, .h5, plain.h5
    python make_fixtures.py --legacy                       # made with tf_keras 2.21: legacy*.h5, as Keras 2 wrote them

The towers' first layers have automatic names, which begin at a number that depends on what was made before.
stated.keras is a model whose own config says what its description leaves out.
rows.csv and expected.csv are inputs and the model's predictions. members.keras is there for its names alone.
"""
import argparse
import pathlib
import zipfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
TASKS = ["click", "like"]
INPUTS, EXPERTS = 5, 2


def build(keras, mix):
    layers = keras.layers
    layers.Dense(1), layers.Dense(1)  # so that automatic names do not begin at 0
    x = keras.Input((INPUTS,), name="x")
    experts = [layers.Dense(4, activation="relu", name=f"expert_{e}")(x) for e in range(EXPERTS)]
    outputs = []
    for task in TASKS:
        gate = layers.Dense(EXPERTS, activation="softmax", use_bias=False, name=f"gate_{task}")(x)
        tower = layers.Dense(3, activation="tanh")(mix(gate, experts))
        outputs.append(layers.Dense(1, activation="sigmoid", name=task)(tower))
    return keras.Model(x, outputs)


def build_stated(keras):
    """What a description need not say, because the file does: norms on both sides of activations, epsilons, slopes."""
    layers = keras.layers
    x = keras.Input((INPUTS,), name="x")
    experts = []
    for e in range(EXPERTS):
        y = layers.Dense(5, name=f"e{e}_1", use_bias=e == 0)(x)
        y = layers.LeakyReLU(name=f"e{e}_leaky")(layers.BatchNormalization(name=f"e{e}_norm1")(y))
        y = layers.Dense(4, activation="elu", name=f"e{e}_2")(layers.Dropout(0.1, name=f"e{e}_drop")(y))
        experts.append(layers.BatchNormalization(epsilon=0.01, scale=False, name=f"e{e}_norm2")(y))
    stack = layers.Concatenate(axis=1)([layers.Reshape((1, 4))(y) for y in experts])
    outputs = []
    for task in TASKS:
        gate = layers.Softmax(name=f"s_{task}")(layers.Dense(EXPERTS, use_bias=False, name=f"g_{task}")(x))
        y = layers.Flatten()(layers.Dot(axes=(2, 1))([layers.Reshape((1, EXPERTS))(gate), stack]))
        y = layers.ReLU(name=f"{task}_relu")(layers.LayerNormalization(name=f"{task}_norm")(layers.Dense(3, name=f"{task}_h")(y)))
        outputs.append(layers.Dense(1, activation="sigmoid", name=task)(y))
    return keras.Model(x, outputs)


def make_stated(keras, prefix, random):
    model = build_stated(keras)
    for layer in model.layers:  # variances far below 1, where an epsilon counts
        values = [random.uniform(0.001, 0.02, w.shape) if "variance" in v.name else random.uniform(-0.7, 0.7, w.shape)
                  for v, w in zip(layer.weights, layer.get_weights())]
        layer.set_weights([v.astype("f4") for v in values])
    model.save(HERE / f"{prefix}stated.keras")
    deflate(HERE / f"{prefix}stated.keras")
    write_rows(model, prefix + "stated_", random)


def randomise(model, random):
    """Values of 1/64 steps, so that float sums are the same everywhere to the last bits."""
    weights = [(random.integers(-48, 49, w.shape) / 64).astype("f4") for w in model.get_weights()]
    model.set_weights(weights)


def deflate(path):
    """.keras archives are stored; packed they are a tenth as large, and just as valid."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def write_csv(name, header, values):
    numpy.savetxt(HERE / name, values, "%.9g", ",", header=",".join(header), comments="")


def write_rows(model, prefix, random):
    rows = (random.integers(-64, 65, (20, INPUTS)) / 32).astype("f4")
    write_csv(prefix + "rows.csv", [f"x{i}" for i in range(INPUTS)], rows)
    write_csv(prefix + "expected.csv", TASKS, numpy.concatenate(model.predict(rows, verbose=0), axis=1))


def make_keras_3():
    import h5py
    import keras

    ops = keras.ops

    class Member(keras.layers.Layer):
        """Layers inside a layer: one by itself, two in a list."""
        def __init__(self):
            super().__init__()
            self.gate = keras.layers.Dense(2)
            self.experts = [keras.layers.Dense(3), keras.layers.Dense(3, name="second")]

        def build(self, shape):
            for layer in [self.gate, *self.experts]:
                layer.build(shape)
            self.scale = self.add_weight(name="scale", shape=(1,))

        def call(self, x):
            return self.experts[0](x) + self.experts[1](x) * self.scale + self.gate(x)[:, :1]

    model = build(keras, lambda gate, experts: ops.einsum("be,ebd->bd", gate, ops.stack(experts)))
    random = numpy.random.default_rng(1)
    randomise(model, random)
    model.save(HERE / "mmoe.keras")
    deflate(HERE / "mmoe.keras")
    model.save_weights(HERE / "mmoe.weights.h5")
    model.save(HERE / "mmoe.h5")
    write_rows(model, "", random)

    x = keras.Input((2,))
    members = keras.Model(x, keras.layers.BatchNormalization(scale=False, name="norm")(Member()(x)))
    members.save(HERE / "members.keras")
    deflate(HERE / "members.keras")

    make_stated(keras, "", numpy.random.default_rng(3))

    ramp = numpy.arange(6).reshape(2, 3) * 0.5 - 3
    with h5py.File(HERE / "plain.h5", "w") as file:
        file["a/f64"], file["f32"], file["f16"] = ramp, ramp.astype("f4"), ramp.astype("f2")
        file["big"] = ramp.astype(">f4")
        file["i64"], file["text"], file["scalar"] = numpy.arange(3), "note", numpy.float32(-3)
        file.create_dataset("packed", data=ramp.astype("f4"), chunks=(1, 2), compression="gzip", shuffle=True)
        file["soft"] = h5py.SoftLink("/f32")
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    with h5py.File(HERE / "huge.h5", "w") as file:
        file.create_dataset("w", (1 << 40,), "f4")  # four TiB, none of them written


def make_keras_2():
    import tf_keras as keras

    class Mix(keras.layers.Layer):
        def call(self, inputs):
            gate, *experts = inputs
            return sum(gate[:, e:e + 1] * expert for e, expert in enumerate(experts))

    model = build(keras, lambda gate, experts: Mix()([gate, *experts]))
    random = numpy.random.default_rng(2)
    randomise(model, random)
    model.save_weights(HERE / "legacy_weights.h5")
    model.save(HERE / "legacy.h5", include_optimizer=False)
    write_rows(model, "legacy_", random)
    make_stated(keras, "legacy_", numpy.random.default_rng(4))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--legacy", action="store_true")
    make_keras_2() if parser.parse_args().legacy else make_keras_3()
