#!/usr/bin/python3
"""The experiments on synthetic data of Ma et al., KDD 2018: figures 2, 3, 5 and 6, by mmoe-score.

Trains Shared-Bottom, OMoE and MMoE networks of the paper's size on pairs of tasks of three
correlations, each run with data and initial weights of its own, the same for all architectures.
Learning rates are chosen before, on other runs. Every loss that is reported is of the runtime's
scores of the converted network. What is done is kept in --work: an interrupted run continues at the
group of runs that it was at. Needs python3-torch, python3-matplotlib, and mmoe-convert and
mmoe-score, built.
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "matplotlib")
import numpy as np  # noqa: E402
import torch  # noqa: E402
import generate  # noqa: E402
import report  # noqa: E402
import training  # noqa: E402
from experiment import metrics, progress, runtime  # noqa: E402

COSINES = [0.5, 0.9, 1.0]  # of the tasks' weights; "runs" below is the number of runs at each
EXPERTS = {"experts": 8, "hidden": [16], "tower": [8]}
# Shared-Bottom's width gives it as many parameters as MMoE has (0.4 % more).
CONFIGS = {"shared_bottom": {"architecture": "shared_bottom", "hidden": [127], "tower": [8]},
           "omoe": {"architecture": "omoe", **EXPERTS},
           "mmoe": {"architecture": "mmoe", **EXPERTS}}
FULL = {"runs": [200, 200, 200], "group_size": 25, "curve_runs": 25, "test_rows": 2000,
        "steps": 3000, "batch": 64, "rates": [1e-4, 3.2e-4, 1e-3, 3.2e-3, 1e-2], "tuning_runs": 8,
        "checkpoints": [0, 100, 200, 300, 400, 600, 800, 1000, 1250, 1500, 1750, 2000, 2250, 2500,
                        2750],
        "points": 10000, "repeats": 100}
QUICK = {"runs": [6, 3, 3], "group_size": 3, "curve_runs": 3, "test_rows": 200,
         "steps": 120, "batch": 64, "rates": [1e-3, 1e-2], "tuning_runs": 2,
         "checkpoints": [0, 40, 80], "points": 500, "repeats": 5}
WEIGHT_COSINES = [round(0.1 * i, 1) for i in range(11)]  # of figure 2


class Experiment:
    """settings: as FULL, and "seed"; kept results are found again by them."""

    configs = CONFIGS

    def __init__(self, settings, work, may_train=True):
        self.settings, self.work, self.may_train = settings, pathlib.Path(work), may_train
        self.kept = progress.Results(self.work / "results.jsonl")
        self.parts = []  # the values of all parts that were asked for, once each

    def part(self, make, shown=(), **key):
        """The kept value of a part of the work, or make() and its time, kept."""
        key = {**key, **{name: self.settings[name] for name in ("seed", *shown)}}
        value = self.kept.get(key)
        if value is None and not self.may_train:
            raise runtime.ProgramFailed(f"{self.kept.path} has no {key}: run without --only-report")
        if value is None:
            start, cpu = time.monotonic(), sum(os.times()[:4])
            value = make()
            value["seconds"] = time.monotonic() - start
            value["cpu_seconds"] = sum(os.times()[:4]) - cpu
            self.kept.add(key, value)
        if value not in self.parts:
            self.parts.append(value)
        return value

    def run_seed(self, number):
        """Of run `number`; numbers from 500,000 are those that only choose learning rates."""
        return self.settings["seed"] * 1_000_000 + number

    def label_correlations(self):
        """Figure 2: Pearson's correlation of y1 and y2, [weight cosine][repeat]."""
        def make():
            found = []
            count = progress.Progress("figure 2", self.settings["repeats"])
            for repeat in range(self.settings["repeats"]):
                tasks = generate.Tasks(self.run_seed(repeat))
                projections = tasks.projections(tasks.inputs(0, self.settings["points"]))
                labels = (tasks.labels(projections, 0, cosine) for cosine in WEIGHT_COSINES)
                found.append([float(np.corrcoef(y.T)[0, 1]) for y in labels])
                count.step()
            return {"cosines": WEIGHT_COSINES, "correlations": np.transpose(found).tolist()}
        return self.part(make, ("points", "repeats"), part="figure2")

    def tuning(self, cosine):
        """{architecture: losses [rate][run]}, on rows for validation behind the last step."""
        shape = len(self.settings["rates"]), self.settings["tuning_runs"]

        def make():
            s = self.settings
            runs = training.Runs(self.run_seed(500_000 + n) for n in range(s["tuning_runs"]))
            students = {name: training.Student(config, cosine, runs, s["rates"])
                        for name, config in CONFIGS.items()}
            training.train(students.values(), runs, s["steps"], s["batch"], lambda step: None)
            rows = HeldOut(runs, training.VALIDATION, s["test_rows"], self.work)
            points = [{"architecture": name, **rows.score(student, shape[0] * shape[1],
                                                          f"{name} at {cosine}, tuning")}
                      for name, student in students.items()]
            rows.remove()
            return {"points": points}
        value = self.part(make, ("steps", "batch", "test_rows", "rates", "tuning_runs"),
                          part="tuning", cosine=cosine)
        return {point["architecture"]: np.reshape(point["losses"], shape)
                for point in value["points"]}

    def chosen_rates(self):
        """{cosine: {architecture: learning rate}} of least mean validation loss."""
        chosen = {}
        count = progress.Progress("tuning", len(COSINES))
        for cosine in COSINES:
            losses = self.tuning(cosine)
            best = {name: int(np.argmin(np.mean(losses[name], axis=1))) for name in CONFIGS}
            chosen[cosine] = {name: self.settings["rates"][best[name]] for name in CONFIGS}
            count.step()
        return chosen

    def group(self, number, rates):
        """Trains and scores runs number * group_size ...; "points": their losses at the checkpoints
        (the first group) and at the end."""
        s, first = self.settings, number * self.settings["group_size"]
        counts = {cosine: min(n - first, s["group_size"])
                  for cosine, n in zip(COSINES, s["runs"]) if n > first}

        def make():
            runs = training.Runs(self.run_seed(first + n) for n in range(max(counts.values())))
            students = {(cosine, name): training.Student(config, cosine, runs, rates[cosine][name])
                        for cosine in counts for name, config in CONFIGS.items()}
            test = HeldOut(runs, training.TEST, s["test_rows"], self.work)
            points = []

            def visit(step):
                for (cosine, name), student in students.items():
                    count = counts[cosine] if step == s["steps"] else s["curve_runs"]
                    scored = test.score(student, count, f"{name} at {cosine}, step {step}")
                    points.append({"cosine": cosine, "architecture": name, "step": step, **scored})

            training.train(students.values(), runs, s["steps"], s["batch"], visit,
                           s["checkpoints"] if first == 0 else ())
            test.remove()
            return {"first": first, "points": points,
                    "rates": [[cosine, name, rates[cosine][name]] for cosine, name in students]}
        return self.part(make, ("group_size", "curve_runs", "steps", "batch", "test_rows", "rates",
                                "tuning_runs", "checkpoints"),
                         part="group", group=number, counts=list(counts.items()))

    def num_groups(self):
        return -(-max(self.settings["runs"]) // self.settings["group_size"])

    def run(self):
        self.label_correlations()
        rates = self.chosen_rates()
        count = progress.Progress("groups of runs", self.num_groups(), period=0)
        for number in range(self.num_groups()):
            self.group(number, rates)
            count.step()


class HeldOut:
    """Rows of each run that it does not learn from, in files for mmoe-score."""

    def __init__(self, runs, first, rows, folder):
        self.x, self.y = runs.rows(first, rows, COSINES)
        self.model = folder / "model.mmoe"
        self.files = [folder / f"rows-{run}.npy" for run in range(len(runs.seeds))]
        for path, x in zip(self.files, self.x.numpy()):
            np.save(path, x)

    def score(self, student, count, what):
        """Losses of the first `count` networks from the runtime's scores; an error if PyTorch's
        scores or losses are others. The losses agree to 1e-6, above 1 to that part of them."""
        expected = student.scores(self.x)
        found = {"losses": [], "loss_difference": 0.0, "score_difference": 0.0}
        description = student.network.description(["y1", "y2"], "identity")
        for number in range(count):
            run = number % len(self.files)  # several learning rates learn from the same rows
            labels = self.y[student.cosine][run].numpy()
            runtime.convert(student.network.state_of_run(number), description, self.model)
            scores = runtime.score(self.model, self.files[run])
            apart = metrics.require_scores(f"{what}, run {number}", scores, expected[number])
            ours, theirs = (metrics.mean_squared_error(labels, found_scores)
                            for found_scores in (scores, expected[number]))
            scale = max(1.0, theirs)
            difference = metrics.require_agreement(f"loss of {what}, run {number}",
                                                   ours / scale, theirs / scale)
            found["losses"].append(ours)
            found["loss_difference"] = max(found["loss_difference"], difference)
            found["score_difference"] = max(found["score_difference"], apart)
        return found

    def remove(self):
        for path in self.files:
            path.unlink()


def arguments():
    here = pathlib.Path(__file__).resolve()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="less than a minute: few runs, few steps, the same code")
    parser.add_argument("--seed", type=int, default=1, help="of everything (default: %(default)s)")
    parser.add_argument("--runs", type=int, help="of each architecture at each correlation "
                        f"(default: {FULL['runs']} at {COSINES}, with --quick {QUICK['runs']})")
    parser.add_argument("--steps", type=int, help=f"of training (default: {FULL['steps']}, "
                        f"with --quick {QUICK['steps']})")
    parser.add_argument("--out", type=pathlib.Path, help="folder of figures and tables (default: "
                        "results beside this script, with --quick in the folder --work)")
    parser.add_argument("--work", type=pathlib.Path, help="folder of what is kept between runs "
                        "(default: build/experiments/synthetic, with --quick ...-quick)")
    parser.add_argument("--only-report", action="store_true",
                        help="tables and figures of what is kept, without training")
    parser.add_argument("--restart", action="store_true", help="forget what is kept in --work")
    options = parser.parse_args()
    for name in ("runs", "steps"):
        if getattr(options, name) is not None and getattr(options, name) < 2:
            parser.error(f"--{name} must be at least 2")
    if options.seed < 0:
        parser.error("--seed must not be negative")
    name = "synthetic-quick" if options.quick else "synthetic"
    options.work = options.work or here.parents[2] / "build" / "experiments" / name
    full = settings_of(options) == {**FULL, "seed": 1}
    options.out = command.output_folder(options.out, options.work, options.quick, full,
                                        here.parent / "results")
    return options


def settings_of(options):
    settings = {**(QUICK if options.quick else FULL), "seed": options.seed}
    if options.runs:
        settings["runs"] = [options.runs] * len(COSINES)
    settings["steps"] = options.steps or settings["steps"]
    settings["checkpoints"] = [step for step in settings["checkpoints"] if step < settings["steps"]]
    settings["curve_runs"] = min(settings["curve_runs"], settings["group_size"], *settings["runs"])
    return settings


def main():
    options = arguments()
    torch.set_num_threads(1)
    settings = settings_of(options)
    if options.restart:
        (options.work / "results.jsonl").unlink(missing_ok=True)
    if not options.only_report:
        runtime.require_programs("mmoe-convert", "mmoe-score")
    experiment = Experiment(settings, options.work, not options.only_report)
    experiment.run()
    report.write(experiment, options.out)


if __name__ == "__main__":
    command.run(main)
