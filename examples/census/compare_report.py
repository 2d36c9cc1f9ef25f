#!/usr/bin/python3
"""Tables 1 and 2 and the figure of the comparison, from the seeds.csv that compare.py kept.

All AUCs are of the test split, from the runtime's scores. "best" is the start with the highest AUC
of the main task among those trained, "mean" is over all of them, as in the paper; `by_validation`
is the start that the validation split would choose. Needs NumPy and Matplotlib.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "matplotlib")
import numpy as np  # noqa: E402

import census  # noqa: E402
import spaces  # noqa: E402
from experiment import figures, metrics, tables  # noqa: E402

RESULTS = pathlib.Path(__file__).resolve().parent / "results"

# Tables 1 and 2 of Ma et al., KDD 2018: main task best, mean; auxiliary at the main's best, mean.
PAPER = {
    1: {"single_task": (.9398, .9337, .9933, .9922),
        "shared_bottom": (.9361, .9295, .9915, .9921),
        "l2_constrained": (.9389, .9359, .9922, .9918),
        "cross_stitch": (.9406, .9361, .9917, .9922),
        "tensor_factorisation": (.7460, .6765, .8175, .8412),
        "omoe": (.9387, .9319, .9928, .9923),
        "mmoe": (.9410, .9359, .9926, .9927)},
    2: {"single_task": (.8843, .8792, .9933, .9922),
        "shared_bottom": (.8836, .8813, .9927, .9917),
        "l2_constrained": (.8855, .8823, .9923, .9918),
        "cross_stitch": (.8855, .8819, .9919, .9921),
        "tensor_factorisation": (.7367, .7256, .7453, .7497),
        "omoe": (.8852, .8813, .9915, .9912),
        "mmoe": (.8860, .8826, .9932, .9924)}}

TITLES = {"income_over_50k": "income over 50,000", "college": "college",
          "never_married": "never married"}

SEED_COLUMNS = ["architecture", "tasks", "task", "order", "seed", "epoch", "validation_auc",
                "test_auc", "pytorch_test_auc", "largest_score_difference"]
TRIAL_COLUMNS = ["architecture", "tasks", "trial", "config", "weight_decay", "learning_rate",
                 "epoch", "validation_main", "validation_auxiliary"]
TABLE_COLUMNS = [
    "architecture", "starts", "main_best", "main_mean", "main_half_width_95", "main_deviation",
    "main_by_validation", "auxiliary_at_best", "auxiliary_mean", "auxiliary_half_width_95",
    "auxiliary_deviation", "paper_main_best", "paper_main_mean", "paper_auxiliary_at_best",
    "paper_auxiliary_mean"]


def keep(results, settings, versions, out):
    """Writes seeds.csv, search.csv and run.json of progress.Results."""
    entries = [(json.loads(key), value) for key, value in results.values.items()]
    trials = [(key, value) for key, value in entries if "trial" in key]
    finals = [(key, value) for key, value in entries if "order" in key]
    tables.write_csv(out / "seeds.csv", SEED_COLUMNS,
                     [row for entry in finals for row in seed_rows(*entry)])
    tables.write_csv(out / "search.csv", TRIAL_COLUMNS,
                     [row for entry in trials for row in trial_rows(*entry)])
    what = "parameters", "config", "weight_decay", "learning_rate"
    chosen = [{"tasks": key["tasks"], **{name: value[name] for name in what}}
              for key, value in finals if key["order"] == 0]
    run = {"settings": settings, **versions, "chosen": chosen,
           "cpu_seconds": {"search": round(sum(value["cpu_seconds"] for _, value in trials)),
                           "starts": round(sum(value["cpu_seconds"] for _, value in finals))}}
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    print(f"wrote {out / 'run.json'}")


def seed_rows(key, value):
    return [[key["architecture"], "+".join(key["tasks"]), task, key["order"], run["seed"],
             run["epoch"], run["validation"][number], run["test"][number], run["pytorch"][number],
             run["largest_score_difference"]]
            for run in value["runs"] for number, task in enumerate(key["tasks"])]


def trial_rows(key, value):
    config = {name: part for name, part in value["config"].items() if name != "architecture"}
    common = [key["architecture"], "+".join(key["tasks"]), key["trial"], json.dumps(config)]
    return [[*common, value["weight_decay"], run["learning_rate"], run["epoch"],
             *(run["validation"] + [""])[:2]] for run in value["runs"]]


class Sample:
    """The starts of one architecture: a task's AUC on validation and test rows, by seed."""

    def __init__(self, rows):
        rows = sorted(rows, key=lambda row: int(row["seed"]))
        self.validation = np.array([float(row["validation_auc"]) for row in rows])
        self.test = np.array([float(row["test_auc"]) for row in rows])
        self.mean, self.half = metrics.mean_and_interval(self.test)
        self.deviation = float(self.test.std(ddof=1))

    def __len__(self):
        return len(self.test)


def samples(seeds, group):
    """{architecture: (main, auxiliary)} of what is there of the group."""
    found = {}
    for architecture in spaces.ARCHITECTURES:
        tasks = census.GROUPS[group]
        parts = []
        for task in tasks:
            trained_for = task if architecture == "single_task" else "+".join(tasks)
            parts.append([row for row in seeds if row["architecture"] == architecture
                          and row["tasks"] == trained_for and row["task"] == task])
        if all(parts):
            found[architecture] = tuple(map(Sample, parts))
    return found


def write_table(out, group, found):
    """As the paper's table of the group; with intervals, and with a choice by validation."""
    rows = []
    for architecture, (first, second) in found.items():
        # Separate networks have no common best start: the auxiliary task's own.
        best = int(np.argmax((second if architecture == "single_task" else first).test))
        rows.append([architecture, len(first), float(first.test.max()), first.mean, first.half,
                     first.deviation, float(first.test[first.validation.argmax()]),
                     float(second.test[best]), second.mean, second.half, second.deviation,
                     *PAPER[group].get(architecture, [""] * 4)])
    tables.write_csv(out / f"table{group}.csv", TABLE_COLUMNS, rows)
    main, auxiliary = (TITLES[task] for task in census.GROUPS[group])
    print(f"\nGroup {group}: {main}, {auxiliary}")
    print(tables.markdown(
        ["", "best", "mean", "auxiliary at best", "mean", "paper: best / mean", "auxiliary"],
        [shown(dict(zip(TABLE_COLUMNS, row))) for row in rows]))


def shown(row):
    """A line of the printed table."""
    def pair(one, two):
        return f"{row[one]:.4f} / {row[two]:.4f}" if row[one] else "–"

    def mean(role):
        return f"{row[role + '_mean']:.4f} ± {row[role + '_half_width_95']:.4f}"

    return [figures.LABELS[row["architecture"]], f"{row['main_best']:.4f}", mean("main"),
            f"{row['auxiliary_at_best']:.4f}", mean("auxiliary"),
            pair("paper_main_best", "paper_main_mean"),
            pair("paper_auxiliary_at_best", "paper_auxiliary_mean")]


def difference(one, other):
    """Of the means, and the half width of its 95 % interval, of independent samples."""
    return one.mean - other.mean, float(np.hypot(one.half, other.half))


def write_orderings(out, found_by_group):
    """What the paper orders by its main tasks: MMoE first, Tensor-Factorisation last."""
    rows = []
    for group, found in found_by_group.items():
        for one, other in paper_order(found):
            gap, half = difference(found[one][0], found[other][0])
            verdict = "ahead" if gap > half else "behind" if gap < -half else "undecided"
            rows.append([group, one, other, gap, half, verdict])
            print(f"group {group}: {figures.LABELS[one]} − {figures.LABELS[other]}: "
                  f"{gap:+.4f} ± {half:.4f}, {verdict}")
    header = ["group", "architecture", "than", "difference_of_means", "half_width_95", "verdict"]
    tables.write_csv(out / "orderings.csv", header, rows)


def paper_order(names):
    """Pairs of those that are there, the one that the paper has ahead first. (Ahead of Cross-Stitch
    and L2-Constrained in group 1 by the best network: their means are MMoE's, or 0.0002 more.)"""
    first, last = "mmoe", "tensor_factorisation"
    pairs = [(first, name) for name in names if first in names and name != first]
    return pairs + [(name, last) for name in names if last in names and name not in (first, last)]


def draw(out, found_by_group):
    """A panel per group and task: each start, and the mean with its interval."""
    count = len(found_by_group)
    figure, axes = figures.plt.subplots(2, count, figsize=(4.4 * count, 5.6), squeeze=False)
    for column, (group, found) in enumerate(found_by_group.items()):
        for number, role in enumerate(("main", "auxiliary")):
            axis = axes[number][column]
            draw_panel(axis, {architecture: pair[number] for architecture, pair in found.items()})
            task = TITLES[census.GROUPS[group][number]]
            axis.set_title(f"group {group}, {role}: {task}", fontsize=9)
    for axis in axes[1]:
        axis.set_xlabel("test AUC")
    figures.save(figure, out / "auc.svg")


def draw_panel(axis, found):
    names = list(found)[::-1]
    for y, name in enumerate(names):
        sample = found[name]
        colour = figures.COLOURS.get(name, "#555555")
        axis.plot(sample.test, np.full(len(sample), y - 0.25), ".", color=colour, alpha=0.4,
                  markersize=4)
        axis.errorbar(sample.mean, y, xerr=sample.half, fmt="o", color=colour, capsize=3,
                      markersize=5)
    axis.set_yticks(range(len(names)), [figures.LABELS[name] for name in names])
    axis.grid(axis="y", visible=False)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.locator_params(axis="x", nbins=6)


def write(out):
    """The tables, the orderings and the figure of the groups of which something is there."""
    seeds = tables.read_csv(out / "seeds.csv")
    found_by_group = {group: samples(seeds, group) for group in census.GROUPS}
    found_by_group = {group: found for group, found in found_by_group.items() if found}
    for group, found in found_by_group.items():
        write_table(out, group, found)
    write_orderings(out, found_by_group)
    draw(out, found_by_group)
    check_agreement(seeds)


def check_agreement(seeds):
    """An error if an AUC of the runtime's scores is not PyTorch's."""
    apart = max(metrics.require_agreement(
        f"{row['architecture']} {row['tasks']}, seed {row['seed']}, test AUC of {row['task']}",
        float(row["test_auc"]), float(row["pytorch_test_auc"])) for row in seeds)
    scores = max(float(row["largest_score_difference"]) for row in seeds)
    print(f"{len(seeds)} AUCs: at most {apart:.1e} from PyTorch's; scores at most {scores:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS,
                        help="folder of seeds.csv; receives the rest")
    args = parser.parse_args()
    if not (args.out / "seeds.csv").is_file():
        sys.exit(f"error: no seeds.csv in {args.out}: run compare.py first")
    write(args.out)


if __name__ == "__main__":
    command.run(main)
