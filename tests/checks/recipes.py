#!/usr/bin/env python3
"""A fault in a recipe fails the build: recipes.py EMBED_RECIPES FOLDER_OF_RECIPES SCRATCH

The program that builds the recipes in must refuse a folder in which one recipe has a fault, name that file and line, and
write nothing. The recipes of the folder itself must pass.
"""

import pathlib
import shutil
import subprocess
import sys


def embed(program, folder, output):
    output.unlink(missing_ok=True)
    return subprocess.run([program, str(output), *map(str, sorted(folder.glob("*.json")))], capture_output=True, text=True)


# What is done to a recipe's text, and what is said. The line is that of the fault.
FAULTS = {
    "no comma": (lambda text: text.replace('",\n  ', '"\n  ', 1), ":3: error: not valid JSON"),
    "cut off": (lambda text: text[:len(text) // 2], ": error: not valid JSON"),
    "unknown key": (lambda text: text.replace('"models"', '"modells"', 1), "error: modells: unknown key"),
    "no table": (lambda text: text.replace('"library"', '"features": {},\n  "library"', 1), ":2: error: features.table: missing"),
    "a list": (lambda text: "[" + text + "]", ":1: error: the recipe is not an object"),
    "null": (lambda text: "null", ":1: error: the recipe is not an object"),
    "empty": (lambda text: "", ":1: error: not valid JSON"),
}


def main():
    program, folder, scratch = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    output = scratch / "library_texts.cpp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    good = embed(program, folder, output)
    names = sorted(path.stem for path in folder.glob("*.json"))
    messages = []
    if good.returncode != 0 or not names or not all(f'{{"{name}",' in output.read_text() for name in names):
        messages.append(f"the recipes of {folder}: exit {good.returncode}: {good.stderr}")
    for fault, (change, expected) in FAULTS.items():
        broken = scratch / fault.replace(" ", "_")
        shutil.copytree(folder, broken)
        # One without `features` of its own, so that a key is never there twice.
        path = next(path for path in sorted(broken.glob("*.json")) if '"features"' not in path.read_text())
        text = path.read_text()
        path.write_text(change(text))
        done = embed(program, broken, output)
        told = done.stderr.strip()
        if change(text) == text or done.returncode != 1 or not told.startswith(str(path) + ":") or expected not in told:
            messages.append(f"{fault}: exit {done.returncode}: {told!r}; expected {expected!r}")
        if output.exists():
            messages.append(f"{fault}: a source was written")
    twice = scratch / "twice"
    shutil.copytree(folder, twice)
    shutil.copy(twice / f"{names[0]}.json", twice / "zz-copy.json")
    done = embed(program, twice, output)
    if done.returncode != 1 or "zz-copy.json:1: error: " not in done.stderr:
        messages.append(f"two recipes of one library: exit {done.returncode}: {done.stderr!r}")
    print(f"{len(names)} recipes, {len(FAULTS) + 1} faults, {len(messages)} told wrongly")
    for message in messages:
        print("error: " + message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
