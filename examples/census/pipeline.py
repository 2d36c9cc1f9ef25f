#!/usr/bin/python3
"""Census rows through a fitted scikit-learn ColumnTransformer and an MMoE, then the same in one file from raw rows.

Fits the transformer and trains the MMoE on the training split, converts both, and scores the test split's raw rows with
mmoe-score. The scores must be those of scikit-learn and PyTorch (experiment/metrics.py says how exactly).

Needs PyTorch, pandas and scikit-learn, the census (census.py says where), and the programs of mmoe-edge.
"""

import argparse
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "pandas", "sklearn")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from experiment import metrics, runtime  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (FunctionTransformer, KBinsDiscretizer, MinMaxScaler, OneHotEncoder,  # noqa: E402
                                   StandardScaler)
from torch import nn  # noqa: E402
import census  # noqa: E402

AMOUNTS = ["wage_per_hour", "capital_gains", "capital_losses", "stock_dividends"]
CATEGORIES = [name for name in census.INPUTS if name not in census.CONTINUOUS]
TASKS = census.GROUPS[1]


class Mmoe(nn.Module):
    def __init__(self, inputs, experts=4, hidden=32, out=16):
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, out), nn.ReLU()) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(inputs, experts) for _ in TASKS)
        self.towers = nn.ModuleList(nn.Sequential(nn.Linear(out, 8), nn.ReLU(), nn.Linear(8, 1)) for _ in TASKS)

    def forward(self, x):
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        mixed = [torch.einsum("re,rew->rw", torch.softmax(gate(x), dim=1), outputs) for gate in self.gates]
        return torch.cat([tower(m) for tower, m in zip(self.towers, mixed)], dim=1)


DESCRIPTION = {
    "mmoe_description": 1,
    "features": [{"preprocessing": "preprocessing.json"}],
    "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                "gates": {"logits": "gates.{task}"}}],
    "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
    "tasks": [{"name": task, "link": "sigmoid"} for task in TASKS]}


def preprocessing():
    return ColumnTransformer([
        ("ages", KBinsDiscretizer(n_bins=8, encode="onehot-dense"), ["age"]),
        ("amounts", make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), AMOUNTS),
        ("counts", MinMaxScaler(), ["employer_size", "weeks_worked"]),
        ("categories", OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=False), CATEGORIES)])


def read(data, split, limit):
    """Raw rows and labels."""
    rows = [row for _, row in zip(range(limit or sys.maxsize), census.read_rows(data, split))]
    labels = np.array([[census.LABELS[task](row) for task in TASKS] for row in rows], np.float32)
    frame = pd.DataFrame(rows)[census.INPUTS]
    return frame.astype({name: float for name in census.CONTINUOUS}), labels


def train(model, x, labels, epochs):
    optimiser, loss_of = torch.optim.Adam(model.parameters(), lr=2e-3), nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x)).split(512):
            optimiser.zero_grad()
            loss = loss_of(model(x[rows]), labels[rows])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch + 1} of {epochs}: loss {total / len(x):.4f}", flush=True)


def save_preprocessing(transformer, path):
    """By the script that converter/DESCRIPTION.md gives users to copy."""
    document = (runtime.ROOT / "converter" / "DESCRIPTION.md").read_text(encoding="utf-8")
    (block,) = [each for each in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "def save_preprocessing" in each]
    names = {}
    exec(block, names)
    names["save_preprocessing"](transformer, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", help=f"directory of {census.FILE_NAME}")
    parser.add_argument("--work", type=pathlib.Path, default=runtime.ROOT / "build/experiments/census-pipeline",
                        help="where the model and its rows go [build/experiments/census-pipeline]")
    parser.add_argument("--epochs", type=int, default=2, help="[2]")
    parser.add_argument("--rows", type=int, help="so many of each split [all]")
    options = parser.parse_args()
    runtime.require_programs("mmoe-convert", "mmoe-score")
    data = census.find_data(options.data)
    torch.manual_seed(1)
    options.work.mkdir(parents=True, exist_ok=True)
    frame, labels = read(data, "train", options.rows)
    transformer = preprocessing().fit(frame)
    x = torch.tensor(transformer.transform(frame), dtype=torch.float32)
    model = Mmoe(x.shape[1])
    train(model, x, torch.tensor(labels), options.epochs)
    frame, labels = read(data, "test", options.rows)
    with torch.no_grad():
        wanted = torch.sigmoid(model(torch.tensor(transformer.transform(frame), dtype=torch.float32))).numpy()
    save_preprocessing(transformer, options.work / "preprocessing.json")
    file = runtime.convert(model.state_dict(), DESCRIPTION, options.work / "pipeline.mmoe")
    frame.to_csv(options.work / "rows.csv", index=False)
    found = runtime.score(file, options.work / "rows.csv")
    for i, task in enumerate(TASKS):
        print(f"{task}: AUC {metrics.auc(labels[:, i], found[:, i]):.4f} on {len(frame):,} test rows")
    difference = metrics.require_scores(file.name, found, wanted)
    print(f"x has {x.shape[1]} columns; largest difference between scikit-learn with PyTorch and {file.name}, from raw "
          f"rows: {difference:.2g}")


if __name__ == "__main__":
    command.run(main)
