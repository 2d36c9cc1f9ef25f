#!/usr/bin/env python3
"""Names in files do not drive the terminal: whatever the tools print about hostile ones is printable, and JSON stays JSON.

    terminal.py FOLDERS    the folders of the tools, with ':' between
"""

import json
import re
import sys
import unicodedata

from harness import Folder, Tools, check, finish, safetensors

# Colours, a window's title, CSI in one character, an override of direction, an isolate, a space of no width, a line.
HOSTILE = "\x1b[31m\x1b]0;owned\x07\u009b2J\u202egnp\u2066\u200b\nnote: all is well"


def printable(text, what):
    decoded = text.decode("utf-8", "surrogateescape")
    bad = sorted({repr(c) for c in decoded if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")})
    check(not bad, f"{what}: {', '.join(bad)}")
    check("\nnote: all is well" not in decoded, f"{what}: a name makes a line of its own")


def check_run(tools, status, name, *arguments):
    process = tools.run(name, *arguments)
    what = " ".join([name, *[repr(str(argument)) for argument in arguments]])
    check(process.returncode == status, f"{what}: exit {process.returncode}, {process.stderr!r}")
    printable(process.stderr, what)
    return process


def weights(more=()):
    tensors = {"t.0.0.weight": ([1, 3], [1, 2, 3]), "t.0.0.bias": ([1], [0]),
               "emb.weight": ([2, 2], [1, 2, 3, 4])}
    tensors.update({name: ([1], [0]) for name in more})
    return safetensors(tensors)


def description(**changes):
    text = {
        "mmoe_description": 1, "name": HOSTILE,
        "features": [
            {"name": "v" + HOSTILE, "kind": "dense"},
            {"name": "c" + HOSTILE, "kind": "categorical", "vocabulary": ["x" + HOSTILE, "y"], "first_id": 0,
             "unknown": "zero", "embedding": "emb.weight"}],
        "towers": {"layers": "t.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": HOSTILE, "link": "sigmoid"}]}
    text.update(changes)
    return json.dumps(text)


def check_converter(tools, folder):
    (folder / "w.safetensors").write_bytes(weights([HOSTILE]))
    (folder / "raw.safetensors").write_bytes(weights(["\udc9b\udcff" + HOSTILE.replace("\n", "")]))
    (folder / "whole.safetensors").write_bytes(weights())
    for file in ("w.safetensors", "raw.safetensors"):
        for arguments in ((), (description(),), (description(ignore=[HOSTILE + "*"]),),
                          (description(towers={"layers": HOSTILE + "{task}"}),),
                          (description(**{HOSTILE: 1}),), ("--print-description",)):
            process = tools.run("mmoe-convert", folder / file, "-o" if arguments[-1:] != ("--print-description",) else "-q",
                                *([folder / "m.mmoe"] if arguments[-1:] != ("--print-description",) else []), *arguments)
            what = f"mmoe-convert {file} {arguments}"
            printable(process.stderr, what)
            printable(process.stdout, what)
    process = check_run(tools, 0, "mmoe-convert", folder / "whole.safetensors", description(), "-o", folder / "m.mmoe")
    printable(process.stdout, "mmoe-convert")


def check_tools(tools, folder):
    model = folder / "m.mmoe"
    (folder / "wrong.csv").write_text(f'"a{HOSTILE}",b\n1,2\n')
    (folder / "value.csv").write_text(f'"v{HOSTILE}","c{HOSTILE}"\n"{HOSTILE}",y\n')
    (folder / "rows.csv").write_text(f'"v{HOSTILE}","c{HOSTILE}"\n1,"x{HOSTILE}"\n')
    check_run(tools, 1, "mmoe-score", model, folder / "wrong.csv")
    check_run(tools, 1, "mmoe-score", model, folder / "value.csv")
    check_run(tools, 2, "mmoe-score", "--tasks", "nosuch", model, folder / "rows.csv")
    check_run(tools, 2, "mmoe-bench", "--tasks", "nosuch", model)
    check_run(tools, 2, "mmoe-inspect", "--vocabulary", "nosuch", model)
    check_run(tools, 1, "mmoe-score", folder / ("no" + HOSTILE), folder / "rows.csv")
    for command in (("mmoe-inspect", model, "--tensors"), ("mmoe-verify", model),
                    ("mmoe-bench", model, "--seconds", "0.01", "--batch", "1"),
                    ("mmoe-bench", model, "--seconds", "0.01", "--batch", "1", "--roofline", "--profile"),
                    ("mmoe-score", "--table", model, folder / "rows.csv")):
        printable(check_run(tools, 0, *command).stdout, command[0])
    for command in (("mmoe-inspect", model, "--json", "--tensors"), ("mmoe-verify", model, "--json"),
                    ("mmoe-bench", model, "--json", "--seconds", "0.01", "--batch", "1")):
        process = check_run(tools, 0, *command)
        printable(process.stdout, command[0] + " --json")
        value = json.loads(process.stdout)
        shown = check_run(tools, 0, command[0], "--help").stdout.decode().split("Keys of --json")[-1]
        for key in value:
            check(re.search(rf"\b{key}\b", shown), f"{command[0]} --help does not name the key {key} of --json")
        if command[0] == "mmoe-inspect":
            check(value["tasks"][0]["name"] == HOSTILE, "JSON has the name as it is")
    # CSV is data: names and values are as they are.
    scores = check_run(tools, 0, "mmoe-score", model, folder / "rows.csv").stdout.decode()
    check(scores.startswith(f'"{HOSTILE}"'), "CSV has the name as it is")


def check_segments(tools, folder):
    """The message of a wrong checksum names the segment."""
    bytes_ = bytearray((folder / "m.mmoe").read_bytes())
    hostile = b"\x1b[31m\xc2\x9b"
    at = bytes_.find(b"weights")
    check(at > 0, "a segment is called weights")
    bytes_[at:at + len(hostile)] = hostile[:7]
    (folder / "segment.mmoe").write_bytes(bytes_)
    for command in (("mmoe-score", "--verify-checksums", folder / "segment.mmoe", folder / "rows.csv"),
                    ("mmoe-bench", folder / "segment.mmoe"), ("mmoe-verify", folder / "segment.mmoe")):
        process = tools.run(*command)
        printable(process.stderr, command[0])
        printable(process.stdout, command[0])


def main():
    tools = Tools(sys.argv[1])
    with Folder() as folder:
        check_converter(tools, folder)
        check_tools(tools, folder)
        check_segments(tools, folder)
    finish()


if __name__ == "__main__":
    main()
