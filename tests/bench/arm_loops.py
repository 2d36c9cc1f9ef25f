#!/usr/bin/env python3
"""Cycles per fused multiply-add of the AArch64 dense kernel's inner loops, by LLVM's model of a core.

The loop with the most multiply-adds of every tile is taken from the library's disassembly and given to llvm-mca. The
issue bound is one 128-bit multiply-add per cycle on Cortex-A55, two on Neoverse N1, four on V1. Fails where the
largest tile is further from it than its margin. Static: it says nothing about caches.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

BOUNDS = {"cortex-a55": (1.0, 0.25), "neoverse-n1": (0.5, 0.10), "neoverse-v1": (0.25, 0.10)}  # cycles, margin
GATED = (6, 1, False)  # rows, panels, fetches ahead: what batches spend their time in
TILE = re.compile(r"^[0-9a-f]+ <.*dense_tile<xsimd_neon64::neon64, (\d+)ul, (\d+)ul, (true|false)>", re.MULTILINE)
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.+)$", re.MULTILINE)
BRANCH = re.compile(r"^(?:b\.\w+|cbn?z\s+\w+,|b)\s+([0-9a-f]+)")
ITERATIONS = 200


def inner_loop(text):
    """The instructions of the innermost loop that has the most multiply-adds, without branches."""
    code = [(int(address, 16), instruction) for address, instruction in INSTRUCTION.findall(text)]
    index = {address: i for i, (address, _) in enumerate(code)}
    loops = []
    for i, (_, instruction) in enumerate(code):
        branch = BRANCH.match(instruction)
        start = index.get(int(branch[1], 16)) if branch else None
        if start is not None and start < i:
            loops.append((start, i))
    best = []
    for start, end in loops:
        if any(start <= inner and last < end for inner, last in loops if (inner, last) != (start, end)):
            continue
        body = [instruction for _, instruction in code[start:end]]
        if num_fma(body) > num_fma(best):
            best = body
    # Branches out of the loop are not taken, and name addresses that llvm-mca does not know.
    return [re.sub(r"\s*//.*", "", instruction) for instruction in best if not BRANCH.match(instruction)]


def num_fma(body):
    return sum("fmla" in instruction for instruction in body)


def cycles(llvm_mca, body, cpu):
    with tempfile.NamedTemporaryFile("w", suffix=".s") as file:
        file.write("\n".join(body) + "\n")
        file.flush()
        run = subprocess.run([llvm_mca, "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={ITERATIONS}", file.name],
                             check=True, capture_output=True, text=True)
    return int(re.search(r"Total Cycles:\s+(\d+)", run.stdout)[1]) / ITERATIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path, help="libmmoe.a for AArch64")
    parser.add_argument("--objdump", default="aarch64-linux-gnu-objdump")
    parser.add_argument("--llvm-mca", default="llvm-mca-19")
    options = parser.parse_args()

    dump = subprocess.run([options.objdump, "-d", "-C", "--no-show-raw-insn", options.library], check=True,
                          capture_output=True, text=True).stdout
    starts = [(match.start(), (int(match[1]), int(match[2]), match[3] == "true")) for match in TILE.finditer(dump)]
    print(f"{'tile':<24}{'fma':>5}{'instr.':>8}{'stack':>7}" + "".join(f"{cpu:>14}" for cpu in BOUNDS))
    failed = True  # until the gated tile has been measured
    for start, tile in sorted(starts, key=lambda item: item[1]):
        body = inner_loop(dump[start:dump.find("\n\n", start)])
        if not body:
            continue
        count = num_fma(body)
        per_fma = {cpu: cycles(options.llvm_mca, body, cpu) / count for cpu in BOUNDS}
        name = f"{tile[0]} rows x {tile[1]} panels{' +' if tile[2] else ''}"
        spills = sum("[sp" in instruction for instruction in body)
        print(f"{name:<24}{count:>5}{len(body) + 1:>8}{spills:>7}" + "".join(f"{c:>14.3f}" for c in per_fma.values()))
        if tile == GATED:
            failed = any(per_fma[cpu] > bound * (1 + margin) for cpu, (bound, margin) in BOUNDS.items())
    print("cycles per 128-bit multiply-add; +: fetches weights ahead; stack: accesses to spilled registers")
    if failed:
        sys.exit("error: the largest tile is too far from the issue bound, or was not found")


if __name__ == "__main__":
    main()
