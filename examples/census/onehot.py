"""Census rows as one-hot columns and scaled numbers: at most 38 of x's 483 columns are not zero.

Nothing in x is learned, so what an architecture shares between tasks is what its network shares.
The description gives each categorical feature the identity matrix as its embedding: the runtime
makes the same x of raw rows. A category that the training rows do not have is all zeros, as its
column could not be trained.
"""

import numpy as np
import torch
from torch.nn import functional

import features as feature_rules


def fit(rows, clip_quantile=0.99):
    """The features list for these rows, as mmoe-convert reads it; a column in x per category."""
    return [{**f, "first_id": 0, "unknown": "zero"} if f["kind"] == "categorical" else f
            for f in feature_rules.fit(rows, clip_quantile)]


def tables(features):
    """{name: identity matrix} of the features' embeddings."""
    return {f["embedding"]: torch.eye(len(f["vocabulary"]))
            for f in features if f["kind"] == "categorical"}


def encode(features, rows):
    """The rows' x, as OneHot."""
    columns, values, first = [], [], 0
    for feature in features:
        texts = [row[feature["name"]] for row in rows]
        if feature["kind"] == "dense":
            values.append(feature_rules.encode_column(feature, texts))
            columns.append(np.full(len(rows), first))
            first += 1
        else:
            # Counted from 1, so that 0 is left for what the vocabulary does not have.
            ids = feature_rules.encode_column({**feature, "first_id": 1}, texts)
            values.append((ids != feature_rules.UNKNOWN_ID).astype(np.float32))
            columns.append(first + np.maximum(ids - 1, 0))
            first += len(feature["vocabulary"])
    columns, values = (torch.from_numpy(np.stack(parts, 1)) for parts in (columns, values))
    return OneHot(columns, values, first)


class OneHot:
    """A matrix [rows, width] of few numbers per row; x of experiment.family's networks.

    columns: int64 [rows, numbers]; values: float32 [rows, numbers].
    """

    def __init__(self, columns, values, width):
        self.columns, self.values, self.width = columns, values, width
        self.by_column = None

    def __len__(self):
        return len(self.columns)

    def dim(self):
        return 2

    def rows(self, chosen):
        """chosen: int64 [rows], or a slice."""
        return OneHot(self.columns[chosen], self.values[chosen], self.width)

    def __matmul__(self, weight):
        return Product.apply(weight, self)

    def dense(self):
        return torch.zeros(len(self), self.width).scatter_add_(1, self.columns, self.values)

    def transposed(self):
        """Rows, values and first positions of each column's numbers; made when first needed."""
        if self.by_column is None:
            flat = self.columns.flatten()
            order = torch.from_numpy(np.argsort(flat.numpy().astype(np.int16), kind="stable"))
            counts = torch.bincount(flat, minlength=self.width)
            rows = torch.div(order, self.columns.shape[1], rounding_mode="floor")
            self.by_column = rows, self.values.flatten()[order], counts.cumsum(0) - counts
        return self.by_column


class Product(torch.autograd.Function):
    """x @ weight: [rows, width] x [width, outputs], of the numbers that x holds alone."""

    @staticmethod
    def forward(context, weight, x):
        context.x = x
        return functional.embedding_bag(x.columns, weight, mode="sum", per_sample_weights=x.values)

    @staticmethod
    def backward(context, gradient):
        rows, values, first = context.x.transposed()
        return functional.embedding_bag(
            rows, gradient.contiguous(), first, mode="sum", per_sample_weights=values), None
