#!/usr/bin/env python3
"""What a small file may cost the tools: names that many things share, long sequences, many gate weights.

    limits.py FOLDERS    the folders of the tools, with ':' between

The bounds here are far above what the tools take and far below what they took before they were bounded, so that slow
machines and sanitizers pass.
"""

import json
import os
import struct
import subprocess
import sys
import time

from harness import Folder, Tools, check, finish, safetensors

MEGABYTE = 1 << 20
MAX_BYTES = 700 * MEGABYTE  # of which a sanitizer may take 256 MiB for itself
MAX_SECONDS = 60


def run_bounded(tools, what, name, *arguments):
    """Runs a tool and checks its peak memory and time. Its exit code."""
    start = time.monotonic()
    process = subprocess.Popen([tools.path(name), *map(str, arguments)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read(1 << 16)
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, peak = time.monotonic() - start, usage.ru_maxrss * 1024
    print(f"{what}: exit {process.returncode}, {peak / 1e6:.0f} MB, {seconds:.1f} s")
    check(process.returncode in (0, 1, 2), f"{what}: ends with {process.returncode}, {message!r}")
    check(peak < MAX_BYTES, f"{what}: {peak / 1e6:.0f} MB")
    check(seconds < MAX_SECONDS, f"{what}: {seconds:.0f} s")
    return process.returncode


def convert(tools, folder, tensors, description):
    (folder / "w.safetensors").write_bytes(safetensors(tensors))
    (folder / "d.json").write_text(json.dumps({"mmoe_description": 1, **description}))
    raised = [word for limit in ("multiply-adds", "steps", "arena-bytes", "ids") for word in (f"--max-{limit}", "none")]
    process = tools.run("mmoe-convert", "-q", "--golden-rows", "0", folder / "w.safetensors", folder / "d.json", "-o",
                        folder / "m.mmoe", *raised)
    check(process.returncode == 0, f"mmoe-convert: {process.stderr!r}")


# ------------------------------------------------------------------------------------------- changing a file by hand

def xxh64(data):
    """XXH64 with seed 0 (https://xxhash.com), of bytes."""
    primes = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
    mask = (1 << 64) - 1

    def rotate(value, bits):
        return (value << bits | value >> (64 - bits)) & mask

    def mix(lane, word):
        return rotate((lane + word * primes[1]) & mask, 31) * primes[0] & mask

    at, result = 0, primes[4]
    if len(data) >= 32:
        lanes = [(primes[0] + primes[1]) & mask, primes[1], 0, -primes[0] & mask]
        while at + 32 <= len(data):
            lanes = [mix(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        result = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & mask
        for lane in lanes:
            result = ((result ^ mix(0, lane)) * primes[0] + primes[3]) & mask
    result = (result + len(data)) & mask
    while at + 8 <= len(data):
        result = (rotate(result ^ mix(0, *struct.unpack_from("<Q", data, at)), 27) * primes[0] + primes[3]) & mask
        at += 8
    if at + 4 <= len(data):
        word, = struct.unpack_from("<I", data, at)
        result = (rotate(result ^ (word * primes[0] & mask), 23) * primes[1] + primes[2]) & mask
        at += 4
    for byte in data[at:]:
        result = rotate(result ^ (byte * primes[4] & mask), 11) * primes[0] & mask
    result = (result ^ result >> 33) * primes[1] & mask
    result = (result ^ result >> 29) * primes[2] & mask
    return result ^ result >> 32


def field(data, table, number):
    """Where a table's field lies."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    return table + struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]


def follow(data, at):
    return at + struct.unpack_from("<I", data, at)[0]


def share_name_of_first_feature(path):
    """All features get the name of the first one, which lies behind them all."""
    data = bytearray(path.read_bytes())
    features = follow(data, field(data, follow(data, 4), 6))
    count, = struct.unpack_from("<I", data, features)
    tables = [follow(data, features + 4 + 4 * i) for i in range(count)]
    name = follow(data, field(data, tables[0], 0))
    for table in tables[1:]:
        at = field(data, table, 0)
        if name > at:
            struct.pack_into("<I", data, at, name - at)
    header_bytes = 4 + struct.unpack_from("<I", data, 0)[0]
    check(struct.unpack_from("<Q", path.read_bytes(), len(data) - 8)[0] == xxh64(path.read_bytes()[:header_bytes]),
          "the header's checksum is where this test thinks")
    struct.pack_into("<Q", data, len(data) - 8, xxh64(bytes(data[:header_bytes])))
    path.write_bytes(data)


# --------------------------------------------------------------------------------------------------------- the cases

def check_shared_names(tools):
    """Unbounded, each copy of the names would be 1.2 GB."""
    with Folder() as folder:
        count = 3000
        features = [{"name": f"f{i}" + ("x" * 400000 if i == 0 else ""), "kind": "dense"} for i in range(count)]
        convert(tools, folder, {"t.0.0.weight": ([1, count], [0.0] * count), "t.0.0.bias": ([1], [0])},
                {"features": features, "towers": {"layers": "t.{task}.{layer}", "activation": "relu"},
                 "tasks": [{"name": "click", "link": "sigmoid"}]})
        share_name_of_first_feature(folder / "m.mmoe")
        (folder / "rows.csv").write_text("a\n1\n")
        model, rows = folder / "m.mmoe", folder / "rows.csv"
        for options in ((), ("--json",), ("--tensors",)):
            check(run_bounded(tools, f"mmoe-inspect {options}, shared names", "mmoe-inspect", model, *options) == 0,
                  "a model with shared names is described")
        run_bounded(tools, "mmoe-score, shared names", "mmoe-score", model, rows)
        run_bounded(tools, "mmoe-verify, shared names", "mmoe-verify", model)
        run_bounded(tools, "mmoe-inspect --vocabulary, shared names", "mmoe-inspect", model, "--vocabulary", "nosuch")


def check_long_sequences(tools):
    """Unbounded, a batch of 256 rows would be 64 GB."""
    with Folder() as folder:
        count = 64
        features = [{"name": f"f{i}", "kind": "sequence", "vocabulary": {"identity": 2}, "embedding": "e.weight",
                     "length": 1 << 20, "pooling": "sum", "unknown": "zero"} for i in range(count)]
        convert(tools, folder, {"e.weight": ([2, 1], [1, 2]), "t.0.0.weight": ([1, count], [0.1] * count),
                                "t.0.0.bias": ([1], [0])},
                {"features": features, "towers": {"layers": "t.{task}.{layer}", "activation": "relu"},
                 "tasks": [{"name": "click", "link": "sigmoid"}]})
        (folder / "rows.csv").write_text(",".join(f"f{i}" for i in range(count)) + "\n" + ",".join(["0|1"] * count) + "\n")
        for tool, *arguments in (("mmoe-score", folder / "rows.csv"), ("mmoe-inspect",), ("mmoe-verify",)):
            run_bounded(tools, f"{tool}, long sequences", tool, folder / "m.mmoe", *arguments)
        # Refused by an option's name, and scored by whoever raises it: one row at a time, in 256 MiB.
        # Pooling an element is work, too.
        refused = tools.run("mmoe-score", folder / "m.mmoe", folder / "rows.csv")
        check(refused.returncode == 1 and b"--max-multiply-adds: 16777216, the model needs 67109" in refused.stderr,
              f"long sequences: {refused.stderr!r}")
        work = ("--max-multiply-adds", "none")
        refused = tools.run("mmoe-score", *work, folder / "m.mmoe", folder / "rows.csv")
        check(refused.returncode == 1 and b"--max-ids: 65536, the model needs 67108864" in refused.stderr,
              f"long sequences: {refused.stderr!r}")
        for limit in ("none", "67108864"):
            check(run_bounded(tools, f"mmoe-score --max-ids {limit}", "mmoe-score", *work, "--max-ids", limit,
                              folder / "m.mmoe", folder / "rows.csv") == 0, "raised limits let the row through")
        check(tools.run("mmoe-score", "--max-ids", "many", folder / "m.mmoe", folder / "rows.csv").returncode == 2,
              "a limit is a number or none")


def check_small_limits(tools):
    """Each option is the limit that its name says, in every tool that plans."""
    with Folder() as folder:
        convert(tools, folder, {"t.0.0.weight": ([1, 3], [1, 2, 3]), "t.0.0.bias": ([1], [0])},
                {"towers": {"layers": "t.{task}.{layer}", "activation": "relu"},
                 "tasks": [{"name": "click", "link": "sigmoid"}]})
        (folder / "rows.csv").write_text("x0,x1,x2\n1,2,3\n")
        commands = {"mmoe-score": ("m.mmoe", "rows.csv"), "mmoe-bench": ("m.mmoe", "--seconds", "0.01", "--batch", "1")}
        golden = tools.run("mmoe-convert", "-q", "w.safetensors", "d.json", "-o", "golden.mmoe", cwd=folder)
        check(golden.returncode == 0, f"mmoe-convert: {golden.stderr!r}")
        for sets in ((), ("--all-kernel-sets",)):
            process = tools.run("mmoe-verify", "golden.mmoe", "--max-steps", "1", *sets, cwd=folder)
            check(process.returncode == 1 and b"--max-steps: 1, the model needs" in process.stdout,
                  f"mmoe-verify {sets}: exit {process.returncode}, {process.stdout!r}")
            check(tools.run("mmoe-verify", "golden.mmoe", *sets, cwd=folder).returncode == 0, f"mmoe-verify {sets}")
        for option in ("--max-multiply-adds", "--max-steps", "--max-arena-bytes"):
            for tool, arguments in commands.items():
                process = tools.run(tool, *arguments, option, "1", cwd=folder)
                check(process.returncode == 1 and f"{option}: 1, the model needs".encode() in process.stderr,
                      f"{tool} {option} 1: exit {process.returncode}, {process.stderr!r}")
                check(tools.run(tool, *arguments, option, "1000000", cwd=folder).returncode == 0, f"{tool} {option}")
        check_small_arena(tools, folder)


def check_small_arena(tools, folder):
    """A limit on memory that many rows at once would exceed, and one row does not: the same scores, in parts."""
    (folder / "rows.csv").write_text("x0,x1,x2\n" + "1,2,3\n4,5,6\n" * 500)
    refused = tools.run("mmoe-score", "m.mmoe", "rows.csv", "--max-arena-bytes", "1", cwd=folder)
    needed = int(refused.stderr.split(b"needs ")[1].split()[0].rstrip(b":;,."))  # of one row
    whole = tools.run("mmoe-score", "m.mmoe", "rows.csv", cwd=folder)
    parts = tools.run("mmoe-score", "m.mmoe", "rows.csv", "--max-arena-bytes", str(needed), cwd=folder)
    check(parts.returncode == 0 and parts.stdout == whole.stdout and whole.stdout.count(b"\n") == 1001,
          f"scores in parts: exit {parts.returncode}, {parts.stderr!r}")
    less = tools.run("mmoe-score", "m.mmoe", "rows.csv", "--max-arena-bytes", str(needed - 1), cwd=folder)
    check(less.returncode == 1, "one byte less than a row needs")


def main():
    tools = Tools(sys.argv[1])
    check(xxh64(b"") == 0xEF46DB3751D8E999 and xxh64(b"a") == 0xD24EC4F1A98C6E5B, "XXH64 of known texts")
    check_shared_names(tools)
    check_long_sequences(tools)
    check_small_limits(tools)
    finish()


if __name__ == "__main__":
    main()
