"""Rankers as public repositories spell them, in PaddlePaddle, exported by paddle2onnx.

    python3 paddle_models.py --work DIR [--only NAME,PREFIX*]

Leaves what export_torch.py does.
"""
import os
import sys

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from inputs import draw, export_all, fields, history, ids, numbers, parser_of, write_rows, write_scores

MODELS = {}


def model(name, **inputs):
    def keep(cls):
        MODELS[name] = (cls, inputs)
        return cls

    return keep


class Mmoe(nn.Layer):
    """As PaddleRec has it: lists of layers, softmax of axis 1, reduce_sum."""

    def __init__(self, width, experts=3, out=6, tasks=2):
        super().__init__()
        self.experts = nn.LayerList([nn.Linear(width, out) for _ in range(experts)])
        self.gates = nn.LayerList([nn.Linear(width, experts) for _ in range(tasks)])
        self.towers = nn.LayerList([nn.Linear(out, 5) for _ in range(tasks)])
        self.outs = nn.LayerList([nn.Linear(5, 1) for _ in range(tasks)])

    def forward(self, x):
        experts = paddle.reshape(
            paddle.concat([F.relu(e(x)) for e in self.experts], axis=1), [-1, len(self.experts), 6]
        )
        outputs = []
        for gate, tower, out in zip(self.gates, self.towers, self.outs):
            weights = paddle.reshape(F.softmax(gate(x)), [-1, len(self.experts), 1])
            mixed = paddle.sum(paddle.multiply(experts, weights), axis=1)
            outputs.append(F.sigmoid(out(F.relu(tower(mixed)))))
        return outputs


@model("mmoe", x=numbers(12))
class Plain(nn.Layer):
    def __init__(self):
        super().__init__()
        self.mmoe = Mmoe(12)

    def forward(self, x):
        return self.mmoe(x)


@model("norms", x=numbers(10))
class Norms(nn.Layer):
    def __init__(self):
        super().__init__()
        self.norm, self.first, self.layer_norm = nn.BatchNorm1D(10), nn.Linear(10, 8), nn.LayerNorm(8)
        self.drop = nn.Dropout(0.3)
        self.mmoe = Mmoe(8)

    def forward(self, x):
        return self.mmoe(self.drop(F.gelu(self.layer_norm(self.first(self.norm(x))))))


@model("embeddings", user=ids(9), cat=fields(3, 11))
class Embeddings(nn.Layer):
    def __init__(self):
        super().__init__()
        self.users, self.table = nn.Embedding(9, 4), nn.Embedding(11, 4)
        self.mmoe = Mmoe(16)

    def forward(self, user, cat):
        e = paddle.reshape(self.table(cat), [-1, 12])
        return self.mmoe(paddle.concat([paddle.squeeze(self.users(user), 1), e], axis=1))


@model("fm", cat=fields(4, 11))
class Fm(nn.Layer):
    def __init__(self):
        super().__init__()
        self.table, self.wide = nn.Embedding(11, 5), nn.Embedding(11, 1)
        self.mmoe = Mmoe(20)

    def forward(self, cat):
        e = self.table(cat)
        fm = 0.5 * paddle.sum(paddle.square(paddle.sum(e, 1)) - paddle.sum(paddle.square(e), 1), axis=1, keepdim=True)
        wide = paddle.sum(self.wide(cat), axis=1)
        return [F.sigmoid(fm + wide)] + self.mmoe(paddle.flatten(e, start_axis=1))


@model("hist_mean", hist=history(6, 13), item=ids(13))
class HistMean(nn.Layer):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 5)
        self.mmoe = Mmoe(10)

    def forward(self, hist, item):
        mask = paddle.cast(hist != 0, "float32").unsqueeze(-1)
        pooled = paddle.sum(self.items(hist) * mask, axis=1) / (paddle.sum(mask, axis=1) + 1e-8)
        return self.mmoe(paddle.concat([pooled, paddle.squeeze(self.items(item), 1)], axis=1))


@model("din", hist=history(6, 13), item=ids(13))
class Din(nn.Layer):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(13, 5)
        self.a, self.b = nn.Linear(20, 8), nn.Linear(8, 1)
        self.mmoe = Mmoe(10)

    def forward(self, hist, item):
        k, q = self.items(hist), self.items(item)
        qs = paddle.expand(q, [-1, 6, -1])
        scores = self.b(F.sigmoid(self.a(paddle.concat([qs, k, qs - k, qs * k], axis=-1))))
        mask = paddle.cast(hist == 0, "float32").unsqueeze(-1) * -1e9
        weights = F.softmax(paddle.transpose(scores + mask, [0, 2, 1]) / 5**0.5)
        pooled = paddle.squeeze(paddle.matmul(weights, k), 1)
        return self.mmoe(paddle.concat([pooled, paddle.squeeze(q, 1)], axis=1))


@model("ple", x=numbers(10))
class Ple(nn.Layer):
    def __init__(self):
        super().__init__()
        self.own = nn.LayerList([nn.Linear(10, 6) for _ in range(4)])
        self.shared = nn.LayerList([nn.Linear(10, 6) for _ in range(2)])
        self.gates = nn.LayerList([nn.Linear(10, 4) for _ in range(2)])
        self.outs = nn.LayerList([nn.Linear(6, 2) for _ in range(2)])

    def forward(self, x):
        shared, outputs = [F.relu(e(x)) for e in self.shared], []
        for t in range(2):
            mine = [F.relu(e(x)) for e in self.own[2 * t : 2 * t + 2]]
            stacked = paddle.stack(mine + shared, axis=1)
            weights = F.softmax(self.gates[t](x), axis=-1).unsqueeze(1)
            outputs.append(F.softmax(self.outs[t](paddle.bmm(weights, stacked).squeeze(1)))[:, 1])
        return outputs


def make(name, options):
    make_layer, inputs = MODELS[name]
    paddle.seed(3)
    layer = make_layer()
    layer.eval()
    random = np.random.RandomState(7)
    values = {key: draw(spec, random) for key, spec in inputs.items()}
    write_rows(options.work, name, values)
    results = layer(*[paddle.to_tensor(v) for v in values.values()])
    write_scores(options.work, name, [r.numpy() for r in results])
    kinds = [
        paddle.static.InputSpec([None, spec.width], "float32" if spec.kind == "numbers" else "int64", name=key)
        for key, spec in inputs.items()
    ]
    paddle.onnx.export(layer, os.path.join(options.work, name), input_spec=kinds, opset_version=13)


def main():
    options = parser_of(__doc__).parse_args()
    export_all(MODELS, lambda name: make(name, options), options)


if __name__ == "__main__":
    sys.exit(main())
