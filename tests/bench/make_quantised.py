#!/usr/bin/env python3
"""Writes the models of the comparison in 8 bits, by the peers' own tools: make_quantised.py FOLDER

FOLDER has what make_models.py wrote. Of every NAME.STYLE.onnx are made
    NAME.STYLE.dynamic-{s8,s7,u8}.onnx   ONNX Runtime, quantize_dynamic: weights of 8 bits, of 7, and without sign
    NAME.STYLE.qdq-{s8,s7,u8}.onnx       ONNX Runtime, quantize_static: the same, with inputs calibrated on random rows
    NAME.STYLE.nbits-{f32,s8}.onnx       ONNX Runtime, MatMulNBits of 8 bits, with products of floats and of bytes
    NAME.STYLE.ov-{sym,asym}.xml         OpenVINO, nncf.compress_weights
    NAME.STYLE.ov-{full,full7}.xml       OpenVINO, nncf.quantize: 8 bits, and 7 bits for weights

Products of 8 bits saturate on processors without VNNI. The peers' manuals recommend 7 bits there, or no signs, which
compare takes. A tool that is not installed is named, and its files are left out
(requirements.txt has what this needs).
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx
from onnx import helper

import sizes

STYLES = ("sum", "bmm")
CALIBRATION_BATCHES = 64  # of fewer, the ranges are so narrow that scores of other rows are wrong by 0.04
ROWS = 64


def calibration_batches(num_inputs):
    """What the comparison's inputs are: N(0, 1). Other rows than those which are timed."""
    random = np.random.default_rng(7)
    return [random.standard_normal((ROWS, num_inputs)).astype(np.float32) for _ in range(CALIBRATION_BATCHES)]


def with_plain_products(model):
    """Gemm(x, W, b) with transposed weights -> Add(MatMul(x, W'), b), which MatMulNBits is made from."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Gemm":
            nodes.append(node)
            continue
        x, weight, bias = node.input
        transposed = onnx.numpy_helper.to_array(weights[weight]).T.copy()
        weights[weight].CopyFrom(onnx.numpy_helper.from_array(transposed, weight))
        product = node.output[0] + "_product"
        nodes += [helper.make_node("MatMul", [x, weight], [product]),
                  helper.make_node("Add", [product, bias], list(node.output))]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def onnxruntime_dynamic(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    for form, options in (("s8", {"per_channel": True}), ("s7", {"per_channel": True, "reduce_range": True}),
                          ("u8", {"weight_type": QuantType.QUInt8})):
        quantize_dynamic(source, target(f"dynamic-{form}.onnx"), **options)


def onnxruntime_static(source, target, batches):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter(batches)

        def get_next(self):
            rows = next(self.batches, None)
            return None if rows is None else {"x": rows}

    for form, options in (("s8", {"weight_type": QuantType.QInt8, "per_channel": True}),
                          ("s7", {"weight_type": QuantType.QInt8, "per_channel": True, "reduce_range": True}),
                          ("u8", {"weight_type": QuantType.QUInt8})):
        quantize_static(source, target(f"qdq-{form}.onnx"), Reader(), quant_format=QuantFormat.QDQ,
                        activation_type=QuantType.QUInt8, **options)


def onnxruntime_nbits(source, target):
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    for form, level in (("f32", 1), ("s8", 4)):  # accuracy levels of the operator: sums of floats, of bytes
        quantizer = MatMulNBitsQuantizer(with_plain_products(onnx.load(source)), bits=8, block_size=128,
                                         is_symmetric=True, accuracy_level=level)
        quantizer.process()
        quantizer.model.save_model_to_file(str(target(f"nbits-{form}.onnx")))


def openvino_forms(source, target, batches):
    import nncf
    import openvino
    nncf.set_log_level(40)
    model = openvino.Core().read_model(source)
    for form, mode in (("sym", nncf.CompressWeightsMode.INT8_SYM), ("asym", nncf.CompressWeightsMode.INT8_ASYM)):
        openvino.save_model(nncf.compress_weights(model.clone(), mode=mode), target(f"ov-{form}.xml"),
                            compress_to_fp16=False)
    for form, fix in (("full", nncf.OverflowFix.DISABLE), ("full7", nncf.OverflowFix.ENABLE)):
        advanced = nncf.AdvancedQuantizationParameters(overflow_fix=fix)
        quantised = nncf.quantize(model.clone(), nncf.Dataset(batches), subset_size=len(batches),
                                  advanced_parameters=advanced)
        openvino.save_model(quantised, target(f"ov-{form}.xml"), compress_to_fp16=False)


def make(source, batches, name, missing):
    target = lambda ending: source.with_name(f"{name}.{ending}")
    for tool, run in (("onnxruntime", lambda: onnxruntime_dynamic(source, target)),
                      ("onnxruntime", lambda: onnxruntime_static(source, target, batches)),
                      ("onnxruntime, onnx-ir", lambda: onnxruntime_nbits(source, target)),
                      ("openvino, nncf", lambda: openvino_forms(source, target, batches))):
        try:
            run()
        except ImportError as error:
            missing.add(f"{tool}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder, missing = parser.parse_args().folder, set()
    for name, (num_inputs, *_) in sizes.SIZES.items():
        for style in STYLES:
            source = folder / f"{name}.{style}.onnx"
            if source.exists():
                make(source, calibration_batches(num_inputs), f"{name}.{style}", missing)
                print(source)
    for message in sorted(missing):
        print(f"skipped: {message}", file=sys.stderr)


if __name__ == "__main__":
    main()
