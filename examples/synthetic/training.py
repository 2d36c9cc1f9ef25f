"""Many runs of several architectures, trained side by side on each run's own rows."""

import numpy as np
import torch

import generate
from experiment import family, optimise

VALIDATION, TEST = 1 << 32, 1 << 33  # first rows of the held-out sets; training takes rows from 0


class Runs:
    """The data of a group of runs. seeds: of their tasks; options: of generate.Tasks."""

    def __init__(self, seeds, **options):
        self.seeds = list(seeds)
        self.tasks = [generate.Tasks(seed, **options) for seed in self.seeds]

    def rows(self, first, count, cosines):
        """x: float32 [runs, count, dim]; {cosine: y, float32 [runs, count, 2]}."""
        x = np.empty((len(self.tasks), count, self.tasks[0].dim), np.float32)
        y = {cosine: np.empty((len(self.tasks), count, 2), np.float32) for cosine in cosines}
        for run, tasks in enumerate(self.tasks):
            tasks.inputs(first, count, out=x[run])
            projections = tasks.projections(x[run])
            for cosine in cosines:
                y[cosine][run] = tasks.labels(projections, first, cosine)
        labels = {cosine: torch.from_numpy(values) for cosine, values in y.items()}
        return torch.from_numpy(x), labels


class Student:
    """Networks of one architecture that learn tasks of one cosine: one per run, or with several
    `rates` one per run and learning rate (those of the first rate first)."""

    def __init__(self, config, cosine, runs, rates):
        rates = np.atleast_1d(rates)
        self.cosine, self.copies = cosine, len(rates)
        self.network = family.make(config, runs.seeds * len(rates), runs.tasks[0].dim, 2)
        per_run = np.repeat(rates, len(runs.seeds)) if len(rates) > 1 else rates[0]
        self.optimiser = optimise.Adam(self.network.parameters(), per_run)

    def repeated(self, tensor):
        return tensor if self.copies == 1 else tensor.repeat(self.copies, 1, 1)

    def step(self, x, y):
        """A step on each run's own squared error. x: [runs, batch, dim]; y: [runs, batch, 2]."""
        self.optimiser.zero_grad()
        errors = self.network(self.repeated(x)) - self.repeated(y)
        (errors.square().sum() / (errors.shape[1] * errors.shape[2])).backward()
        self.optimiser.step()

    @torch.no_grad()
    def scores(self, x):
        """float32 [copies * runs, rows, 2]."""
        return self.network(self.repeated(x)).numpy()

def by_step(rows, batch):
    """[runs, steps * batch, width] -> [steps, runs, batch, width]."""
    return rows.unflatten(1, (-1, batch)).transpose(0, 1).contiguous()


def train(students, runs, steps, batch, visit, checkpoints=(), chunk=20):
    """Every student on rows 0 ... steps * batch of its runs, each row once.

    visit(step) is called at the steps of `checkpoints` and when the last is done. chunk: the most
    steps whose rows are made at a time.
    """
    stops = sorted({0, *checkpoints, *range(0, steps, chunk), steps})
    cosines = sorted({student.cosine for student in students})
    if 0 in checkpoints:
        visit(0)
    for start, stop in zip(stops, stops[1:]):
        x, y = runs.rows(start * batch, (stop - start) * batch, cosines)
        x, y = by_step(x, batch), {cosine: by_step(labels, batch) for cosine, labels in y.items()}
        for student in students:
            for inputs, labels in zip(x, y[student.cosine]):
                student.step(inputs, labels)
        if stop in checkpoints or stop == steps:
            visit(stop)
