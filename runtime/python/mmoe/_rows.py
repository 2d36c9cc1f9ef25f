"""Raw values by column name: of dicts, lists of dicts, pandas, polars and Arrow, none of which is imported."""

from __future__ import annotations

from . import _native
from ._arrays import _numpy
from .errors import InputError

_SIZES_OF_INTEGERS = {"i": (4, 8), "u": (8,)}


class Columns:
    """Rows as columns: how many there are, and the values of one by its name."""

    def __init__(self, rows):
        self.single = False
        if hasattr(rows, "to_pydict") and hasattr(rows, "schema"):  # Arrow: a table or a record batch
            self._names = list(rows.schema.names)
            self.num_rows = rows.num_rows
            self._get = lambda name: _of_arrow(rows.column(self._names.index(name)))
        elif hasattr(rows, "get_column") and hasattr(rows, "height"):  # polars
            self._names = list(rows.columns)
            self.num_rows = rows.height
            self._get = lambda name: _of_polars(rows.get_column(name))
        elif hasattr(rows, "iloc") and hasattr(rows, "columns"):  # pandas
            self._names = list(rows.columns)
            self.num_rows = len(rows)
            self._get = lambda name: _of_pandas(rows[name])
        elif hasattr(rows, "keys"):
            self._from_dict(rows)
        elif isinstance(rows, (list, tuple)):
            self._from_list(rows)
        else:
            raise InputError(
                f"rows: {type(rows).__name__}, expected a dict of columns, a list of dicts, or a table of pandas, polars or Arrow"
            )

    def _from_dict(self, rows):
        self._names = list(rows.keys())
        values = [rows[name] for name in self._names]
        self.single = bool(values) and all(_is_scalar(value) for value in values)
        if self.single:
            self.num_rows = 1
            self._get = lambda name: [rows[name]]
            return
        lengths = {name: _length(name, value) for name, value in zip(self._names, values)}
        self.num_rows = next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != self.num_rows:
                first = self._names[0]
                raise InputError(f"rows: column {name!r} has {length} values, column {first!r} {self.num_rows}")
        self._get = lambda name: _of_values(rows[name])

    def _from_list(self, rows):
        self.num_rows = len(rows)
        names = {}
        for row in rows:
            if not hasattr(row, "keys"):
                raise InputError(f"rows: a list of {type(row).__name__}, expected a list of dicts")
            names.update(dict.fromkeys(row.keys()))
        self._names = list(names)
        self._get = lambda name: [row.get(name) for row in rows]

    def __contains__(self, name):
        return name in self._names

    def get(self, name):
        """A list, or an array of numbers."""
        return self._get(name)

    def list(self, name):
        """A list."""
        return _as_list(self._get(name))

    def names(self):
        shown = ", ".join(str(name) for name in self._names[:20])
        return shown + (", ..." if len(self._names) > 20 else "")


class Batch:
    """Consecutive rows of a table of Arrow, whose columns are read where they lie."""

    single = False

    def __init__(self, table, columns, first, num_rows):
        self._table, self._columns, self._first, self.num_rows = table, columns, first, num_rows

    def __contains__(self, name):
        return name in self._columns

    def get(self, name):
        column = self._columns[name]
        return self.list(name) if column is None else column

    def list(self, name):
        """A list, for what the runtime cannot read: the table's library makes it."""
        table = self._table
        column = table.get_column(name) if hasattr(table, "get_column") else table.column(name)
        part = column.slice(self._first, self.num_rows)
        return part.to_list() if hasattr(part, "to_list") else part.to_pylist()

    names = Columns.names

    @property
    def _names(self):
        return list(self._columns)


def batches(rows):
    """`rows` as one Columns, or as the batches of a table of Arrow."""
    is_arrow = hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__")
    if not is_arrow or hasattr(rows, "iloc"):  # pandas has columns of its own
        return [Columns(rows)]
    found, first = [], 0
    for num_rows, columns in _native.arrow_batches(rows):
        found.append(Batch(rows, columns, first, num_rows))
        first += num_rows
    return found or [Columns(rows)]


def _is_scalar(value):
    return value is None or isinstance(value, (str, int, float)) or (hasattr(value, "item") and getattr(value, "ndim", 1) == 0)


def _length(name, value):
    try:
        return len(value)
    except TypeError:
        raise InputError(f"rows: column {name!r} is one value, the others are columns") from None


def _of_values(values):
    if isinstance(values, list):
        return values
    if isinstance(values, (str, bytes)):
        raise InputError("rows: a column is one text, the others are columns")
    if hasattr(values, "to_pylist"):
        return _of_arrow(values)
    if hasattr(values, "iloc"):
        return _of_pandas(values)
    if hasattr(values, "get_chunks"):
        return _of_polars(values)
    numpy = _numpy()
    if numpy is not None and hasattr(values, "__array__"):
        return _of_numpy(numpy.asarray(values))
    return list(values)


def _of_numpy(array):
    """As the runtime takes it: whole numbers of 4 or 8 bytes, floats of 4 or 8, without gaps; else a list."""
    numpy = _numpy()
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f" and size in (4, 8):
        return numpy.ascontiguousarray(array)
    if kind == "f":
        return numpy.ascontiguousarray(array, dtype=numpy.float64)
    if kind in "iu" and size in _SIZES_OF_INTEGERS[kind]:
        return numpy.ascontiguousarray(array)
    if kind in "iub":
        return numpy.ascontiguousarray(array, dtype=numpy.int64)
    if kind in "OUS":
        return array.tolist()
    raise InputError(f"rows: a column of the type {array.dtype}, expected numbers or texts")


def _of_pandas(series):
    dtype = series.dtype
    if getattr(dtype, "kind", "O") in "iufb" and hasattr(dtype, "itemsize") and not hasattr(dtype, "na_value"):
        return _of_numpy(series.to_numpy())
    missing = series.isna()
    if not missing.any():
        return series.tolist()
    return [None if is_missing else value for value, is_missing in zip(series.tolist(), missing.tolist())]


def _of_polars(series):
    if series.dtype.is_numeric() and series.null_count() == 0:
        return _of_numpy(series.to_numpy())
    return series.to_list()


def _of_arrow(array):
    kind = str(array.type)
    if array.null_count == 0 and kind.startswith(("int", "uint", "float", "double")):
        return _of_numpy(array.to_numpy())
    return array.to_pylist()


def columns_for(features, rows, sides):
    """What the runtime wants: (rows, [(feature's index, are weights, values)]), for the features of these sides."""
    wanted = []
    for index, feature in enumerate(features):
        if feature.side not in sides:
            continue
        wanted.append((index, False, _values_of(feature, rows)))
        if feature.weights:
            wanted.append((index, True, _column(feature, feature.weights, rows)))
    return wanted


def _values_of(feature, rows):
    if feature.crossed:
        return [list(values) for values in zip(*(_list(feature, name, rows) for name in feature.crossed))]
    if feature.source not in rows and f"{feature.source}.0" in rows:
        return _side_by_side(feature, rows)
    return _column(feature, feature.source, rows)


def _side_by_side(feature, rows):
    """A wide feature, or a sequence, with a column for each element: NAME.0, NAME.1, ..."""
    columns = []
    while f"{feature.source}.{len(columns)}" in rows:
        columns.append(rows.list(f"{feature.source}.{len(columns)}"))
    if feature.kind == "dense":
        return [list(values) for values in zip(*columns)]
    return [[value for value in values if value is not None and value == value] for values in zip(*columns)]


def _as_list(values):
    return values if isinstance(values, list) else values.tolist()


def _list(feature, name, rows):
    _check(feature, name, rows)
    return rows.list(name)


def _check(feature, name, rows):
    if name not in rows:
        raise InputError(f"feature {feature.name!r}: there is no column {name!r}; the rows have: {rows.names()}")


def _column(feature, name, rows):
    _check(feature, name, rows)
    values = rows.get(name)
    if isinstance(values, list) and rows.num_rows and feature.kind != "sparse" and not isinstance(values[0], (list, str)):
        return [value.tolist() if hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0 else value for value in values]
    return values
