#!/usr/bin/python3
"""The whole experiment in small, and that it goes on where it was: run again, nothing changes.

FOLDER is emptied first. Exit code 77: skipped, a package is missing.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = {"table3.csv", "table4.csv", "gates.csv", "gates_concentration.csv", "run.json",
            "training_length.svg", "ranking.svg", "gates.svg"}


def run(folder, out):
    subprocess.run([sys.executable, "-B", HERE / "run.py", "--quick", "--work", folder / "work",
                    "--out", out], check=True)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def check_goes_on():
    """Saved and loaded in the middle, a training ends where it ends without that: the same bits."""
    import torch
    import network
    import simulate
    from experiment.progress import Progress
    torch.set_num_threads(1)
    world = simulate.World(7, sizes=simulate.SMALL)
    rows = world.draw(1280, world.stream("train"))

    def training():
        config = network.small(network.CONFIGS["mmoe"])
        model = network.FeedModel(config, 7, world.sizes, (0.15, 3.0))
        return network.Training(model, 1e-3, 3e-3, 0.1)

    straight, first, second = training(), training(), training()
    straight.run(rows, 1280, 64, Progress("straight", 1280))
    first.run(rows, 640, 64, Progress("first half", 640))
    second.load_state_dict(first.state_dict())
    second.run(rows, 1280, 64, Progress("second half", 640))
    if not (straight.model.scores(rows) == second.model.scores(rows)).all():
        sys.exit("error: a training that went on from what was saved ends elsewhere")


def check_lost_result(folder):
    """Where an early part's result is lost but a later part's weights are kept, the early part is
    trained again and not measured with those."""
    import numpy as np
    import run as feed
    from experiment.progress import Results
    folder.mkdir(parents=True)
    settings = {**feed.QUICK, "rows": 12000, "quick": True, "conflict": 0.5}
    data, kept = feed.Data(settings, 1, folder), folder / "results.jsonl"

    def aucs():
        """Of parts 1 and 2; what comes behind is interrupted."""
        part_run = feed.Run(settings, "mmoe", 1, data, folder)
        measure, results = part_run.measure, Results(kept)
        part_run.measure = lambda part: measure(part) if part < feed.PARTS else sys.exit("stop")
        try:
            part_run.go_on(results)
        except SystemExit:
            pass
        return np.array([results.get(part_run.key(part))["auc"] for part in (1, 2)])

    first = aucs()
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    kept.write_text(lines[1], encoding="utf-8")
    if not np.array_equal(first, aucs()):
        sys.exit("error: a part was measured with the weights of a later one")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    try:
        import matplotlib, numpy, torch  # noqa: E401, F401
    except ImportError as error:
        print(f"skipped: {error}")
        sys.exit(77)
    check_goes_on()
    shutil.rmtree(folder, ignore_errors=True)
    check_lost_result(folder / "lost")
    first = run(folder, folder / "first")
    if set(first) != EXPECTED:
        sys.exit(f"error: files {sorted(set(first) ^ EXPECTED)} too many or missing")
    kept = folder / "work" / "results.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    # Without the last three results two parts of an architecture are done again.
    kept.write_text("".join(lines[:-3]), encoding="utf-8")
    second = run(folder, folder / "second")
    different = [name for name in first if name != "run.json" and first[name] != second[name]]
    if different:
        sys.exit(f"error: {different} are not what they were")


if __name__ == "__main__":
    main()
