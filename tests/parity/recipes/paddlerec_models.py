"""PaddleRec: MMoE, from a checkout of its repository.

It is no package: MMOE_LIBRARIES names the folder in which the checkout lies as PaddleRec.
"""

import os
import sys

import numpy as np
import paddle

from case import Case

LIBRARY = "PaddleRec 656326a"


def make_model(inputs, experts, units, tower):
    sys.path.insert(0, os.path.join(os.environ["MMOE_LIBRARIES"], "PaddleRec", "models", "multitask", "mmoe"))
    import net
    return net.MMoELayer(inputs, experts, units, tower, 2)


def cases(rows, full):
    inputs, experts, units, tower = (499, 8, 16, 8) if full else (6, 3, 4, 3)
    rng = np.random.default_rng(29)
    model = make_model(inputs, experts, units, tower)
    for parameter in model.parameters():  # the library's constants leave all experts alike
        shape = parameter.shape
        parameter.set_value((rng.normal(size=shape) / np.sqrt(shape[0])).astype("float32"))
    optimizer = paddle.optimizer.Adam(learning_rate=0.01, parameters=model.parameters())
    for _ in range(8):
        x = paddle.to_tensor(rng.random((64, inputs)).astype("float32"))
        labels = [paddle.to_tensor(rng.integers(0, 2, (64, 1)).astype("float32")) for _ in range(2)]
        loss = sum(paddle.mean(paddle.nn.functional.log_loss(output[:, 1:2], label))
                   for output, label in zip(model(x), labels))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    model.eval()
    x = rng.normal(size=(rows, inputs)).astype("float32")
    scores = np.stack([output.numpy()[:, 1] for output in model(paddle.to_tensor(x))], axis=1)
    yield Case("paddlerec_mmoe", LIBRARY, "MMoE", "rec.pdparams", lambda path: paddle.save(model.state_dict(), path),
               {"tasks": ["income", "marital"]}, ["income", "marital"], [f"x{i}" for i in range(inputs)], x.tolist(),
               scores)
