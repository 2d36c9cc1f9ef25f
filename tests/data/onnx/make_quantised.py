#!/usr/bin/env python3
"""Writes quantised_*.onnx and quantised_*_expected.csv: mmoe_einsum.onnx as onnxruntime quantises it.

Needs onnx and onnxruntime (from PyPI). The expected scores are those of mmoe_einsum.onnx with the weights that the codes
stand for: the model without the rounding of results, which a model file does not do.
"""

import csv
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

HERE = pathlib.Path(__file__).parent
SOURCE = HERE / "mmoe_einsum.onnx"


class Rows(CalibrationDataReader):
    def __init__(self):
        generator = np.random.default_rng(1)
        self.batches = iter([generator.standard_normal((16, 6)).astype(np.float32) for _ in range(30)])

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"x": batch}


KINDS = {
    "quantised_dynamic": lambda to: quantize_dynamic(SOURCE, to),
    "quantised_dynamic_per_channel": lambda to: quantize_dynamic(SOURCE, to, per_channel=True),
    "quantised_dynamic_unsigned": lambda to: quantize_dynamic(SOURCE, to, weight_type=QuantType.QUInt8),
    "quantised_qdq": lambda to: quantize_static(SOURCE, to, Rows(), quant_format=QuantFormat.QDQ),
    "quantised_qdq_per_channel": lambda to: quantize_static(SOURCE, to, Rows(), quant_format=QuantFormat.QDQ,
                                                            per_channel=True),
}


def numbers(tensors, name):
    """What the codes of a constant stand for; None where it was left as it is."""
    transposed = name + "_Transposed"
    found = transposed if transposed + "_quantized" in tensors else name
    if found + "_quantized" not in tensors:
        return None
    codes = tensors[found + "_quantized"].astype(np.float32)
    scale = tensors[found + ("_scale" if found + "_scale" in tensors else "_quantized_scale")]
    zero_name = found + ("_zero_point" if found + "_zero_point" in tensors else "_quantized_zero_point")
    zero = tensors[zero_name].astype(np.float32) if zero_name in tensors else np.float32(0)
    if scale.size > 1 and codes.ndim == 2 and codes.shape[0] == scale.size and found == name:
        scale, zero = scale[:, None], np.reshape(zero, (-1, 1))
    result = (codes - zero) * scale
    return result.T if found == transposed else result


def write_expected(name, model):
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    plain = onnx.load(SOURCE)
    changed = 0
    for tensor in plain.graph.initializer:
        found = numbers(tensors, tensor.name)
        if found is None:
            continue
        assert list(found.shape) == list(tensor.dims), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(found, dtype=np.float32), tensor.name))
        changed += 1
    assert changed >= 12, changed
    with open(HERE / "rows.csv") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=np.float32)
    scores = ort.InferenceSession(plain.SerializeToString()).run(None, {"x": rows})[0]
    with open(HERE / f"{name}_expected.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"y.{t}" for t in range(scores.shape[1])])
        writer.writerows([[f"{v:.9g}" for v in row] for row in scores])


def main():
    for name, quantise in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.onnx"
            quantise(path)
            model = onnx.load(path)
        write_expected(name, model)
        (HERE / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    print(f"{len(KINDS)} models")


if __name__ == "__main__":
    main()
