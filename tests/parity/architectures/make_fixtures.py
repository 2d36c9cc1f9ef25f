#!/usr/bin/env python3
"""Writes the folder `fixtures` anew, from PyTorch modules with seeded random weights: make_fixtures.py [NAME...]

NAME: the fixtures to write; the others stay as they are. Needs PyTorch (Debian's python3-torch will do), and for all
fixtures the libraries of library_layers.py; the tests that read the fixtures need none of these. The same PyTorch on the
same machine writes the same bytes.
"""

import json
import sys

import architectures
import blocks
import inputs
import interactions
import library_layers
import nodes
import papers
import parts
import routes
import self_attention
import torch
from fixture import FIXTURES

MODULES = [architectures, blocks, inputs, interactions, library_layers, nodes, papers, parts, routes, self_attention]


def make(wanted):
    """All fixtures, or those that are wanted."""
    for module in MODULES:
        try:
            yield from (fixture for fixture in module.all_fixtures() if not wanted or fixture.name in wanted)
        except ImportError as error:
            if not wanted:
                sys.exit(f"error: {error}; nothing was written")


def main():
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    fixtures = list(make(wanted))
    names = [fixture.name for fixture in fixtures]
    assert len(set(names)) == len(names), names
    if missing := sorted(wanted - set(names)):
        sys.exit(f"error: no fixture is named {', '.join(missing)}, or its library is not there")
    index = json.loads((FIXTURES / "index.json").read_text()) if wanted else {}
    for old in FIXTURES.iterdir() if not wanted else []:
        old.unlink()
    for fixture in fixtures:
        fixture.write(FIXTURES)
        index[fixture.name] = fixture.architecture
    (FIXTURES / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    print(f"{len(fixtures)} fixtures")


if __name__ == "__main__":
    main()
