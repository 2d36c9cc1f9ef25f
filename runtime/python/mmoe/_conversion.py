"""Conversion in the process: weights in memory, the model in memory."""

from __future__ import annotations

import inspect
import io
import json
import os
import tempfile
import warnings as _warnings
from typing import Any, NamedTuple

from . import _tables
from ._safetensors import encode
from .errors import ConvertError


class ConversionWarning(UserWarning):
    """A model may be incomplete, though it was converted."""


class Report(NamedTuple):
    """What a conversion found out. `str()` gives the lines that mmoe-convert prints."""

    summary: str
    warnings: list[str]
    num_compared: int  #: scores of golden rows that were compared with the description, in double precision
    largest_difference: float  #: of these
    graph_rows: int  #: random rows on which the file was compared with the ONNX graph; 0: there is none
    graph_difference: float  #: largest difference there, relative to max(1, |score|)
    numbers: str = ""  #: with `quantize`: JSON of the types that were found, for `numbers`
    module_rows: int = 0  #: from_torch(): rows of the example that were compared with the module
    module_difference: float = 0.0  #: largest difference there, relative to max(1, |score|)

    def __str__(self) -> str:
        lines = self.summary.rstrip("\n")
        if self.module_rows:
            lines += f"\ncompared with the module on {self.module_rows} rows: largest difference {self.module_difference:.2g}"
        return lines


def _native():
    try:
        from . import _convert
    except ImportError as error:
        raise ConvertError(
            "this package was built without the converter: install nlohmann-json3-dev, libxxhash-dev and libcli11-dev "
            f"(Debian), and build it again ({error})"
        ) from None
    return _convert


# ---------------------------------------------------------------------------------------- weights


class _Weights(NamedTuple):
    path: str  #: of a file, or how errors call the bytes
    data: Any = None  #: the bytes of a file; None: it lies at `path`
    temporary: str = ""  #: a file to be removed


def _weights_of(weights) -> _Weights:
    if isinstance(weights, (str, os.PathLike)):
        return _Weights(os.fsdecode(weights))
    if isinstance(weights, (bytes, bytearray, memoryview)):
        return _Weights("weights", weights)
    if hasattr(weights, "state_dict"):
        return _of_state_dict(weights.state_dict())
    if hasattr(weights, "get_config") and hasattr(weights, "save"):
        return _of_keras(weights)
    if hasattr(weights, "items"):
        return _of_state_dict(weights)
    raise ConvertError(
        f"weights: {type(weights).__name__}, expected a path, a state dict, a module, arrays by name, or a file's bytes"
    )


def _of_state_dict(state) -> _Weights:
    data = encode(state)
    if data is None:  # quantised or packed tensors, which only PyTorch's own format has
        import torch

        file = io.BytesIO()
        torch.save(state, file)
        data = file.getvalue()
    return _Weights("weights", data)


def _of_keras(model) -> _Weights:
    handle, path = tempfile.mkstemp(suffix=".keras")
    os.close(handle)
    try:
        model.save(path)
    except BaseException:
        os.unlink(path)
        raise
    return _Weights(path, None, path)


def _text_of(description) -> str:
    if description is None:
        return ""
    if isinstance(description, (str, os.PathLike)):
        return os.fsdecode(description)
    return json.dumps(description)


# ---------------------------------------------------------------------------------------- conversion


def _labels_of(labels):
    """("TASK=COLUMN" as given, arrays by task)."""
    if labels is None:
        return [], {}
    if isinstance(labels, dict):
        named = [f"{task}={column}" for task, column in labels.items() if isinstance(column, str)]
        return named, {task: values for task, values in labels.items() if not isinstance(values, str)}
    return list(labels), {}


def convert(
    weights,
    description=None,
    *,
    recipe: str = "",
    name: str = "",
    weight_type: str = "f32",
    table_type: str = "f32",
    numbers=None,
    quantize: bool = False,
    budget=(),
    rows=None,
    labels=None,
    golden_rows: int = 8,
    seed: int = 1,
):
    """Convert trained weights to a Model, whose file is in memory: model.save(path) writes it, model.report says what
    was found.

    `weights` is a path, a state dict, a module with one (PyTorch), arrays by name, a Keras model, or the bytes of a file
    that mmoe-convert reads. `description` says what the tensors mean (converter/DESCRIPTION.md): a dict, a path, or JSON;
    ONNX models and those of known libraries need none. `recipe` names the library.

    `weight_type` ("f16", "bf16", "i8", "w8a8") and `table_type` ("f16", "u8", "u4") store smaller numbers. `quantize`
    finds the smallest that keep `budget` (["auc=0.0005", "bytes=2MB"]) on `rows`: a path, an array of x, or a table as
    score_rows() takes it, with `labels` of tasks as arrays or names of columns. ConvertError names the tensor, the
    feature or the key that is wrong.
    """
    given = _weights_of(weights)
    named, arrays = _labels_of(labels)
    with _tables.row_file(rows, arrays) as rows_path:
        try:
            made = _native().convert(
                given.path,
                given.data,
                name=name or ("" if given.data is None and not given.temporary else "model"),
                description=_text_of(description),
                recipe=recipe,
                numbers="" if numbers is None else _text_of(numbers),
                rows=rows_path,
                labels=named,
                budget=[budget] if isinstance(budget, str) else list(budget),
                quantize=quantize,
                weight_type=weight_type,
                table_type=table_type,
                golden_rows=golden_rows,
                seed=seed,
            )
        finally:
            if given.temporary:
                os.unlink(given.temporary)
    return _model_of(made)


def _model_of(made):
    from . import Model

    file, summary, warnings, numbers, compared, difference, graph_rows, graph_difference = made
    for warning in warnings:
        _warnings.warn(warning, ConversionWarning, stacklevel=3)
    model = Model.load(file)
    model.report = Report(summary, warnings, compared, difference, graph_rows, graph_difference, numbers)
    return model


def describe(weights, settings=None, *, recipe: str = "") -> dict:
    """The description that a recipe makes of the weights of a known library (converter/RECIPES.md)."""
    given = _weights_of(weights)
    try:
        text = _native().describe(given.path, given.data, description=_text_of(settings), recipe=recipe)
    finally:
        if given.temporary:
            os.unlink(given.temporary)
    return json.loads(text)


# ---------------------------------------------------------------------------------------- PyTorch


def from_torch(module, example, *, tasks=None, input_names=None, tolerance: float = 1e-5, opset_version=None, **options):
    """Export a module of PyTorch, recognise it, and compare: the Model, or ConvertError.

    `example` is what the module is called with: a tensor, or a tuple of them, with at least two rows. `tasks` name the
    scores, in the order of the module's outputs (a tensor [rows, tasks], or several). The file is compared with the
    exported graph on random rows, and with the module on the example: model.report.module_difference, at most
    `tolerance`. Further options are those of convert().
    """
    import torch

    inputs = tuple(example) if isinstance(example, (tuple, list)) else (example,)
    names = list(input_names) if input_names else _parameters(module, len(inputs))
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            outputs = _tensors_of(module(*inputs))
        exported, output_names = _named_outputs(torch, module, outputs, tasks)
        data = _export(torch, exported, inputs, names, output_names, opset_version)
    finally:
        module.train(was_training)
    model = convert(data, name=options.pop("name", type(module).__name__), **options)
    return _compared(model, torch, dict(zip(names, inputs)), outputs, tolerance, options)


def _parameters(module, count):
    names = [name for name in inspect.signature(module.forward).parameters]
    return names[:count] if len(names) >= count else [f"input_{i}" for i in range(count)]


def _tensors_of(outputs):
    if isinstance(outputs, dict):
        return list(outputs.values())
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def _named_outputs(torch, module, outputs, tasks):
    """What to export, and the names of its outputs, which are those of the tasks."""
    if tasks is None or len(tasks) == len(outputs):
        plain = ["scores"] if len(outputs) == 1 else [f"task_{i}" for i in range(len(outputs))]
        return module, plain if tasks is None else list(tasks)
    columns = sum(tensor.reshape(len(tensor), -1).shape[1] for tensor in outputs)
    if columns != len(tasks):
        raise ConvertError(f"tasks: {len(tasks)} names, the module gives {columns} scores in {len(outputs)} outputs")

    class Columns(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, *inputs):
            found = torch.cat([tensor.reshape(tensor.shape[0], -1) for tensor in _tensors_of(self.module(*inputs))], 1)
            return tuple(found[:, i : i + 1] for i in range(columns))

    return Columns().eval(), list(tasks)


def _export(torch, module, inputs, names, output_names, opset_version):
    file = io.BytesIO()
    options = {"opset_version": opset_version} if opset_version else {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    with _warnings.catch_warnings():
        _warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            file,
            input_names=names,
            output_names=output_names,
            dynamic_axes={name: {0: "batch"} for name in [*names, *output_names]},
            **options,
        )
    return file.getvalue()


def _compared(model, torch, inputs, outputs, tolerance, options):
    expected = torch.cat([tensor.reshape(len(tensor), -1) for tensor in outputs], dim=1).double()
    found = _score_inputs(model, torch, inputs)
    if found is None:
        _warnings.warn("the model was not compared with the module: its features are not the module's inputs",
                       ConversionWarning, stacklevel=3)
        return model
    if found.shape != expected.shape:
        raise ConvertError(f"the module gives {tuple(expected.shape)} scores, the model {tuple(found.shape)}")
    difference = float(((found - expected).abs() / expected.abs().clamp(min=1)).max()) if expected.numel() else 0.0
    is_f32 = all(options.get(key, "f32") == "f32" for key in ("weight_type", "table_type"))
    exact = is_f32 and not options.get("numbers") and not options.get("quantize")
    if exact and not difference <= tolerance:
        raise ConvertError(f"the model's scores differ from the module's by {difference:.3g}, more than {tolerance:g}")
    model.report = model.report._replace(module_rows=len(expected), module_difference=difference)
    return model


def _score_inputs(model, torch, inputs):
    """Scores in double, or None where the inputs are not what the model takes."""
    session = model.session()
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in inputs.items()}
    if not model.features:
        if len(arrays) != 1:
            return None
        (x,) = arrays.values()
        return torch.from_numpy(session.score(x.astype("float32").reshape(len(x), -1))).double()
    columns = {}
    for name, array in arrays.items():
        columns[name] = array.reshape(len(array)) if array.ndim == 2 and array.shape[1] == 1 else array
        if array.ndim == 2:
            columns.update({f"{name}.{i}": array[:, i] for i in range(array.shape[1])})
    if any(feature.source not in columns and f"{feature.source}.0" not in columns for feature in model.features):
        return None
    return torch.from_numpy(session.score_rows(columns)).double()
