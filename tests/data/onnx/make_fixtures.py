#!/usr/bin/env python3
"""Writes the ONNX fixtures next to this script: made with torch 2.15, onnx 1.23 and torch-rechub 0.9.

Models of torch.nn modules through both exporters of torch.onnx, and torch-rechub's own models through its own exporter,
which keeps the weights in a file beside the model. rows.csv, rechub_rows.csv are inputs, <model>_expected.csv what torch
makes of them. What the exporters write about source lines and stacks is left out: it is ten times the rest.
"""
import pathlib

import numpy
import onnx
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
INPUTS, EXPERTS, WIDTH, TASKS, ROWS = 6, 3, 4, 2, 20


def einsum(gate, experts):
    return torch.einsum("be,bed->bd", gate, torch.stack(experts, 1))


def matmul(gate, experts):
    return torch.matmul(gate.unsqueeze(1), torch.stack(experts, 1)).squeeze(1)


def bmm(gate, experts):
    return torch.bmm(torch.stack(experts, 2), gate.unsqueeze(2)).squeeze(2)


def multiply_and_sum(gate, experts):
    return (torch.stack(experts, 1) * gate.unsqueeze(2)).sum(1)


def add_up(gate, experts):
    return sum(gate[:, e:e + 1] * expert for e, expert in enumerate(experts))


def mlp(sizes, last=nn.Identity):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(inputs, outputs), nn.ReLU() if i < len(sizes) - 2 else last()]
    return nn.Sequential(*layers)


def modules(count, make):
    return nn.ModuleList([make() for _ in range(count)])


class Mixture(nn.Module):
    """MMoE; with one gate OMoE."""
    def __init__(self, mix, num_gates):
        super().__init__()
        self.mix = mix
        self.experts = modules(EXPERTS, lambda: mlp([INPUTS, 5, WIDTH], nn.ReLU))
        self.gates = modules(num_gates, lambda: nn.Linear(INPUTS, EXPERTS))
        self.towers = modules(TASKS, lambda: mlp([WIDTH, 3, 1]))

    def forward(self, x):
        experts = [expert(x) for expert in self.experts]
        mixed = [self.mix(torch.softmax(gate(x), -1), experts) for gate in self.gates]
        mixed *= TASKS // len(mixed)
        return torch.cat([torch.sigmoid(tower(m)) for tower, m in zip(self.towers, mixed)], 1)


class SharedBottom(nn.Module):
    def __init__(self):
        super().__init__()
        self.bottom = mlp([INPUTS, 8, WIDTH], nn.Tanh)
        self.towers = modules(TASKS, lambda: mlp([WIDTH, 3, 1]))

    def forward(self, x):
        shared = self.bottom(x)
        return torch.cat([torch.sigmoid(tower(shared)) for tower in self.towers], 1)


class Extraction(nn.Module):
    """One level of PLE: two experts per task, two shared; a gate per task and one for what is shared."""
    def __init__(self, mix, inputs, last):
        super().__init__()
        self.mix, self.last = mix, last
        self.shared = modules(2, lambda: mlp([inputs, WIDTH], nn.ReLU))
        self.own = modules(TASKS, lambda: modules(2, lambda: mlp([inputs, WIDTH], nn.ReLU)))
        self.gates = modules(TASKS, lambda: nn.Linear(inputs, 4))
        self.shared_gate = None if last else nn.Linear(inputs, 2 + 2 * TASKS)

    def forward(self, streams):
        shared = [expert(streams[-1]) for expert in self.shared]
        own = [[expert(stream) for expert in experts] for experts, stream in zip(self.own, streams)]
        mixed = [self.mix(torch.softmax(gate(stream), -1), experts + shared)
                 for gate, stream, experts in zip(self.gates, streams, own)]
        if not self.last:
            mixed.append(self.mix(torch.softmax(self.shared_gate(streams[-1]), -1), sum(own, []) + shared))
        return mixed


class PLE(nn.Module):
    def __init__(self, mix):
        super().__init__()
        self.levels = nn.ModuleList([Extraction(mix, INPUTS, False), Extraction(mix, WIDTH, True)])
        self.towers = modules(TASKS, lambda: mlp([WIDTH, 3, 1]))

    def forward(self, x):
        streams = [x] * (TASKS + 1)
        for level in self.levels:
            streams = level(streams)
        return torch.cat([torch.sigmoid(tower(m)) for tower, m in zip(self.towers, streams)], 1)


class Fused(nn.Module):
    """All experts in one three-dimensional kernel, all gates in one layer, batch norms, a trunk, PReLU, two classes."""
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(INPUTS, 5), nn.BatchNorm1d(5), nn.LeakyReLU(0.2))
        self.kernel = nn.Parameter(torch.zeros(5, EXPERTS, WIDTH))
        self.bias = nn.Parameter(torch.zeros(EXPERTS, WIDTH))
        self.slopes = nn.PReLU(EXPERTS)
        self.gates = nn.Linear(5, TASKS * EXPERTS, bias=False)
        self.towers = modules(TASKS, lambda: mlp([WIDTH, 3, 2]))

    def forward(self, x):
        x = self.trunk(x)
        experts = self.slopes(torch.einsum("bd,deu->beu", x, self.kernel) + self.bias)
        gates = torch.softmax(self.gates(x).reshape(x.shape[0], TASKS, EXPERTS) / 0.5, 2)
        mixed = torch.einsum("bte,beu->btu", gates, experts)
        return torch.cat([torch.softmax(tower(m), 1)[:, 1:] for tower, m in zip(self.towers, mixed.unbind(1))], 1)


def randomise(model, random):
    """Values of 1/64 steps; variances are positive."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                continue
            values = torch.from_numpy(random.integers(-48, 49, tuple(tensor.shape)) / 64)
            tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)


def shorten(path):
    """Loads and saves without the notes of the exporter; weights in another file stay there."""
    model = onnx.load(path, load_external_data=False)
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for item in [*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output]:
        del item.metadata_props[:]
        item.doc_string = ""
    path.write_bytes(model.SerializeToString())


def write_csv(name, header, values):
    numpy.savetxt(HERE / name, values, "%.9g", ",", header=",".join(header), comments="")


def write_scores(name, output, model, inputs):
    with torch.no_grad():
        write_csv(name + "_expected.csv", [f"{output}.{t}" for t in range(TASKS)], model(*inputs).numpy())


def export(name, model, rows, random, dynamo, fixed_batch=False):
    randomise(model, random)
    model.eval()
    path = HERE / (name + ".onnx")
    x = torch.zeros(2, INPUTS)
    names = {"input_names": ["x"], "output_names": ["y"]}
    if dynamo:
        shapes = None if fixed_batch else ({0: torch.export.Dim("batch")},)
        torch.onnx.export(model, (x,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, **names)
    else:
        torch.onnx.export(model, (x,), path, dynamo=False, dynamic_axes=None if fixed_batch else {"x": {0: "b"}}, **names)
    shorten(path)
    write_scores(name, "y", model, (rows,))


def export_rechub(random):
    from torch_rechub.basic.features import DenseFeature, SparseFeature
    from torch_rechub.models.multi_task import MMOE, PLE as RechubPLE, SharedBottom as RechubSharedBottom
    from torch_rechub.utils.onnx_export import ONNXExporter, ONNXWrapper

    features = [SparseFeature("city", 7, embed_dim=4), DenseFeature("price"), SparseFeature("age", 5, embed_dim=4),
                SparseFeature("last_city", 7, embed_dim=4, shared_with="city"), DenseFeature("score")]
    names = [feature.name for feature in features]
    types, towers = ["classification"] * TASKS, [{"dims": [4]}] * TASKS
    columns = [random.integers(0, 7, ROWS), random.integers(-64, 65, ROWS) / 32, random.integers(0, 5, ROWS),
               random.integers(0, 7, ROWS), random.integers(-64, 65, ROWS) / 32]
    write_csv("rechub_rows.csv", names, numpy.stack(columns, 1))
    inputs = [torch.from_numpy(c) if c.dtype == numpy.int64 else torch.from_numpy(c.astype("f4"))[:, None]
              for c in columns]
    models = {"rechub_mmoe": MMOE(features, types, 3, {"dims": [6, 4]}, towers),
              "rechub_shared_bottom": RechubSharedBottom(features, types, {"dims": [6, 4]}, towers),
              "rechub_ple": RechubPLE(features, types, 2, 1, 1, {"dims": [4]}, towers)}
    for name, model in models.items():
        randomise(model, random)
        path = HERE / (name + ".onnx")
        ONNXExporter(model).export(str(path))
        shorten(path)
        write_scores(name, "output", ONNXWrapper(model, names), inputs)
        data = pathlib.Path(f"{path}.data")
        if data.exists() and data.stat().st_size == 0:
            data.unlink()  # all tensors were small enough for the model itself


def main():
    random = numpy.random.default_rng(1)
    rows = torch.from_numpy((random.integers(-64, 65, (ROWS, INPUTS)) / 32).astype("f4"))
    write_csv("rows.csv", [f"x{i}" for i in range(INPUTS)], rows.numpy())
    export("mmoe_einsum", Mixture(einsum, TASKS), rows, random, dynamo=True)
    export("mmoe_bmm", Mixture(bmm, TASKS), rows, random, dynamo=False, fixed_batch=True)
    export("mmoe_add", Mixture(add_up, TASKS), rows, random, dynamo=True, fixed_batch=True)
    export("omoe_sum", Mixture(multiply_and_sum, 1), rows, random, dynamo=False)
    export("omoe_matmul", Mixture(matmul, 1), rows, random, dynamo=True)
    export("shared_bottom", SharedBottom(), rows, random, dynamo=True)
    export("shared_bottom_fixed", SharedBottom(), rows, random, dynamo=False, fixed_batch=True)
    export("ple_matmul", PLE(matmul), rows, random, dynamo=False)
    export("ple_einsum", PLE(einsum), rows, random, dynamo=True)
    export("fused", Fused(), rows, random, dynamo=False)
    export("fused_dynamo", Fused(), rows, random, dynamo=True)
    export_rechub(random)


if __name__ == "__main__":
    main()
