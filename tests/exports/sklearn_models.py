"""Pipelines of scikit-learn, exported by skl2onnx. Leaves what export_torch.py does.

    python3 sklearn_models.py --work DIR [--only NAME,PREFIX*]
"""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from inputs import ROWS, export_all, parser_of, write_rows, write_scores

MODELS = {
    "regressor": lambda: make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 6), max_iter=60)),
    "regressor_tanh": lambda: make_pipeline(MinMaxScaler(), MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", max_iter=60)),
    "regressor_two": lambda: make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 6), max_iter=60)),
    "classifier": lambda: make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8, 6), max_iter=60)),
    "classifier_three": lambda: make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8,), max_iter=60)),
    "classifier_labels": lambda: make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8, 6), max_iter=60)),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "polynomial": lambda: make_pipeline(PolynomialFeatures(2), StandardScaler(), MLPRegressor(hidden_layer_sizes=(6,), max_iter=60)),
}


def make(name, options):
    random = np.random.RandomState(7)
    x = random.randn(400, 5).astype(np.float32)
    numbers = x @ random.randn(5, 2) + np.sin(x[:, :2])
    target = {
        "regressor_two": numbers,
        "classifier_three": np.digitize(numbers[:, 0], [-1, 1]),
    }.get(name, (numbers[:, 0] > 0).astype(int) if "class" in name or name == "logistic" else numbers[:, 0])
    fitted = MODELS[name]().fit(x, target)
    rows = random.randn(ROWS, 5).astype(np.float32)
    write_rows(options.work, name, {"X": rows})
    settings = {"zipmap": False} if hasattr(fitted, "predict_proba") else {}
    graph = to_onnx(fitted, x[:1], target_opset=15, options={id(fitted): settings} if settings else None)
    if settings and name != "classifier_labels":  # the label is no score: its output is taken away
        del graph.graph.output[0]
    scores = fitted.predict_proba(rows) if settings else fitted.predict(rows)
    write_scores(options.work, name, [np.asarray(scores, dtype=np.float64)])
    with open(os.path.join(options.work, name + ".onnx"), "wb") as file:
        file.write(graph.SerializeToString())


def main():
    options = parser_of(__doc__).parse_args()
    export_all(MODELS, lambda name: make(name, options), options)


if __name__ == "__main__":
    sys.exit(main())
