#!/usr/bin/env python3
"""Models that public libraries have saved, through the recipes: check.py TOOLS FOLDER [FIXTURES]

TOOLS: folders with mmoe-convert, mmoe-inspect and mmoe-score, separated by ':'. Models are written to FOLDER. Each
must be recognised, named as in the paper, and scored by mmoe-score within 2e-6 of the library's own prediction.
FIXTURES: what make_fixtures.py wrote; default: what is checked in. Standard library only.
"""

import csv
import gzip
import json
import pathlib
import shutil
import subprocess
import sys

TOLERANCE = 2e-6
RECIPES = pathlib.Path(__file__).resolve().parents[3] / "converter/recipes/libraries"


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def read_scores(path, tasks=None):
    """The columns of `tasks` (default: all), row by row, and the tasks."""
    with open(path, newline="") as file:
        heading, *rows = csv.reader(file)
    wanted = tasks or heading
    if missing := [task for task in wanted if task not in heading]:
        raise RuntimeError(f"{path}: no column {missing}")
    return [[float(row[heading.index(task)]) for task in wanted] for row in rows], wanted


def check(tools, folder, place, entry):
    """Returns the largest difference and the number of rows."""
    model, scored = folder / f"{place.name}.mmoe", folder / f"{place.name}.csv"
    weights = folder / place.name / entry["weights"]
    weights.parent.mkdir(exist_ok=True)
    weights.write_bytes(gzip.decompress((place / (entry["weights"] + ".gz")).read_bytes()))
    command = [tools["mmoe-convert"], weights, "-o", model]
    if entry["settings"]:
        command.insert(2, place / entry["settings"])
    report = run(*command, *(["--recipe", entry["recipe"]] if entry["recipe"] else []))
    # Unless the recipe is claimed, a tensor that it does not know is an error; here none may be left out at all.
    if "warning:" in report:
        raise RuntimeError(report)
    found = json.loads(run(tools["mmoe-inspect"], "--json", model))["architecture"]
    if found != entry["architecture"]:
        raise RuntimeError(f"mmoe-inspect shows {found!r}, expected {entry['architecture']!r}")
    expected, tasks = read_scores(place / "scores.csv")
    run(tools["mmoe-score"], model, place / "rows.csv", "-o", scored)
    scores, _ = read_scores(scored, tasks)
    if len(scores) != len(expected) or not expected:
        raise RuntimeError(f"{len(scores)} rows scored, expected {len(expected)}")
    return max(abs(a - b) for row, other in zip(scores, expected) for a, b in zip(row, other)), len(scores)


def missing_recipes(index):
    """Recipes without a model among what is checked in, and those that RECIPES.md has no row for."""
    libraries = {entry["library"].rsplit(" ", 1)[0] for entry in index.values()}
    table, missing = (RECIPES.parent.parent / "RECIPES.md").read_text(), []
    for path in sorted(RECIPES.glob("*.json")):
        library = json.loads(path.read_text())["library"]
        if library not in libraries:
            print(f"{path.stem}: no fixture is of {library}; make_fixtures.py writes them")
            missing.append(path.stem)
        if f"| `{path.stem}` |" not in table:
            print(f"{path.stem}: RECIPES.md has no row for it")
            missing.append(path.stem)
    return missing


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    tools = {name: shutil.which(name, path=sys.argv[1]) for name in ("mmoe-convert", "mmoe-inspect", "mmoe-score")}
    folder = pathlib.Path(sys.argv[2])
    fixtures = pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else pathlib.Path(__file__).parent / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    index = json.loads((fixtures / "index.json").read_text())
    failures = missing_recipes(index) if len(sys.argv) == 3 else []
    for name, entry in index.items():
        try:
            largest, rows = check(tools, folder, fixtures / name, entry)
            print(f"{name:28} {entry['library']:24} {entry['architecture']:16} {rows:5} rows  {largest:.2g}")
            if not largest <= TOLERANCE:
                raise RuntimeError(f"beyond {TOLERANCE}")
        except (RuntimeError, OSError) as error:
            failures.append(name)
            print(f"{name}: {error}")
    if failures or not index:
        sys.exit(f"error: {len(failures)} faults in {len(index)} fixtures: {' '.join(failures)}")


if __name__ == "__main__":
    main()
