#!/usr/bin/env python3
"""C and C++ sources are laid out as .clang-format says: format.py [--fix] [ROOT]

Exits with 77 where clang-format 14 is not installed: other versions lay out some lines in another way. --fix lays the
files out. Standard library only.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = 14
SUFFIXES = {".h", ".hpp", ".c", ".cpp"}
FOLDERS = ("converter", "examples", "kernels", "runtime", "schema", "tests", "toolchains")
SKIPPED = 77


def find_formatter():
    """The program's path, or None and why not."""
    found = "it is not installed"
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path is None:
            continue
        text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        number = re.search(r"version (\d+)", text)
        if number and int(number[1]) == VERSION:
            return path, ""
        found = f"{path} is {text.strip()}"
    return None, found


def sources(root):
    """Without build trees inside the folders."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and "build" not in path.relative_to(root).parts and path.is_file():
                yield path


def laid_out_otherwise(formatter, root, paths):
    """Those of `paths` that --dry-run has something to say of: one process for all, whose start is most of the cost."""
    done = subprocess.run([formatter, "--dry-run", *map(str, paths)], capture_output=True, text=True, check=True, cwd=root)
    named = set(re.findall(r"^(.+?):\d+:\d+: ", done.stderr, re.M))
    return [path for path in paths if str(path) in named]


def first_difference(formatter, root, path):
    """A message, or None where the file is laid out well."""
    text = path.read_bytes()
    done = subprocess.run([formatter, f"--assume-filename={path}"], input=text, capture_output=True, check=True, cwd=root)
    if done.stdout == text:
        return None
    ours, theirs = text.split(b"\n"), done.stdout.split(b"\n")
    line = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
    wanted = theirs[line].decode(errors="replace") if line < len(theirs) else "(end of file)"
    return f"{path.relative_to(root)}:{line + 1}: expected: {wanted}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parents[2], type=pathlib.Path)
    parser.add_argument("--fix", action="store_true", help="lay the files out")
    args = parser.parse_args()
    formatter, reason = find_formatter()
    if formatter is None:
        print(f"skipped: needs clang-format {VERSION}: {reason}")
        return SKIPPED
    files = list(sources(args.root))
    if len(files) < 50:
        print(f"error: only {len(files)} sources under {args.root}", file=sys.stderr)
        return 1
    if args.fix:
        for _ in range(2):  # a macro of several lines settles at the second time
            subprocess.run([formatter, "-i", *map(str, files)], check=True, cwd=args.root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = [files[start::os.cpu_count()] for start in range(os.cpu_count())]
        suspects = sorted(sum(pool.map(lambda part: laid_out_otherwise(formatter, args.root, part), parts), []))
        messages = list(filter(None, pool.map(lambda path: first_difference(formatter, args.root, path), suspects)))
    for message in messages:
        print("error: " + message, file=sys.stderr)
    print(f"{len(files)} sources, {len(messages)} laid out otherwise" + ("; tests/checks/format.py --fix" if messages else ""))
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
