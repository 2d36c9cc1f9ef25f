#!/usr/bin/env python3
"""Writes the fixture bags.* anew: weighted bags by TensorFlow and PyTorch in front of a network.

Needs torch and tensorflow in one environment; the tests that read the fixture need neither. Some weights are 0 or less.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "architectures")]
from ranker import LEVELS, Ranker  # noqa: E402
from fixture import randomise, text, write_csv, write_safetensors  # noqa: E402

FIXTURES = HERE / "fixtures"
ROWS, IDS, WIDTH, LENGTH = 30, 9, 3, 5


def bags(rng):
    """Ids and weights of each row; of every tenth none."""
    sizes = [0 if row % 10 == 9 else int(rng.integers(1, LENGTH + 1)) for row in range(ROWS)]
    weights = [np.round(rng.uniform(-0.3, 2, size), 3).astype(np.float32) for size in sizes]
    return [rng.integers(0, IDS, size) for size in sizes], weights


def tensorflow_bags(table, ids, weights, combiner):
    """[rows, width]; the library leaves weights of 0 or less out of means."""
    indices = [[row, i] for row, bag in enumerate(ids) for i in range(len(bag))]
    shape = [ROWS, LENGTH]
    sparse_ids = tf.SparseTensor(indices, np.concatenate(ids), shape)
    sparse_weights = None if weights is None else tf.SparseTensor(indices, np.concatenate(weights), shape)
    return tf.nn.safe_embedding_lookup_sparse(tf.constant(table), sparse_ids, sparse_weights, combiner).numpy()


def torch_bags(table, ids, weights):
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(table), mode="sum")
    offsets = np.cumsum([0] + [len(row) for row in ids[:-1]])
    return bag(torch.tensor(np.concatenate(ids)), torch.tensor(offsets),
               per_sample_weights=torch.tensor(np.concatenate(weights))).numpy()


def main():
    rng = np.random.default_rng(7)
    features, blocks, tensors, columns = [], [], {}, {}
    for name, pooling, weighted in [("a", "sum", True), ("b", "mean", True), ("c", "sqrtn", True), ("d", "sqrtn", False),
                                    ("e", "sum", True)]:
        table = rng.standard_normal((IDS, WIDTH)).astype(np.float32)
        ids, weights = bags(rng)
        made = (torch_bags(table, ids, weights) if name == "e" else
                tensorflow_bags(table, ids, weights if weighted else None, pooling))
        blocks.append(made)
        tensors[f"{name}.weight"] = torch.tensor(table)
        columns[name] = ["|".join(str(i) for i in row) for row in ids]
        feature = {"name": name, "kind": "sequence", "length": LENGTH, "pooling": pooling,
                   "vocabulary": {"identity": IDS}, "embedding": f"{name}.weight"}
        if weighted:
            feature["weights"] = f"{name} weights"
            columns[feature["weights"]] = ["|".join(text(w) for w in row) for row in weights]
        features.append(feature)
    network = Ranker(WIDTH * len(features))
    randomise(network, torch.Generator().manual_seed(7))
    with torch.no_grad():
        scores = network(torch.tensor(np.concatenate(blocks, axis=1)))
    (FIXTURES / "bags.json").write_text(json.dumps({"mmoe_description": 1, "features": features, **LEVELS}, indent=1) + "\n")
    write_safetensors(FIXTURES / "bags.safetensors", {**network.state_dict(), **tensors})
    write_csv(FIXTURES / "bags.rows.csv", list(columns), list(zip(*columns.values())))
    write_csv(FIXTURES / "bags.scores.csv", ["income", "married"], [[text(cell) for cell in row] for row in scores])


if __name__ == "__main__":
    main()
