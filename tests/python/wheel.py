#!/usr/bin/env python3
"""A wheel of the package, installed in a new environment and used from an empty folder: wheel.py BUILD VECTORS SCRATCH [--pip]

Without --pip the wheel is packed of what `cmake --install BUILD --component python` installs, by Debian's packages alone.
With --pip it is built as a user builds it, by `pip wheel`, which gets scikit-build-core from the network: exit 77 where
that cannot be had. Both must hold the same files. Needs the packages python3-pip, python3-venv and python3-wheel.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runtime" / "python"
MOST_BYTES = 3_000_000  # of a wheel that only scores
# pip waits half a minute for a network that is not there.
OFFLINE = {"PIP_NO_INPUT": "1", "PIP_RETRIES": "0", "PIP_TIMEOUT": "15"}

PROGRAM = """
import json, sys
import numpy, mmoe
sys.path.insert(0, sys.argv[1])
import models
assert "site-packages" in mmoe.__file__, mmoe.__file__
model = mmoe.convert(*models.plain())  # in memory
x = numpy.random.default_rng(1).normal(0, 1, (50, 24)).astype("float32")
scores = model.session().score(x)
model.save("plain.mmoe")
mapped = mmoe.Model.load("plain.mmoe", verify_checksums=True)
assert mapped.session(2).score(x).tobytes() == scores.tobytes()
assert model.session().replay_golden().num_wrong == 0
print(mmoe.__version__, "converts and scores")
"""


def run(*command, folder=None, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(word) for word in command], check=True, cwd=folder, env={**inherited, **environment},
                   stdin=subprocess.DEVNULL)


def packed(build, scratch):
    """What scikit-build-core makes, of the same files: beside them metadata, and the list that `wheel pack` writes."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    tree = scratch / "tree"
    run("cmake", "--install", build, "--component", "python", "--prefix", tree)
    name = project["name"].replace("-", "_")
    to = tree / f"{name}-{project['version']}.dist-info"
    to.mkdir()
    machine = os.uname().machine
    (to / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: false\n"
                              f"Tag: cp311-abi3-linux_{machine}\n")
    (to / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
                                 f"Requires-Python: {project['requires-python']}\n")
    run(sys.executable, "-m", "wheel", "pack", tree, "--dest-dir", scratch)


def has_build_backend(scratch):
    """Whether scikit-build-core is installed, or pip can get it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch / "download",
               "scikit-build-core>=0.10"]
    return subprocess.run(command, env={**os.environ, **OFFLINE}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def built_by_pip(scratch):
    # The build is kept, so that it can be looked at; ccache, where it is there, knows what it compiles.
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch,
        "--config-settings", f"build-dir={scratch / 'build'}", PACKAGE)


def check_files(wheel):
    """Returns whether the wheel has the converter."""
    sources = {f"mmoe/{path.name}" for path in (PACKAGE / "mmoe").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
    sources.add("mmoe/py.typed")
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry.compress_size for entry in archive.infolist() if "dist-info" not in entry.filename}
    modules = {"mmoe/_native.abi3.so", "mmoe/_convert.abi3.so"}
    if set(entries) != sources | modules:
        sys.exit(f"error: {wheel.name}: these files are missing or are too many: {set(entries) ^ (sources | modules)}")
    scoring = sum(size for name, size in entries.items() if name != "mmoe/_convert.abi3.so")
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {scoring:,} without the converter")
    if scoring > MOST_BYTES:
        sys.exit(f"error: {scoring} bytes, expected at most {MOST_BYTES}")
    if not re.fullmatch(r"mmoe_edge-[\d.]+-cp311-abi3-linux_\w+\.whl", wheel.name):
        sys.exit(f"error: {wheel.name}: not for the stable interface of Python 3.11")


def check_installed(wheel, arguments):
    environment = arguments.scratch / "venv"
    run(sys.executable, "-m", "venv", "--system-site-packages", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    empty = arguments.scratch / "empty"
    empty.mkdir()
    run(python, "-c", PROGRAM, ROOT / "tests" / "python", folder=empty)
    run(python, "-m", "mmoe", "score", "--help", folder=empty)
    run(python, "-B", ROOT / "tests" / "documents" / "run_examples.py", "python", arguments.vectors / "pages",
        arguments.scratch / "examples")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("build", "vectors", "scratch"):
        parser.add_argument(name, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--pip", action="store_true")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    arguments.scratch.mkdir(parents=True)
    if arguments.pip and not has_build_backend(arguments.scratch):
        print("skipped: pip wheel: pip cannot get scikit-build-core, which Debian 12 does not have")
        sys.exit(77)
    built_by_pip(arguments.scratch) if arguments.pip else packed(arguments.build, arguments.scratch)
    wheel, = arguments.scratch.glob("*.whl")
    check_files(wheel)
    check_installed(wheel, arguments)


if __name__ == "__main__":
    main()
