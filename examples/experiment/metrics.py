"""What the experiments report, of scores and labels; and whether two sets of scores say the same."""

import numpy as np

# How far a figure from the runtime's scores may be from the same figure of PyTorch's.
AGREEMENT = 1e-6


def auc(labels, scores):
    """Area under the ROC curve by ranks; equal scores share their mean rank. labels: bool [rows]."""
    labels = np.asarray(labels, bool)
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


def mean_and_interval(values, level=1.96):
    """Mean and half width of its 95 % interval (normal; of independent values)."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return float(values.mean()), float("nan")
    return float(values.mean()), float(level * values.std(ddof=1) / np.sqrt(len(values)))


def require_agreement(what, ours, pytorch, tolerance=AGREEMENT):
    """The difference of a figure; an error if the runtime's and PyTorch's are not the same figure."""
    difference = abs(ours - pytorch)
    if not difference <= tolerance:
        raise AssertionError(f"{what}: {ours:.9g} from the runtime's scores, {pytorch:.9g} from PyTorch's")
    return difference
