#!/usr/bin/env python3
"""Writes the fixture keras.* anew: a Keras model with its preprocessing layers in it, and its predictions for raw rows.

Needs keras and tensorflow (a virtual environment will do); the tests that read the fixture need neither. Rows are of our
own making. Some have values that the layers have not seen.
"""

import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
ROWS = 40
CITIES, DEVICES, TAGS = ["Wien", "São Paulo", "Boston", "Linz"], ["ios", "android"], ["a", "bb", "red shoes", "ü", "7"]
INPUTS = {"city": "string", "zip": "int64", "age": "float32", "price": "float32", "tag": "string", "device": "string"}


def rows(count, seed, unseen):
    rng = np.random.default_rng(seed)
    made = {
        "city": rng.choice(CITIES + (["never seen", ""] if unseen else []), count),
        "zip": rng.choice([1010, 4020, 6900, -3] + ([99] if unseen else []), count),
        "age": np.round(rng.uniform(0, 100, count), 1).astype(np.float32),
        "price": np.round(rng.lognormal(2, 1, count), 2).astype(np.float32),
        "tag": rng.choice(TAGS + [""], count),
        "device": rng.choice(DEVICES + (["other"] if unseen else []), count),
    }
    return {name: values.reshape(-1, 1) for name, values in made.items()}


def preprocessing(layers, fitted):
    cities = layers.StringLookup(name="city_ids", mask_token="")
    cities.adapt(tf.constant(fitted["city"].astype(str)))
    zips = layers.IntegerLookup(name="zip_ids")
    zips.adapt(fitted["zip"])
    ages = layers.Discretization(name="age_bins", num_bins=4)
    ages.adapt(fitted["age"])
    prices = layers.Normalization(name="price_scale")
    prices.adapt(fitted["price"])
    tags = layers.Hashing(name="tag_buckets", num_bins=6, mask_value="")
    devices = layers.StringLookup(name="device_columns", vocabulary=DEVICES, output_mode="one_hot")
    return cities, zips, ages, prices, tags, devices


def embedded(layers, name, ids, x, width):
    return layers.Flatten()(layers.Embedding(ids, width, name=name, embeddings_initializer="uniform")(x))


def model(layers):
    inputs = {name: keras.Input((1,), name=name, dtype=dtype) for name, dtype in INPUTS.items()}
    cities, zips, ages, prices, tags, devices = preprocessing(layers, rows(300, 1, False))
    bins = ages(inputs["age"])
    crossed = layers.HashedCrossing(num_bins=9, name="city_zip")((inputs["city"], inputs["zip"]))
    x = layers.Concatenate(name="x")([
        embedded(layers, "city_table", cities.vocabulary_size(), cities(inputs["city"]), 3),
        embedded(layers, "zip_table", zips.vocabulary_size(), zips(inputs["zip"]), 2),
        layers.CategoryEncoding(num_tokens=4, output_mode="one_hot", name="age_columns")(bins),
        prices(inputs["price"]),
        embedded(layers, "tag_table", 6, tags(inputs["tag"]), 2),
        devices(inputs["device"]),
        embedded(layers, "city_zip_table", 9, crossed, 2)])
    experts = [layers.Dense(6, activation="relu", name=f"expert_{i}")(x) for i in range(2)]
    outputs = []
    for task in ("click", "like"):
        gate = layers.Dense(2, activation="softmax", name=f"gate_{task}")(x)
        stacked = layers.Reshape((2, 6), name=f"experts_{task}")(layers.Concatenate(name=f"all_{task}")(experts))
        mixed = layers.Dot(axes=1, name=f"mix_{task}")([gate, stacked])
        outputs.append(layers.Dense(1, activation="sigmoid", name=f"tower_{task}")(mixed))
    return keras.Model(inputs, outputs)


def description():
    def category(name, vocabulary, **more):
        return {"name": name, "kind": "categorical", "vocabulary": {"keras_layer": vocabulary}, **more}

    return {
        "mmoe_description": 1,
        "features": [
            category("city", "city_ids", side="user", embedding="city_table/embeddings"),
            category("zip", "zip_ids", embedding="zip_table/embeddings"),
            category("age", "age_bins", side="user", embedding={"keras_layer": "age_columns"}),
            {"name": "price", "kind": "dense", "side": "item", "scale": {"keras_layer": "price_scale"}},
            category("tag", "tag_buckets", side="item", embedding="tag_table/embeddings"),
            category("device", "device_columns", embedding={"one_hot": 3}),
            {"name": "city x zip", "kind": "categorical", "embedding": "city_zip_table/embeddings",
             "vocabulary": {"keras_layer": "city_zip", "columns": ["city", {"column": "zip", "of": "int64"}]}}],
        "levels": [{"experts": {"layers": "expert_{expert}", "weight": "/kernel", "bias": "/bias", "orientation": "in_out"},
                    "gates": {"logits": "gate_{task}", "weight": "/kernel", "bias": "/bias", "orientation": "in_out"}}],
        "towers": {"layers": "tower_{task}", "weight": "/kernel", "bias": "/bias", "orientation": "in_out"},
        "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]}


def write_csv(path, heading, table):
    path.write_text("\n".join(",".join(cells) for cells in [heading, *table]) + "\n")


def main():
    keras.utils.set_random_seed(5)
    network = model(keras.layers)
    scored = rows(ROWS, 2, True)
    network.save(FIXTURES / "keras.keras")
    scores = network.predict({name: tf.constant(values.tolist(), INPUTS[name]) for name, values in scored.items()},
                             verbose=0)
    (FIXTURES / "keras.json").write_text(json.dumps(description(), indent=1) + "\n")
    write_csv(FIXTURES / "keras.rows.csv", list(INPUTS), [[str(scored[name][i, 0]) for name in INPUTS] for i in range(ROWS)])
    write_csv(FIXTURES / "keras.scores.csv", ["click", "like"],
              [[f"{score[i, 0]:.9g}" for score in scores] for i in range(ROWS)])


if __name__ == "__main__":
    main()
