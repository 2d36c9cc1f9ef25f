"""Importance of columns, calibration, and the qualities that they are told by."""

import numpy
import pytest

import models
import raw_rows

import mmoe
from mmoe.analysis import auc, calibration_curve, gate_use, permutation_importance, r_squared


def test_auc_counts_pairs():
    random = numpy.random.default_rng(1)
    labels = random.integers(0, 2, 60)
    scores = random.integers(0, 9, 60) / 8  # with ties
    pairs = [(float(s > t) + float(s == t) / 2) for s, a in zip(scores, labels) for t, b in zip(scores, labels) if a > b]
    assert auc(labels, scores) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)  # sums of 60 ranks
    assert auc([0, 1], [0.1, 0.2]) == 1 and auc([1, 0], [0.1, 0.2]) == 0 and auc([0, 1], [5, 5]) == 0.5
    for labels, scores in (([1, 1], [0, 1]), ([0, 2], [0, 1]), ([0, 1], [0, numpy.nan]), ([], []), ([0, 1], [1])):
        with pytest.raises(mmoe.InputError):
            auc(labels, scores)


def test_r_squared():
    assert r_squared([1, 2, 3], [1, 2, 3]) == 1 and r_squared([1, 2, 3], [2, 2, 2]) == 0
    with pytest.raises(mmoe.InputError):
        r_squared([1, 1], [0, 1])


def test_calibration():
    random = numpy.random.default_rng(2)
    scores = random.uniform(size=20000)
    labels = random.uniform(size=20000) < scores
    curve = calibration_curve(labels, scores)
    assert curve.num_rows.tolist() == [2000] * 10 and (numpy.diff(curve.mean_score) > 0).all()
    assert curve.error < 0.04  # a bin's mean is off by at most 0.5 / sqrt(2000) = 0.011 as a standard deviation
    assert calibration_curve(labels, scores / 2).error > 0.2
    with pytest.raises(mmoe.InputError, match="bins"):
        calibration_curve([0, 1], [0, 1], bins=3)


def test_importance_of_x():
    """A column that no expert and no gate reads loses nothing; the others do."""
    weights, description = models.plain(input_dim=6)
    for name, value in weights.items():
        if value.ndim == 2 and value.shape[1] == 6:
            value[:, 4] = 0
            value[:, 1] *= 6
    session = mmoe.Session(mmoe.convert(weights, description))
    x = numpy.random.default_rng(3).normal(size=(400, 6)).astype("float32")
    kept = x.copy()
    scores = session.score(x)
    labels = {"like": scores[:, 1] > numpy.median(scores[:, 1]), "click": scores[:, 0]}
    found = permutation_importance(session, x, labels, repeats=3)
    assert (x == kept).all() and [entry.task for entry in found] == ["like"] * 6 + ["click"] * 6
    by_name = {(entry.task, entry.column): entry for entry in found}
    for task in labels:
        assert by_name[task, "x4"].loss == 0 and by_name[task, "x4"].deviation == 0
        assert by_name[task, "x1"].loss > 0.01 and by_name[task, "x1"].quality == 1
    assert found == permutation_importance(session, x, labels, repeats=3)
    assert len(permutation_importance(session, x, labels, columns=["x4"])) == 2
    with pytest.raises(mmoe.InputError, match="x9"):
        permutation_importance(session, x, labels, columns=["x9"])
    with pytest.raises(mmoe.InputError, match="clack"):
        permutation_importance(session, x, {"clack": labels["like"]})


def test_importance_of_raw_rows(raw):
    session = mmoe.Session(raw)
    rows = raw_rows.ROWS * 30
    scores = session.score_rows(rows)
    found = permutation_importance(session, rows, {"click": scores[:, 0]}, repeats=2)
    columns = {"age", "country", "history", "price", "brand", "tags", "city", "hour"}
    assert {entry.column for entry in found} == columns
    assert found[0].loss > 0 and found[0].loss >= found[-1].loss
    split = {name: [row[name] for row in rows] for name in columns - {"price"}}
    split.update({f"price.{i}": numpy.array([row["price"][i] for row in rows]) for i in range(2)})
    split.update({name: [row[name] for row in rows] for name in ("counts",)})
    again = permutation_importance(session, split, {"click": scores[:, 0]}, columns=["price"], repeats=2)
    assert again[0].loss > 0
    with pytest.raises(mmoe.InputError, match="no column 'city'"):
        permutation_importance(session, {name: values for name, values in split.items() if name != "city"},
                               {"click": scores[:, 0]})


def test_gate_use(plain, raw):
    x = numpy.random.default_rng(3).normal(size=(50, plain.input_dim)).astype("float32")
    session = plain.session()
    uses = gate_use(session, x)
    gates = numpy.asarray(session.score_all(x).gates)
    assert [use.gate for use in uses] == list(session.gates)
    for use in uses:
        own = gates[:, use.gate.column : use.gate.column + 4]
        assert numpy.allclose(use.mean_weights, own.mean(axis=0), atol=1e-6)  # sums of 50 floats
        assert use.mean_weights.sum() == pytest.approx(1, abs=1e-6) and use.largest.sum() == pytest.approx(1)
        assert use.largest[own[0].argmax()] > 0
    page = uses._repr_html_()
    assert page.count("<h4>") == 2 and page.count("expert 3") == 2
    assert len(gate_use(raw.session(tasks=["like"]), raw_rows.columns())) == 1
    with pytest.raises(mmoe.InputError, match="none"):
        gate_use(session, x[:0])
    bad = numpy.insert(x, 7, numpy.nan, axis=0)  # a row without weights
    for use, of_bad in zip(uses, gate_use(session, bad)):
        assert (use.mean_weights == of_bad.mean_weights).all() and (use.largest == of_bad.largest).all()
    with pytest.raises(mmoe.InputError, match="NaN"):
        gate_use(session, bad[7:8])
