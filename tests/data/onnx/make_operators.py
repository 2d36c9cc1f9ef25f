"""Writes operators.json: every operator that the converter's reference evaluation knows, in every version of ONNX's operator
set from 7 on in which it changed, as onnxruntime calculates it.

    python3 make_operators.py        # needs the packages onnx and onnxruntime

Each entry has a model of one node, its inputs, what onnxruntime gave, and all operator sets in which it gave that. The tests
need neither package.
"""
import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OLDEST = 7
RANDOM = np.random.RandomState(11)


def floats(*shape):
    """Of both signs; no ties, no zeros, few digits, so that they are the same numbers in text."""
    return (np.round(RANDOM.uniform(-3, 3, shape) * 256) / 256 + 1 / 1024).astype(np.float32)


def positive(*shape):
    return np.abs(floats(*shape)) + np.float32(0.25)


def whole(*values):
    return np.array(values, np.int64)


class Case:
    """A node: its inputs (arrays; a Constant is an initializer), attributes and number of outputs."""

    def __init__(self, operator, inputs, since=OLDEST, until=10**9, outputs=1, **attributes):
        self.operator, self.inputs, self.since, self.until = operator, inputs, since, until
        self.outputs, self.attributes = outputs, attributes


class Constant:
    def __init__(self, array):
        self.array = np.asarray(array)


def with_list(operator, x, name, values, changed, **attributes):
    """A list that was an attribute before `changed` and is an input since."""
    return [Case(operator, [x], until=changed - 1, **{name: values}, **attributes),
            Case(operator, [x, Constant(whole(*values))], since=changed, **attributes)]


def unary_cases():
    x = floats(3, 4)
    for operator in ("Abs", "Ceil", "Erf", "Exp", "Floor", "HardSwish", "Mish", "Neg", "Relu", "Sigmoid", "Sign", "Softplus",
                     "Softsign", "Tanh", "Identity", "Elu", "LeakyRelu", "Selu", "Celu", "HardSigmoid", "ThresholdedRelu", "Gelu",
                     "Swish"):
        yield Case(operator, [x])
    yield Case("Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.75], np.float32)])
    for operator in ("Log", "Sqrt", "Reciprocal"):
        yield Case(operator, [positive(3, 4)])
    yield Case("Elu", [x], alpha=0.5)
    yield Case("LeakyRelu", [x], alpha=0.25)
    yield Case("Selu", [x], alpha=1.25, gamma=0.75)
    yield Case("Celu", [x], alpha=1.5)
    yield Case("HardSigmoid", [x], alpha=0.25, beta=0.4)
    yield Case("ThresholdedRelu", [x], alpha=0.5)
    yield Case("Gelu", [x], approximate="tanh")
    yield Case("Swish", [x], alpha=1.7)
    yield Case("Clip", [x], until=10, min=-0.5, max=1.0)
    yield Case("Clip", [x], until=10, max=1.0)
    yield Case("Clip", [x, Constant(np.float32(-0.5)), Constant(np.float32(1))], since=11)
    yield Case("Clip", [x, None, Constant(np.float32(1))], since=11)
    yield Case("Not", [np.array([True, False])])
    for to in (TensorProto.FLOAT16, TensorProto.INT64, TensorProto.INT32, TensorProto.INT8, TensorProto.BOOL, TensorProto.DOUBLE):
        yield Case("Cast", [floats(2, 3) * 20], to=to)
    yield Case("Cast", [np.array([1e-6, 6e-8, 65519, 2049, 2051], np.float32)], to=TensorProto.FLOAT16)
    yield Case("Cast", [whole(0, -3, 7)], to=TensorProto.FLOAT)
    yield Case("Cast", [whole(0, -3, 7)], to=TensorProto.BOOL)


def binary_cases():
    for operator in ("Add", "Sub", "Mul", "Div"):
        yield Case(operator, [floats(2, 3), positive(2, 3)])
        yield Case(operator, [floats(2, 3), positive(3)])
        yield Case(operator, [floats(2, 1, 3), positive(4, 1)])
        yield Case(operator, [whole(7, -7, 9), whole(2, 2, -4)])
    yield Case("Pow", [positive(2, 3), floats(3)])
    yield Case("Mod", [whole(7, -7, 9), whole(2, 2, -4)])
    yield Case("Mod", [floats(2, 3), positive(3)], fmod=1)
    for operator in ("Max", "Min", "Sum", "Mean"):
        yield Case(operator, [floats(2, 3), floats(2, 3), floats(2, 3)])
        yield Case(operator, [floats(2, 3), floats(1, 3)], since=8)
    yield Case("PRelu", [floats(2, 3), floats(3)])
    yield Case("PRelu", [floats(2, 3, 4), floats(3, 1)])
    for operator in ("Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        yield Case(operator, [floats(2, 3), floats(3)])
        yield Case(operator, [whole(1, 2, 3), whole(2, 2, 2)], since=9)
    yield Case("Equal", [whole(1, 2, 3), whole(1, 5, 3)])
    for operator in ("And", "Or", "Xor"):
        yield Case(operator, [np.array([True, True, False]), np.array([True, False, False])])
    yield Case("Where", [np.array([[True], [False]]), floats(2, 3), floats(3)])
    yield Case("Where", [np.array([True, False, True]), whole(1, 2, 3), whole(4, 5, 6)])


def layout_cases():
    x = floats(2, 3, 4)
    yield Case("Reshape", [x, Constant(whole(0, -1))])
    yield Case("Reshape", [floats(0, 3), Constant(whole(0, 1, 3))], since=14, allowzero=1)
    for axis in (None, 0, 2, 3):
        yield Case("Flatten", [x], **({} if axis is None else {"axis": axis}))
    yield Case("Flatten", [x], since=11, axis=-1)
    yield Case("Squeeze", [floats(1, 3, 1)])
    yield from with_list("Squeeze", floats(1, 3, 1), "axes", [0], 13)
    yield from with_list("Unsqueeze", floats(2, 3), "axes", [1, 3], 13)
    yield Case("Unsqueeze", [floats(2, 3)], since=11, until=12, axes=[-1])
    yield Case("Transpose", [x])
    yield Case("Transpose", [x], perm=[1, 2, 0])
    yield Case("Expand", [floats(3, 1), Constant(whole(2, 1, 4))])
    yield Case("Tile", [floats(2, 3), Constant(whole(2, 3))])
    yield Case("Concat", [floats(2, 1), floats(2, 3)], axis=1)
    yield Case("Concat", [floats(2, 1), floats(2, 3)], since=11, axis=-1)
    yield Case("Split", [floats(2, 6)], until=17, outputs=3, axis=1)
    yield from [case for case in with_list("Split", floats(2, 6), "split", [1, 2, 3], 13, axis=1)]
    yield Case("Split", [floats(2, 7)], since=18, outputs=3, axis=1, num_outputs=3)
    yield Case("Slice", [x], until=9, starts=[1, 0], ends=[3, -1], axes=[1, 2])
    yield Case("Slice", [x], until=9, starts=[0, 1], ends=[2, 10**9])
    yield Case("Slice", [x, Constant(whole(-1)), Constant(whole(-10**9)), Constant(whole(2)), Constant(whole(-2))], since=10)
    yield Case("Slice", [x, Constant(whole(0, 1)), Constant(whole(2, 2**63 - 1))], since=10)
    yield Case("Pad", [floats(2, 3)], until=10, pads=[0, 1, 1, 2], value=0.5)
    yield Case("Pad", [floats(2, 3), Constant(whole(0, 1, 1, -1)), Constant(np.float32(0.5))], since=11)
    yield Case("Shape", [x])
    yield Case("Shape", [x], since=15, start=1, end=-1)
    yield Case("Shape", [x], since=15, start=-2)
    yield Case("Size", [x])
    yield Case("ConstantOfShape", [Constant(whole(2, 3))])
    yield Case("ConstantOfShape", [Constant(whole(2))], value=numpy_helper.from_array(whole(5)))
    yield Case("Constant", [], value=numpy_helper.from_array(floats(2, 3)))
    yield Case("Constant", [], since=12, value_float=0.5)
    yield Case("Constant", [], since=12, value_ints=[3, 4])
    yield Case("Range", [Constant(np.int64(2)), Constant(np.int64(9)), Constant(np.int64(3))])
    yield Case("Range", [Constant(np.int64(9)), Constant(np.int64(2)), Constant(np.int64(-3))])


def indexing_cases():
    x = floats(3, 4)
    yield Case("Gather", [x, Constant(whole(2, 0, 1))])
    yield Case("Gather", [x, Constant(np.array([[3, 0]]))], axis=1)
    yield Case("Gather", [x, Constant(whole(-1))], since=11, axis=-1)
    yield Case("GatherElements", [x, Constant(np.array([[1, -1], [0, 2], [3, 3]]))], axis=1)
    yield Case("GatherND", [floats(2, 3, 4), Constant(np.array([[0, 1], [1, -1]]))])
    yield Case("GatherND", [floats(2, 3, 4), Constant(np.array([[2], [0]]))], since=12, batch_dims=1)
    yield Case("ScatterElements", [x, Constant(np.array([[1, 3]])), floats(1, 2)], axis=1)
    yield Case("ScatterElements", [x, Constant(np.array([[1, 1]])), floats(1, 2)], since=16, axis=1, reduction="add")
    yield Case("ScatterND", [x, Constant(np.array([[1], [2]])), floats(2, 4)])
    yield Case("TopK", [x], until=9, outputs=2, k=2)
    yield Case("TopK", [x, Constant(whole(2))], since=10, outputs=2)
    yield Case("TopK", [floats(3, 4, 2), Constant(whole(3))], since=11, outputs=2, axis=1, largest=0)
    yield Case("ArgMax", [x], axis=1)
    yield Case("ArgMax", [x], axis=0, keepdims=0)
    yield Case("NonZero", [np.array([[0, 2, 0], [1, 0, 3]], np.float32)])
    yield Case("OneHot", [Constant(whole(1, 0, 2)), Constant(whole(3)), Constant(np.array([0, 1], np.float32))], since=9)


def sum_cases():
    yield Case("MatMul", [floats(2, 3), floats(3, 4)])
    yield Case("MatMul", [floats(2, 1, 2, 3), floats(5, 3, 4)])
    yield Case("MatMul", [floats(3), floats(2, 3, 4)])
    yield Case("MatMul", [floats(2, 2, 3), floats(3)])
    yield Case("Gemm", [floats(2, 3), floats(3, 4), floats(4)])
    yield Case("Gemm", [floats(3, 2), floats(4, 3), floats(2, 1)], transA=1, transB=1, alpha=0.5, beta=0.25)
    yield Case("Gemm", [floats(2, 3), floats(3, 4)], since=11, beta=0.0)
    yield Case("Einsum", [floats(2, 3), floats(2, 3, 4)], equation="be,bed->bd")
    yield Case("Einsum", [floats(2, 3), floats(3, 4), floats(4)], equation="ab,bc,c->ac")
    x = floats(2, 3, 4)
    for operator in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
                     "ReduceLogSumExp"):
        yield Case(operator, [x])
        yield from with_list(operator, x, "axes", [1], 18)
        yield from with_list(operator, x, "axes", [0, 2], 18, keepdims=0)
        yield Case(operator, [x], since=18, noop_with_empty_axes=1)
    yield Case("ReduceSum", [x])
    yield from with_list("ReduceSum", x, "axes", [1], 13)
    yield from with_list("ReduceSum", x, "axes", [0, 2], 13, keepdims=0)
    yield Case("ReduceSum", [x], since=13, noop_with_empty_axes=1)
    for operator in ("Softmax", "LogSoftmax"):
        yield Case(operator, [floats(2, 5)])
        yield Case(operator, [x])
        yield Case(operator, [x], axis=1)
        yield Case(operator, [x], axis=2)
        yield Case(operator, [x], since=11, axis=-2)
    yield Case("BatchNormalization", [x, floats(3), floats(3), floats(3), positive(3)])
    yield Case("BatchNormalization", [floats(2, 3), floats(3), floats(3), floats(3), positive(3)], epsilon=0.01)
    yield Case("LayerNormalization", [x, floats(4), floats(4)], since=17)
    yield Case("LayerNormalization", [x, floats(3, 4)], since=17, axis=1, epsilon=0.01)
    yield Case("RMSNormalization", [x, floats(4)], since=23)
    yield Case("Dropout", [x])
    yield Case("Dropout", [x, Constant(np.float32(0)), Constant(np.array(True))], since=12)


def window_cases():
    x, image = floats(2, 4, 5), floats(2, 2, 4, 5)
    yield Case("Conv", [x, floats(3, 4, 2), floats(3)])
    yield Case("Conv", [x, floats(4, 2, 2)], group=2, pads=[1, 2], strides=[2], dilations=[2])
    yield Case("Conv", [image, floats(3, 2, 2, 3)], pads=[0, 1, 1, 0], strides=[1, 2], kernel_shape=[2, 3])
    yield Case("MaxPool", [x], kernel_shape=[2], strides=[2])
    yield Case("MaxPool", [image], kernel_shape=[2, 3], pads=[0, 1, 1, 1])
    yield Case("GlobalAveragePool", [image])
    yield Case("GlobalMaxPool", [x])
    yield Case("CastLike", [x, whole(1)])
    yield Case("CastLike", [whole(3, -2), floats(1)])


def all_cases():
    for cases in (unary_cases, binary_cases, layout_cases, indexing_cases, sum_cases, window_cases):
        yield from cases()


def versions_of(case, newest):
    """The operator sets to try: where the operator changed, the oldest and the newest, within the case's own range."""
    changes = {schema.since_version for schema in onnx.defs.get_all_schemas_with_history()
               if schema.name == case.operator and schema.domain == ""}
    first = max(OLDEST, case.since, min(changes))
    last = min(case.until, newest)
    return sorted(version for version in changes | {first, last} if first <= version <= last)


def make_model(case, opset):
    names, inputs, initializers = [], [], []
    for position, value in enumerate(case.inputs):
        if value is None:
            names.append("")
            continue
        names.append(f"i{position}")
        if isinstance(value, Constant):
            initializers.append(numpy_helper.from_array(value.array, names[-1]))
        else:
            inputs.append(helper.make_tensor_value_info(names[-1], helper.np_dtype_to_tensor_dtype(value.dtype), value.shape))
    outputs = [f"o{position}" for position in range(3 if "split" in case.attributes else case.outputs)]
    if case.operator == "Split" and len(case.inputs) == 2:
        outputs = [f"o{position}" for position in range(len(case.inputs[1].array))]
    node = helper.make_node(case.operator, names, outputs, **case.attributes)
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info(name) for name in outputs], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def tensor_text(array):
    array = np.asarray(array)
    kind = "whole" if array.dtype.kind in "iub" else "real"
    numbers = [int(value) if kind == "whole" else float(value) for value in array.reshape(-1)]
    return {"shape": list(array.shape), "kind": kind, "values": numbers}


def main():
    newest = onnx.defs.onnx_opset_version()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    entries, left_out = [], []
    for case in all_cases():
        of_case = []
        for opset in versions_of(case, newest):
            model = make_model(case, opset)
            settings = ", ".join(f"{key}={value}" for key, value in case.attributes.items() if key != "value")
            given = {f"i{i}": value for i, value in enumerate(case.inputs)
                     if value is not None and not isinstance(value, Constant)}
            try:
                session = onnxruntime.InferenceSession(model.SerializeToString(), options)
                results = [tensor_text(result) for result in session.run(None, given)]
            except Exception as error:
                left_out.append(f"{case.operator}-{opset} {settings}: {str(error)[:100]}")
                continue
            same = [entry for entry in of_case if entry["outputs"] == results]
            if same:
                same[0]["opsets"].append(opset)
                continue
            of_case.append({"name": f"{case.operator} {settings}".strip(), "opsets": [opset],
                            "model": base64.b64encode(model.SerializeToString()).decode(),
                            "inputs": {key: tensor_text(value) for key, value in given.items()}, "outputs": results})
        entries += of_case
    path = pathlib.Path(__file__).with_name("operators.json")
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n", encoding="utf-8")
    print(f"{len(entries)} models of {len({entry['name'].split()[0] for entry in entries})} operators, "
          f"{sum(len(entry['opsets']) for entry in entries)} with their operator sets")
    for line in left_out:
        print("onnxruntime has not:", line)


if __name__ == "__main__":
    main()
