"""Models for the examples of the documents, each ranker.mmoe in a folder of its own, with the columns that they name."""

import csv
import json
import pathlib

import models

AGE = {"name": "age", "kind": "dense", "side": "user", "scale": {"min": 0, "max": 90}, "missing": 40}
COUNTRY = {"name": "country", "kind": "categorical", "side": "user", "vocabulary": ["AT", "BR", "DE"],
           "unknown": "zero", "embedding": "country.weight"}
HISTORY = {"name": "history", "kind": "sequence", "side": "user", "vocabulary": {"identity": 20}, "length": 5,
           "pooling": "mean", "embedding": "shop.weight"}
BRAND = {"name": "brand", "kind": "categorical", "side": "item", "vocabulary": ["a", "b"], "unknown": "zero",
         "embedding": "brand.weight"}
WIDTHS = {"country.weight": (3, 3), "shop.weight": (20, 4), "brand.weight": (2, 2)}

# The folder, its features, and rows with their values.
MODELS = {
    "people": ([AGE, COUNTRY], [(39, "AT"), (21, "DE"), (39, "DE")]),
    "histories": ([AGE, COUNTRY, HISTORY], [(39, "AT", [3, 7]), (21, "DE", [])]),
    "brands": ([AGE, BRAND], [(39, "a"), (39, "b")]),
}


def columns(feature):
    return [f"{feature['name']}.{i}" for i in range(feature["length"])] if "length" in feature else [feature["name"]]


def cells(value):
    return [*value, *[""] * (HISTORY["length"] - len(value))] if isinstance(value, list) else [value]


def make(folder, name, score):
    """The model NAME in folder/NAME; beside it scores.json: a row's values, with blanks between them, and its scores."""
    features, rows = MODELS[name]
    to = pathlib.Path(folder) / name
    to.mkdir(parents=True, exist_ok=True)
    width = sum(WIDTHS[feature["embedding"]][1] if "embedding" in feature else 1 for feature in features)
    weights = models.arrays(width, seed=7)
    random = models.numpy.random.default_rng(8)
    for feature in features:
        if table := feature.get("embedding"):
            weights[table] = random.normal(0, 0.5, WIDTHS[table]).astype("float32")
    models.convert((weights, models.description(features)), to, "ranker")
    with open(to / "rows.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[name for feature in features for name in columns(feature)],
                                    *[[cell for value in row for cell in cells(value)] for row in rows]])
    scores = score(to, "ranker.mmoe", to / "rows.csv", "scores")
    found = {" ".join(str(value) for value in row): [float(score) for score in of] for row, of in zip(rows, scores)}
    (to / "scores.json").write_text(json.dumps(found, indent=1))


def make_ple(folder):
    """Two levels, each with experts for the tasks and shared ones, for the picture of examples/web."""
    fixtures = pathlib.Path(__file__).resolve().parents[1] / "parity" / "architectures" / "fixtures"
    models.subprocess.run([models.program("mmoe-convert"), fixtures / "ple.safetensors", fixtures / "ple.json", "-o",
                           pathlib.Path(folder) / "ple.mmoe", "--quiet"], check=True, stdin=models.subprocess.DEVNULL)


def make_all(folder, score):
    for name in MODELS:
        make(folder, name, score)
    make_ple(folder)
