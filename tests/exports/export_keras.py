"""Exports the models of keras_models.py, and of keras_rankers.py on TensorFlow, by keras.export, or by tf2onnx itself.

    KERAS_BACKEND=torch|tensorflow|jax python3 export_keras.py --work DIR [--only NAME,PREFIX*] [--exporter keras|tf2onnx]

Leaves what export_torch.py does.
"""
import logging
import os
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import keras
import numpy as np

from inputs import draw, export_all, parser_of, write_rows, write_scores
from keras_models import MODELS, inputs_of

if keras.backend.backend() == "tensorflow":
    import keras_rankers  # whose models, in TensorFlow's own operations, join those of keras_models


def randomise(made, random):
    """Biases and statistics that are not zeros."""
    for weight in made.weights:
        value = np.asarray(keras.ops.convert_to_numpy(weight))
        if value.ndim != 1 or value.dtype != np.float32:
            continue
        above_zero = "gamma" in weight.path or "variance" in weight.path
        weight.assign((random.rand(*value.shape) + 0.5 if above_zero else random.randn(*value.shape) * 0.4))


def by_tf2onnx(made, path):
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None,) + tuple(i.shape[1:]), i.dtype, name=i.name) for i in made.inputs]
    function = tf.function(lambda *args: made(list(args)), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=15, output_path=path)


def make(name, options):
    build, specs = MODELS[name]
    keras.utils.set_random_seed(3)
    given = inputs_of(specs)
    made = keras.Model(list(given.values()), build(**given))
    random = np.random.RandomState(7)
    randomise(made, random)
    # Layers that pool what mask_zero leaves expect padding behind.
    values = {key: draw(spec, random, in_front=False) for key, spec in specs.items()}
    write_rows(options.work, name, values)
    rows = [v.astype(np.int32) if v.dtype == np.int64 else v for v in values.values()]
    results = made(rows, training=False)
    results = results if isinstance(results, (list, tuple)) else [results]
    write_scores(options.work, name, [np.asarray(keras.ops.convert_to_numpy(r)) for r in results])
    path = os.path.join(options.work, name + ".onnx")
    if options.exporter == "keras":
        made.export(path, format="onnx", verbose=False)
    else:
        by_tf2onnx(made, path)


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--exporter", default="keras", choices=["keras", "tf2onnx"])
    options = parser.parse_args()
    export_all(MODELS, lambda name: make(name, options), options)


if __name__ == "__main__":
    sys.exit(main())
