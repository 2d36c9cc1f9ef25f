"""What the experiments report, of scores and labels; and whether two sets of scores say the same."""

import numpy as np

from .command import Stop

# How far a score from the runtime may be from PyTorch's, relative to the largest if that is above 1: sums of some
# hundred products in float32, in another order.
SCORE_AGREEMENT = 1e-5
# How far a figure from the runtime's scores may be from the same figure of PyTorch's.
AGREEMENT = 1e-6
# Student's t at 97.5 % for 1, 2, ... degrees of freedom.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
           2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069]
NORMAL = 1.96


class Disagreement(Stop):
    """The runtime and PyTorch say different things of the same rows."""


def auc(labels, scores):
    """Area under the ROC curve by ranks; equal scores share their mean rank. labels: bool [rows]."""
    labels, scores = np.asarray(labels, bool), np.asarray(scores)
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite: it has no rank")
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise ValueError("an AUC needs rows of both classes")
    rank_sum = mean_rank[group][labels].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def mean_squared_error(labels, scores):
    """In double precision."""
    return float(np.mean((np.asarray(labels, np.float64) - np.asarray(scores, np.float64)) ** 2))


def r_squared(labels, scores):
    """1 - squared error / variance: 1 is perfect, 0 what the labels' mean would reach."""
    return 1 - mean_squared_error(labels, scores) / float(np.var(np.asarray(labels, np.float64)))


def log_loss(labels, scores):
    """Mean negative log-likelihood of 0/1 labels; scores: probabilities."""
    p = np.clip(np.asarray(scores, np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(np.asarray(labels, bool), np.log(p), np.log1p(-p))))


def student(freedom):
    """The 97.5 % quantile; beyond the table by the first terms of its expansion around the normal one, to 3e-4
    (Abramowitz and Stegun, 26.7.5)."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    z = NORMAL
    return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)


def mean_and_interval(values, level=None):
    """Mean and half width of its 95 % interval, of independent values: by Student's t unless `level` (NORMAL) is
    given. One value has no interval: NaN."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return float(values.mean()), float("nan")
    level = level or student(len(values) - 1)
    return float(values.mean()), float(level * values.std(ddof=1) / np.sqrt(len(values)))


def require_agreement(what, ours, pytorch, tolerance=AGREEMENT):
    """The difference of a figure; an error if the runtime's and PyTorch's are not the same figure."""
    difference = abs(ours - pytorch)
    if not difference <= tolerance:
        raise Disagreement(f"{what}: {ours:.9g} from the runtime's scores, {pytorch:.9g} from PyTorch's")
    return difference


def require_scores(what, ours, pytorch):
    """The largest difference of a score; an error if one is beyond SCORE_AGREEMENT. A single wrong score hardly
    moves a figure over thousands of rows: figures that agree are not enough."""
    if ours.shape != pytorch.shape:
        raise Disagreement(f"{what}: scores of shape {ours.shape} from the runtime, {pytorch.shape} from PyTorch")
    differences = np.abs(np.asarray(ours, np.float64) - pytorch)
    worst = np.unravel_index(np.argmax(differences), differences.shape)  # a NaN, if there is one
    if not differences[worst] <= SCORE_AGREEMENT * max(1.0, np.abs(pytorch).max()):
        raise Disagreement(f"{what}: score {tuple(map(int, worst))} is {ours[worst]:.9g} from the runtime, "
                           f"{pytorch[worst]:.9g} from PyTorch")
    return float(differences[worst])
