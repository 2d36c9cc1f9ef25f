"""EasyRec: MMoE, PLE of one extraction network and DBMTL, of the layers of a checkout, as its models combine them, on x itself.

It is no package of PyPI: MMOE_LIBRARIES names the folder in which the checkout lies as EasyRec. Its images need TensorFlow 1;
the layers run with TensorFlow 2 and tf_keras. A checkpoint is saved by tf.train.Saver and read as its users would read it:
tf.train.load_checkpoint, np.savez.
"""

import os
import pathlib
import sys
import tempfile
import types

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np  # noqa: E402
import tensorflow  # noqa: E402

from case import Case  # noqa: E402

LIBRARY = "EasyRec bd230cb1"
CHECKOUT = pathlib.Path(os.environ["MMOE_LIBRARIES"], "EasyRec")
tf = tensorflow.compat.v1


def layers():
    """The modules of the layers alone: the package itself imports all of EasyRec."""
    for name, folder in (("easy_rec", "easy_rec"), ("easy_rec.python", "easy_rec/python"),
                         ("easy_rec.python.layers", "easy_rec/python/layers"), ("easy_rec.python.utils", "easy_rec/python/utils")):
        package = types.ModuleType(name)
        package.__path__ = [str(CHECKOUT / folder)]
        sys.modules.setdefault(name, package)
    loader = types.ModuleType("easy_rec.python.utils.load_class")
    loader.load_by_path = lambda path: eval(path, {"tf": tf})  # what it does for the functions of TensorFlow
    sys.modules[loader.__name__] = loader
    from easy_rec.python.layers import dnn, mmoe
    return dnn, mmoe


def config(units, use_bn=True):
    return types.SimpleNamespace(hidden_units=units, activation="tf.nn.relu", use_bn=use_bn, dropout_ratio=[])


def mmoe_graph(x, tasks, wide, narrow):
    dnn, mmoe = layers()
    inputs = mmoe.MMOE(config(wide), None, len(tasks), num_expert=3)(x)
    return [output(dnn.DNN(config(narrow), None, name=task)(inputs[i]), f"dnn_output_{i}") for i, task in enumerate(tasks)]


def output(x, name):
    return tf.layers.dense(inputs=x, units=1, name=name)


def ple_graph(x, tasks, wide, narrow):
    """As CGC_layer() of its PLE makes the last extraction network."""
    dnn, _ = layers()

    def experts(count, name):
        return [dnn.DNN(config(wide), None, name=f"{name}_expert_{i}/dnn")(x) for i in range(count)]

    shared, logits = experts(2, "network_1_share/dnn"), []
    for i, task in enumerate(tasks):
        mixed = experts(2, f"network_1_task_{i}") + shared
        gate = tf.nn.softmax(tf.layers.dense(inputs=x, units=len(mixed), name=f"network_1_task_{i}_gate/dnn"), axis=1)
        fea = tf.reduce_sum(tf.stack(mixed, axis=1) * tf.expand_dims(gate, -1), axis=1)
        logits.append(output(dnn.DNN(config(narrow), None, name=task)(fea), f"dnn_output_{i}"))
    return logits


def dbmtl_graph(x, tasks, wide, narrow):
    dnn, mmoe = layers()
    bottom = dnn.DNN(config(wide), None, name="bottom_dnn")(x)
    inputs = mmoe.MMOE(config(wide), None, len(tasks), num_expert=3)(bottom)
    related, logits = [], []
    for i, task in enumerate(tasks):
        own = dnn.DNN(config(narrow), None, name=task + "/dnn")(inputs[i])
        related.append(dnn.DNN(config(narrow, False), None, name=task + "/relation_dnn")(tf.concat([own, *related], axis=-1)))
        logits.append(output(related[-1], task + "/output"))
    return logits


def case(name, architecture, graph, rows, full, settings):
    width, wide, narrow = (120, [256, 192, 128, 64], [256, 128, 64, 32]) if full else (6, [5, 4], [4])
    tasks, rng = ["ctr", "cvr"], np.random.default_rng(53)
    x = rng.normal(size=(rows, width)).astype("float32")
    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        given = tf.placeholder(tf.float32, [None, width])
        scores = tf.concat([tf.sigmoid(logit) for logit in graph(given, tasks, wide, narrow)], axis=1)
        for variable in tf.global_variables():
            shape, last = variable.shape.as_list(), variable.name.split("/")[-1].split(":")[0]
            value = rng.normal(size=shape) / np.sqrt(shape[0] if len(shape) > 1 else 4)
            value = 1 + np.abs(value) if last in ("gamma", "moving_variance") else value
            session.run(variable.assign(value.astype("float32")))
        path = tf.train.Saver().save(session, os.path.join(folder, "model.ckpt"), global_step=8)
        found = session.run(scores, {given: x})
        reader = tensorflow.train.load_checkpoint(path)
        arrays = {variable: reader.get_tensor(variable) for variable in reader.get_variable_to_shape_map()}
    return Case("easyrec_" + name, LIBRARY, architecture, "model.npz", lambda path: np.savez(path, **arrays),
                {"activation": "relu", "tasks": tasks, **settings}, tasks, [f"x{i}" for i in range(width)], x.tolist(), found)


def cases(rows, full):
    yield case("mmoe", "MMoE", mmoe_graph, rows, full, {})
    yield case("ple", "CGC", ple_graph, rows, full, {})
    yield case("dbmtl", "DBMTL", dbmtl_graph, rows, full, {"relation_tower_names": {"ctr": [], "cvr": ["ctr"]}})
