#!/usr/bin/env python3
"""Writes the folder `fixtures` anew: models behind preprocessing by scikit-learn, with what training computes for rows.

Needs torch, scikit-learn and pandas (a virtual environment will do); the tests that read the fixtures need none of them.
A fixture is name.safetensors, name.json, name.preprocessing.json, name.rows.csv and name.scores.csv. The preprocessing is
saved by the script of converter/DESCRIPTION.md. Rows are of our own making. Some have values that the fit has not seen.
"""

import json
import pathlib
import re
import sys

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (Binarizer, FunctionTransformer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, OneHotEncoder,
                                   OrdinalEncoder, PowerTransformer, QuantileTransformer, RobustScaler, StandardScaler,
                                   TargetEncoder)
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "architectures")]
from fixture import randomise, text, write_csv, write_safetensors  # noqa: E402
from ranker import LEVELS, Ranker  # noqa: E402

FIXTURES = HERE / "fixtures"
FITTED, SCORED = 300, 40


def documented_script():
    """save_preprocessing() of DESCRIPTION.md."""
    document = (HERE.parents[2] / "converter" / "DESCRIPTION.md").read_text()
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "def save_preprocessing" in b]
    names = {}
    exec(block, names)
    return names["save_preprocessing"]


def persons(count, seed):
    """Invented rows in the manner of a census: texts, whole numbers and numbers, of which some are missing."""
    rng = np.random.default_rng(seed)

    def missing(values, share):
        return np.where(rng.random(count) < share, np.nan, values.astype(object))

    rows = pd.DataFrame({
        "age": missing(rng.integers(17, 91, count).astype(float), 0.1).astype(float),
        "hours": missing(np.round(rng.normal(40, 12, count), 1), 0.1).astype(float),
        "gain": np.round(rng.exponential(900, count), 2),
        "work": missing(rng.choice(["private", "public", "self, inc", "none", "farm"], count, p=[.5, .2, .2, .07, .03]),
                        0.08),
        "state": rng.choice(["AT-1", "AT-2", "Zürich", "x\"y", "rare 1", "rare 2"], count, p=[.3, .3, .2, .16, .02, .02]),
        "schooling": rng.integers(1, 7, count),
        "weeks": missing(rng.choice([0.0, 26.0, 52.0], count), 0.1).astype(float),
    })
    return rows.astype({"work": object, "state": object})


def with_unseen(rows):
    rows = rows.copy()
    rows.loc[rows.index[0], "work"] = "never seen"
    rows.loc[rows.index[1], "state"] = "never seen"
    rows.loc[rows.index[2], "schooling"] = 99
    rows.loc[rows.index[3], "age"] = 120.0
    rows.loc[rows.index[4], "weeks"] = 13.0
    return rows


def census():
    """A matrix: every column of it by the transformer."""
    return ColumnTransformer([
        ("age", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), ["age"]),
        ("gain", make_pipeline(FunctionTransformer(np.log1p), MinMaxScaler((-1, 1))), ["gain"]),
        ("bins", make_pipeline(SimpleImputer(), KBinsDiscretizer(4, encode="onehot")), ["hours"]),
        ("clipped", MinMaxScaler(clip=True), ["gain"]),
        ("robust", make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), RobustScaler()), ["age", "hours"]),
        ("work", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
         ["work", "weeks"]),
        ("state", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.05, drop="first"), ["state"]),
        ("ordinal", make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-2,
                                                 encoded_missing_value=-1), StandardScaler()), ["work", "schooling"]),
        ("nothing", "drop", ["weeks"]),
    ], remainder="passthrough")


def nested():
    """Transformers in transformers; columns by number, mask and name; the categories see what is missing."""
    union = FeatureUnion([("missing", MissingIndicator(features="all")),
                          ("filled", make_pipeline(SimpleImputer(), MaxAbsScaler()))])
    columns = ColumnTransformer([
        ("numbers", union, [0, -1]),
        ("bins", KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), np.arange(7) == 2),
        ("work", OneHotEncoder(handle_unknown="ignore", max_categories=3), ["work"]),
        ("schooling", OneHotEncoder(handle_unknown="ignore", drop="if_binary"), ["schooling"]),
    ])
    return make_pipeline(columns, StandardScaler(), MinMaxScaler((0, 2), clip=True))


def quantiles():
    """Powers and quantiles, with values at, between and beyond them; `weeks` has three values, so the quantiles have steps."""
    def imputed(transformer):
        return make_pipeline(SimpleImputer(strategy="median"), transformer)

    return ColumnTransformer([
        ("uniform", imputed(QuantileTransformer(n_quantiles=20)), ["age", "weeks"]),
        ("normal", imputed(QuantileTransformer(n_quantiles=30, output_distribution="normal")), ["hours", "weeks"]),
        ("scaled", make_pipeline(QuantileTransformer(n_quantiles=10), StandardScaler()), ["gain"]),
        ("yeo_johnson", imputed(PowerTransformer()), ["gain", "hours"]),
        ("box_cox", imputed(PowerTransformer("box-cox", standardize=False)), ["age"]),
    ])


def targets():
    """Averages of a target, as a number and of three classes; thresholds; functions that a description names otherwise."""
    filled = SimpleImputer(strategy="median")
    return ColumnTransformer([
        ("classes", TargetEncoder(), ["work", "schooling"]),
        ("number", make_pipeline(TargetEncoder(target_type="continuous"), StandardScaler()), ["state", "work"]),
        ("long", make_pipeline(filled, Binarizer(threshold=40)), ["hours"]),
        ("old", make_pipeline(filled, Binarizer(threshold=60.5), StandardScaler()), ["age"]),
        ("much", Binarizer(threshold=900.25), ["gain"]),
        ("codes", make_pipeline(OrdinalEncoder(), FunctionTransformer(np.square), Binarizer(threshold=9)), ["schooling"]),
        ("square", make_pipeline(filled, FunctionTransformer(np.square), StandardScaler()), ["age"]),
        ("log2", make_pipeline(filled, FunctionTransformer(np.log2), MinMaxScaler()), ["age"]),
        ("reciprocal", make_pipeline(filled, FunctionTransformer(np.reciprocal), MaxAbsScaler()), ["age"]),
    ])


def arrays():
    """Fitted with an array: the columns have no names."""
    return make_pipeline(SimpleImputer(strategy="mean"), FunctionTransformer(np.sqrt), StandardScaler(with_mean=False))


def write(name, features, preprocessing, network, x, rows):
    """`x`: what training's preprocessing gives, as the network reads it."""
    save_preprocessing(preprocessing, FIXTURES / f"{name}.preprocessing.json")
    with torch.no_grad():
        scores = network(x)
    description = {"mmoe_description": 1, "features": features, **LEVELS}
    (FIXTURES / f"{name}.json").write_text(json.dumps(description, indent=1) + "\n")
    write_safetensors(FIXTURES / f"{name}.safetensors", network.state_dict())
    cells = [["" if pd.isna(cell) else int(cell) if isinstance(cell, float) and cell == int(cell) else cell
              for cell in row] for row in rows.itertuples(index=False)]
    write_csv(FIXTURES / f"{name}.rows.csv", list(rows.columns), cells)
    write_csv(FIXTURES / f"{name}.scores.csv", ["income", "married"], [[text(cell) for cell in row] for row in scores])
    print(f"{name}: {x.shape[1]} columns")


def seeded(module, seed):
    randomise(module, torch.Generator().manual_seed(seed))
    return module


def write_matrix(name, preprocessing, rows, seed, features, fit=None, y=None):
    fitted = persons(FITTED, seed) if fit is None else fit
    preprocessing.fit(fitted, y)
    made = preprocessing.transform(rows if fit is None else rows.to_numpy())
    x = torch.tensor(np.asarray(made.todense() if hasattr(made, "todense") else made).astype(np.float32))
    write(name, features, preprocessing, seeded(Ranker(x.shape[1]), seed), x, rows)


class Embedded(Ranker):
    WIDTHS = {"work": 3, "state": 4}

    def __init__(self, encoder, numbers):
        super().__init__(sum(self.WIDTHS.values()) + numbers)
        sizes = dict(zip(self.WIDTHS, (len(seen) for seen in encoder.categories_)))
        self.embeddings = nn.ModuleDict({name: nn.Embedding(sizes[name] + 1, w) for name, w in self.WIDTHS.items()})

    def inputs(self, codes, numbers):
        tables = [table(torch.tensor(codes[:, i].astype(np.int64) + 1))
                  for i, table in enumerate(self.embeddings.values())]
        return torch.cat([*tables, torch.tensor(numbers.astype(np.float32))], dim=1)


def write_embedded(rows):
    """The codes of an encoder are rows of embedding tables, and numbers stand beside them."""
    columns = ColumnTransformer([
        ("codes", make_pipeline(SimpleImputer(strategy="most_frequent"),
                                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
         list(Embedded.WIDTHS)),
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "hours"])])
    made = columns.fit(persons(FITTED, 4)).transform(rows)
    network = seeded(Embedded(columns.named_transformers_["codes"][-1], 2), 4)
    with torch.no_grad():
        x = network.inputs(made[:, :2], made[:, 2:])
    entry = {"preprocessing": "embedded.preprocessing.json"}
    features = [{**entry, "columns": list(Embedded.WIDTHS), "embedding": "embeddings.{column}.weight", "first_id": 1,
                 "side": {"user": ["work"], "item": ["state"]}}, {**entry, "columns": ["age", "hours"], "side": "user"}]
    write("embedded", features, columns, network, x, rows)


def main():
    FIXTURES.mkdir(exist_ok=True)
    rows = with_unseen(persons(SCORED, 100))
    side = {"user": ["age", "state", "schooling"], "item": ["gain", "work"]}
    write_matrix("census", census(), rows, 1, [{"preprocessing": "census.preprocessing.json", "side": side}])
    write_matrix("nested", nested(), rows, 2, [{"preprocessing": "nested.preprocessing.json"}])
    numbers = persons(FITTED, 3)[["age", "gain"]].rename(columns={"age": "x0", "gain": "x1"})
    write_matrix("arrays", arrays(), numbers[:SCORED], 3, [{"preprocessing": "arrays.preprocessing.json"}],
                 fit=numbers.to_numpy())
    write_embedded(rows)
    write_matrix("quantiles", quantiles(), rows, 5, [{"preprocessing": "quantiles.preprocessing.json"}])
    known = rows.assign(schooling=rows["schooling"].replace(99, 6))  # of which its OrdinalEncoder knows no others
    write_matrix("targets", targets(), known, 6, [{"preprocessing": "targets.preprocessing.json"}],
                 y=np.random.default_rng(7).integers(0, 3, FITTED))


save_preprocessing = documented_script()

if __name__ == "__main__":
    main()
