#!/usr/bin/python3
"""Trains the MMoE of the paper's section 5.3 on Census-Income and writes what mmoe-convert reads.

--out receives weights.pt (a state dict), description.json, test_scores.npy (float32
[test rows, tasks]) and metrics.json. Needs PyTorch and NumPy.
"""

import argparse
import copy
import csv
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402

import census  # noqa: E402
import features as feature_rules  # noqa: E402
import network  # noqa: E402
from experiment.metrics import auc  # noqa: E402


class Split:
    """A split of the data, encoded: tensors of the columns and labels [rows, tasks]."""

    def __init__(self, rows, features, tasks):
        self.columns = to_tensors(feature_rules.encode(features, rows))
        self.labels = np.array([[census.LABELS[task](row) for task in tasks] for row in rows])

    def aucs(self, model):
        scores = predict(model, self.columns)
        return [auc(self.labels[:, t], scores[:, t]) for t in range(scores.shape[1])]


def to_tensors(columns):
    return {name: torch.from_numpy(column) for name, column in columns.items()}


def predict(model, columns):
    """Scores, float32 [rows, tasks]."""
    model.eval()
    with torch.no_grad():
        return torch.sigmoid(model(columns)).numpy()


class Average:
    """Exponential moving average of a model's weights: steadier than any one step's."""

    def __init__(self, model, decay):
        self.model = copy.deepcopy(model)
        self.decay = decay
        self.steps = 0

    def update(self, model):
        self.steps += 1
        # A short memory at first, or the random start would weigh for epochs.
        decay = min(self.decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mean, new in zip(self.model.parameters(), model.parameters()):
                mean.lerp_(new, 1 - decay)


def train_epoch(model, average, optimizer, schedule, data, args):
    """One pass over the training rows; the mean loss."""
    model.train()
    order = torch.randperm(len(data.labels))
    labels = torch.from_numpy(data.labels.astype(np.float32))
    task_weights = torch.tensor([1.0, args.auxiliary_weight])
    total = 0.0
    batches = order.split(args.batch_size)
    for batch in batches:
        logits = model({name: column[batch] for name, column in data.columns.items()})
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, labels[batch], reduction="none")
        loss = (losses.mean(0) * task_weights).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update(model)
        total += loss.item()
    return total / len(batches)


def fit(model, train, validation, test, tasks, args):
    """Trains; returns the averaged weights of the epoch with the best mean validation AUC."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate,
                                  weight_decay=args.weight_decay)
    steps = args.epochs * -(-len(train.labels) // args.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    average = Average(model, args.average_decay)
    best = {"mean": 0.0}
    start = time.time()
    for epoch in range(1, args.epochs + 1):
        loss = train_epoch(model, average, optimizer, schedule, train, args)
        found = validation.aucs(average.model)
        print(f"epoch {epoch:3d}  {time.time() - start:6.1f} s  loss {loss:.4f}  validation "
              + "  ".join(f"{task} {value:.5f}" for task, value in zip(tasks, found))
              + "  test " + " ".join(f"{value:.5f}" for value in test.aucs(average.model)),
              flush=True)
        if np.mean(found) > best["mean"]:
            best = {"mean": np.mean(found), "epoch": epoch,
                    "state": copy.deepcopy(average.model.state_dict())}
        elif epoch - best["epoch"] >= args.patience:
            break
    model.load_state_dict(best["state"])
    return best["epoch"], time.time() - start


def report(model, splits, tasks):
    """{split: {task: AUC}}, also printed."""
    found = {name: dict(zip(tasks, split.aucs(model))) for name, split in splits.items()}
    for name, values in found.items():
        for task, value in values.items():
            print(f"{name:10s}  {task:16s}  AUC {value:.6f}")
    return found


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def train(args):
    torch.manual_seed(args.seed)
    tasks = census.GROUPS[args.group]
    path = census.find_data(args.data)
    rows = {name: list(census.read_rows(path, name)) for name in census.SPLITS}
    features = feature_rules.fit(rows["train"], args.clip_quantile)
    splits = {name: Split(part, features, tasks) for name, part in rows.items()}
    sizes = {"widths": network.embedding_widths(features, args.embedding_width),
             "num_experts": args.experts, "expert_dim": args.expert_dim,
             "tower_dim": args.tower_dim, "num_tasks": len(tasks)}
    model = network.Mmoe(features, sizes, args.input_dropout, args.dropout, args.unknown_rate)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters, input {model.gates[0].in_features}")
    epoch, seconds = fit(model, splits["train"], splits["validation"], splits["test"], tasks, args)
    found = report(model, {name: splits[name] for name in ("validation", "test")}, tasks)
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), out / "weights.pt")
    write_json(out / "description.json",
               feature_rules.description(features, f"census-group{args.group}", tasks))
    np.save(out / "test_scores.npy", np.ascontiguousarray(predict(model, splits["test"].columns)))
    options = {k: v for k, v in vars(args).items() if k not in OPERATIONAL}
    write_json(out / "metrics.json", {
        "auc": found, "best_epoch": epoch, "seconds": round(seconds, 1), "parameters": parameters,
        "input_dim": model.gates[0].in_features, "torch": torch.__version__, "options": options})


OPERATIONAL = {"data", "out", "evaluate", "score"}


def load(directory):
    """Model, features and task names of a directory that --out wrote."""
    directory = pathlib.Path(directory)
    description = json.loads((directory / "description.json").read_text())
    tasks = [task["name"] for task in description["tasks"]]
    return network.load(description["features"], directory / "weights.pt"), tasks


def evaluate(args):
    model, tasks = load(args.out)
    path = census.find_data(args.data)
    report(model, {name: Split(list(census.read_rows(path, name)), model.features, tasks)
                   for name in ("validation", "test")}, tasks)


def score(args):
    """Prints the scores of a CSV file of raw rows; nine digits name a float32 exactly."""
    model, tasks = load(args.out)
    with open(args.score, newline="") as file:
        rows = list(csv.DictReader(file))
    print(",".join(tasks))
    for scores in predict(model, to_tensors(feature_rules.encode(model.features, rows))):
        print(",".join(f"{value:.9g}" for value in scores))


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Names the default values, except of options that are off by default."""

    def _get_help_string(self, action):
        return super()._get_help_string(action) if action.default else action.help


def parse_arguments():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0],
                                     formatter_class=Formatter)
    add = parser.add_argument
    add("--data", help=f"directory of {census.FILE_NAME} (default: ../shared/data/census next to "
        "the repository, then $MMOE_CENSUS_DIR)")
    add("--group", type=int, choices=census.GROUPS, default=1,
        help="1: income and never married, 2: college and never married")
    add("--out", default=str(here / "model"), help="directory of the results")
    add("--evaluate", action="store_true", help="do not train: print the AUC of the model in --out")
    add("--score", metavar="CSV", help="do not train: print the scores of these rows by the model "
        "in --out")
    add("--seed", type=int, default=1, help="the same seed gives the same weights")
    add("--epochs", type=int, default=40, help="at most so many")
    add("--patience", type=int, default=8, help="stop after so many epochs without a better one")
    add("--batch-size", type=int, default=512, help="rows per step")
    add("--learning-rate", type=float, default=4e-3, help="at the start; falls as a cosine to 0")
    add("--weight-decay", type=float, default=0.1, help="of AdamW")
    add("--average-decay", type=float, default=0.998, help="of the moving average of the weights")
    add("--auxiliary-weight", type=float, default=1.0, help="of the second task's loss")
    add("--experts", type=int, default=8, help="number of experts")
    add("--expert-dim", type=int, default=16, help="outputs of an expert")
    add("--tower-dim", type=int, default=8, help="hidden units of a tower")
    add("--embedding-width", type=int, default=4, help="largest width of an embedding")
    add("--input-dropout", type=float, default=0.0, help="of the input x")
    add("--dropout", type=float, default=0.1, help="of the experts' outputs")
    add("--unknown-rate", type=float, default=0.02, help="of categories hidden in training")
    add("--clip-quantile", type=float, default=0.99, help="of a dense column's non-zero values, "
        "above which it is clipped")
    return parser.parse_args()


def main():
    torch.set_num_threads(1)
    args = parse_arguments()
    if args.score:
        score(args)
    elif args.evaluate:
        evaluate(args)
    else:
        train(args)


if __name__ == "__main__":
    main()
