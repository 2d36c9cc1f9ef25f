"""mmoe-edge's programs, called from Python: convert weights, score rows, read the scores."""

import io
import json
import os
import pathlib
import subprocess

import numpy as np
import torch

from .command import Stop

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ProgramFailed(Stop):
    """A program of mmoe-edge ended with an error; the message is what it said."""


def find_program(name):
    """In $MMOE_TOOLS, or where `cmake --preset release` or `--preset test` builds it."""
    if "MMOE_TOOLS" in os.environ:
        folders = [pathlib.Path(os.environ["MMOE_TOOLS"])]
    else:
        folders = [ROOT / "build" / "release", ROOT / "build" / "test"]
    places = [folder / part / name for folder in folders for part in ("bin", "examples", "")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ProgramFailed(f"no {name} in {', '.join(map(str, folders))}: build it first "
                            "(examples/quickstart.sh does) or set MMOE_TOOLS to the build folder")
    return str(found)


def require_programs(*names):
    """An error now rather than after an hour of training."""
    for name in names:
        find_program(name)


def run(name, *arguments, text=None):
    """Standard output of a program, given its arguments and text for its standard input."""
    command = [find_program(name), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramFailed(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def convert(state, description, path):
    """Writes the .mmoe file of a state dict {name: tensor}; beside it what it was made of, .pt and .json."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    weights, meaning = path.with_suffix(".pt"), path.with_suffix(".json")
    torch.save({name: tensor.contiguous() for name, tensor in state.items()}, weights)
    meaning.write_text(json.dumps(description, indent=1) + "\n")
    run("mmoe-convert", weights, meaning, "-o", path)
    return path


def score(model, rows, *options):
    """Scores [rows, tasks] (float32) of a .mmoe file. rows: a file (CSV or .npy), or float32 x [rows, input_dim]."""
    if isinstance(rows, np.ndarray):
        path = pathlib.Path(model).with_suffix(".x.npy")
        np.save(path, np.ascontiguousarray(rows, np.float32))
        try:
            return score(model, path, *options)
        finally:
            path.unlink()
    text = run("mmoe-score", model, rows, *options)
    return np.loadtxt(io.StringIO(text), np.float32, delimiter=",", skiprows=1, ndmin=2)


def score_run(network, run_index, names, link, x, folder):
    """One run of experiment.family's networks through the runtime: scores [rows, tasks] of x, float32."""
    folder = pathlib.Path(folder)
    model = convert(network.state_of_run(run_index), network.description(names, link), folder / "model.mmoe")
    return score(model, x)
