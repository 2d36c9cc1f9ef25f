#!/usr/bin/env python3
"""Cycles per fused multiply-add of the AArch64 dense kernel's inner loops, by LLVM's model of a core.

The loop with the most multiply-adds of every tile is taken from the library's disassembly and given to llvm-mca. The
issue bound is one 128-bit multiply-add per cycle on Cortex-A55, two on Neoverse N1, four on V1, which may also be two of
256 bits, and two of 512 bits on A64FX. Fails where the largest tile is further from it than its margin, and where the
library lacks neon64. Static: it says nothing about caches.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

# Of each set: the architecture, the tile in which batches spend their time (rows, panels, fetches ahead), and by core
# the bound in cycles and the margin.
SETS = {
    "neon64": ("xsimd_neon64::neon64", (6, 1, False),
               {"cortex-a55": (1.0, 0.25), "neoverse-n1": (0.5, 0.10), "neoverse-v1": (0.25, 0.10)}),
    "sve256": ("mmoe::kernels::sve256::Sve<256ul>", (12, 1, False), {"neoverse-v1": (0.5, 0.10)}),
    "sve512": ("mmoe::kernels::sve512::Sve<512ul>", (8, 3, False), {"a64fx": (0.5, 0.10)}),
}
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
    failed = [name for name in SETS if not measure(dump, name, options.llvm_mca)]
    print("cycles per multiply-add of a register; +: fetches weights ahead; stack: accesses to spilled registers")
    if failed:
        sys.exit(f"error: {', '.join(failed)}: the largest tile is too far from the issue bound, or was not found")


def measure(dump, name, llvm_mca):
    """Prints a line for each tile of the set; whether the largest is near the bounds. A set of SVE may be left out."""
    arch, gated, bounds = SETS[name]
    pattern = rf"^[0-9a-f]+ <.*dense_tile<{re.escape(arch)}, mmoe::kernels::F32, (\d+)ul, (\d+)ul, (true|false)>"
    starts = [(match.start(), (int(match[1]), int(match[2]), match[3] == "true"))
              for match in re.finditer(pattern, dump, re.MULTILINE)]
    if not starts and name != "neon64":
        return True
    near = False  # until the gated tile has been measured
    print(f"{name:<24}{'fma':>5}{'instr.':>8}{'stack':>7}" + "".join(f"{cpu:>14}" for cpu in bounds))
    for start, tile in sorted(starts, key=lambda item: item[1]):
        body = inner_loop(dump[start:dump.find("\n\n", start)])
        if not body:
            continue
        count = num_fma(body)
        per_fma = {cpu: cycles(llvm_mca, body, cpu) / count for cpu in bounds}
        title = f"{tile[0]} rows x {tile[1]} panels{' +' if tile[2] else ''}"
        spills = sum("[sp" in instruction for instruction in body)
        print(f"{title:<24}{count:>5}{len(body) + 1:>8}{spills:>7}" + "".join(f"{c:>14.3f}" for c in per_fma.values()))
        if tile == gated:
            near = all(per_fma[cpu] <= bound * (1 + margin) for cpu, (bound, margin) in bounds.items())
    return near


if __name__ == "__main__":
    main()
