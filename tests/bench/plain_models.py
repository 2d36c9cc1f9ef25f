#!/usr/bin/env python3
"""Writes the two small models of the comparison, and a third, without PyTorch: plain_models.py FOLDER

NAME.safetensors with random weights, as freshly initialised layers of PyTorch have them but sharper, and NAME.json, the
description. For a quick run where PyTorch is not installed. Standard library only.
"""

import array
import json
import pathlib
import random
import sys

import sizes

NAMES = ("paper", "small")
OTHER = "other"  # as large as the small model, with other weights


def stack(prefix, inputs, widths):
    """(name, outputs, inputs) of Linear layers with a ReLU between them, as nn.Sequential numbers them."""
    for number, outputs in enumerate(widths):
        yield f"{prefix}.{2 * number}", outputs, inputs
        inputs = outputs


def layers(name):
    """(name, outputs, inputs, factor, has a bias)"""
    inputs, num_experts, expert_widths, num_tasks, tower_widths = sizes.SIZES[name]
    for expert in range(num_experts):
        yield from ((*layer, 1, True) for layer in stack(f"experts.{expert}", inputs, expert_widths))
    for task in range(num_tasks):
        yield f"gates.{task}", num_experts, inputs, 4, False
        *hidden, last = stack(f"towers.{task}", expert_widths[-1], [*tower_widths, 1])
        yield from ((*layer, 1, True) for layer in hidden)
        yield (*last, 8, True)


def write_safetensors(path, tensors):
    """tensors: name -> (shape, values)"""
    header, data = {}, bytearray()
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += values.tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*NAMES, OTHER):
        numbers, tensors = random.Random(name), {}
        shapes = "small" if name == OTHER else name
        for layer, outputs, inputs, factor, has_bias in layers(shapes):
            bound = factor * inputs ** -0.5
            uniform = lambda count: array.array("f", (numbers.uniform(-bound, bound) for _ in range(count)))
            tensors[f"{layer}.weight"] = ([outputs, inputs], uniform(outputs * inputs))
            if has_bias:
                tensors[f"{layer}.bias"] = ([outputs], uniform(outputs))
        write_safetensors(folder / f"{name}.safetensors", tensors)
        (folder / f"{name}.json").write_text(json.dumps(sizes.description(shapes), indent=1) + "\n")


if __name__ == "__main__":
    main()
