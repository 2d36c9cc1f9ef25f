#!/usr/bin/python3
"""The paper's comparison on Census-Income (its tables 1 and 2): search, training, scoring.

For each architecture and group of labels: a hyper-parameter search of equal size (optuna; the
validation split decides), then networks of the best configuration from several starts, each
converted and scored by the runtime on the test split's raw rows. Finished parts are kept in --work;
started again, it goes on from there. At the end compare_report.py writes tables and a figure.
Needs PyTorch, NumPy, Matplotlib and optuna.
"""

import argparse
import itertools
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "matplotlib", "optuna")
import numpy as np  # noqa: E402
import optuna  # noqa: E402
import torch  # noqa: E402

import census  # noqa: E402
import compare_report  # noqa: E402
import onehot  # noqa: E402
import prepare_rows  # noqa: E402
import spaces  # noqa: E402
import trainer  # noqa: E402
from experiment import metrics, progress, runtime  # noqa: E402

WORK = runtime.ROOT / "build" / "experiments" / "census"
FULL = {"trials": 8, "rates": 3, "epochs": 8, "batch_size": 512, "cap": 128, "orders": 3,
        "starts": 4, "rows": 0}
# Two rates: with the highest, a few steps may end in a network that gives all rows one score.
QUICK = {"trials": 2, "rates": 2, "epochs": 3, "batch_size": 256, "cap": 128, "orders": 1,
         "starts": 2, "rows": 7500}
SETTINGS = {
    "trials": "of the search", "rates": "learning rates of a trial, at most "
    f"{len(spaces.LEARNING_RATES)}", "epochs": "at most", "batch_size": "rows of a step",
    "cap": "hidden units of a layer at most", "orders": "of the training rows",
    "starts": "networks per order", "rows": "to train on and to validate with, at most (0: all); of the test split all"}


class Data:
    """The splits' inputs and labels, and the test rows as the CSV file that mmoe-score reads."""

    def __init__(self, path, limit, folder):
        # Of few test rows, two that change places would weigh more than figures may differ.
        limits = {name: None if name == "test" else limit or None for name in census.SPLITS}
        rows = {name: list(itertools.islice(census.read_rows(path, name), limits[name]))
                for name in census.SPLITS}
        self.features = onehot.fit(rows["train"])
        self.x = {name: onehot.encode(self.features, part) for name, part in rows.items()}
        self.labels = {name: {task: np.array([label(row) for row in part])
                              for task, label in census.LABELS.items()}
                       for name, part in rows.items()}
        self.test_csv = folder / "test.csv"
        with open(self.test_csv, "w", newline="", encoding="ascii") as file:
            prepare_rows.write_rows(file, rows["test"], list(census.LABELS))

    def split(self, name, tasks):
        labels = [self.labels[name][task] for task in tasks]
        return trainer.Split(self.x[name], np.stack(labels, 1))


class Cell:
    """One architecture on one list of tasks, main task first."""

    def __init__(self, architecture, tasks):
        self.architecture, self.tasks = architecture, tasks

    def key(self, **part):
        return {"architecture": self.architecture, "tasks": self.tasks, **part}

    def __str__(self):
        return f"{self.architecture} {'+'.join(self.tasks)}"


def cells(groups, architectures):
    """Single-Task networks once per task, as both groups have an auxiliary task in common."""
    found = []
    for group in groups:
        tasks = census.GROUPS[group]
        for architecture in architectures:
            lists = [[task] for task in tasks] if architecture == "single_task" else [tasks]
            pairs = [(architecture, names) for names in lists]
            found += [pair for pair in pairs if pair not in found]
    return [Cell(*pair) for pair in found]


class Comparison:
    """The settings, the data, and what is finished."""

    def __init__(self, settings, data, work):
        self.settings, self.data, self.work = settings, data, work
        self.results = progress.Results(work / "results.jsonl")

    def plan(self, order_seed):
        return trainer.Plan(self.settings["epochs"], self.settings["batch_size"], order_seed)

    def search(self, cell):
        """All trials of a cell.

        The sampler is made anew for each, so that an interrupted search goes on the same.
        """
        history = []
        for number in range(self.settings["trials"]):
            # The first half is drawn without regard to what came before.
            sampler = optuna.samplers.TPESampler(seed=1000 * self.settings["seed"] + number,
                                                 n_startup_trials=self.settings["trials"] // 2)
            study = optuna.create_study(sampler=sampler, direction="maximize")
            study.add_trials(history)
            trial = study.ask()
            config = spaces.suggest_config(trial, cell.architecture, self.settings["cap"])
            decay = spaces.suggest_decay(trial)
            key = cell.key(trial=number)
            value = self.results.get(key)
            if value is None:
                value = self.results.add(key, self.run_trial(cell, config, decay))
            study.tell(trial, max(run["validation"][0] for run in value["runs"]))
            history.append(study.trials[-1])

    def fit(self, cell, config, seeds, rates, decay, plan):
        return trainer.fit(config, seeds, rates, decay, self.data.split("train", cell.tasks),
                           self.data.split("validation", cell.tasks), plan)

    def run_trial(self, cell, config, decay):
        """One shape with every learning rate, from one start."""
        start, seed = time.process_time(), self.settings["seed"]
        rates = spaces.LEARNING_RATES[:self.settings["rates"]]
        _, best = self.fit(cell, config, [seed] * len(rates), rates, decay, self.plan(seed))
        runs = [{"learning_rate": rate, "epoch": int(epoch), "validation": aucs.tolist()}
                for rate, epoch, aucs in zip(rates, best.epochs, best.aucs)]
        return {"config": config, "weight_decay": decay, "runs": runs,
                "cpu_seconds": round(time.process_time() - start, 2)}

    def best(self, cell):
        """Config, weight decay and learning rate of the highest validation AUC of the main task;
        equal ones by the tasks' mean."""
        trials = [self.results.get(cell.key(trial=number))
                  for number in range(self.settings["trials"])]
        runs = [(run["validation"][0], np.mean(run["validation"]), number, run["learning_rate"])
                for number, trial in enumerate(trials) for run in trial["runs"]]
        _, _, number, rate = max(runs)
        return trials[number]["config"], trials[number]["weight_decay"], rate

    def train_best(self, cell, order):
        """Several starts of the best configuration on one order of the rows, and their scores."""
        key = cell.key(order=order)
        if self.results.get(key):
            return
        began, seed, starts = time.process_time(), self.settings["seed"], self.settings["starts"]
        config, decay, rate = self.best(cell)
        seeds = [1000 * (seed + 1) + order * starts + start for start in range(starts)]
        plan = self.plan(1000 * (seed + 1) + order)
        network, best = self.fit(cell, config, seeds, rate, decay, plan)
        test = self.data.split("test", cell.tasks)
        expected = trainer.predict(network, test.x)
        runs = [{"seed": seeds[run], "epoch": int(best.epochs[run]),
                 "validation": best.aucs[run].tolist(),
                 **self.score(cell, network, run, test.labels, expected[run])}
                for run in range(starts)]
        self.results.add(key, {
            "config": config, "weight_decay": decay, "learning_rate": rate, "runs": runs,
            "parameters": network.parameters_per_run(),
            "cpu_seconds": round(time.process_time() - began, 2)})

    def score(self, cell, network, run, labels, expected):
        """Test AUCs of one network, from the runtime's scores of raw rows.

        labels: bool [rows, tasks]; expected: PyTorch's scores [rows, tasks].
        """
        name = "census-" + cell.architecture
        description = {**network.description(cell.tasks, "sigmoid", name=name),
                       "features": self.data.features}
        state = {**network.state_of_run(run), **onehot.tables(self.data.features)}
        model = runtime.convert(state, description, self.work / "model.mmoe")
        scores = runtime.score(model, self.data.test_csv)
        tasks = range(len(cell.tasks))
        return {"test": [metrics.auc(labels[:, task], scores[:, task]) for task in tasks],
                "pytorch": [metrics.auc(labels[:, task], expected[:, task]) for task in tasks],
                "largest_score_difference": metrics.require_scores(str(cell), scores, expected)}

    def run(self, chosen):
        steps = progress.Progress("census", len(chosen) * (1 + self.settings["orders"]), period=0)
        for cell in chosen:
            self.search(cell)
            steps.step(note=f"(searched {cell})")
            for order in range(self.settings["orders"]):
                self.train_best(cell, order)
                steps.step(note=f"({cell})")


def keep_settings(settings, work):
    """Results of other settings must not be mixed with these."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "settings.json"
    if path.exists() and json.loads(path.read_text()) != settings:
        sys.exit(f"error: {work} holds results of other settings ({path.name}): "
                 "delete it or give another --work")
    path.write_text(json.dumps(settings, indent=1) + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--data", help=f"directory of {census.FILE_NAME} (None: ../shared/data/census next to "
        "the repository, then $MMOE_CENSUS_DIR)")
    add("--group", type=int, choices=census.GROUPS, action="append",
        help="1: income and never married, 2: college and never married (None: both)")
    add("--architecture", choices=spaces.ARCHITECTURES, action="append", help="(None: all)")
    add("--seed", type=int, default=1, help="of the search, the starts and the rows' orders")
    add("--quick", action="store_true", help="everything on a tiny scale, in under a minute")
    for name, what in SETTINGS.items():
        add("--" + name.replace("_", "-"), type=int, default=argparse.SUPPRESS,
            help=f"{what} (default: {FULL[name]}, with --quick {QUICK[name]})")
    add("--work", type=pathlib.Path, help="kept results (None: "
        f"{WORK.relative_to(runtime.ROOT)}, with --quick …/census-quick)")
    add("--out", type=pathlib.Path, help="tables and figure (None: results beside this script, "
        "with --quick in the work folder)")
    args = parser.parse_args()
    for name in SETTINGS:
        if getattr(args, name, 1) < (name != "rows"):
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return args


def main():
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    args = parse_arguments()
    base = QUICK if args.quick else FULL
    settings = {"seed": args.seed, "quick": args.quick,
                **{name: getattr(args, name, value) for name, value in base.items()}}
    work = args.work or (WORK.with_name("census-quick") if args.quick else WORK)
    everything = not (args.quick or args.group or args.architecture)
    full = everything and {"seed": 1, **FULL}.items() <= settings.items()
    out = command.output_folder(args.out, work, args.quick, full, compare_report.RESULTS)
    path = census.find_data(args.data)
    runtime.require_programs("mmoe-convert", "mmoe-score")
    keep_settings(settings, work)
    data = Data(path, settings["rows"], work)
    comparison = Comparison(settings, data, work)
    comparison.run(cells(args.group or census.GROUPS,
                         args.architecture or spaces.ARCHITECTURES))
    compare_report.keep(comparison.results, settings, {
        "input_columns": data.x["train"].width,
        "rows": {name: len(x) for name, x in data.x.items()},
        "torch": torch.__version__, "optuna": optuna.__version__, "numpy": np.__version__}, out)
    compare_report.write(out)


if __name__ == "__main__":
    command.run(main)
