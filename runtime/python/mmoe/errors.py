"""What goes wrong, with the texts of the runtime.

Every exception is an `Error`. It is a `ValueError`, an `OSError` or a `MemoryError` too, so that a program may treat it
as one of these. `status` is the code of <mmoe/mmoe.h>; runtime/doc/errors.md says what to do about each.
"""


class Error(Exception):
    """An error of mmoe-edge."""

    status: int = 8


class FileError(Error, OSError):
    """A file that cannot be read (MMOE_IO)."""


class ModelError(Error, ValueError):
    """A model file that cannot be used: damaged, of a newer version, with a wrong checksum."""


class InputError(Error, ValueError):
    """An argument, or a row, that cannot be used."""


class UnknownCategoryError(InputError):
    """A category that the vocabulary does not hold, of a feature that refuses it."""


class NonFiniteError(InputError):
    """An input or score that is NaN or infinite, of a session that refuses it."""


class LimitError(Error, ValueError):
    """A model whose rows would cost more than the session's limits allow."""


class OutOfMemoryError(Error, MemoryError):
    """No memory."""


class ConvertError(Error, ValueError):
    """Weights that cannot be converted: the message names the tensor, the feature or the key of the description."""


_CLASSES = {
    1: FileError,
    2: ModelError,
    3: ModelError,
    4: ModelError,
    5: ModelError,
    6: ModelError,
    7: ModelError,
    8: InputError,
    9: InputError,
    10: OutOfMemoryError,
    11: NonFiniteError,
    12: UnknownCategoryError,
    13: LimitError,
}


def of_status(status: int, message: str) -> Error:
    """The exception of a status of the C interface."""
    error = _CLASSES.get(status, Error)(message)
    error.status = status
    return error
