"""Arrays by name as a file of safetensors, which the converter reads without a further library."""

from __future__ import annotations

import json
import struct

from .errors import ConvertError

_TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def encode(arrays) -> bytes | None:
    """None where a value is no plain array: a quantised tensor of PyTorch, or packed parameters."""
    header, parts, offset = {}, [], 0
    for name, value in arrays.items():
        if _is_packed(value):
            return None
        dtype, shape, data = _plain(name, value)
        header[str(name)] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])


def _is_packed(value):
    if value is None or isinstance(value, tuple):  # of a quantised module
        return True
    return bool(getattr(value, "is_quantized", False)) or type(value).__name__ == "dtype"


def _plain(name, value):
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().contiguous()
        if str(value.dtype) == "torch.bfloat16":
            import torch

            return "BF16", list(value.shape), value.view(torch.int16).numpy().tobytes()
        value = value.numpy()
    elif hasattr(value, "numpy") and not hasattr(value, "dtype_numpy"):  # of TensorFlow or Paddle
        value = value.numpy()
    if not hasattr(value, "dtype"):
        import numpy

        value = numpy.asarray(value)
    dtype = _TYPES.get(value.dtype.name)
    if dtype is None:
        raise ConvertError(f"tensor {name!r}: the type {value.dtype}, expected one of {', '.join(_TYPES)}")
    return dtype, list(value.shape), value.astype(value.dtype.newbyteorder("<")).tobytes()
