#!/usr/bin/python3
"""compare.py on a tiny scale, from the data to the figure; and that its errors are errors.

Argument: a folder to work in, which is emptied. Exit code 77, with the reason, where a package or
the data are not there.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


try:
    import matplotlib  # noqa: F401
    import numpy as np
    import optuna  # noqa: F401
    import torch
except ImportError as missing:
    skip(f"{missing} (Debian: python3-numpy python3-torch python3-matplotlib python3-optuna)")

import census  # noqa: E402
import compare_report  # noqa: E402
import onehot  # noqa: E402
import spaces  # noqa: E402
from experiment import tables  # noqa: E402  (compare_report has made it known)


def run(*arguments):
    """Exit code and all that a Python program printed."""
    command = [sys.executable, "-B", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def require(condition, message):
    if not condition:
        raise AssertionError(message)


def check_product():
    """x @ w and its gradient, against the dense product; of sums of 38 numbers of order 1."""
    generator = torch.Generator().manual_seed(3)
    columns = torch.stack([torch.randperm(60, generator=generator)[:38] for _ in range(50)])
    x = onehot.OneHot(columns, torch.rand(50, 38, generator=generator), 60)
    weight = torch.randn(60, 7, generator=generator, requires_grad=True)
    factor = torch.randn(50, 7, generator=generator)
    gradients, products = [], []
    for left in (x, x.dense()):
        products.append(left @ weight)
        gradients += torch.autograd.grad((products[-1] * factor).sum(), weight)
    for what, (ours, theirs) in (("product", products), ("gradient", gradients)):
        require((ours - theirs).abs().max() < 2e-5, f"the sparse {what} is not the dense one")


def check_unknown():
    """A category that is new is all zeros, the others are what they were."""
    row = dict.fromkeys(census.INPUTS, "a") | {
        name: "3" for name in census.CONTINUOUS | census.INTEGER_CATEGORIES}
    other = row | {name: "7" for name in census.CONTINUOUS}
    features = onehot.fit([row, other])
    known, unknown = onehot.encode(features, [row, row | {"sex": "b"}]).dense()
    lost = known - unknown
    require(int((lost != 0).sum()) == 1 and float(lost.sum()) == 1.0,
            "an unknown category does not take away one 1")


def check_tables(out):
    for group in census.GROUPS:
        rows = tables.read_csv(out / f"table{group}.csv")
        require([row["architecture"] for row in rows] == spaces.ARCHITECTURES,
                f"table {group} is incomplete")
        best = np.array([float(list(row.values())[2]) for row in rows])
        # Worse than chance after a few steps would mean labels or rows out of order.
        require((best > 0.75).all(), f"group {group}: AUCs of {best}")
    require((out / "auc.svg").stat().st_size > 10000, "no figure")


def check_disagreement(out):
    """An AUC that is not PyTorch's must be an error."""
    rows = tables.read_csv(out / "seeds.csv")
    rows[5]["test_auc"] = str(float(rows[5]["test_auc"]) + 1e-5)
    tables.write_csv(out / "seeds.csv", list(rows[0]), [list(row.values()) for row in rows])
    code, text = run(HERE / "compare_report.py", "--out", out)
    refused = code != 0 and "error: " in text and "from PyTorch's" in text
    require(refused, f"a wrong AUC was accepted:\n{text}")


def main():
    try:
        census.find_data()
    except SystemExit as reason:
        skip(reason)
    check_product()
    check_unknown()
    work = pathlib.Path(sys.argv[1])
    shutil.rmtree(work, ignore_errors=True)
    quick = [HERE / "compare.py", "--quick", "--work", work]
    code, text = run(*quick)
    require(code == 0, text)
    check_tables(work / "results")
    before = (work / "results" / "seeds.csv").read_bytes(), (work / "results.jsonl").read_bytes()
    lines = (work / "results.jsonl").read_text().splitlines(keepends=True)
    (work / "results.jsonl").write_text("".join(lines[:-1]) + lines[-1][:40])
    code, text = run(*quick)
    after = (work / "results" / "seeds.csv").read_bytes()
    require(code == 0 and after == before[0], f"an interrupted run did not end the same:\n{text}")
    part = [HERE / "compare.py", "--group", "1", "--work", work.with_name("part")]
    for refused in ([*quick, "--out", compare_report.RESULTS], part, [*quick, "--epochs", "9"]):
        code, text = run(*refused)
        require(code != 0 and "error:" in text, f"accepted: {refused}\n{text}")
    check_disagreement(work / "results")
    print("passed")


if __name__ == "__main__":
    main()
