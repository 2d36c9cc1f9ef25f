#!/usr/bin/env python3
"""Runs the comparison's models in PyTorch, one thread, as its users do; started by the program `compare`.

Requests are lines of fields with tabs between them, answers are lines that begin with "ok " or "error ":
    version
    prepare FOLDER NAME BATCH ROWS NUMBERS LIMIT
                                     FOLDER/NAME.pt on the [BATCH, inputs] floats in the file ROWS; tries eager, traced
                                     and frozen, and optimised modules in both styles of mixing, answers the fastest.
                                     NUMBERS is f32, or w8a8: layers quantised dynamically by every engine that it has.
                                     Of those, the scores must be within LIMIT of f32
    score FILE                       writes the scores of these rows
    time CALLS                       seconds per call, after one that is not timed
"""

import os
import pathlib
import sys
import time

# Before PyTorch is imported: its libraries read them once.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever libraries print must not be taken for an answer

try:
    import torch
except ImportError as error:  # compare says what follows from it
    sys.exit(f"torch_worker.py: {error}")

import models  # noqa: E402


def load(name, weights, style):
    model = models.make_model(name, style)
    model.load_state_dict(weights)
    return model


def quantised_variants(name, weights, x):
    for engine in torch.backends.quantized.supported_engines:
        if engine == "none":
            continue
        torch.backends.quantized.engine = engine
        for style in models.STYLES:
            model = torch.quantization.quantize_dynamic(load(name, weights, style), {torch.nn.Linear}, dtype=torch.qint8)
            for layer in model.modules():
                if engine == "qnnpack" and hasattr(layer, "_packed_params"):
                    layer.version = 3  # without the option reduce_range, which it only warns of, in every call
            yield f"eager, {style}, {engine}", model
            yield f"traced and frozen, {style}, {engine}", torch.jit.freeze(torch.jit.trace(model, x))


def variants(name, weights, x):
    """Ways in which users run a module, slowest to prepare last."""
    for style in models.STYLES:
        model = load(name, weights, style)
        yield f"eager, {style}", model
        traced = torch.jit.freeze(torch.jit.trace(model, x))
        yield f"traced and frozen, {style}", traced
        yield f"optimize_for_inference, {style}", torch.jit.optimize_for_inference(torch.jit.trace(model, x))


def seconds_per_call(model, x, calls):
    model(x)
    start = time.perf_counter()
    for _ in range(calls):
        model(x)
    return (time.perf_counter() - start) / calls


def trial(model, x):
    for _ in range(3):  # the fuser compiles during the first calls
        model(x)
    calls = max(1, min(200, int(2e-3 / seconds_per_call(model, x, 1))))
    return min(seconds_per_call(model, x, calls) for _ in range(4))


class Worker:
    def prepare(self, folder, name, batch, rows, numbers, limit):
        inputs = models.SIZES[name][0]
        floats = torch.frombuffer(bytearray(pathlib.Path(rows).read_bytes()), dtype=torch.float32)
        self.x = floats.reshape(int(batch), inputs)
        weights = torch.load(pathlib.Path(folder) / f"{name}.pt")
        expected, best = load(name, weights, models.STYLES[0])(self.x), None
        make = quantised_variants if numbers == "w8a8" else variants
        difference = None
        for label, model in make(name, weights, self.x):
            difference = (model(self.x) - expected).abs().max().item()
            if not difference <= float(limit):
                continue
            seconds = trial(model, self.x)
            if best is None or seconds < best[0]:
                best = (seconds, label, model)
        if best is None:
            raise RuntimeError(f"its scores differ from f32 by {difference}")
        self.model = best[2]
        return best[1]

    def score(self, path):
        pathlib.Path(path).write_bytes(self.model(self.x).contiguous().numpy().tobytes())
        return path

    def time(self, calls):
        return repr(seconds_per_call(self.model, self.x, int(calls)))

    def version(self):
        return torch.__version__


def answer(worker, line):
    request, *fields = line.rstrip("\n").split("\t")
    try:
        return "ok " + getattr(worker, request)(*fields)
    except Exception as error:  # whatever it is, the program that asked must hear of it
        return "error " + " ".join(str(error).split())[:900]


def main():
    torch.set_num_threads(1)
    worker = Worker()
    with torch.no_grad():
        for line in sys.stdin:
            print(answer(worker, line), file=answers, flush=True)


if __name__ == "__main__":
    main()
