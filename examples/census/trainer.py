"""Trains networks of one shape side by side on shared minibatches; keeps each one's best epoch."""

import math
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import family, metrics, optimise  # noqa: E402

# At the highest rates, units of a cold start would die in the first steps.
WARM_UP = 0.1


class Split:
    """x (onehot.OneHot) of a split's rows and their labels, bool [rows, tasks]."""

    def __init__(self, x, labels):
        self.x, self.labels = x, labels


class Plan:
    """What is the same for all runs: epochs, batch_size, and the seed of the rows' order.

    Training ends early where no run has improved for `patience` epochs.
    """

    def __init__(self, epochs, batch_size, order_seed, patience=2):
        self.epochs, self.batch_size = epochs, batch_size
        self.order_seed, self.patience = order_seed, patience


def predict(network, x, part=4096):
    """Scores [runs, rows, tasks], float32."""
    with torch.no_grad():
        parts = [torch.sigmoid(network(x.rows(slice(first, first + part))))
                 for first in range(0, len(x), part)]
    return torch.cat(parts, 1).numpy()


def aucs(network, split):
    """[runs, tasks]; 0.5 for a run whose weights are no longer finite."""
    def of_run(scores):
        if not np.isfinite(scores).all():
            return [0.5] * network.tasks
        return [metrics.auc(*pair) for pair in zip(split.labels.T, scores.T)]

    return np.array([of_run(scores) for scores in predict(network, split.x)])


class Best:
    """Each run's weights and AUCs at the epoch of its highest validation AUC of the first task."""

    def __init__(self, network):
        self.aucs = np.zeros((network.runs, network.tasks))
        self.epochs = np.zeros(network.runs, int)
        self.weights = [parameter.detach().clone() for parameter in network.parameters()]

    def update(self, network, found, epoch):
        better = found[:, 0] > self.aucs[:, 0]
        self.aucs[better], self.epochs[better] = found[better], epoch
        chosen = torch.from_numpy(better)
        for kept, parameter in zip(self.weights, network.parameters()):
            kept[chosen] = parameter.detach()[chosen]

    def restore(self, network):
        with torch.no_grad():
            for kept, parameter in zip(self.weights, network.parameters()):
                parameter.copy_(kept)


def fit(config, seeds, rates, decay, train, validation, plan):
    """Trains a network per seed, each with its learning rate, all with this weight decay.

    Returns the networks with the weights of their best epochs, and the Best.
    """
    network = family.make(config, seeds, train.x.width, train.labels.shape[1])
    optimiser = optimise.Adam(network.parameters(), rates, weight_decays=decay)
    order = torch.Generator().manual_seed(plan.order_seed)
    labels = torch.from_numpy(train.labels.astype(np.float32))
    best = Best(network)
    for epoch in range(1, plan.epochs + 1):
        batches = torch.randperm(len(train.x), generator=order).split(plan.batch_size)
        for number, batch in enumerate(batches):
            done = (epoch - 1 + number / len(batches)) / plan.epochs
            step(network, optimiser, train.x.rows(batch), labels[batch], schedule(done))
        best.update(network, aucs(network, validation), epoch)
        if epoch - best.epochs.max() >= plan.patience:
            break
    best.restore(network)
    return network, best


def schedule(done):
    """Factor of the learning rates after this part of the training: a rise, then a cosine to 0."""
    return min(1.0, (done + 1e-3) / WARM_UP) * (1 + math.cos(math.pi * done)) / 2


def step(network, optimiser, x, labels, factor):
    """Each run's loss: the tasks' mean cross entropies added up, and what its architecture adds."""
    logits = network(x)
    losses = functional.binary_cross_entropy_with_logits(
        logits, labels.expand_as(logits), reduction="none")
    optimiser.zero_grad()
    (losses.mean(1).sum() + network.penalty().sum()).backward()
    optimiser.step(factor)
