#!/usr/bin/python3
"""What MMoE costs to serve beside a Shared-Bottom network of as many parameters, by mmoe-bench.

Every model is timed in turn, round after round, on one processor, so that all see the same machine; the
medians over the rounds are reported. Weights are random: the time of a dense model does not depend on
them, and random gates choose experts apart, which is the worst case for top-k.
"""

import argparse
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command  # noqa: E402
command.need("numpy", "torch", "matplotlib")
import torch  # noqa: E402
from experiment import family, figures, progress, runtime, tables  # noqa: E402

ROWS = (1, 256)
# The sizes of tests/bench: the paper's synthetic experiment (section 4.3), and two larger ones.
SIZES = {
    "paper": {"input_dim": 100, "tasks": 2, "experts": 8, "hidden": [16], "tower": [8]},
    "small": {"input_dim": 128, "tasks": 2, "experts": 4, "hidden": [64, 32], "tower": [16]},
    "medium": {"input_dim": 512, "tasks": 3, "experts": 8, "hidden": [256, 128], "tower": [64]},
}
# How each is served: label, architecture, options of mmoe-bench.
WAYS = [("Shared-Bottom", "shared_bottom", []), ("OMoE", "omoe", []), ("MMoE", "mmoe", []),
        ("OMoE top-2", "omoe", ["--top-k", "2"]), ("MMoE top-2", "mmoe", ["--top-k", "2"])]
ROUNDS, SECONDS = 9, 0.3
LIMIT = 0.01  # parameters differ by less than this share


def make(size, architecture, hidden=None):
    config = {"architecture": architecture, "experts": size["experts"], "tower": size["tower"],
              "hidden": hidden or size["hidden"]}
    return family.make(config, [1], size["input_dim"], size["tasks"])


def shared_bottom_like(size, parameters):
    """The Shared-Bottom whose first layer is as wide as makes its parameters come nearest to so many; of
    several layers the last keeps the expert's width, so that the towers are the same."""
    def count(width):
        return make(size, "shared_bottom", [width, *size["hidden"][1:]]).parameters_per_run()
    per_unit = count(101) - count(100)
    guess = 100 + round((parameters - count(100)) / per_unit)
    width = min(range(max(1, guess - 2), guess + 3), key=lambda w: abs(count(w) - parameters))
    return make(size, "shared_bottom", [width, *size["hidden"][1:]])


def convert_all(name, size, folder):
    """{architecture: (.mmoe file, parameters, hidden)} of networks of one size."""
    networks = {architecture: make(size, architecture) for architecture in ("mmoe", "omoe")}
    parameters = networks["mmoe"].parameters_per_run()
    networks["shared_bottom"] = shared_bottom_like(size, parameters)
    difference = networks["shared_bottom"].parameters_per_run() / parameters - 1
    if abs(difference) > LIMIT:
        raise AssertionError(f"{name}: Shared-Bottom's parameters differ by {100 * difference:.1f} %")
    tasks = [f"task{number}" for number in range(size["tasks"])]
    return {architecture: (runtime.convert(network.state_of_run(0), network.description(tasks, "sigmoid"),
                                           folder / f"{name}.{architecture}.mmoe"),
                           network.parameters_per_run(), network.config["hidden"])
            for architecture, network in networks.items()}


def bench(model, options, args):
    """mmoe-bench's report of one model."""
    text = runtime.run("mmoe-bench", model, "--batch", ",".join(map(str, ROWS)), "--cpu", args.cpu,
                       "--seconds", args.seconds, "--json", *options)
    return json.loads(text)


def measure(models, args):
    """{(size, way): [report of each round]}, one after the other, round after round."""
    parts = [(size, way) for size in models for way in WAYS]
    shown = progress.Progress("timing", args.rounds * len(parts))
    reports = {(size, way[0]): [] for size, way in parts}
    for _ in range(args.rounds):
        for size, (label, architecture, options) in parts:
            reports[size, label].append(bench(models[size][architecture][0], options, args))
            shown.step()
    return reports


def median_us(reports, rows):
    """Median over the rounds of the median call, us."""
    return statistics.median(run["p50_us"] for report in reports for run in report["runs"] if run["batch"] == rows)


def table(models, reports):
    """Rows of serving.csv."""
    lines = []
    for size, by_architecture in models.items():
        base = {rows: median_us(reports[size, "Shared-Bottom"], rows) for rows in ROWS}
        for label, architecture, _ in WAYS:
            _, parameters, hidden = by_architecture[architecture]
            found = reports[size, label]
            line = [size, label, " x ".join(map(str, hidden)), parameters, round(found[0]["flops_per_row"] / 2)]
            for rows in ROWS:
                us = median_us(found, rows)
                line += [round(us, 3), round(us / base[rows], 3)]
            lines.append(line)
    return lines


HEADER = ["size", "model", "units of a hidden layer", "parameters", "multiply-adds per row, all experts"] + [
    column for rows in ROWS for column in (f"us per call, batch {rows}", f"times Shared-Bottom, batch {rows}")]


def picture(lines, path):
    """Bars: times of each way relative to Shared-Bottom, per size and number of rows."""
    plt = figures.plt
    figure, axes = plt.subplots(1, len(ROWS), figsize=(8.5, 3), sharey=True)
    sizes = list(dict.fromkeys(line[0] for line in lines))
    colours = [figures.COLOURS[key] for key in ("shared_bottom", "omoe", "mmoe")] + ["#8ec3e6", "#7fd3b8"]
    for axis, rows, column in zip(axes, ROWS, range(6, 100, 2)):
        for number, (label, _, _) in enumerate(WAYS):
            values = [line[column] for line in lines if line[1] == label]
            axis.bar([i + 0.16 * (number - 2) for i in range(len(sizes))], values, 0.15, label=label,
                     color=colours[number])
        axis.set_xticks(range(len(sizes)), sizes)
        axis.set_title(f"{rows} row{'s' * (rows > 1)} per call")
        axis.axhline(1, color="black", linewidth=0.6)
    axes[0].set_ylabel("time, Shared-Bottom = 1")
    figure.legend(*axes[0].get_legend_handles_labels(), ncol=5, loc="upper center", bbox_to_anchor=(0.5, 0.02))
    figures.save(figure, path)


def parse_arguments():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=pathlib.Path,
        help="folder of the results (default: results beside this script; with --quick: in the work folder)")
    add("--work", type=pathlib.Path,
        help="folder of the models (default: build/experiments/serving, with --quick ...-quick)")
    add("--rounds", type=int, default=ROUNDS, help="times that each model is timed (default: %(default)s)")
    add("--seconds", type=float, default=SECONDS, help="of each timing, per number of rows (default: %(default)s)")
    add("--cpu", type=int, default=0, help="processor to measure on (default: %(default)s)")
    add("--quick", action="store_true", help="a round of a blink each: the figures mean nothing")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 0.02
    if args.rounds < 1 or args.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    args.work = args.work or runtime.ROOT / "build" / "experiments" / ("serving-quick" if args.quick else "serving")
    full = (args.rounds, args.seconds) == (ROUNDS, SECONDS)
    args.out = command.output_folder(args.out, args.work, args.quick, full, here / "results")
    return args


def main():
    args = parse_arguments()
    torch.set_num_threads(1)
    runtime.require_programs("mmoe-convert", "mmoe-bench")
    models = {name: convert_all(name, size, args.work) for name, size in SIZES.items()}
    reports = measure(models, args)
    lines = table(models, reports)
    tables.write_csv(args.out / "serving.csv", HEADER, lines)
    picture(lines, args.out / "serving.svg")
    about = {"rounds": args.rounds, "seconds": args.seconds, "kernel_set": reports["paper", "MMoE"][0]["kernel_set"]}
    (args.out / "run.json").write_text(json.dumps(about, indent=1) + "\n")
    print(tables.markdown(HEADER, lines))


if __name__ == "__main__":
    command.run(main)
