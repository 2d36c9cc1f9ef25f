"""Models of the tests, made by mmoe-convert from weights of a fixed seed."""

import json
import os
import pathlib
import subprocess

import numpy

# A user with a number, a category and a history; an item with a pair of numbers, a category, and tags with weights.
FEATURES = [
    {"name": "age", "kind": "dense", "side": "user", "scale": {"min": 0, "max": 90}, "missing": 40},
    {"name": "country", "kind": "categorical", "side": "user", "vocabulary": ["AT", "BR", "US", "Côte"],
     "first_id": 1, "unknown": {"id": 0}, "embedding": "country.weight"},
    {"name": "history", "kind": "sequence", "side": "user", "vocabulary": {"identity": 20}, "length": 5,
     "pooling": "mean", "embedding": "shop.weight"},
    {"name": "price", "kind": "dense", "side": "item", "width": 2},
    {"name": "brand", "kind": "categorical", "side": "item", "vocabulary": [3, 5, 2**40], "unknown": "error",
     "embedding": "brand.weight"},
    {"name": "tags", "kind": "sequence", "side": "item", "vocabulary": ["red", "blue", "x,y"], "length": 4,
     "pooling": "sum", "weights": "counts", "unknown": "zero", "embedding": "tag.weight"},
    {"name": "city x hour", "kind": "categorical", "side": "item", "embedding": "cross.weight",
     "vocabulary": {"cross": ["city", {"column": "hour", "of": "int64"}], "buckets": 50}},
]
WIDTHS = {"country": (5, 3), "shop": (20, 4), "brand": (3, 2), "tag": (3, 2), "cross": (50, 3)}


def layers(weights, random, name, sizes):
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        weights[f"{name}.{layer}.weight"] = random.normal(0, inputs**-0.5, (outputs, inputs)).astype("float32")
        weights[f"{name}.{layer}.bias"] = random.normal(0, 0.1, outputs).astype("float32")


def description(features, num_tasks=2):
    tasks = [{"name": name, "link": "sigmoid"} for name in ("click", "like", "share")[:num_tasks]]
    made = {"mmoe_description": 1, "name": "test", "tasks": tasks,
            "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                        "gates": {"logits": "gates.{task}.0"}}],
            "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"}}
    return {**made, "features": features} if features else made


def arrays(input_dim, num_experts=4, num_tasks=2, tables=False, seed=1, expert=(16, 8)):
    random = numpy.random.default_rng(seed)
    weights = {}
    for i in range(num_experts):
        layers(weights, random, f"experts.{i}", (input_dim, *expert))
    for task in range(num_tasks):
        layers(weights, random, f"gates.{task}", (input_dim, num_experts))
        layers(weights, random, f"towers.{task}", (expert[-1], 6, 1))
    if tables:
        for name, shape in WIDTHS.items():
            weights[f"{name}.weight"] = random.normal(0, 0.5, shape).astype("float32")
    return weights


# x: age, country 3, history 4, price 2, brand 2, tags 2, cross 3
RAW_DIM = 1 + 3 + 4 + 2 + 2 + 2 + 3


def raw():
    """(weights, description) of a model with features."""
    return arrays(RAW_DIM, tables=True), description(FEATURES)


def plain(**sizes):
    """(weights, description) of a model that takes x."""
    sizes = {"input_dim": 24, **sizes}
    return arrays(**sizes), description(None, sizes.get("num_tasks", 2))


def convert(made, folder, name, *options):
    """The file that the program mmoe-convert makes."""
    weights, text = made
    folder = pathlib.Path(folder)
    numpy.savez(folder / f"{name}.npz", **weights)
    (folder / f"{name}.json").write_text(json.dumps(text))
    path = folder / f"{name}.mmoe"
    subprocess.run([program("mmoe-convert"), folder / f"{name}.npz", folder / f"{name}.json", "-o", path, "--quiet",
                    *options], check=True, stdin=subprocess.DEVNULL)
    return path


def program(name):
    return os.path.join(os.environ["MMOE_PROGRAMS"], name)
