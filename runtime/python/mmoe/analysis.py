"""What a model's scores depend on, and whether they mean what they say. Needs NumPy.

The quality of a task is the AUC where its labels are 0 and 1, else R squared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _picture
from ._rows import Columns
from .errors import InputError


class Importance(NamedTuple):
    """What a task's quality loses when a column's values are exchanged between rows."""

    column: str
    task: str
    quality: float  #: of the rows as they are
    loss: float  #: mean over the repetitions
    deviation: float  #: standard deviation over the repetitions


class Calibration(NamedTuple):
    """Scores and labels by bins, which are in the order of the scores. A calibrated task has the same means."""

    mean_score: Any
    mean_label: Any
    num_rows: Any

    @property
    def error(self) -> float:
        """Expected calibration error: the mean difference of the two, weighted by rows."""
        return float((abs(self.mean_score - self.mean_label) * self.num_rows).sum() / self.num_rows.sum())


class GateUse(NamedTuple):
    """How a gate uses its experts, over rows."""

    gate: Any  #: the Gate
    mean_weights: Any  #: [experts], in the order of gate.experts
    largest: Any  #: [experts]: the share of rows in which the expert has the largest weight


class GateUses(tuple):
    """GateUse of each gate. A notebook shows bars."""

    def _repr_html_(self) -> str:
        return _picture.gate_table(self)


def gate_use(session, rows) -> GateUses:
    """How the session's gates use their experts: of rows by name, or of x [rows, model.input_dim].

    Rows without gate weights, since an input is NaN or infinite, are left out.
    """
    import numpy

    weights = (session.score_rows_all(rows) if session.model.features and not _is_x(session, rows)
               else session.score_all(rows)).gates
    if weights is None or len(weights) == 0:
        raise InputError("rows: there are none" if session.gates else "the session has no gates with computed weights")
    weights = numpy.asarray(weights)
    weights = weights[numpy.isfinite(weights).all(axis=1)]
    if len(weights) == 0:
        raise InputError("rows: none has gate weights, since inputs are NaN or infinite")
    uses = []
    for gate in session.gates:
        own = weights[:, gate.column : gate.column + len(gate.experts)]
        largest = numpy.bincount(own.argmax(axis=1), minlength=own.shape[1]) / len(own)
        uses.append(GateUse(gate, own.mean(axis=0, dtype="float64"), largest))
    return GateUses(uses)


def _is_x(session, rows):
    return getattr(rows, "ndim", 0) == 2 and not hasattr(rows, "columns") and rows.shape[1] == session.model.input_dim


def auc(labels, scores) -> float:
    """Area under the ROC curve: the share of pairs of a 1 and a 0 whose scores are in that order; ties count half."""
    import numpy

    labels, scores = _pair(labels, scores)
    positives = labels == 1
    num_positives, num_negatives = int(positives.sum()), int((labels == 0).sum())
    if num_positives + num_negatives != len(labels):
        raise InputError("labels: expected 0 and 1")
    if num_positives == 0 or num_negatives == 0:
        raise InputError("labels: an AUC needs both 0 and 1")
    _, places, counts = numpy.unique(scores, return_inverse=True, return_counts=True)
    last = numpy.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]  # the mean rank of those with the same score, from 1
    return float((ranks[positives].sum() - num_positives * (num_positives + 1) / 2) / (num_positives * num_negatives))


def r_squared(labels, scores) -> float:
    """1 - the squared differences over those from the labels' mean."""
    labels, scores = _pair(labels, scores)
    total = ((labels - labels.mean()) ** 2).sum()
    if total == 0:
        raise InputError("labels: R squared needs labels that differ")
    return float(1 - ((labels - scores) ** 2).sum() / total)


def calibration_curve(labels, scores, bins: int = 10) -> Calibration:
    """Bins of about as many rows each; rows of one score may fall into several."""
    import numpy

    labels, scores = _pair(labels, scores)
    if bins < 1 or len(labels) < bins:
        raise InputError(f"bins: {bins}, expected 1 to the number of rows, {len(labels)}")
    order = numpy.argsort(scores, kind="stable")
    parts = numpy.array_split(order, bins)
    means = [[values[part].mean() for part in parts] for values in (scores, labels)]
    return Calibration(numpy.array(means[0]), numpy.array(means[1]), numpy.array([len(part) for part in parts]))


def permutation_importance(session, rows, labels, *, columns=None, repeats: int = 5, seed: int = 0) -> list[Importance]:
    """The columns that matter most come first, task by task.

    `rows` is a table as score_rows() takes it, or an array of x; `labels` an array for each task to be looked at, by
    name. `columns` are those to try; by default all that the model reads. A column's values are exchanged between
    rows at random, and what the task's quality then loses is its importance.
    """
    import numpy

    unknown = [task for task in labels if task not in session.tasks]
    if unknown or not labels:
        raise InputError(f"labels: of {unknown}, expected some of the session's tasks, {list(session.tasks)}")
    data = _XColumns(session, rows) if getattr(rows, "ndim", 0) == 2 and not hasattr(rows, "iloc") else _Rows(session, rows)
    names = data.names if columns is None else list(columns)
    if missing := [name for name in names if name not in data.names]:
        raise InputError(f"columns: {missing}, the model reads {data.names}")
    before = _qualities(session, data.score(None, None), labels)
    random = numpy.random.default_rng(seed)
    found = []
    for name in names:
        after = [_qualities(session, data.score(name, random.permutation(data.num_rows)), labels) for _ in range(repeats)]
        for task in labels:
            losses = numpy.array([before[task] - qualities[task] for qualities in after])
            found.append(Importance(name, task, before[task], float(losses.mean()), float(losses.std())))
    order = {task: i for i, task in enumerate(labels)}
    return sorted(found, key=lambda entry: (order[entry.task], -entry.loss))


def _pair(labels, scores):
    import numpy

    labels, scores = numpy.asarray(labels, "float64"), numpy.asarray(scores, "float64")
    if labels.ndim != 1 or labels.shape != scores.shape or len(labels) == 0:
        raise InputError(f"labels and scores: shapes {labels.shape} and {scores.shape}, expected one of each for each row")
    if not (numpy.isfinite(labels).all() and numpy.isfinite(scores).all()):
        raise InputError("labels and scores: some are not finite")
    return labels, scores


def _qualities(session, scores, labels):
    found = {}
    for task, values in labels.items():
        column = scores[:, session.tasks.index(task)]
        is_class = all(value in (0, 1) for value in set(_list(values)))
        found[task] = auc(values, column) if is_class else r_squared(values, column)
    return found


def _list(values):
    return values.tolist() if hasattr(values, "tolist") else list(values)


class _XColumns:
    """x, whose features, or columns, are what is exchanged."""

    def __init__(self, session, x):
        self.session, self.x, self.num_rows = session, x, len(x)
        features = session.model.features
        self.places = {feature.name: slice(feature.column, feature.column + feature.width) for feature in features}
        if not features:
            self.places = {f"x{i}": slice(i, i + 1) for i in range(session.model.input_dim)}
        self.names = list(self.places)

    def score(self, name, order):
        if name is None:
            return self.session.score(self.x)
        x = self.x.copy()
        x[:, self.places[name]] = x[order, self.places[name]]
        return self.session.score(x)


class _Rows:
    """Raw rows. `price.0` and `price.1` are one column, `price`; the weights of elements go with these."""

    def __init__(self, session, rows):
        columns = Columns(rows)
        self.session, self.num_rows, self.columns, self.groups = session, columns.num_rows, {}, {}
        for feature in session.model.features:
            for name in feature.crossed or (feature.source,):
                self.groups[name] = self._parts(columns, name)
            if feature.weights:
                self.groups[feature.source] += self._parts(columns, feature.weights)
        self.names = list(self.groups)

    def _parts(self, columns, name):
        parts = [name] if name in columns else []
        while name not in columns and f"{name}.{len(parts)}" in columns:
            parts.append(f"{name}.{len(parts)}")
        if not parts:
            raise InputError(f"rows: there is no column {name!r}; the rows have: {columns.names()}")
        self.columns.update({part: columns.get(part) for part in parts})
        return parts

    def score(self, name, order):
        columns = dict(self.columns)
        for part in self.groups.get(name, ()):
            values = columns[part]
            columns[part] = values[order] if hasattr(values, "dtype") else [values[i] for i in order.tolist()]
        return self.session.score_rows(columns)
