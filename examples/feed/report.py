#!/usr/bin/python3
"""Tables and figures of what run.py has kept; nothing is trained or scored."""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "matplotlib")
import numpy as np  # noqa: E402
from experiment import figures, runtime, tables  # noqa: E402
from experiment.figures import plt  # noqa: E402
from experiment.metrics import mean_and_interval  # noqa: E402
from experiment.progress import Results  # noqa: E402
import rank  # noqa: E402

BASELINE, TASKS = "shared_bottom", ("engagement", "satisfaction")
MEASURES = {"auc": "engagement: AUC", "r2": "satisfaction: R²"}
COLOURS = {**figures.COLOURS, "single_task": "#777777", "truth": "#000000"}


def key_of(settings, architecture, seed, part):
    """Of one result of run.py. More seeds do not change what a seed gives."""
    alone = {k: v for k, v in settings.items() if k not in ("seed", "seeds", "architectures")}
    return {**alone, "architecture": architecture, "run_seed": seed, "part": part}


class Kept:
    """The results of one run.py, by architecture and part; all seeds of it."""

    def __init__(self, work):
        if not (work / "about.json").is_file():
            sys.exit(f"error: no about.json in {work}: run run.py to its end first")
        self.about = json.loads((work / "about.json").read_text())
        settings = self.about["settings"]
        self.settings, self.architectures = settings, settings["architectures"]
        self.seeds = range(settings["seed"], settings["seed"] + settings["seeds"])
        self.parts = range(1, settings["parts"] + 1)
        results = Results(work / "results.jsonl")
        self.values = {
            (a, seed, part): results.get(key_of(settings, a, seed, part))
            for seed in self.seeds for a in [*self.architectures, "truth"]
            for part in (0, *self.parts)}

    def of(self, architecture, part, *path):
        """One number per seed: [seeds]."""
        found = []
        for seed in self.seeds:
            value = self.values[architecture, seed, part]
            for name in path:
                value = value[name]
            found.append(value)
        return np.array(found)

    def gain(self, architecture, part, *path):
        """Paired difference to the baseline, per seed."""
        return self.of(architecture, part, *path) - self.of(BASELINE, part, *path)

    def ranking(self, architecture, weight):
        """Shown items' engagement and rating in percent over the baseline's, [seeds, 2]."""
        last = 0 if architecture == "truth" else self.parts[-1]
        shown = self.of(architecture, last, "ranking", weight)
        return 100 * (shown / self.of(BASELINE, self.parts[-1], "ranking", weight) - 1)


def write_table3(kept, out):
    header = ["model", "impressions"]
    for measure in ("auc", "r2", "r2_expected"):
        header += [measure, measure + "_interval", measure + "_gain", measure + "_gain_interval"]
    rows = []
    for architecture in kept.architectures:
        for part in kept.parts:
            row = [architecture, int(kept.of(architecture, part, "rows")[0])]
            for measure in ("auc", "r2", "r2_expected"):
                row += [*mean_and_interval(kept.of(architecture, part, measure)),
                        *mean_and_interval(kept.gain(architecture, part, measure))]
            rows.append(row)
    truth = ["truth", ""]
    for measure in ("auc", "r2", "r2_expected"):
        truth += [*mean_and_interval(kept.of("truth", 0, measure)), "", ""]
    tables.write_csv(out / "table3.csv", header, [*rows, truth])


def write_table4(kept, out):
    rows = []
    for architecture in [*kept.architectures, "truth"]:
        last = 0 if architecture == "truth" else kept.parts[-1]
        for weight in map(str, rank.WEIGHTS):
            shown = kept.of(architecture, last, "ranking", weight).mean(0)
            change = kept.ranking(architecture, weight)
            rows.append([architecture, float(weight), float(shown[0]), float(shown[1]),
                         *mean_and_interval(change[:, 0]), *mean_and_interval(change[:, 1])])
    tables.write_csv(out / "table4.csv", [
        "model", "satisfaction_weight", "engagement", "rating", "engagement_percent",
        "engagement_percent_interval", "rating_percent", "rating_percent_interval"], rows)


CONCENTRATION = ("experts_of_a_row", "experts_of_the_mean", "largest")


def write_gates(kept, out):
    rows, last = [], kept.parts[-1]
    for architecture in ("omoe", "mmoe"):
        for seed in kept.seeds:
            for gate, found in kept.values[architecture, seed, last]["gates"].items():
                rows += [[architecture, seed, gate, e, w] for e, w in enumerate(found["mean"])]
    tables.write_csv(out / "gates.csv", ["model", "seed", "gate", "expert", "mean_weight"], rows)
    header, rows = ["what"], []
    for gate in TASKS:
        header += [gate, gate + "_interval"]
    for what in CONCENTRATION:
        row, found = [what], [kept.of("mmoe", last, "gates", gate, what) for gate in TASKS]
        for values in found:
            row += mean_and_interval(values)
        rows.append([*row, *mean_and_interval(found[1] - found[0])])
    tables.write_csv(out / "gates_concentration.csv",
                     [*header, "difference", "difference_interval"], rows)


def style_of(architecture):
    return {"color": COLOURS[architecture], "label": figures.LABELS[architecture], "marker": "o",
            "markersize": 4}


def draw_training(kept, out):
    """Both measures over training length, and their paired gains over the baseline."""
    figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), sharex=True)
    for column, (measure, title) in enumerate(MEASURES.items()):
        for row, values in enumerate((kept.of, kept.gain)):
            for number, architecture in enumerate(kept.architectures):
                if row and architecture == BASELINE:
                    continue
                x = np.array([kept.of(architecture, part, "rows")[0] for part in kept.parts]) / 1e6
                means, widths = zip(*(mean_and_interval(values(architecture, part, measure))
                                      for part in kept.parts))
                axes[row, column].errorbar(
                    x + (number - 1.5) * 0.01 * x[-1], means, widths, **style_of(architecture))
        axes[0, column].set_title(title)
        axes[1, column].set(xlabel="impressions, millions", xticks=x)
        axes[1, column].axhline(0, color=COLOURS[BASELINE], linewidth=0.8, zorder=0)
    axes[0, 0].set_ylabel("mean of the seeds")
    axes[1, 0].set_ylabel(f"paired gain over {figures.LABELS[BASELINE]}")
    axes[0, 0].legend(loc="upper left")
    figures.save(figure, out / "training_length.svg")


def draw_ranking(kept, out):
    """What is gained and lost by ranking with each model, at each weight."""
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.5))
    for number, architecture in enumerate(kept.architectures):
        style = style_of(architecture)
        shown = np.array([kept.of(architecture, kept.parts[-1], "ranking", str(w)).mean(0)
                          for w in rank.WEIGHTS])
        axes[0].plot(shown[:, 0], shown[:, 1], **style)
        if architecture == BASELINE:
            for weight, point in zip(rank.WEIGHTS, shown):
                axes[0].annotate(f"{weight:g}", point, xytext=(-4, -4), textcoords="offset points",
                                 fontsize=7, color=style["color"], ha="right", va="top")
            continue
        x = np.array(rank.WEIGHTS) + (number - 2) * 0.015
        for task in range(len(TASKS)):
            means, widths = zip(*(mean_and_interval(kept.ranking(architecture, str(w))[:, task])
                                  for w in rank.WEIGHTS))
            axes[1 + task].errorbar(x, means, widths, **style)
    axes[0].set(xlabel="expected engagement of the shown", ylabel="expected rating of the shown",
                title="trade-off over the weight of satisfaction")
    for axis, task in zip(axes[1:], TASKS):
        axis.axhline(0, color=COLOURS[BASELINE], linewidth=0.8, zorder=0)
        axis.set(xlabel="weight of satisfaction", title=task, xticks=rank.WEIGHTS,
                 ylabel=f"% over {figures.LABELS[BASELINE]}")
    axes[0].legend()
    figures.save(figure, out / "ranking.svg")


def draw_gates(kept, out):
    """Mean gate weight per expert and task; an expert's number means nothing across seeds."""
    seeds = list(kept.seeds)
    figure, axes = plt.subplots(1, len(seeds), figsize=(1.9 * len(seeds) + 0.6, 2.8), sharey=True,
                                squeeze=False)
    for axis, seed in zip(axes[0], seeds):
        found = kept.values["mmoe", seed, kept.parts[-1]]["gates"]
        experts = np.arange(len(found[TASKS[0]]["mean"]))
        for side, (task, colour) in enumerate(zip(TASKS, ("#0072B2", "#E69F00"))):
            axis.bar(experts + 0.4 * side - 0.2, found[task]["mean"], 0.4, color=colour, label=task)
        axis.axhline(1 / len(experts), color="#999999", linewidth=0.8, linestyle=":")
        axis.set_title(f"seed {seed}", fontsize=9)
        axis.set(xlabel="expert", xticks=experts)
        axis.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("mean gate weight")
    figure.suptitle(" ")  # room for the legend
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncol=2, fontsize=8)
    figures.save(figure, out / "gates.svg")


def write_about(kept, out):
    """run.json: what was run, and the largest differences between the runtime and PyTorch."""
    models = [value for (name, _, part), value in kept.values.items() if part and name != "truth"]
    truth = {name: mean_and_interval(kept.of("truth", 0, name)) for name in (
        "correlation", "engagement_rate", "rating", "rating_rate")}
    about = {
        **kept.about, "simulation": {name: round(mean, 4) for name, (mean, _) in truth.items()},
        "largest_difference_of_a_figure": max(value["figure_difference"] for value in models),
        "largest_difference_of_a_score": max(value["score_difference"] for value in models),
        "largest_difference_of_a_gate": max(gate["difference"] for value in models
                                            for gate in value.get("gates", {}).values()),
        "parameters_without_embeddings": {
            a: int(kept.of(a, 1, "parameters")[0]) for a in kept.architectures},
        "training_seconds": {
            a: round(sum(kept.of(a, p, "training_seconds").sum() for p in kept.parts))
            for a in kept.architectures}}
    (out / "run.json").write_text(json.dumps(about, indent=1) + "\n")


def with_interval(values, digits):
    mean, width = mean_and_interval(values)
    return f"{mean:.{digits}f} ± {width:.{digits}f}"


def print_markdown(kept):
    """The README's tables."""
    last = kept.parts[-1]
    rows = [[figures.LABELS[a], f"{int(kept.of(a, part, 'rows')[0]):,}",
             *(with_interval(kept.of(a, part, m), 4) for m in MEASURES),
             *(with_interval(kept.gain(a, part, m), 4) if a != BASELINE else "" for m in MEASURES)]
            for a in kept.architectures for part in kept.parts]
    rows.append(["the simulator's expectations", "",
                 *(with_interval(kept.of("truth", 0, m), 4) for m in MEASURES), "", ""])
    print(tables.markdown(["model", "impressions", "AUC", "R²", "AUC gain", "R² gain"], rows))
    rows = [[figures.LABELS[a], f"{w:g}",
             *(with_interval(kept.ranking(a, str(w))[:, task], 2) + " %" for task in (0, 1))]
            for a in kept.architectures if a != BASELINE for w in rank.WEIGHTS]
    print(tables.markdown(["model", "weight of satisfaction", *TASKS], rows))
    rows = []
    for what in CONCENTRATION:
        found = [kept.of("mmoe", last, "gates", task, what) for task in TASKS]
        rows.append([what, *(with_interval(v, 3) for v in (*found, found[1] - found[0]))])
    print(tables.markdown(["MMoE's gates", *TASKS, "satisfaction - engagement"], rows))


def make(work, out):
    """All files of `out`, of what run.py kept in `work`."""
    out.mkdir(parents=True, exist_ok=True)
    kept = Kept(work)
    for write in (write_table3, write_table4, write_gates, write_about,
                  draw_training, draw_ranking, draw_gates):
        write(kept, out)
    print_markdown(kept)


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, help="what run.py kept",
                        default=runtime.ROOT / "build/experiments/feed")
    parser.add_argument("--out", type=pathlib.Path, default=here / "results",
                        help="where tables and figures go")
    options = parser.parse_args()
    keep_results(options, here / "results")
    make(options.work, options.out)


def keep_results(options, results):
    """An error if figures of other settings would replace those of the repository."""
    if options.out.resolve() == results:
        settings = json.loads((results / "run.json").read_text())["settings"]
        if Kept(options.work).settings != settings:
            sys.exit(f"error: {options.work} has results of other settings than {results}: "
                     "give another --out")


if __name__ == "__main__":
    command.run(main)
