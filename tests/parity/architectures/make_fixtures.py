#!/usr/bin/env python3
"""Writes the folder `fixtures` anew, from PyTorch modules with seeded random weights.

Needs PyTorch (Debian's python3-torch will do); the tests that read the fixtures need neither. The same PyTorch
writes the same bytes.
"""

import json

import architectures
import blocks
import inputs
import nodes
import parts
import routes
import self_attention
import torch
from fixture import FIXTURES

MODULES = [architectures, blocks, inputs, nodes, parts, routes, self_attention]


def main():
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    for old in FIXTURES.iterdir():
        old.unlink()
    index = {}
    for module in MODULES:
        for fixture in module.all_fixtures():
            assert fixture.name not in index, fixture.name
            fixture.write(FIXTURES)
            index[fixture.name] = fixture.architecture
    (FIXTURES / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    print(f"{len(index)} fixtures")


if __name__ == "__main__":
    main()
