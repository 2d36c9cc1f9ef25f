"""Many ways to write a small model, exported, converted and compared by a script of the cases: it needs PyTorch."""

import importlib.util
import re
import sys

from support import Skipped, require, run

MIN_EQUAL = 120


def variants(case):
    for module in ("torch", "numpy"):
        if importlib.util.find_spec(module) is None:
            raise Skipped(f"{sys.executable} has no {module}")
    done = run(sys.executable, case.folder / "variants.py", "--tools", case.build, "--work", case.scratch, timeout=1800)
    lines = done.out.strip().splitlines()
    counts = {status: int(count) for count, status in re.findall(r"(\d+) ([A-Z ]+)", lines[-1] if lines else "")}
    bad = [line for line in lines if re.search(r" (CLOSE|WRONG|CRASH|NO SCORES) ", line)]
    require(not bad, "\n".join(bad))
    require(
        counts.get("EQUAL", 0) >= MIN_EQUAL,
        f"{counts}: fewer than {MIN_EQUAL} equal. Refused: "
        + " ".join(line.split()[0] for line in lines if " REFUSED " in line),
    )
    return lines[-1]


SLOW = {"variants"}


def checks(_):
    return {"variants": variants}
