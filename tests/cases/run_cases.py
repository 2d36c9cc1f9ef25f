#!/usr/bin/env python3
"""Inputs that once went wrong, each with a check of what is right.

    run_cases.py BUILD [--cases FOLDER] [--only NAME,PREFIX*] [--slow]

BUILD: where the tools and libmmoe.a lie (build/test, build/release). The inputs are kept outside the repository, in
FOLDER, $MMOE_CASES, or ../shared/cases beside the checkout; they are read where they lie. Without them the test is
skipped (exit 77). --slow: also those that build the library anew or take minutes.
"""

import argparse
import fnmatch
import os
import pathlib
import sys
import tempfile
import time

import host_cases
import model_cases
import onnx_cases
import support
import trust_cases

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"models": model_cases, "trust": trust_cases, "hosts": host_cases, "onnx": onnx_cases}


def find_cases(given):
    for folder in (given, os.environ.get("MMOE_CASES"), REPOSITORY.parent / "shared/cases"):
        if folder and pathlib.Path(folder).is_dir():
            return pathlib.Path(folder).resolve()
    return None


def collect(cases):
    """Name -> (folder, check, slow) of everything there is. A folder that nobody checks is a fault."""
    found = {}
    for kind, module in KINDS.items():
        folder = cases / kind
        if not folder.is_dir():
            continue
        checks = module.checks(folder)
        slow = getattr(module, "SLOW", ())
        names = {path.name for path in folder.iterdir() if path.is_dir()} | (set(checks) if kind == "onnx" else set())
        for name in sorted(names):
            where = folder if kind == "onnx" else folder / name
            found[f"{kind}/{name}"] = (where, checks.get(name), name in slow)
    return found


def wanted(name, only):
    return not only or any(fnmatch.fnmatch(name, word) or fnmatch.fnmatch(name.split("/")[1], word) for word in only)


def try_case(name, folder, check, build, scratch):
    """(status, text)"""
    if check is None:
        return "WRONG", "no check is written for this folder"
    own = pathlib.Path(scratch) / name.replace("/", ".")
    own.mkdir()
    try:
        return "right", check(support.Case(folder, build, REPOSITORY, own))
    except support.Skipped as reason:
        return "skipped", str(reason)
    except support.Wrong as fault:
        return "WRONG", str(fault)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--cases")
    parser.add_argument("--only", default="")
    parser.add_argument("--slow", action="store_true")
    arguments = parser.parse_args()
    cases = find_cases(arguments.cases)
    if cases is None:
        print("skipped: no ../shared/cases beside the checkout, and MMOE_CASES names no folder")
        return 77
    only = [word for word in arguments.only.split(",") if word]
    counts = {"right": 0, "WRONG": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="mmoe-cases-") as scratch:
        for name, (folder, check, slow) in collect(cases).items():
            if not wanted(name, only):
                continue
            begin = time.monotonic()
            if slow and not arguments.slow and not only:
                status, text = "skipped", "takes minutes: --slow"
            else:
                status, text = try_case(name, folder, check, arguments.build.resolve(), scratch)
            counts[status] += 1
            print(f"{status:8}{name:52}{time.monotonic() - begin:6.1f} s  {text}", flush=True)
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["WRONG"] or not counts["right"] + counts["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
