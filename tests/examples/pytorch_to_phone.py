#!/usr/bin/env python3
"""Follows runtime/doc/pytorch-to-phone.md from end to end: pytorch_to_phone.py FOLDER_OF_TOOLS RUNTIME_LIBRARY SCRATCH

Code blocks whose fence names a file (```python train.py) are written to it, ```sh blocks are run in their order. The
compiler is handed the library of this build by a pkg-config of our own.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "runtime/doc/pytorch-to-phone.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def make_path(tools, library, scratch):
    """A search path with the tools, this Python, and a pkg-config that knows the build's library."""
    folder = scratch / "bin"
    folder.mkdir()
    for tool in pathlib.Path(tools).resolve().glob("mmoe-*"):
        (folder / tool.name).symlink_to(tool)
    (folder / "python3").symlink_to(sys.executable)  # the one that has PyTorch
    script = folder / "pkg-config"
    script.write_text(f"#!/bin/sh\necho '-I{ROOT}/runtime/include {library} -lm'\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def main():
    tools, library, scratch = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    environment = {**os.environ, "PATH": make_path(tools, library, scratch), "OMP_NUM_THREADS": "1"}
    outputs = ""
    for language, name, text in BLOCK.findall(PAGE.read_text()):
        if name:
            (scratch / name).write_text(text)
        elif language == "sh":
            done = subprocess.run(["bash", "-euxo", "pipefail", "-c", text], cwd=scratch, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            print(done.stdout)
            if done.returncode != 0:
                sys.exit(f"FAILED: this block of {PAGE.name} exits with {done.returncode}:\n{text}")
            outputs += done.stdout
    for expected in ("wrote ranker.mmoe", "the same bits", "expect: 20 rows", "item 42: click "):
        if expected not in outputs:
            sys.exit(f"FAILED: nothing printed '{expected}'")
    print(f"{PAGE.name}: followed to its end")


main()
