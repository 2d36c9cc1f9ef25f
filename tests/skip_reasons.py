#!/usr/bin/env python3
"""Says beside each test that ctest skipped why: ctest --test-dir BUILD ... | skip_reasons.py BUILD

Passes everything through; ctest names the skipped tests last. The reason is the line of a test's output that begins
with "skipped:", those of pytest's lines "SKIPPED [1] FILE:LINE: REASON", each once, else the last line.
"""

import pathlib
import re
import sys
import time

OF_PYTEST = re.compile(r"^SKIPPED \[\d+\] [^:]+(?::\d+)?: (.+)$")
SKIPPED = re.compile(r"^\s+\d+ - (\S+) \(Skipped\)$")


def read_log(build):
    """ctest renames the file when it ends."""
    for _ in range(20):
        for name in ("LastTest.log", "LastTest.log.tmp"):
            try:
                return (build / "Testing/Temporary" / name).read_text(errors="replace")
            except FileNotFoundError:
                continue
        time.sleep(0.05)
    return ""


def reasons(log):
    """Test name -> reason"""
    found = {}
    for match in re.finditer(r"^\d+/\d+ Test: (\S+)\n.*?^Output:\n-+\n(.*?)^<end of output>", log, re.M | re.S):
        lines = [line.strip() for line in match.group(2).splitlines() if line.strip()]
        told = [line for line in lines if line.lower().startswith("skipped:")]
        of_pytest = dict.fromkeys(line[1] for line in map(OF_PYTEST.match, lines) if line)
        told = told or (["; ".join(of_pytest)] if of_pytest else lines[-1:])
        found[match.group(1)] = told[0] if told else "it did not say why"
    return found


def main():
    build, known = pathlib.Path(sys.argv[1]), None
    for line in sys.stdin:
        match = SKIPPED.match(line.rstrip("\n"))
        if match:
            known = reasons(read_log(build)) if known is None else known
            reason = known.get(match.group(1), "it did not say why").removeprefix("skipped: ")
            line = f"{line.rstrip()}: {reason}\n"
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
