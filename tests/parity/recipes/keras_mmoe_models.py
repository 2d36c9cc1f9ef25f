"""keras-mmoe: the MMoE layer of its repository in a model as its census_income_demo.py makes it.

It is no package: MMOE_LIBRARIES names the folder in which the checkout lies as keras-mmoe. TensorFlow 2.15.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

from case import Case

LIBRARY = "keras-mmoe 2718f56"


def make_model(inputs, units, tower):
    sys.path.insert(0, os.path.join(os.environ["MMOE_LIBRARIES"], "keras-mmoe"))
    from mmoe import MMoE
    x = tf.keras.layers.Input(shape=(inputs,))
    outputs = []
    for name, stream in zip(("income", "marital"), MMoE(units=units, num_experts=3, num_tasks=2)(x)):
        hidden = tf.keras.layers.Dense(tower, activation="relu", kernel_initializer="variance_scaling")(stream)
        outputs.append(tf.keras.layers.Dense(2, name=name, activation="softmax",
                                             kernel_initializer="variance_scaling")(hidden))
    return tf.keras.Model(inputs=[x], outputs=outputs)


def cases(rows, full):
    inputs, units, tower = (499, 16, 8) if full else (6, 4, 3)
    tf.keras.utils.set_random_seed(23)
    rng = np.random.default_rng(23)
    model = make_model(inputs, units, tower)
    x = rng.random((256, inputs)).astype("float32")
    labels = [np.eye(2)[rng.integers(0, 2, 256)] for _ in range(2)]
    model.compile("adam", loss="binary_crossentropy")
    model.fit(x, labels, batch_size=32, epochs=3, verbose=0)
    x = rng.normal(size=(rows, inputs)).astype("float32")
    scores = np.stack([prediction[:, 1] for prediction in model.predict(x, verbose=0)], axis=1)
    yield Case("keras_mmoe", LIBRARY, "MMoE", "model.h5", model.save, {"activation": "relu"},
               ["income", "marital"], [f"x{i}" for i in range(inputs)], x.tolist(), scores)
