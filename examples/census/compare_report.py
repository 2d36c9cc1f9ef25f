#!/usr/bin/python3
"""Tables 1 and 2 and the figure of the comparison, from what compare.py kept: seeds.csv and run.json.

All AUCs are of the test split, from the runtime's scores. "best" is the start with the highest AUC of the main
task among those trained, "mean" is over all of them, as in the paper; `by_validation` is the start that the
validation split would choose. Needs NumPy and Matplotlib.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

import census
import spaces

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import figures, metrics, tables  # noqa: E402

RESULTS = pathlib.Path(__file__).resolve().parent / "results"

# Tables 1 and 2 of Ma et al., KDD 2018: main task best, mean; auxiliary task at the main task's best, mean.
PAPER = {
    1: {"single_task": (.9398, .9337, .9933, .9922), "shared_bottom": (.9361, .9295, .9915, .9921),
        "l2_constrained": (.9389, .9359, .9922, .9918), "cross_stitch": (.9406, .9361, .9917, .9922),
        "tensor_factorisation": (.7460, .6765, .8175, .8412), "omoe": (.9387, .9319, .9928, .9923),
        "mmoe": (.9410, .9359, .9926, .9927)},
    2: {"single_task": (.8843, .8792, .9933, .9922), "shared_bottom": (.8836, .8813, .9927, .9917),
        "l2_constrained": (.8855, .8823, .9923, .9918), "cross_stitch": (.8855, .8819, .9919, .9921),
        "tensor_factorisation": (.7367, .7256, .7453, .7497), "omoe": (.8852, .8813, .9915, .9912),
        "mmoe": (.8860, .8826, .9932, .9924)}}

# Student's t at 97.5 % for 1, 2, … degrees of freedom.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
           2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069]

SEED_COLUMNS = ["architecture", "tasks", "task", "order", "seed", "epoch", "validation_auc", "test_auc",
                "pytorch_test_auc", "largest_score_difference"]


def refuse_small(settings, full, out):
    """Ends the program rather than let a smaller run replace the results that are checked in."""
    smaller = settings["quick"] or any(settings[name] != value for name, value in full.items())
    if smaller and out.resolve() == RESULTS:
        sys.exit(f"error: {RESULTS} is for a run of full size: give another --out")


def keep(results, settings, versions, out):
    """Writes seeds.csv, search.csv and run.json of progress.Results."""
    entries = [(json.loads(key), value) for key, value in results.values.items()]
    trials = [(key, value) for key, value in entries if "trial" in key]
    finals = [(key, value) for key, value in entries if "order" in key]
    tables.write_csv(out / "seeds.csv", SEED_COLUMNS, [row for entry in finals for row in seed_rows(*entry)])
    tables.write_csv(
        out / "search.csv",
        ["architecture", "tasks", "trial", "config", "weight_decay", "learning_rate", "epoch", "validation_main",
         "validation_auxiliary"],
        [row for entry in trials for row in trial_rows(*entry)])
    chosen = [{**{name: key[name] for name in ("architecture", "tasks")}, "parameters": value["parameters"],
               **{name: value[name] for name in ("config", "weight_decay", "learning_rate")}}
              for key, value in finals if key["order"] == 0]
    run = {"settings": settings, **versions, "chosen": chosen,
           "cpu_seconds": {"search": round(sum(value["cpu_seconds"] for _, value in trials)),
                           "starts": round(sum(value["cpu_seconds"] for _, value in finals))}}
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    print(f"wrote {out / 'run.json'}")


def seed_rows(key, value):
    return [[key["architecture"], "+".join(key["tasks"]), task, key["order"], run["seed"], run["epoch"],
             run["validation"][number], run["test"][number], run["pytorch"][number],
             run["largest_score_difference"]]
            for run in value["runs"] for number, task in enumerate(key["tasks"])]


def trial_rows(key, value):
    config = {name: part for name, part in value["config"].items() if name != "architecture"}
    return [[key["architecture"], "+".join(key["tasks"]), key["trial"], json.dumps(config), value["weight_decay"],
             run["learning_rate"], run["epoch"], *run["validation"][:2]] for run in value["runs"]]


class Sample:
    """The starts of one architecture: AUC of one task on validation and test rows, in the order of seeds."""

    def __init__(self, rows):
        rows = sorted(rows, key=lambda row: int(row["seed"]))
        self.validation = np.array([float(row["validation_auc"]) for row in rows])
        self.test = np.array([float(row["test_auc"]) for row in rows])
        self.mean, self.half = interval(self.test)

    def __len__(self):
        return len(self.test)


def interval(values):
    """Mean and half width of its 95 % interval, of few independent values."""
    return metrics.mean_and_interval(values, STUDENT[min(len(values), len(STUDENT) + 1) - 2])


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
    """As the paper's table of the group, and what the paper lacks: intervals, and a choice by validation."""
    main, auxiliary = census.GROUPS[group]
    header = ["architecture", "starts", f"{main}_best", f"{main}_mean", "half_width_95", "standard_deviation",
              f"{main}_by_validation", f"{auxiliary}_at_best", f"{auxiliary}_mean",
              "auxiliary_half_width_95", "auxiliary_standard_deviation",
              "paper_main_best", "paper_main_mean", "paper_auxiliary_best", "paper_auxiliary_mean"]
    rows = []
    for architecture, (first, second) in found.items():
        # Separate networks have no common best start: the auxiliary task's own.
        best = int(np.argmax((second if architecture == "single_task" else first).test))
        rows.append([architecture, len(first), float(first.test.max()), first.mean, first.half,
                     float(first.test.std(ddof=1)), float(first.test[first.validation.argmax()]),
                     float(second.test[best]), second.mean, second.half, float(second.test.std(ddof=1)),
                     *PAPER[group].get(architecture, [""] * 4)])
    tables.write_csv(out / f"table{group}.csv", header, rows)
    print_table(group, rows)


def print_table(group, rows):
    shown = [[figures.LABELS[row[0]], f"{row[2]:.4f}", f"{row[3]:.4f} ± {row[4]:.4f}", f"{row[7]:.4f}",
              f"{row[8]:.4f} ± {row[9]:.4f}",
              *(" / ".join(f"{value:.4f}" for value in pair) if pair[0] else "–" for pair in (row[11:13], row[13:]))]
             for row in rows]
    print(f"\nGroup {group}")
    print(tables.markdown(["", "main best", "main mean", "auxiliary at best", "auxiliary mean",
                           "paper, main best / mean", "paper, auxiliary best / mean"], shown))


def difference(one, other):
    """Of the means, and the half width of its 95 % interval, of independent samples."""
    return one.mean - other.mean, float(np.hypot(one.half, other.half))


def write_orderings(out, found_by_group):
    """What the paper orders: MMoE not behind the others on the main task, Tensor-Factorisation last."""
    rows = []
    for group, found in found_by_group.items():
        pairs = [("mmoe", other) for other in found if other != "mmoe"]
        pairs += [(other, "tensor_factorisation") for other in found if other not in ("tensor_factorisation", "mmoe")]
        for one, other in pairs:
            if one in found and other in found:
                gap, half = difference(found[one][0], found[other][0])
                verdict = "ahead" if gap > half else "behind" if gap < -half else "undecided"
                rows.append([group, census.GROUPS[group][0], one, other, gap, half, verdict])
    tables.write_csv(out / "orderings.csv", ["group", "task", "architecture", "than", "difference_of_means",
                                             "half_width_95", "verdict"], rows)
    for group, _, one, other, gap, half, verdict in rows:
        print(f"group {group}: {figures.LABELS[one]} − {figures.LABELS[other]}: {gap:+.4f} ± {half:.4f}, {verdict}")


TITLES = {"income_over_50k": "income over 50,000", "college": "college", "never_married": "never married"}


def draw(out, found_by_group):
    """A panel per group and task: each start, and the mean with its interval."""
    count = len(found_by_group)
    figure, axes = figures.plt.subplots(2, count, figsize=(4.4 * count, 5.6), squeeze=False)
    for column, (group, found) in enumerate(found_by_group.items()):
        for number, role in enumerate(("main", "auxiliary")):
            axis = axes[number][column]
            draw_panel(axis, {architecture: pair[number] for architecture, pair in found.items()})
            axis.set_title(f"group {group}, {role}: {TITLES[census.GROUPS[group][number]]}", fontsize=9)
    for axis in axes[1]:
        axis.set_xlabel("test AUC")
    figures.save(figure, out / "auc.svg")


def draw_panel(axis, found):
    names = list(found)[::-1]
    for y, name in enumerate(names):
        sample = found[name]
        colour = figures.COLOURS.get(name, "#555555")
        axis.plot(sample.test, np.full(len(sample), y - 0.22), ".", color=colour, alpha=0.35, markersize=4)
        axis.errorbar(sample.mean, y, xerr=sample.half, fmt="o", color=colour, capsize=3, markersize=5)
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
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS, help="folder of seeds.csv; receives the rest")
    args = parser.parse_args()
    if not (args.out / "seeds.csv").is_file():
        sys.exit(f"error: no seeds.csv in {args.out}: run compare.py first")
    write(args.out)


if __name__ == "__main__":
    main()
