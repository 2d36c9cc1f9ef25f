"""From raw rows to the model's input, by the "features" list of the description file.

The list is fitted once on the training rows and is then the only thing that encodes rows, here
and in the runtime, so that both see the same numbers.
"""

import numpy as np

import census

UNKNOWN_ID = 0


def fit(rows, clip_quantile):
    """The features list for `rows`: ranges of the dense columns, vocabularies of the others."""
    return [fit_dense(rows, name, clip_quantile) if name in census.CONTINUOUS
            else fit_categorical(rows, name) for name in census.INPUTS]


def fit_dense(rows, name, clip_quantile):
    values = np.array([row[name] for row in rows], np.float64)
    lower = float(values.min())
    # Amounts of money are zero for most people and have a heavy tail: the range is that of the
    # non-zero values, without the highest few.
    upper = float(np.floor(np.quantile(values[values != 0], clip_quantile)))
    factor = np.float32(1) / np.float32(upper - lower)
    return {"name": name, "kind": "dense", "side": "user", "clip": [lower, upper],
            "scale": {"offset": lower, "factor": float(factor)}}


def fit_categorical(rows, name):
    convert = int if name in census.INTEGER_CATEGORIES else str
    vocabulary = sorted({convert(row[name]) for row in rows})
    return {"name": name, "kind": "categorical", "side": "user", "vocabulary": vocabulary,
            "first_id": 1, "unknown": {"id": UNKNOWN_ID}, "embedding": f"embeddings.{name}.weight"}


def encode(features, rows):
    """{name: float32 scaled values [rows] or int64 ids [rows]}."""
    return {feature["name"]: encode_column(feature, [row[feature["name"]] for row in rows])
            for feature in features}


def encode_column(feature, texts):
    if feature["kind"] == "dense":
        # In float32 and in this order, as the runtime computes it.
        value = np.clip(np.array(texts, np.float32), *np.float32(feature["clip"]))
        scale = feature["scale"]
        return (value - np.float32(scale["offset"])) * np.float32(scale["factor"])
    # Integers are looked up as text: the data writes them without signs or leading zeros.
    ids = {str(entry): i for i, entry in enumerate(feature["vocabulary"], feature["first_id"])}
    return np.array([ids.get(text, UNKNOWN_ID) for text in texts], np.int64)


def description(features, name, tasks):
    """The description file of the network in network.py with these features and tasks."""
    return {
        "mmoe_description": 1,
        "name": name,
        "features": features,
        "levels": [{
            "experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
            "gates": {"logits": "gates.{task}"},
        }],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": task, "link": "sigmoid"} for task in tasks],
    }
