#!/usr/bin/env python3
"""Writes the Paddle fixtures next to this script, made with paddlepaddle 3.3: one MMoE, named as PaddleRec does.

rows.csv and expected.csv are inputs and the model's predictions.
"""
import pathlib
import pickle

import numpy
import paddle

HERE = pathlib.Path(__file__).resolve().parent
TASKS = ["click", "like"]
INPUTS, EXPERTS = 5, 3
functional = paddle.nn.functional


class MMoE(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        linear = paddle.nn.Linear
        self.experts = [self.add_sublayer(f"expert_{e}", linear(INPUTS, 4)) for e in range(EXPERTS)]
        self.gates = [self.add_sublayer(f"gate_{t}", linear(INPUTS, EXPERTS)) for t in range(len(TASKS))]
        self.towers = [self.add_sublayer(f"tower_{t}", linear(4, 3)) for t in range(len(TASKS))]
        self.heads = [self.add_sublayer(f"tower_out_{t}", linear(3, 2)) for t in range(len(TASKS))]

    def forward(self, x):
        experts = paddle.stack([functional.relu(expert(x)) for expert in self.experts], axis=1)
        scores = []
        for gate, tower, head in zip(self.gates, self.towers, self.heads):
            weight = functional.softmax(gate(x)).unsqueeze(2)
            mixed = paddle.sum(experts * weight, axis=1)
            scores.append(functional.softmax(head(functional.relu(tower(mixed))))[:, 1:])
        return paddle.concat(scores, axis=1)


def write_csv(name, header, values):
    numpy.savetxt(HERE / name, values, "%.9g", ",", header=",".join(header), comments="")


def main():
    random = numpy.random.default_rng(1)
    model = MMoE()
    for parameter in model.parameters():
        parameter.set_value((random.integers(-48, 49, parameter.shape) / 64).astype("f4"))
    paddle.save(model.state_dict(), str(HERE / "mmoe.pdparams"))
    paddle.save(model.state_dict(), str(HERE / "protocol2.pdparams"), protocol=2)
    paddle.save({"epoch": 3, "model": model.state_dict()}, str(HERE / "nested.pdparams"))
    rows = (random.integers(-64, 65, (20, INPUTS)) / 32).astype("f4")
    write_csv("rows.csv", [f"x{i}" for i in range(INPUTS)], rows)
    write_csv("expected.csv", TASKS, model(paddle.to_tensor(rows)).numpy())

    ramp = numpy.arange(24).reshape(2, 3, 4) * 0.5 - 3
    kinds = {"f32": ramp.astype("f4"), "f64": ramp, "f16": ramp.astype("f2"), "big": ramp.astype(">f4"),
             "fortran": numpy.asfortranarray(ramp), "i64": numpy.arange(3), "scalar": numpy.array(-3, "f4"),
             "empty": numpy.zeros((0, 3), "f4"), "view": ramp[:, :1, :1], "note": "text", "rate": 0.5}
    for protocol in (2, 3, 4, 5):
        (HERE / f"arrays{protocol}.pkl").write_bytes(pickle.dumps(kinds, protocol))


if __name__ == "__main__":
    main()
