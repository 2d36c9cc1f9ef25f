"""What the tests of the command-line tools share: where the tools are, small models, and checks that name what failed.

Standard library only.
"""

import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAILURES = []


def check(condition, what):
    if not condition:
        FAILURES.append(what)
        print("FAILED: " + what, file=sys.stderr)


def finish():
    print(f"{len(FAILURES)} checks failed" if FAILURES else "all checks passed")
    sys.exit(1 if FAILURES else 0)


class Tools:
    """Runs the tools, which lie in the folders that the command line names."""

    def __init__(self, folders):
        self.folders = [pathlib.Path(folder) for folder in folders.split(":")]

    def path(self, name):
        found = [folder / name for folder in self.folders if (folder / name).exists()]
        return str(found[0])

    def run(self, name, *arguments, shell_suffix=None, **options):
        """The finished process, with bytes of both streams. shell_suffix: redirections, as '>&-'."""
        command = [self.path(name), *map(str, arguments)]
        if shell_suffix:
            command = ["bash", "-c", f'"$0" "$@" {shell_suffix}', *command]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              stdin=options.pop("stdin", subprocess.DEVNULL), **options)


class Folder:
    """A temporary directory as a context."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="mmoe-tools-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def temporaries(folder):
    return sorted(path.name for path in folder.iterdir() if ".mmoe-" in path.name)


def safetensors(tensors):
    """Bytes of a file of float32 tensors: {name: (shape, values)}."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogateescape")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def census(folder):
    """Copies of the census example's inputs: weights, description, rows, expected scores."""
    example = ROOT / "examples" / "census"
    names = {"model/weights.pt": "weights.pt", "model/description.json": "description.json",
             "persons.csv": "rows.csv", "persons_expected.csv": "expected.csv"}
    for source, name in names.items():
        shutil.copy(example / source, folder / name)
    return [folder / name for name in names.values()]
