"""What gates do, by the runtime's own gate weights (`mmoe-score --gates`): the paper's figure 7."""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from experiment import metrics, runtime  # noqa: E402

# PyTorch's weights may be away from the runtime's by a few float32 roundings of a softmax of sums
# of 64.
TOLERANCE = 1e-5


def read(path):
    """{gate: float32 [rows, experts]} of what --gates wrote; columns are called GATE.expertE."""
    with open(path, encoding="utf-8") as file:
        names = [name.split(".expert")[0] for name in file.readline().strip().split(",")]
        table = np.loadtxt(file, np.float32, delimiter=",", ndmin=2)
    return {gate: table[:, [n == gate for n in names]] for gate in dict.fromkeys(names)}


def entropy(weights):
    """In nats, along the last axis."""
    weights = np.asarray(weights, np.float64)
    return -(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)


def measure(model_file, rows_file, model, rows):
    """{gate: figures} over the rows; an error if they are not the gates of the FeedModel."""
    written = pathlib.Path(model_file).with_suffix(".gates.csv")
    scores = written.with_suffix(".scores")
    runtime.run("mmoe-score", model_file, rows_file, "--gates", written, "-o", scores)
    theirs = model.by_chunks(rows, model.gate_weights)
    found = {}
    for number, (gate, weights) in enumerate(read(written).items()):
        difference = float(np.abs(weights - theirs[:, number]).max())
        if not difference <= TOLERANCE:
            raise metrics.Disagreement(f"gate {gate}: {difference:.1e} away from PyTorch's")
        mean = weights.astype(np.float64).mean(0)
        found[gate] = {
            "difference": difference,
            "mean": mean.tolist(), "largest": float(weights.max(1).mean()),
            "experts_of_a_row": float(np.exp(entropy(weights)).mean()),
            "experts_of_the_mean": float(np.exp(entropy(mean)))}
    return found
