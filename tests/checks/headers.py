#!/usr/bin/env python3
"""Each header compiles alone, and may be included twice: headers.py SOURCE BUILD SCRATCH

A header that a source file of this build includes before anything else has been compiled alone when that file was. The
others are compiled here, each by itself and twice over, with the options of a source file that includes it, or else of
one from the same folder; what has not changed since the last run is left out. --self-test plants headers with a fault.
Exit code 77: the build has no compile_commands.json. Standard library only.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

FOLDERS = ("kernels", "runtime", "converter")
INCLUDE_FOLDERS = ("runtime/include/", "runtime/src/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
# What only the sources that include these headers define.
DEFINED = {"kernels/": ["-UMMOE_SET", "-DMMOE_SET=alone"]}
LEFT_OUT = {"kernels/special/mve.h", "kernels/generic/neon.h", "kernels/generic/dots_neon.h",
            "kernels/generic/sve.h", "kernels/generic/vectors.h", "kernels/generic/wasm.h"}  # for their processors alone


def name_in_includes(path):
    """runtime/src/core/heap.h -> core/heap.h"""
    for folder in INCLUDE_FOLDERS:
        if path.startswith(folder):
            return path[len(folder):]
    return path


def options_of(command):
    """The compiler and its options, without input, output and dependencies."""
    arguments, kept, skip = shlex.split(command), [], False
    for argument in arguments:
        if skip or argument in ("-o", "-c", "-MF", "-MT"):
            skip = not skip and argument in ("-o", "-c", "-MF", "-MT")
        elif argument not in ("-MD", "-MMD"):
            kept.append(argument)
    return kept


class Build:
    def __init__(self, source, commands):
        self.source = source
        self.commands = {}  # path of a source file from the root: how it is compiled
        for entry in commands:
            path = pathlib.Path(entry["directory"], entry["file"])
            if source in path.parents:
                self.commands[path.relative_to(source).as_posix()] = entry["command"]
        self.includers = {}  # what is included: a source file that does
        for path in sorted(self.commands):
            if path.startswith(FOLDERS) and (source / path).is_file():
                for name in INCLUDE.findall((source / path).read_text(encoding="utf-8")):
                    self.includers.setdefault(name, path)

    def compiled_first(self):
        """The headers that a source file of this build includes first."""
        found = set()
        for path in self.commands:
            if path.startswith(FOLDERS) and (self.source / path).is_file():
                match = INCLUDE.search((self.source / path).read_text(encoding="utf-8"))
                found.add(match.group(1) if match else "")
        return found

    def options_for(self, header):
        """Those of a file that includes it, else of the one that shares the longest part of the path."""
        nearest = max(sorted(self.commands), key=lambda path: len(os.path.commonprefix([path, header])))
        file = self.includers.get(name_in_includes(header), nearest)
        more = [options for folder, options in DEFINED.items() if header.startswith(folder)]
        return options_of(self.commands[file]) + sum(more, [])


def is_current(stamp, depends, command):
    """Whether nothing that the last good compilation read has changed since."""
    if not stamp.exists() or not depends.exists() or stamp.read_text() != command:
        return False
    read = depends.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    return all(os.path.exists(path) and os.path.getmtime(path) <= stamp.stat().st_mtime for path in read)


def compile_alone(build, header, scratch, more=()):
    """What the compiler says, or an empty text; and whether it was asked."""
    stem = scratch / re.sub(r"\W", "_", header)
    source, depends, stamp = (stem.with_suffix(suffix) for suffix in (".cpp", ".d", ".ok"))
    line = f'#include "{name_in_includes(header)}"\n'
    if not source.exists() or source.read_text() != 2 * line:
        source.write_text(2 * line)
    command = [*build.options_for(header), *more, "-Werror", "-O0", "-fsyntax-only", "-MD", "-MF", str(depends), str(source)]
    if is_current(stamp, depends, shlex.join(command)):
        return "", False
    stamp.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        stamp.write_text(shlex.join(command))
        return "", True
    return f"{header} does not compile alone:\n{done.stderr}", True


PLANTED = [
    ("good", "#pragma once\n#include <string>\ninline std::string planted() { return {}; }\n", False),
    ("lacks an include", "#pragma once\ninline std::string planted() { return {}; }\n", True),
    ("not to be included twice", "inline int planted() { return 0; }\n", True),
]


def self_test(build, scratch):
    messages = []
    for number, (what, text, faulty) in enumerate(PLANTED):
        name = f"converter/planted{number}.h"
        path = scratch / "planted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for round_of in ("first", "second"):  # a fault must not count as done
            message, _ = compile_alone(build, name, scratch, ["-I", str(scratch / "planted")])
            if bool(message) != faulty:
                messages.append(f"{what}, {round_of} time: {message or 'no fault found'}")
    print(f"{len(PLANTED)} planted headers, {len(messages)} told wrongly")
    return messages


def report(messages):
    for message in messages:
        print("error: " + message, file=sys.stderr)
    return 1 if messages else 0


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--self-test"]
    source, binary, scratch = (pathlib.Path(argument).resolve() for argument in arguments)
    commands = binary / "compile_commands.json"
    if not commands.exists():
        print("skipped: the build has no compile_commands.json (CMAKE_EXPORT_COMPILE_COMMANDS)")
        return 77
    scratch.mkdir(parents=True, exist_ok=True)
    build = Build(source, json.loads(commands.read_text()))
    if "--self-test" in sys.argv:
        return report(self_test(build, scratch))
    headers = sorted(path.relative_to(source).as_posix() for folder in FOLDERS for path in (source / folder).rglob("*.h"))
    messages = [f"{header}: no #pragma once" for header in headers
                if not re.search(r"^#pragma once$|^#ifndef MMOE_\w+_H_?$", (source / header).read_text(), re.MULTILINE)]
    first = build.compiled_first()
    others = [header for header in headers if name_in_includes(header) not in first and header not in LEFT_OUT]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda header: compile_alone(build, header, scratch), others))
    messages += [message for message, _ in results if message]
    if len(headers) < 100 or len(others) == len(headers):
        messages.append(f"{len(headers)} headers, {len(others)} of them in no source file first, cannot be all")
    print(f"{len(headers)} headers: {len(headers) - len(others)} come first in a source file, {len(others)} are compiled "
          f"alone ({sum(asked for _, asked in results)} now); {len(messages)} faults")
    return report(messages)


if __name__ == "__main__":
    sys.exit(main())
