"""mmoe-edge: scores of multi-task ranking models (MMoE, PLE and relatives), the same bits as on the device.

    import mmoe

    model = mmoe.Model.load("ranker.mmoe")
    session = mmoe.Session(model)
    scores = session.score(x)                                    # [rows, model.input_dim] -> [rows, tasks]
    scores = session.score_rows({"age": [39, 21], "country": ["AT", "DE"]})

A model is shared by all threads. A session is for one thread at a time; threads that share one wait for each other.
"""

from __future__ import annotations

import hashlib
import html
import os
import tempfile
from typing import Any, NamedTuple

from . import _native, _picture
from ._conversion import ConversionWarning, Report, convert, describe, from_torch
from ._arrays import new as _new
from ._arrays import part as _part
from ._arrays import wrap as _wrap
from ._native import ThreadPool
from ._rows import Columns as _Columns
from ._rows import batches as _batches
from ._rows import columns_for as _columns_for
from .analysis import calibration_curve, gate_use, permutation_importance
from .errors import (
    ConvertError,
    Error,
    FileError,
    InputError,
    LimitError,
    ModelError,
    NonFiniteError,
    OutOfMemoryError,
    UnknownCategoryError,
)

__version__ = _native.version
__all__ = [
    "Category",
    "ConversionWarning",
    "ConvertError",
    "Error",
    "Feature",
    "FileError",
    "Gate",
    "GoldenReport",
    "GoldenRows",
    "InputError",
    "KernelSet",
    "LimitError",
    "Model",
    "ModelError",
    "NonFiniteError",
    "OutOfMemoryError",
    "Report",
    "Scores",
    "Session",
    "ThreadPool",
    "UnknownCategoryError",
    "calibration_curve",
    "convert",
    "describe",
    "from_torch",
    "gate_use",
    "kernel_sets",
    "permutation_importance",
]

_ALL = ("context", "user", "item")
_USER = ("context", "user")


class Feature(NamedTuple):
    """What a model takes: raw values of one column of the data, or of several (`crossed`)."""

    name: str
    kind: str  #: "dense" (numbers), "sparse" (a category) or "sequence" (several categories)
    side: str  #: "context", "user" or "item"
    source: str  #: the column of the raw data
    column: int  #: first column in x
    width: int  #: columns in x; of a dense feature also the number of raw values
    length: int  #: ids per row: sparse 1, sequence the most that it may have, dense 0
    num_values: int  #: size of the vocabulary
    num_ids: int  #: rows of the embedding table
    string_values: bool  #: the vocabulary holds texts, else whole numbers
    number_values: bool  #: a value is a number, between bounds
    hashed: bool  #: the id is a bucket of the value's hash
    refuses_unknown: bool
    refuses_missing: bool
    crossed: tuple[str, ...]  #: the columns whose values make one category
    weights: str  #: the column of the elements' weights; empty: there is none


class Category(NamedTuple):
    """What a vocabulary lists."""

    value: str | int
    id: int | None  #: as find_id() finds it; None: the file is damaged there


class Gate(NamedTuple):
    """A gate whose weights are computed for each row."""

    name: str
    level: int
    place: int  #: in its level
    column: int  #: of its first weight
    experts: tuple[int, ...]  #: their places in the level, in the order of the weights
    tasks: tuple[str, ...]  #: those that depend on it


class GoldenRows(NamedTuple):
    """Rows with known scores, which the file has."""

    values: Any  #: numbers of raw rows; with `has_features` false, x
    ids: Any
    scores: Any
    has_features: bool


class GoldenReport(NamedTuple):
    """What became of the golden rows. `num_wrong` is 0 where all is well."""

    num_rows: int
    num_scores: int
    num_wrong: int
    row: int
    task: int
    found: float
    expected: float
    tolerance: float
    largest_difference: float
    exact: bool


class Scores(NamedTuple):
    """Everything that a session computes for rows."""

    scores: Any  #: [rows, tasks]
    gates: Any  #: [rows, session.num_gate_weights]: the columns that session.gates names
    logits: Any  #: [rows, session.num_logits]: what towers give before links make scores of it


class KernelSet(NamedTuple):
    """The arithmetic for one kind of processor."""

    name: str
    lanes: int
    exact: bool
    available: bool


def kernel_sets() -> list[KernelSet]:
    """Kernel sets of this build, fastest first."""
    return [KernelSet(*entry) for entry in _native.kernel_sets()]


def _header_digest(model) -> str:
    """Of the header, which has the checksums of all that follows."""
    data = memoryview(model)
    size = int.from_bytes(data[:4], "little") + 4
    return hashlib.sha256(data[:size]).hexdigest()


def _open_path(cls, path, digest):
    """What a pickled model becomes, in this process or another one of the machine."""
    model = cls.load(path)
    if _header_digest(model) != digest:
        raise ModelError(f"{path}: is not the file any more that the pickled model was of")
    return model


class Model(_native.Model):
    """A verified model file. It never changes, and all threads may share it.

    The buffer protocol gives the whole file: `bytes(model)`. A model that was loaded from a path is pickled as that
    path, and mapped again; one that was loaded from bytes is pickled with them.
    """

    report: Report | None = None  #: what the conversion found, of a model that convert() has made
    _path: str | None = None
    _all_features: tuple[Feature, ...] | None = None

    @classmethod
    def load(cls, source, *, verify_checksums: bool = False, copy: bool = False) -> Model:
        """Map a file, or take its bytes. Replace a mapped file by rename only, or load it with `copy`."""
        model = cls(source, verify_checksums=verify_checksums, copy=copy)
        if isinstance(source, (str, os.PathLike)):
            model._path = os.path.abspath(os.fsdecode(source))
        return model

    @property
    def features(self) -> tuple[Feature, ...]:
        """The raw values that it takes, in the order of its description; empty: it takes x alone."""
        if self._all_features is None:
            self._all_features = tuple(Feature(**entry) for entry in self._features)
        return self._all_features

    @property
    def golden_rows(self) -> GoldenRows:
        """Rows with known scores."""
        values, ids, scores, has_features = self._golden_rows()
        return GoldenRows(_wrap(values), _wrap(ids), _wrap(scores), has_features)

    def category(self, feature: str, place: int) -> Category:
        """A category of the vocabulary, below num_categories(feature). Their order means nothing: sort them by id."""
        return Category(*self._category(feature, place))

    def session(self, threads=1, **options) -> Session:
        """A session of this model."""
        return Session(self, threads, **options)

    def save(self, path) -> None:
        """Write the file: whole, or not at all."""
        path = os.fsdecode(path)
        handle, name = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=os.path.basename(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def __reduce__(self):
        if self._path is not None:
            return _open_path, (type(self), self._path, _header_digest(self))
        return type(self), (bytes(self),)

    def _repr_html_(self) -> str:
        """In a notebook: the structure as a picture, sizes, tasks and features."""
        try:
            with self.session() as session:
                picture = _picture.structure(self, session.gates)
                work = f"{session.multiply_adds_per_row:,} multiply-adds per row"
        except LimitError as error:  # a model that costs more than the default limits allow
            picture, work = "", html.escape(str(error))
        head = f"{self.architecture}, {self.input_dim} inputs, {self.size_bytes:,} bytes, {work}"
        return f"<div><b>{html.escape(self.name)}</b>: {html.escape(head)}{picture}{_picture.feature_table(self)}</div>"

    def __repr__(self) -> str:
        tasks = ", ".join(self.tasks)
        return f"<mmoe.Model {self.name!r}: {self.architecture}, {self.input_dim} inputs, tasks {tasks}>"


class Session(_native.Session):
    """A model with its working memory.

    Session(model, threads=1, *, tasks=None, max_batch=128, top_k=0, kernel_set=None, min_gate_weight=0,
    renormalise=True, skip_experts="where_faster", non_finite="nan", max_...=None)

    `threads` is a number, or a ThreadPool that sessions share. `tasks` are names, in the order of the scores' columns.
    `top_k` keeps the k largest weights of every gate. `non_finite="error"` refuses NaN and infinity. <mmoe/plan.h>
    says more of each.
    """

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the scores' columns."""
        names = self.model.tasks
        return tuple(names[index] for index in self._task_indices)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates whose weights score_all() gives."""
        names = self.model.tasks
        return tuple(
            Gate(name, level, place, column, experts, tuple(task for i, task in enumerate(names) if bits >> i & 1))
            for name, level, place, column, experts, bits in self._gates
        )

    def score_rows(self, rows, out=None, *, user=None, candidates=False, gates=None, logits=None):
        """Score raw rows by the names of their columns.

        `rows` is a dict of columns, a dict of one row's values, a list of dicts, or a table of pandas, polars or Arrow.
        Columns that the model does not know are left alone; one that it misses is an error. None, NaN and what a row's
        dict does not have are missing values: the feature's rule says what becomes of them.

        With `user`, one row of the user's and the context's features, `rows` are candidates: of the item's. With
        `candidates`, they are those of the user of set_user_row().
        """
        features = self._raw_features()
        sides = ("item",) if candidates or user is not None else _ALL
        of_user = None if user is None else _columns_for(features, _one_row(user), _USER)
        parts = _batches(rows)
        if len(parts) == 1:
            wanted = _columns_for(features, parts[0], sides)
            single = parts[0].single and out is None
            return self._score_columns(parts[0].num_rows, wanted, single, out, of_user, bool(candidates), gates, logits)
        out = _new((sum(part.num_rows for part in parts), len(self._task_indices))) if out is None else out
        first = 0
        for part in parts:
            places = [_part(array, first, part.num_rows) for array in (out, gates, logits)]
            wanted = _columns_for(features, part, sides)
            self._score_columns(part.num_rows, wanted, False, places[0], of_user, bool(candidates), *places[1:])
            first += part.num_rows
        return out

    def set_user_row(self, user) -> None:
        """Take one row of the user's and the context's features, for score_rows(..., candidates=True)."""
        self._set_user_columns(_columns_for(self._raw_features(), _one_row(user), _USER))

    def score_all(self, x) -> Scores:
        """Scores, gate weights and logits of x [rows, model.input_dim]."""
        num_rows = len(x) if getattr(x, "ndim", 2) == 2 else 1
        gates, logits = self._extras(num_rows)
        return Scores(self.score(x, gates=gates, logits=logits), gates, logits)

    def score_rows_all(self, rows, *, user=None) -> Scores:
        """Scores, gate weights and logits of raw rows."""
        gates, logits = self._extras(sum(part.num_rows for part in _batches(rows)))
        return Scores(self.score_rows(rows, user=user, gates=gates, logits=logits), gates, logits)

    def replay_golden(self) -> GoldenReport:
        """Score the rows whose scores the file has, and compare."""
        return GoldenReport(*self._replay_golden())

    def _extras(self, num_rows):
        gates = _new((num_rows, self.num_gate_weights)) if self.num_gate_weights else None
        logits = _new((num_rows, self.num_logits)) if self.num_logits else None
        return gates, logits

    def _raw_features(self):
        features = self.model.features
        if not features:
            raise InputError("rows: the model has no features: it takes x, as score() does")
        return features

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __reduce__(self):
        raise TypeError("a Session has working memory and is not pickled: pickle its model, and make a session of that")

    def __repr__(self) -> str:
        if self.closed:
            return "<mmoe.Session, closed>"
        return f"<mmoe.Session of {self.model.name!r}: {', '.join(self.tasks)}; {self.kernel_set}, {self.num_workers} threads>"


def _one_row(user):
    columns = _Columns([user] if hasattr(user, "keys") and not hasattr(user, "columns") else user)
    if columns.num_rows != 1:
        raise InputError(f"user: {columns.num_rows} rows, expected one")
    return columns
