#!/usr/bin/env python3
"""No circle among the includes: neither of files nor of folders.

A folder can be understood, built and tested after those that it includes. That holds only while none of them includes it
in turn, over whatever way. --self-test plants a circle of each kind and expects to find it. Standard library only.
"""

import pathlib
import sys
import tempfile

from includes import INCLUDE, files_of, run_check

# What an #include of ours may be relative to.
ROOTS = ("", "runtime/include/", "runtime/src/")


def includes_of_files(root):
    """file -> files of ours that it includes; names relative to `root`."""
    names = {path.relative_to(root).as_posix(): path for path in files_of(root)}
    graph = {}
    for name, path in names.items():
        found = set()
        for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
            found.update(prefix + included for prefix in ROOTS if prefix + included in names)
        graph[name] = found
    return graph


def includes_of_folders(files):
    """folder -> {other folder: an example, "a.cpp includes b.h"}."""
    graph = {}
    for name, included in files.items():
        folder = graph.setdefault(str(pathlib.PurePosixPath(name).parent), {})
        for other in sorted(included):
            target = str(pathlib.PurePosixPath(other).parent)
            if target != str(pathlib.PurePosixPath(name).parent):
                folder.setdefault(target, f"{name} includes {other}")
    return graph


def find_circle(graph):
    """The nodes of one circle in order, or []."""
    done = set()
    for start in sorted(graph):
        path, pending = [], [(start, iter(sorted(graph[start])))]
        if start in done:
            continue
        path.append(start)
        while pending:
            node, rest = pending[-1]
            following = next(rest, None)
            if following is None:
                pending.pop()
                done.add(path.pop())
            elif following in path:
                return path[path.index(following):]
            elif following not in done:
                path.append(following)
                pending.append((following, iter(sorted(graph.get(following, ())))))
    return []


def check(root):
    """Messages about circles under `root`, and the numbers of files and folders."""
    files = includes_of_files(root)
    folders = includes_of_folders(files)
    messages = []
    circle = find_circle(files)
    if circle:
        messages.append("files include each other: " + " -> ".join(circle + circle[:1]))
    circle = find_circle(folders)
    if circle:
        messages.append("folders include each other: " + " -> ".join(circle + circle[:1]))
        messages += ["  " + folders[a][b] for a, b in zip(circle, circle[1:] + circle[:1])]
    return messages, len(files), len(folders)


PLANTED = {
    "files": {"kernels/a.h": "kernels/b.h", "kernels/b.h": "kernels/c.h", "kernels/c.h": "kernels/a.h"},
    "folders": {"converter/x/a.cpp": "converter/y/b.h", "converter/y/b.h": "converter/z/c.h",
                "converter/z/c.h": None, "converter/z/d.cpp": "converter/x/e.h", "converter/x/e.h": None},
    "public headers": {"runtime/include/mmoe/a.h": "core/b.h", "runtime/src/core/b.h": "mmoe/c.h",
                       "runtime/include/mmoe/c.h": None},
}


def self_test():
    missed = []
    for kind, sources in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, included in sources.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f'#include "{included}"\n' if included else "\n", encoding="utf-8")
            if not check(root)[0]:
                missed.append(f"not found: a circle of {kind}")
            # Without the last arrow there is none.
            last = [name for name, included in sources.items() if included][-1]
            (root / last).write_text("\n", encoding="utf-8")
            missed += [f"{kind}, opened: {message}" for message in check(root)[0]]
    print(f"{len(PLANTED)} planted circles, {len(missed)} mistakes")
    return missed


def check_all(root):
    """As run_check() wants it."""
    messages, num_files, num_folders = check(root)
    if num_folders < 20:
        messages.append(f"only {num_folders} folders under {root}")
    return messages, f"{num_files} files in {num_folders} folders"


if __name__ == "__main__":
    sys.exit(run_check(__doc__, check_all, self_test))
