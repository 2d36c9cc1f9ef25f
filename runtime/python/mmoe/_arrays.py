"""Objects without the buffer protocol."""

from .errors import InputError


def _numpy():
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def with_buffer(value):
    """`value` as something with the buffer protocol: through DLPack without a copy, a list of numbers with one."""
    numpy = _numpy()
    if isinstance(value, (list, tuple)):
        return _of_list(value, numpy)
    if hasattr(value, "__dlpack__") and numpy is not None:
        try:
            return numpy.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise InputError(f"x: {error}") from error
    if hasattr(value, "__array__") and numpy is not None:
        return numpy.asarray(value)
    raise InputError(f"x: {type(value).__name__} has no buffer of floats, as an array of NumPy has")


def _of_list(value, numpy):
    if numpy is not None:
        return numpy.asarray(value, dtype=numpy.float32)
    import array

    rows = value if value and isinstance(value[0], (list, tuple)) else [value]
    flat = array.array("f", [number for row in rows for number in row])
    if rows is not value:
        return flat
    if any(len(row) != len(rows[0]) for row in rows):
        raise InputError("x: rows of several lengths")
    return memoryview(flat).cast("B").cast("f", shape=(len(rows), len(rows[0])))


def new(shape, format="f"):
    """A writable array of zeros: of NumPy where it is installed."""
    numpy = _numpy()
    if numpy is not None:
        return numpy.zeros(shape, dtype=format)
    count = 4
    for size in shape:
        count *= size
    view = memoryview(bytearray(count))
    return view.cast(format, shape=shape) if count else view.cast(format)


def part(array, first, count):
    """Some rows of a matrix, None of None."""
    if array is None or _numpy() is not None:
        return None if array is None else _numpy().asarray(array)[first : first + count]
    view = memoryview(array)
    columns = view.shape[1]
    flat = view.cast("B")[4 * first * columns : 4 * (first + count) * columns]
    return flat.cast("f", shape=(count, columns)) if len(flat) else flat.cast("f")


def wrap(view):
    """A memoryview as an array of NumPy, where it is installed."""
    numpy = _numpy()
    return view if numpy is None else numpy.asarray(view)
