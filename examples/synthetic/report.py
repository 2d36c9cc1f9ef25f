"""Tables and figures of the kept results of run.py."""

import json
import platform

import matplotlib.pyplot as plt
from matplotlib import ticker
import numpy as np
import torch

import orderings
from experiment import family, figures, metrics, tables

NAMES = ["shared_bottom", "omoe", "mmoe"]
SHADES = {0.5: "#D55E00", 0.9: "#E69F00", 1.0: "#56B4E9"}  # of figure 3


def mean_and_interval(values):
    """By the normal quantile: for 200 runs Student's is 1 % more, for the curves' 25 5 %."""
    return metrics.mean_and_interval(values, metrics.NORMAL)


class Results:
    """finals: {cosine: {architecture: losses [runs]}};
    curves: {cosine: {architecture: {step: losses [curve_runs]}}}."""

    def __init__(self, experiment):
        self.settings = experiment.settings
        self.figure2 = experiment.label_correlations()
        self.rates = experiment.chosen_rates()
        self.tuning = {cosine: experiment.tuning(cosine) for cosine in self.rates}
        self.groups = [experiment.group(n, self.rates) for n in range(experiment.num_groups())]
        self.curves = {cosine: {name: {} for name in NAMES} for cosine in self.rates}
        finals = {cosine: {name: [] for name in NAMES} for cosine in self.rates}
        for group in self.groups:
            for point in group["points"]:
                place = point["cosine"], point["architecture"]
                if point["step"] == self.settings["steps"]:
                    finals[place[0]][place[1]] += point["losses"]
                if group["first"] == 0:
                    losses = point["losses"][:self.settings["curve_runs"]]
                    self.curves[place[0]][place[1]][point["step"]] = losses
        self.finals = {cosine: {name: np.array(losses) for name, losses in found.items()}
                       for cosine, found in finals.items()}
        self.parts = experiment.parts
        self.points = [point for part in self.parts for point in part.get("points", [])]

    def largest(self, difference):
        return max(point[difference] for point in self.points)


def write(experiment, out):
    """All files of the results folder."""
    results = Results(experiment)
    write_parameters(experiment.configs, out)
    write_figure2(results, out)
    write_tuning(results, out)
    write_curves(results, out)
    write_finals(results, out)
    figure2(results, out / "figure2.svg")
    figure3(results, out / "figure3.svg")
    figure5(results, out / "figure5.svg")
    figure6(results, out / "figure6.svg")
    orderings.write(results.finals, out)
    write_metadata(results, out)


# ------------------------------------------------------------------------------------- tables

def write_parameters(configs, out):
    """How many numbers each architecture learns, and where they are."""
    rows = []
    networks = {name: family.make(configs[name], [0], 100, 2) for name in NAMES}
    reference = networks["mmoe"].parameters_per_run()
    for name, network in networks.items():
        count = {"bottom": 0, "experts": 0, "gates": 0, "towers": 0}
        for parameter, value in network.named_parameters():
            count[parameter.split(".")[0]] += value[0].numel()
        total = network.parameters_per_run()
        rows.append([name, *count.values(), total, total / reference])
    header = ["architecture", "bottom", "experts", "gates", "towers", "total", "of_mmoe"]
    tables.write_csv(out / "parameters.csv", header, rows)


def write_figure2(results, out):
    rows = []
    for cosine, found in zip(results.figure2["cosines"], results.figure2["correlations"]):
        mean, deviation = float(np.mean(found)), float(np.std(found, ddof=1))
        low, high = mean - 2 * deviation, mean + 2 * deviation
        rows.append([cosine, len(found), mean, deviation, low, high])
    header = ["weight_cosine", "repeats", "mean_label_correlation", "standard_deviation",
              "minus_2_sigma", "plus_2_sigma"]
    tables.write_csv(out / "figure2.csv", header, rows)


def write_tuning(results, out):
    rows = []
    for cosine, losses in results.tuning.items():
        for name in NAMES:
            for rate, values in zip(results.settings["rates"], losses[name]):
                rows.append([cosine, name, rate, len(values), *mean_and_interval(values),
                             int(rate == results.rates[cosine][name])])
    header = ["cosine", "architecture", "learning_rate", "runs", "mean_validation_loss",
              "half_width_95", "chosen"]
    tables.write_csv(out / "tuning.csv", header, rows)


def write_curves(results, out):
    rows = []
    for cosine, curves in results.curves.items():
        for name in NAMES:
            for step, losses in sorted(curves[name].items()):
                rows.append([cosine, name, step, len(losses), *mean_and_interval(losses),
                             *map(float, np.quantile(losses, [0.25, 0.5, 0.75]))])
    header = ["cosine", "architecture", "step", "runs", "mean_loss", "half_width_95",
              "quartile_1", "median", "quartile_3"]
    tables.write_csv(out / "curves.csv", header, rows)


def write_finals(results, out):
    rows, summary = [], []
    for cosine, losses in results.finals.items():
        for run, values in enumerate(zip(*(losses[name] for name in NAMES))):
            rows.append([cosine, run, *map(float, values)])
        for name in NAMES:
            values = losses[name]
            quantiles = map(float, np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]))
            summary.append([cosine, name, len(values), results.rates[cosine][name],
                            *mean_and_interval(values), float(values.std(ddof=1)),
                            *quantiles])
    tables.write_csv(out / "final_losses.csv", ["cosine", "run", *NAMES], rows)
    header = ["cosine", "architecture", "runs", "learning_rate", "mean_loss", "half_width_95",
              "standard_deviation", "quantile_05", "quartile_1", "median", "quartile_3",
              "quantile_95"]
    tables.write_csv(out / "summary.csv", header, summary)
    print(tables.markdown(header, tables.rounded(summary)))


def write_metadata(results, out):
    metadata = {
        "settings": results.settings,
        "learning_rates": results.rates,
        "scored_by": "mmoe-score, each run's network converted by mmoe-convert",
        "networks_scored": sum(len(point["losses"]) for point in results.points),
        "largest_loss_difference_to_pytorch": results.largest("loss_difference"),
        "largest_score_difference_to_pytorch": results.largest("score_difference"),
        "seconds": round(sum(part["seconds"] for part in results.parts)),
        "cpu_seconds": round(sum(part["cpu_seconds"] for part in results.parts)),
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0],
                     "numpy": np.__version__, "machine": platform.machine()},
    }
    path = out / "run.json"
    path.write_text(json.dumps(metadata, indent=1) + "\n")
    print(f"wrote {path}")


# ------------------------------------------------------------------------------------- figures

def figure2(results, path):
    """Mean and two standard deviations of the labels' correlation over the repeats."""
    figure, axes = plt.subplots(figsize=(4.2, 3.2))
    cosines, found = results.figure2["cosines"], np.array(results.figure2["correlations"])
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, linestyle="--", label="equal")
    axes.errorbar(cosines, found.mean(1), 2 * found.std(1, ddof=1), color=figures.COLOURS["omoe"],
                  marker="o", markersize=3, capsize=2, linewidth=1.2, label="mean ± 2σ")
    axes.set_xlabel("cosine of the tasks' weights")
    axes.set_ylabel("Pearson correlation of the labels")
    axes.legend()
    figures.save(figure, path)


def draw_curve(axes, curve, colour, label):
    """Mean over the runs, with the 95 % interval of the mean."""
    steps = sorted(curve)
    means, widths = np.transpose([mean_and_interval(curve[step]) for step in steps])
    axes.plot(steps, means, color=colour, linewidth=1.4, label=label)
    axes.fill_between(steps, means - widths, means + widths, color=colour, alpha=0.2, linewidth=0)


def label_ratios(axis):
    """Ticks 1, 2, 5, 10 ... of a logarithmic axis, as plain numbers."""
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(ticker.NullLocator())


def finish_curves(axes, title):
    axes.set_yscale("log")
    label_ratios(axes.yaxis)
    axes.set_xlabel("step")
    axes.set_title(title, fontsize=9)


def figure3(results, path):
    figure, axes = plt.subplots(figsize=(4.6, 3.4))
    for cosine, curves in results.curves.items():
        draw_curve(axes, curves["shared_bottom"], SHADES[cosine], f"correlation {cosine}")
    finish_curves(axes, "Shared-Bottom")
    axes.set_ylabel("mean squared error")
    axes.legend()
    figures.save(figure, path)


def figure5(results, path):
    figure, grid = plt.subplots(1, len(results.curves), figsize=(9, 3.2), sharey=True)
    for axes, (cosine, curves) in zip(grid, results.curves.items()):
        for name in NAMES:
            draw_curve(axes, curves[name], figures.COLOURS[name], figures.LABELS[name])
        finish_curves(axes, f"correlation {cosine}")
    grid[0].set_ylabel("mean squared error")
    grid[-1].legend()
    figures.save(figure, path)


def figure6(results, path):
    """Histograms of the runs' final losses, over bins of equal ratio that all panels share."""
    everything = np.concatenate([losses for found in results.finals.values()
                                 for losses in found.values()])
    bins = np.geomspace(everything.min() * 0.999, everything.max() * 1.001, 36)
    figure, grid = plt.subplots(len(NAMES), len(results.finals), figsize=(9, 5), sharex=True,
                                sharey="col")
    for column, (cosine, found) in zip(grid.T, results.finals.items()):
        for axes, name in zip(column, NAMES):
            axes.hist(found[name], bins, color=figures.COLOURS[name], alpha=0.8,
                      histtype="stepfilled")
            axes.axvline(found[name].mean(), color="0.2", linewidth=0.9, linestyle="--")
            axes.set_xscale("log")
            label_ratios(axes.xaxis)
        column[0].set_title(f"correlation {cosine}, {len(found['mmoe'])} runs", fontsize=9)
        column[-1].set_xlabel("final mean squared error")
    for axes, name in zip(grid[:, 0], NAMES):
        axes.set_ylabel(f"{figures.LABELS[name]}\nruns")
    figures.save(figure, path)
