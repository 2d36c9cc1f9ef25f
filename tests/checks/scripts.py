#!/usr/bin/env python3
"""Every script that README.md and HACKING.md name is there, can be started, and starts: scripts.py SOURCE

Each is checked for its syntax. Those below also run with arguments that they answer at once; the others are run by
tests of their own (tests/run.sh is how tests are run).
"""

import os
import pathlib
import re
import subprocess
import sys

DOCUMENTS = ["README.md", "HACKING.md", "converter/ONNX.md", "converter/RECIPES.md", "converter/DESCRIPTION.md"]
NAMED = re.compile(r"(?<![\w/.-])((?:examples|tests|toolchains|converter|\.ci)/[\w./-]*\w\.(?:sh|py)|\.ci/run)\b")

# Script -> arguments, exit code, a word of the answer.
STARTS = {
    "tests/cross.sh": (["--help"], 0, "usage"),
    "toolchains/install.sh": (["--help"], 0, "usage"),
    "toolchains/package.sh": ([], 2, "usage"),
    "tests/fuzz/run.sh": (["--help"], 0, "usage"),
    "tests/cases/run_cases.py": (["--help"], 0, "usage"),
    "tests/cases/worst_cost.py": (["--help"], 0, "usage"),
    "tests/checks/configurations.py": (["--help"], 0, "usage"),
}


def named_scripts(source):
    found = set()
    for document in DOCUMENTS:
        found |= set(NAMED.findall((source / document).read_text()))
    return sorted(found)


def syntax(path):
    """What is wrong with it, or an empty text."""
    if path.suffix == ".py":
        try:
            compile(path.read_text(), str(path), "exec")
            return ""
        except SyntaxError as error:
            return str(error)
    return subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True).stderr


def check(source, name):
    path = source / name
    if not path.is_file():
        return "is named, but not there"
    is_sourced = not path.read_text().startswith("#!")
    if path.suffix != ".py" and not is_sourced and not os.access(path, os.X_OK):
        return "is not executable"
    if syntax(path):
        return syntax(path)
    if name not in STARTS:
        return ""
    arguments, code, word = STARTS[name]
    command = [sys.executable, "-B", str(path)] if path.suffix == ".py" else [str(path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    if done.returncode != code or word not in done.stdout + done.stderr:
        return f"{' '.join(arguments)}: exit {done.returncode}: {(done.stdout + done.stderr)[-300:]}"
    return ""


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    names = sorted(set(named_scripts(source)) | set(STARTS))
    faults = [f"{name}: {fault}" for name in names if (fault := check(source, name))]
    for fault in faults:
        print(fault)
    print(f"{len(names)} scripts, {len(faults)} faults")
    return 1 if faults or len(names) < 8 else 0


if __name__ == "__main__":
    sys.exit(main())
