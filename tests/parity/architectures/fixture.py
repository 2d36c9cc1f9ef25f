"""What every fixture consists of, and how it is written: weights, description, rows and the scores PyTorch gives.

A fixture `name` is four files in the folder `fixtures`:
  name.safetensors   the module's state dict
  name.json          the description, and beside it under "expected_architecture" nothing: that is in index.json
  name.rows.csv      raw rows with a heading, or x itself
  name.scores.csv    what the module gives for them, a column per task that is an output
"""

import csv
import json
import pathlib
import struct

import torch
from torch import nn

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
NUM_ROWS = 24


def write_safetensors(path, tensors):
    """The format of huggingface/safetensors: length of the header, the header in JSON, the bytes."""
    header, chunks, offset = {}, [], 0
    for name, tensor in tensors.items():
        data = tensor.detach().contiguous().to(torch.float32).numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def randomise(module, generator):
    """Weights of a size at which scores spread, and running statistics that are not those of a new layer."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.copy_(0.3 + torch.rand(tensor.shape, generator=generator))
            elif tensor.dim() >= 2:
                fan_in = tensor.shape[-1]
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * (1.6 / fan_in ** 0.5))
            else:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.4)


def write_csv(path, heading, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)


def text(value):
    """Nine digits give the float32 back."""
    return value if isinstance(value, (str, int)) else f"{float(value):.9g}"


class Fixture:
    """`module(x)`, or for raw rows `module(batch)` with a dict of columns, returns scores [rows, tasks]."""

    def __init__(self, name, architecture, module, description, inputs=None, batch=None, seed=None):
        self.name, self.architecture, self.module, self.description = name, architecture, module, description
        generator = torch.Generator().manual_seed(seed if seed is not None else sum(map(ord, name)))
        randomise(module, generator)
        if batch is None:
            self.batch = torch.randn(NUM_ROWS, inputs, generator=generator)
            self.heading = [f"x{i}" for i in range(inputs)]
            self.rows = [[text(v) for v in row] for row in self.batch.tolist()]
        else:
            self.batch, self.heading, self.rows = batch(generator)

    def write(self, folder):
        self.module.eval()
        with torch.no_grad():
            scores = self.module(self.batch)
        tasks = [task["name"] for task in self.description["tasks"] if task.get("output", True)]
        assert scores.shape == (len(self.rows), len(tasks)), (self.name, scores.shape)
        assert torch.isfinite(scores).all(), self.name
        weights = {name: tensor for name, tensor in self.module.state_dict().items() if tensor.is_floating_point()}
        write_safetensors(folder / f"{self.name}.safetensors", weights)
        (folder / f"{self.name}.json").write_text(json.dumps({"mmoe_description": 1, **self.description}, indent=1) + "\n")
        write_csv(folder / f"{self.name}.rows.csv", self.heading, self.rows)
        write_csv(folder / f"{self.name}.scores.csv", tasks, [[text(v) for v in row] for row in scores.tolist()])


def mlp(dims, activation=nn.ReLU, last=True, norm=False):
    """Linear -> [BatchNorm] -> activation, one after the other; `last`: an activation behind the last layer too."""
    layers = []
    for i in range(len(dims) - 1):
        layers.append(nn.Linear(dims[i], dims[i + 1]))
        if i + 2 < len(dims) or last:
            layers += [nn.BatchNorm1d(dims[i + 1])] if norm else []
            layers.append(activation())
    return nn.Sequential(*layers)


def tower(width):
    return mlp([width, 5, 1], last=False)


def mix(weights, experts):
    """[rows, experts] and a list of [rows, width] -> [rows, width]"""
    return torch.einsum("be,bed->bd", weights, torch.stack(experts, dim=1))


def sigmoids(logits):
    return torch.sigmoid(torch.cat(logits, dim=1))


def tasks(*names, link="sigmoid"):
    return [{"name": name, "link": link} for name in names]
