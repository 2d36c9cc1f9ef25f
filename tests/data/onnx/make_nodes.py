#!/usr/bin/env python3
"""Writes nodes_*.onnx next to this script: the networks of tests/parity/architectures/nodes.py, with the weights that
their fixtures have. Rows and scores are those of the fixtures.

Made with PyTorch 1.13 alone, by its exporter at operator set 14.
"""
import pathlib
import sys
import warnings

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "parity" / "architectures"))
import nodes  # noqa: E402
import self_attention  # noqa: E402

warnings.filterwarnings("ignore")


class Columns(nn.Module):
    """An input for each column of the rows; a score of each task. A matrix of numbers is several columns."""

    def __init__(self, fixture):
        super().__init__()
        self.module, self.batch = fixture.module, fixture.batch
        widths = {name: tensor.shape[1] if tensor.is_floating_point() and tensor.dim() > 1 else 1 for name, tensor in self.batch.items()}
        others = [column for column in fixture.heading if column not in self.batch]
        self.columns = {name: [name] if name in fixture.heading else others[:widths[name]] for name in self.batch}

    def inputs(self):
        for name, columns in self.columns.items():
            tensor = self.batch[name]
            pieces = [tensor] if columns == [name] else tensor.split(1, dim=1)
            yield from zip(columns, pieces)

    def forward(self, *given):
        given, batch = iter(given), {}
        for name, columns in self.columns.items():
            pieces = [next(given) for _ in columns]
            batch[name] = pieces[0] if columns == [name] else torch.cat(pieces, dim=1)
        return self.module(batch).unbind(dim=1)


class Numbers(nn.Module):
    def __init__(self, fixture):
        super().__init__()
        self.module, self.batch = fixture.module, fixture.batch

    def inputs(self):
        yield "x", self.batch

    def forward(self, x):
        return self.module(x).unbind(dim=1)


def export(fixture):
    module = (Columns if isinstance(fixture.batch, dict) else Numbers)(fixture).eval()
    inputs = dict(module.inputs())
    torch.onnx.export(
        module, tuple(inputs.values()), HERE / f"nodes_{fixture.name}.onnx", opset_version=14, input_names=list(inputs),
        output_names=[task["name"] for task in fixture.description["tasks"]],
        dynamic_axes={name: {0: "batch"} for name in inputs})


def main():
    torch.set_num_threads(1)
    for fixture in (*nodes.all_fixtures(), *self_attention.all_fixtures()):
        export(fixture)


if __name__ == "__main__":
    main()
