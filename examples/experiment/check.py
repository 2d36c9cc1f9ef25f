#!/usr/bin/python3
"""Every architecture from PyTorch through the converter and the runtime: the scores must agree.

Also that a run learns the same whatever runs stand beside it, and that Adam is torch.optim.Adam.
Needs PyTorch and NumPy, and the programs of mmoe-edge (see runtime.py).
"""

import pathlib
import sys
import tempfile

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import family, optimise, runtime  # noqa: E402

INPUTS, TASKS, ROWS = 12, 2, 200
CONFIGS = [
    {"architecture": "single_task", "hidden": [9], "tower": [5], "tasks": 1},
    {"architecture": "shared_bottom", "hidden": [11, 7], "tower": [5]},
    {"architecture": "l2_constrained", "hidden": [9, 6], "tower": [5], "penalty": 0.1},
    {"architecture": "cross_stitch", "hidden": [9, 6], "tower": [5]},
    {"architecture": "tensor_factorisation", "hidden": [9, 6], "ranks": [4, 5, 2], "tower": [5]},
    {"architecture": "omoe", "experts": 4, "hidden": [6], "tower": [5]},
    {"architecture": "mmoe", "experts": 4, "hidden": [8, 6], "tower": [5]},
    {"architecture": "mmoe", "experts": 4, "hidden": [6], "tower": [5], "trunk": [10]},
    {"architecture": "ple", "levels": 1, "specific": 2, "shared": 3, "hidden": [6], "tower": [5]},
    {"architecture": "ple", "levels": 2, "specific": 2, "shared": 3, "hidden": [6], "tower": [5]},
]
# Sums of at most INPUTS products of order 1 through few layers: a handful of float32 roundings of 6e-8.
TOLERANCE = 1e-6


def train(network, x, y, rates, steps=20, weight_decays=0.0):
    """A few steps, so that no weight is what it was at the start."""
    optimiser = optimise.Adam(network.parameters(), rates, weight_decays=weight_decays)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (network(x) - y).square().mean((1, 2)) + network.penalty()
        loss.sum().backward()
        optimiser.step()
    return network


def check_runtime(config, x, y, folder):
    tasks = config.get("tasks", TASKS)
    network = train(family.make(config, [1, 2], INPUTS, tasks), x, y[..., :tasks], torch.tensor([1e-2, 3e-3]))
    names = [f"y{task + 1}" for task in range(tasks)]
    with torch.no_grad():
        expected = network(x).numpy()
    difference = max(
        np.abs(runtime.score_run(network, run, names, "identity", x.numpy(), folder) - expected[run]).max()
        for run in range(2))
    print(f"{config['architecture']:22s} {network.parameters_per_run():6d} parameters, "
          f"largest difference {difference:.1e}")
    return difference <= TOLERANCE


def check_independence(x, y):
    """One run among three, with its own rate, ends where it ends alone, to the rounding of other products' order."""
    config = CONFIGS[6]
    together = train(family.make(config, [1, 2, 3], INPUTS, TASKS), x, y, torch.tensor([1e-2, 3e-3, 1e-3]))
    alone = train(family.make(config, [2], INPUTS, TASKS), x, y, torch.tensor([3e-3]))
    return same_weights("a run alone", together.state_of_run(1), alone.state_of_run(0))


def check_adam(x, y, rates, decay):
    config = CONFIGS[6]
    ours = train(family.make(config, [1], INPUTS, TASKS), x, y, rates, weight_decays=decay)
    theirs = family.make(config, [1], INPUTS, TASKS)
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=float(rates), weight_decay=decay)
    for _ in range(20):
        optimiser.zero_grad()
        (theirs(x) - y).square().mean((1, 2)).sum().backward()
        optimiser.step()
    return same_weights(f"torch.optim.AdamW, decay {decay}", ours.state_of_run(0), theirs.state_of_run(0))


def same_weights(what, a, b):
    difference = max(float((a[name] - b[name]).abs().max()) for name in a)
    print(f"{what}: largest difference of a weight {difference:.1e}")
    # 20 steps of 1e-2 at most; an update's relative error is that of a few float32 roundings.
    return difference <= 1e-5


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(ROWS, INPUTS, generator=generator)
    y = torch.randn(ROWS, TASKS, generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        passed = [check_runtime(config, x, y, folder) for config in CONFIGS]
    passed.append(check_independence(x, y))
    passed += [check_adam(x, y, rates, decay) for rates in (1e-2, torch.tensor([1e-2])) for decay in (0.0, 0.5)]
    if not all(passed):
        sys.exit("error: a difference is beyond its tolerance")


if __name__ == "__main__":
    main()
