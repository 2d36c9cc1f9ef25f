#!/usr/bin/env python3
"""The C and C++ programs of the documents compile against the public headers: document_programs.py SOURCE SCRATCH

A program is a code block of README.md or runtime/doc that begins with an #include; others are fragments. The compilers
are $CC and $CXX.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```(c|cpp)(?: \S+)?\n(#include.*?)^```$", re.M | re.S)
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def programs(source):
    for path in [source / "README.md", *sorted((source / "runtime/doc").glob("*.md"))]:
        for number, (language, text) in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")), 1):
            yield f"{path.stem}-{number}", language, text


def compile_program(include, file, language):
    if language == "c":
        command = [os.environ.get("CC", "cc"), "-std=c99"]
    else:
        command = [os.environ.get("CXX", "c++"), "-std=c++17"]
    return subprocess.run([*command, *WARNINGS, "-I", str(include), str(file)], text=True, stderr=subprocess.PIPE)


def main():
    source, scratch = (pathlib.Path(name) for name in sys.argv[1:])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    failures, languages = [], set()
    for name, language, text in programs(source):
        languages.add(language)
        file = scratch / f"{name}.{language}"
        file.write_text(text)
        done = compile_program(source / "runtime/include", file, language)
        if done.returncode != 0:
            failures.append(f"{name}:\n{done.stderr}")
    if languages != {"c", "cpp"}:
        failures.append(f"expected programs in C and in C++, found {sorted(languages)}")
    print("\n".join(failures) or "programs of the documents: ok")
    sys.exit(1 if failures else 0)


main()
