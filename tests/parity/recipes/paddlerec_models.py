"""PaddleRec: MMoE, ShareBottom, AITM, ESCM² and what paddlerec_rankers.py has, from a checkout of its repository.

It is no package: MMOE_LIBRARIES names the folder in which the checkout lies as PaddleRec.
"""

import importlib.util
import os
import pathlib
import sys

import numpy as np
import paddle

import paddlerec_rankers
from case import Case

LIBRARY = "PaddleRec 656326a"
ROWS_OF_TRAINING = 64


def layer_class(model, name, kind="multitask"):
    path = pathlib.Path(os.environ["MMOE_LIBRARIES"], "PaddleRec", "models", kind, model, "net.py")
    spec = importlib.util.spec_from_file_location("paddlerec_" + model, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def spread(model, rng):
    """The library's constants leave all experts alike."""
    for parameter in model.parameters():
        if parameter.stop_gradient:  # the statistics of a batch norm
            continue
        shape = parameter.shape
        parameter.set_value((rng.normal(size=shape) / np.sqrt(shape[0] if len(shape) > 1 else 1)).astype("float32"))
    for layer in model.sublayers():
        if isinstance(layer, paddle.nn.Embedding):
            weight = rng.normal(size=layer.weight.shape).astype("float32")
            if layer._padding_idx is not None and layer._padding_idx >= 0:
                weight[layer._padding_idx] = 0
            layer.weight.set_value(weight)


def train(model, scores_of, make_inputs, num_tasks, rng):
    optimizer = paddle.optimizer.Adam(learning_rate=0.01, parameters=model.parameters())
    for _ in range(8):
        inputs = make_inputs(ROWS_OF_TRAINING)
        labels = [paddle.to_tensor(rng.integers(0, 2, (ROWS_OF_TRAINING, 1)).astype("float32")) for _ in range(num_tasks)]
        loss = sum(paddle.mean(paddle.nn.functional.log_loss(score, label))
                   for score, label in zip(scores_of(inputs), labels))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    model.eval()


def case(name, architecture, model, scores_of, inputs, tasks, settings, heading, rows):
    scores = np.concatenate([np.reshape(score.numpy(), (-1, 1)) for score in scores_of(inputs)], axis=1)
    return Case("paddlerec_" + name, LIBRARY, architecture, "rec.pdparams",
                lambda path: paddle.save(model.state_dict(), path), settings, tasks, heading, rows, scores)


def on_numbers(name, architecture, model, inputs, rows, rng):
    """Models that read x itself; of each task the probability of the second class."""
    def scores_of(x):
        return [output[:, 1:2] for output in model(x)]

    def make_inputs(count):
        return paddle.to_tensor(rng.random((count, inputs)).astype("float32"))

    spread(model, rng)
    train(model, scores_of, make_inputs, 2, rng)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    tasks = ["income", "marital"]
    return case(name, architecture, model, scores_of, paddle.to_tensor(x), tasks, {"tasks": tasks},
                [f"x{i}" for i in range(inputs)], x.tolist())


def aitm(rows, full, rng):
    sizes, width, dims = ((500, 90, 900, 40), 5, [128, 64, 32]) if full else ((7, 9, 5), 3, [6, 5, 32])
    model = layer_class("aitm", "AITM")({str(i): size for i, size in enumerate(sizes)}, width, dims)

    def make_inputs(count):
        return [paddle.to_tensor(rng.integers(0, size, count)) for size in sizes]

    def scores_of(inputs):
        return [paddle.reshape(score, [-1, 1]) for score in model(inputs)]

    spread(model, rng)
    train(model, scores_of, make_inputs, 2, rng)
    inputs = make_inputs(rows)
    return case("aitm", "AITM", model, scores_of, inputs, ["click", "conversion"], {}, [str(i) for i in range(len(sizes))],
                [[int(v) for v in row] for row in zip(*(column.numpy() for column in inputs))])


def padded_lists(count, fields, ids, rng):
    columns = []
    for _ in range(fields):
        column = rng.integers(1, ids, (count, 3))
        column[np.arange(3) >= rng.integers(1, 4, (count, 1))] = 0
        columns.append(paddle.to_tensor(column))
    return columns


def escm2(rows, full, rng, mode):
    """Each field is a list of ids of one table, padded by 0 and summed."""
    ids, width, fields, experts, units, tower = (10000, 12, 23, 8, 16, 8) if full else (9, 3, 4, 3, 4, 3)
    with paddle.utils.unique_name.guard():  # the library gives its table a name, which two models cannot both have
        model = layer_class("escm2", "ESCMLayer")(ids, width, fields, [], [], experts, units, tower, mode, fields * width)

    def make_inputs(count):
        return padded_lists(count, fields, ids, rng)

    def scores_of(inputs):
        found = model(inputs)
        return [found[1], found[3], found[5], *found[6:]]

    spread(model, rng)
    train(model, scores_of, make_inputs, 3, rng)
    inputs = make_inputs(rows)
    columns = [["|".join(map(str, ids)) for ids in column.numpy()] for column in inputs]
    features = [{"name": f"slot_{i}", "kind": "sequence", "length": 3, "pooling": "sum", "padding_id": 0,
                 "vocabulary": {"identity": ids}, "embedding": "embedding.weight"} for i in range(fields)]
    return case("escm2_" + mode.lower(), "MMoE with product link (ESMM)", model, scores_of, inputs,
                ["ctr", "cvr", "ctcvr", *(["imp"] if mode == "DR" else [])], {"features": features},
                [feature["name"] for feature in features], [list(row) for row in zip(*columns)])


def cases(rows, full):
    inputs, experts, units, tower = (499, 8, 16, 8) if full else (6, 3, 4, 3)
    rng = np.random.default_rng(29)
    yield on_numbers("mmoe", "MMoE", layer_class("mmoe", "MMoELayer")(inputs, experts, units, tower, 2), inputs, rows, rng)
    bottom = layer_class("share_bottom", "ShareBottomLayer")(inputs, 2, 117 if full else 5, tower)
    yield on_numbers("share_bottom", "Shared-Bottom", bottom, inputs, rows, rng)
    yield aitm(rows, full, rng)
    yield escm2(rows, full, rng, "IPW")
    yield escm2(rows, full, rng, "DR")
    tools = sys.modules[__name__]
    yield from paddlerec_rankers.rankers(tools, rows, full)
    yield paddlerec_rankers.esmm(tools, rows, full)
    yield paddlerec_rankers.metaheac(tools, rows, full)
