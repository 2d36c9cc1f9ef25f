#!/usr/bin/python3
"""A simulated content feed: trained in PyTorch, converted, scored and ranked by the runtime.

Like section 6 of Ma et al., KDD 2018, whose data are not public. For each seed (a world and weights
of its own) Single-Task, Shared-Bottom, OMoE and MMoE see the same stream of impressions once. At a
third, two thirds and the end of it each model is converted, and mmoe-score scores the test
impressions from their raw features. At the end the models also rank candidates, and the gates are
looked at.

Needs PyTorch, NumPy, Matplotlib, and the programs of mmoe-edge. Finished parts are kept in --work:
started again, it goes on where it was. report.py makes tables and figures of them.
"""

import argparse
import json
import pathlib
import platform
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "matplotlib")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from experiment import metrics, runtime  # noqa: E402
from experiment.progress import Progress, Results, short_hash  # noqa: E402
import gates  # noqa: E402
import network  # noqa: E402
import rank  # noqa: E402
import report  # noqa: E402
import simulate  # noqa: E402

PARTS, GATE_ROWS = 3, 20_000
FULL = {"rows": 3_000_000, "test_rows": 200_000, "requests": 400, "candidates": 100, "seeds": 5,
        "batch": 1024, "rate": 1e-3, "table_rate": 1e-3, "loss_weight": 0.1,
        "rating_rate": 0.03}
QUICK = {"rows": 36_000, "test_rows": 10_000, "requests": 10, "candidates": 40, "seeds": 2,
         "batch": 64, "rate": 1e-3, "table_rate": 3e-3, "loss_weight": 0.03,
         "rating_rate": 0.1}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--quick", action="store_true",
                        help="small vocabularies and networks, few rows: everything in seconds")
    parser.add_argument("--seed", type=int, default=1, help="first seed [1]")
    parser.add_argument("--seeds", type=int, help="how many seeds [5; quick: 2]")
    parser.add_argument("--rows", type=int,
                        help="impressions to train on [3,000,000; quick: 36,000]")
    parser.add_argument("--conflict", type=float, default=0.5,
                        help="0: satisfaction wants what engagement wants; 1: the opposite [0.5]")
    parser.add_argument("--batch", type=int, help="impressions per step [1,024; quick: 64]")
    parser.add_argument("--rate", type=float, help="Adam's rate for the networks [0.001]")
    parser.add_argument("--table-rate", type=float,
                        help="Adam's rate for the embeddings [0.001; quick: 0.003]")
    parser.add_argument("--rating-rate", type=float,
                        help="share of impressions with a satisfaction label [0.03; quick: 0.1]")
    parser.add_argument("--loss-weight", type=float,
                        help="of satisfaction's squared error [0.1; quick: 0.03]")
    parser.add_argument("--work", type=pathlib.Path,
                        help="where finished parts are kept [build/experiments/feed, feed-quick]")
    parser.add_argument("--out", type=pathlib.Path,
                        help="where tables and figures go [results; quick: inside --work]")
    options = parser.parse_args()
    if not 0 <= options.conflict <= 1:
        parser.error(f"--conflict {options.conflict} is not in 0 .. 1")
    name = "feed-quick" if options.quick else "feed"
    options.work = options.work or runtime.ROOT / "build/experiments" / name
    full = settings_of(options) == settings_of(parser.parse_args([]))
    options.out = command.output_folder(options.out, options.work, options.quick, full,
                                        here / "results")
    return options


def settings_of(options):
    """Everything that the results depend on."""
    values = dict(QUICK if options.quick else FULL)
    given = {name: value for name, value in vars(options).items() if value is not None}
    values.update({name: given[name] for name in values if name in given})
    return {**values, "quick": options.quick, "seed": options.seed, "conflict": options.conflict,
            "parts": PARTS, "architectures": list(network.CONFIGS)}


class Data:
    """One seed's world: what is trained on, tested on and ranked; raw features as CSV files."""

    def __init__(self, settings, seed, folder):
        sizes = simulate.SMALL if settings["quick"] else simulate.FULL
        self.world = simulate.World(seed, settings["conflict"], sizes,
                                    rating_rate=settings["rating_rate"])
        self.train = self.world.draw(settings["rows"], self.world.stream("train"))
        self.test = self.world.draw(settings["test_rows"], self.world.stream("test"))
        candidates = settings["candidates"]
        self.requests = rank.Requests(
            self.world.requests(settings["requests"], candidates, self.world.stream("requests")),
            candidates, folder)
        self.test_file = rank.write_rows(folder / "test.csv", self.test)
        self.gate_rows = self.test.first(GATE_ROWS)
        self.gate_file = rank.write_rows(folder / "gate_rows.csv", self.gate_rows)
        self.prior = float(self.train.engaged.mean()), float(np.nanmean(self.train.rating))
        # The labels' standard deviations are the units in which scores are added.
        self.spread = np.array([self.train.engaged.std(), np.nanstd(self.train.rating)])


def figures_of(rows, scores):
    """What is reported of scores [rows, 2]."""
    rated = rows.rated
    return {"auc": metrics.auc(rows.engaged, scores[:, 0]),
            "log_loss": metrics.log_loss(rows.engaged, scores[:, 0]),
            "r2": metrics.r_squared(rows.rating[rated], scores[rated, 1]),
            "r2_expected": metrics.r_squared(rows.expected[:, 1], scores[:, 1])}


def evaluate(models, data, path):
    """Converts to path + number, scores the test rows with the runtime; files, figures, and how far
    PyTorch's are from them."""
    files = [runtime.convert(m.state_of_run(), m.description(), f"{path}{number}.mmoe")
             for number, m in enumerate(models)]
    scores = np.hstack([runtime.score(file, data.test_file) for file in files])
    theirs = np.hstack([m.scores(data.test) for m in models])
    apart = metrics.require_scores(path.name, scores, theirs)
    figures, expected = figures_of(data.test, scores), figures_of(data.test, theirs)
    figures["score_difference"] = apart
    figures["figure_difference"] = max(
        metrics.require_agreement(name, figures[name], expected[name]) for name in expected)
    return files, figures


class Run:
    """One architecture of one seed, from its last saved state on."""

    def __init__(self, settings, architecture, seed, data, folder):
        self.settings, self.architecture, self.seed = settings, architecture, seed
        self.data, self.folder = data, folder
        config = network.CONFIGS[architecture]
        config = network.small(config) if settings["quick"] else config
        self.models = [network.FeedModel(config, seed, data.world.sizes, data.prior, tasks)
                       for tasks in network.models_of(architecture)]
        self.trainings = [
            network.Training(m, settings["rate"], settings["table_rate"], settings["loss_weight"])
            for m in self.models]
        self.state = folder / (short_hash(self.key(0)) + ".pt")

    def load(self, results):
        """The saved state; without effect if an earlier part's result is lost, which takes that
        part's weights to measure again."""
        if not self.state.exists():
            return
        saved = torch.load(self.state)
        before = [part for part in range(1, PARTS + 1) if self.rows_until(part) < saved[0]["done"]]
        if all(results.get(self.key(part)) for part in before):
            for training, state in zip(self.trainings, saved):
                training.load_state_dict(state)

    def rows_until(self, part):
        """Impressions trained on at the end of the part."""
        return self.settings["rows"] * part // PARTS

    def key(self, part):
        return report.key_of(self.settings, self.architecture, self.seed, part)

    def go_on(self, results):
        """Trains, with a result after each part."""
        self.load(results)
        for part in range(1, PARTS + 1):
            # A part whose state was lost is trained again, to the same weights.
            seconds = self.train(part)
            if not results.get(self.key(part)):
                self.save()
                results.add(self.key(part), {**self.measure(part), "training_seconds": seconds})
        for file in [self.state, *self.folder.glob(self.architecture + "*.pt")]:
            file.unlink(missing_ok=True)  # the .mmoe files stay, to be looked at

    def train(self, part):
        """To the end of the part; seconds."""
        started, until = time.monotonic(), self.rows_until(part)
        what = f"seed {self.seed}, {self.architecture}, part {part} of {PARTS}"
        for training in self.trainings:
            training.run(self.data.train, until, self.settings["batch"],
                         Progress(what, until - training.done, 10))
        return time.monotonic() - started

    def save(self):
        partial = self.state.with_suffix(".part")
        torch.save([training.state_dict() for training in self.trainings], partial)
        partial.replace(self.state)

    def measure(self, part):
        """Figures of the test rows; behind the last part also ranking and gates."""
        files, figures = evaluate(self.models, self.data, self.folder / self.architecture)
        figures.update(rows=self.rows_until(part),
                       parameters=sum(m.network.parameters_per_run() for m in self.models))
        if part < PARTS:
            return figures
        if figures["auc"] <= 0.55:
            raise AssertionError(f"{self.architecture}, seed {self.seed}: no learning: {figures}")
        figures["ranking"] = self.data.requests.rank_all(files, self.data.spread)
        if hasattr(self.models[0].network, "gates"):
            figures["gates"] = gates.measure(
                files[0], self.data.gate_file, self.models[0], self.data.gate_rows)
        return figures


def run_seed(settings, seed, results, work):
    keys = [report.key_of(settings, a, seed, PARTS) for a in settings["architectures"]]
    keys.append(report.key_of(settings, "truth", seed, 0))
    if all(results.get(key) for key in keys):
        return
    folder = work / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}: simulating {settings['rows']} impressions", file=sys.stderr, flush=True)
    data = Data(settings, seed, folder)
    for architecture in settings["architectures"]:
        if not results.get(report.key_of(settings, architecture, seed, PARTS)):
            Run(settings, architecture, seed, data, folder).go_on(results)
    results.add(keys[-1], {
        **figures_of(data.test, data.test.expected),
        "ranking": data.requests.rank_by_truth(data.spread),
        "correlation": float(np.corrcoef(data.test.expected.T)[0, 1]),
        "engagement_rate": data.prior[0], "rating": data.prior[1],
        "rating_rate": float(data.train.rated.mean())})


def main():
    options = arguments()
    torch.set_num_threads(1)
    runtime.require_programs("mmoe-convert", "mmoe-score")
    settings = settings_of(options)
    results = Results(options.work / "results.jsonl")
    started = time.monotonic()
    for seed in range(settings["seed"], settings["seed"] + settings["seeds"]):
        run_seed(settings, seed, results, options.work)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    about = {"settings": settings, "python": platform.python_version(), "torch": torch.__version__,
             "numpy": np.__version__, "seconds": round(time.monotonic() - started),
             "cpu_seconds": round(sum(part.ru_utime + part.ru_stime for part in used))}
    (options.work / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    report.make(options.work, options.out)


if __name__ == "__main__":
    command.run(main)
