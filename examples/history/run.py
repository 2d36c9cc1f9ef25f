#!/usr/bin/python3
"""DIN and an MMoE on MovieLens 100K: trained in PyTorch, converted, and scored from raw rows.

The data: RecBole's package has them (pip download recbole --no-deps, and unzip the wheel); --data is the folder
recbole/dataset_example/ml-100k in it. The last fifth of the ratings is not trained on. Its scores by mmoe-score, from
a CSV of raw values, must be those of PyTorch (experiment/metrics.py says how exactly).

Needs PyTorch and NumPy, and the programs of mmoe-edge (cmake --preset release).
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from experiment import metrics, runtime  # noqa: E402
import network  # noqa: E402
import ratings  # noqa: E402



def train(model, rows, known, epochs, batch):
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        order = torch.randperm(len(rows)).tolist()
        total, start = 0.0, time.monotonic()
        for inputs, labels in network.batches([rows[i] for i in order], known, batch):
            optimiser.zero_grad()
            loss = loss_of(model(inputs), labels)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch + 1} of {epochs}: loss {total / len(rows):.4f} ({time.monotonic() - start:.0f} s)", flush=True)


def scores_of(model, rows, known):
    model.eval()
    with torch.no_grad():
        return np.concatenate([torch.sigmoid(model(inputs)).numpy() for inputs, _ in network.batches(rows, known, 1024)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", type=pathlib.Path, required=True,
                        help="folder with ml-100k.inter, ml-100k.item and ml-100k.user, of RecBole's package")
    parser.add_argument("--work", type=pathlib.Path, default=runtime.ROOT / "build/experiments/history",
                        help="where the model and its rows go [build/experiments/history]")
    parser.add_argument("--epochs", type=int, default=2, help="[2]")
    parser.add_argument("--batch", type=int, default=256, help="rows per step [256]")
    options = parser.parse_args()
    runtime.require_programs("mmoe-convert", "mmoe-score")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    rows = ratings.impressions(options.data)
    trained, tested = rows[:len(rows) * 4 // 5], rows[len(rows) * 4 // 5:]
    known = ratings.vocabularies(trained)
    model = network.Network({field: len(values) for field, values in known.items()})
    train(model, trained, known, options.epochs, options.batch)
    file = runtime.convert(model.state_dict(), network.description(known), options.work / "history.mmoe")
    ratings.write_rows(tested, options.work / "rows.csv")
    wanted, found = scores_of(model, tested, known), runtime.score(file, options.work / "rows.csv")
    labels = np.array([each for _, each in tested], np.float32)
    for i, name in enumerate(ratings.LABELS):
        print(f"{name}: AUC {metrics.auc(labels[:, i], found[:, i]):.4f} of {len(tested):,} ratings behind those trained on")
    difference = metrics.require_scores(file.name, found, wanted)
    print(f"largest difference between PyTorch's scores and those of {file.name}, {file.stat().st_size:,} bytes, "
          f"from raw rows: {difference:.2g}")


if __name__ == "__main__":
    command.run(main)
