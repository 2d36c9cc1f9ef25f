#!/usr/bin/python3
"""What the experiments share beside networks: figures, comparisons, what is kept, where results go.

Needs NumPy.
"""

import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import command, metrics, progress  # noqa: E402


def require(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def raised(kind, function, *arguments):
    """Whether the call ends with this exception."""
    try:
        function(*arguments)
    except kind:
        return True
    return False


def check_figures():
    generator = np.random.default_rng(1)
    labels = generator.random(300) < 0.3
    scores = np.round(generator.random(300) + 0.3 * labels, 1)  # many are equal
    pairs = scores[labels][:, None] - scores[~labels]
    expected = (np.sum(pairs > 0) + 0.5 * np.sum(pairs == 0)) / pairs.size
    require(abs(metrics.auc(labels, scores) - expected) < 1e-12, "AUC: not the share of pairs in order")
    scores[7] = np.nan
    require(raised(ValueError, metrics.auc, labels, scores), "AUC: a NaN has a rank")
    y = np.array([1.0, 2.0, 4.0])
    require(metrics.r_squared(y, y) == 1 and abs(metrics.r_squared(y, np.full(3, y.mean()))) < 1e-15, "R²")
    # Quantiles of Student's t from tables: 4, 23, 24, 60 and 199 degrees of freedom.
    for freedom, value in ((4, 2.776), (23, 2.069), (24, 2.064), (60, 2.000), (199, 1.972)):
        require(abs(metrics.student(freedom) - value) < 6e-4, f"Student's t, {freedom}")
    mean, half = metrics.mean_and_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    require(mean == 3 and abs(half - 2.776 * np.sqrt(2.5 / 5)) < 1e-12, "the interval of five values")


def check_comparison():
    theirs = np.random.default_rng(2).normal(size=(1000, 2)).astype(np.float32)
    metrics.require_scores("the same", theirs, theirs)
    for error in (1e-3, -1e-4, np.nan, np.inf):
        ours = theirs.copy()
        ours[700, 1] += np.float32(error)
        require(raised(metrics.Disagreement, metrics.require_scores, "one", ours, theirs),
                f"one score of 2,000 is {error} away, and nobody minds")
    require(raised(metrics.Disagreement, metrics.require_scores, "rows", theirs[1:], theirs), "a row less")
    require(raised(metrics.Disagreement, metrics.require_agreement, "NaN", np.nan, 0.5), "a figure of NaN")


def check_kept(folder):
    """A line that an interruption cut off takes nothing else with it."""
    path = folder / "results.jsonl"
    kept = progress.Results(path)
    for part in range(3):
        kept.add({"part": part}, {"value": part})
    path.write_text(path.read_text()[:-5])
    again = progress.Results(path)
    require(again.get({"part": 1}) and again.get({"part": 2}) is None, "what was cut off is taken as whole")
    again.add({"part": 2}, {"value": 2})
    again.add({"part": 3}, {"value": 3})
    last = progress.Results(path)
    require([last.get({"part": part}) for part in range(4)] == [{"value": part} for part in range(4)],
            "a result behind a cut-off line is lost")


def check_folders(folder):
    """Only a full run writes the committed results; a folder that cannot be written is an error at once."""
    results, work = folder / "results", folder / "work"
    require(command.output_folder(None, work, True, False, results) == work / "results", "--quick")
    require(command.output_folder(None, work, False, True, results) == results, "the full run")
    (folder / "file").touch()
    for arguments in ((None, work, False, False, results), (results, work, True, False, results),
                      (folder / "file" / "out", work, True, False, results)):
        require(raised(SystemExit, command.output_folder, *arguments), f"accepted: {arguments}")


def main():
    check_figures()
    check_comparison()
    with tempfile.TemporaryDirectory() as folder:
        check_kept(pathlib.Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        check_folders(pathlib.Path(folder))
    print("passed")


if __name__ == "__main__":
    main()
