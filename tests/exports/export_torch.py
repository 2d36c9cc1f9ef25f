"""Exports the models of torch_models.py and torch_rankers.py, and writes rows and the framework's scores beside each graph.

    python3 export_torch.py --work DIR [--only NAME,PREFIX*] [--exporter legacy|dynamo|dynamo_plain] [--type f32|f64|f16]

Leaves DIR/NAME.onnx, NAME.csv (rows by column names), NAME.npy (where the model reads one tensor of numbers) and
NAME.want.npy (scores, [rows, columns]) for check.py. What fails to be exported leaves NAME.failed. dynamo_plain is
without the optimiser.
"""
import inspect
import logging
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
from torch import nn

from inputs import draw, export_all, parser_of, write_rows, write_scores
import torch_rankers  # whose models join those of torch_models
from torch_models import MODELS

torch.set_num_threads(1)
logging.disable(logging.WARNING)
TYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16}


def randomise(module, seed):
    """Weights of unit gain, and batch statistics that matter."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, scale):
        return torch.randn(tensor.shape, generator=generator) * scale

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.LayerNorm)):
                part.weight.copy_(torch.rand(part.weight.shape, generator=generator) + 0.5)
                part.bias.copy_(normal(part.bias, 0.3))
            if isinstance(part, nn.BatchNorm1d):
                part.running_mean.copy_(normal(part.running_mean, 0.4))
                part.running_var.copy_(torch.rand(part.running_var.shape, generator=generator) * 1.5 + 0.4)
            if isinstance(part, nn.Linear):
                part.weight.copy_(normal(part.weight, 1.3 / part.weight.shape[1] ** 0.5))
                if part.bias is not None:
                    part.bias.copy_(normal(part.bias, 0.4))
    return module.eval()


def parts_of(result):
    """The outputs in the order in which exporters have them."""
    if isinstance(result, torch.Tensor):
        return [result.detach().double().numpy()]
    values = result.values() if isinstance(result, dict) else result
    return [part for value in values for part in parts_of(value)]


def export(module, examples, names, path, exporter):
    if exporter == "legacy":
        extra = {} if torch.__version__.startswith("1.") else {"dynamo": False}
        axes = {name: {0: "batch"} for name in names}
        return torch.onnx.export(module, examples, path, input_names=names, opset_version=14, dynamic_axes=axes, **extra)
    batch = torch.export.Dim("batch", min=2, max=4096)
    settings = {"input_names": names, "dynamic_shapes": tuple({0: batch} for _ in names), "dynamo": True}
    if "optimize" in inspect.signature(torch.onnx.export).parameters:
        settings.update(optimize=exporter == "dynamo", verbose=False)
        return torch.onnx.export(module, examples, path, **settings)
    program = torch.onnx.export(module, examples, **settings)
    if exporter == "dynamo" and hasattr(program, "optimize"):
        program.optimize()
    program.save(path)


def make(name, options):
    make_module, inputs = MODELS[name]
    torch.manual_seed(1)
    kind = TYPES[options.type]
    exact = torch.float64 if kind == torch.float64 else torch.float32  # what half precision would give without rounding
    module = randomise(make_module(), 5).to(kind)
    random = np.random.RandomState(7)
    values = {key: draw(spec, random, getattr(module, "whole", ())) for key, spec in inputs.items()}
    write_rows(options.work, name, values)
    given = [torch.from_numpy(v[:, 0] if inputs[key].kind == "ids" else v) for key, v in values.items()]
    with torch.no_grad():
        results = module.to(exact)(*[v.to(exact) if v.is_floating_point() else v for v in given])
    write_scores(options.work, name, parts_of(results))
    examples = tuple(v[:3].to(kind) if v.is_floating_point() else v[:3] for v in given)
    export(module.to(kind), examples, list(inputs), os.path.join(options.work, name + ".onnx"), options.exporter)


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--exporter", default="legacy", choices=["legacy", "dynamo", "dynamo_plain"])
    parser.add_argument("--type", default="f32", choices=list(TYPES))
    options = parser.parse_args()
    export_all(MODELS, lambda name: make(name, options), options)


if __name__ == "__main__":
    sys.exit(main())
