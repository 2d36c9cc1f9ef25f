"""Conversion in the process, against the program mmoe-convert."""

import json
import threading

import numpy
import pytest

import models

import mmoe

pytest.importorskip("mmoe._convert")


def body(model):
    """The file without its header, which says where the weights come from, the zeros behind that, and its checksum."""
    data = bytes(model)
    return data[int.from_bytes(data[:4], "little") + 4 : -8].lstrip(b"\0")


@pytest.fixture(scope="module")
def made():
    return models.plain()


def test_arrays_and_a_description(made, plain):
    model = mmoe.convert(*made)
    assert body(model) == body(plain) and model.tasks == plain.tasks and model.name == "test"
    assert model.report.num_compared == 16 and model.report.largest_difference < 1e-6
    assert model.report.graph_rows == 0 and model.report.warnings == []
    assert "check: 16 of 16 scores" in str(model.report)
    assert mmoe.Session(model).replay_golden().num_wrong == 0


def test_the_same_file_as_by_the_program(made, plain_path, folder):
    assert bytes(mmoe.convert(folder / "plain.npz", folder / "plain.json")) == plain_path.read_bytes()


def test_raw_features(raw):
    model = mmoe.convert(*models.raw())
    assert model.features == raw.features
    for found, expected in zip(model.golden_rows[:3], raw.golden_rows[:3]):
        assert found.tobytes() == expected.tobytes()


def test_forms_of_weights(made, plain, folder, tmp_path):
    weights, description = made
    npz = folder / "plain.npz"
    (tmp_path / "d.json").write_text(json.dumps(description))
    for given in (npz, str(npz), npz.read_bytes(), bytearray(npz.read_bytes())):
        for text in (description, json.dumps(description), tmp_path / "d.json"):
            assert body(mmoe.convert(given, text)) == body(plain)
    halves = {name: value.astype("float16") for name, value in weights.items()}
    doubles = {name: value.astype("float64") for name, value in halves.items()}
    assert body(mmoe.convert(halves, description)) == body(mmoe.convert(doubles, description))
    turned = {name: numpy.asfortranarray(value) for name, value in weights.items()}
    assert body(mmoe.convert(turned, description)) == body(plain)
    lists = {name: value.tolist() for name, value in weights.items()}
    assert body(mmoe.convert(lists, description)) == body(plain)


def test_without_numpy_nothing_is_needed(made):
    """What has a state_dict() is taken by it."""

    class Module:
        def state_dict(self):
            return made[0]

    assert mmoe.convert(Module(), made[1]).tasks == ("click", "like")


def test_smaller_numbers(made, folder):
    rows = numpy.random.default_rng(2).normal(size=(500, 24)).astype("float32")
    plain = mmoe.Session(mmoe.convert(*made)).score(rows)
    model = mmoe.convert(*made, weight_type="i8", rows=rows)
    assert model.size_bytes < mmoe.convert(*made).size_bytes and "i8" in str(model.report)
    assert "508 rows (golden rows and rows.csv)" in str(model.report)
    assert 0 < abs(mmoe.Session(model).score(rows) - plain).max() < 0.05
    numbers = [{"match": "experts.*", "weights": "f16"}]
    assert body(mmoe.convert(*made, numbers=numbers)) != body(mmoe.convert(*made))
    assert body(mmoe.convert(*made, numbers=json.dumps(numbers))) == body(mmoe.convert(*made, numbers=numbers))


def test_quantize(made):
    rows = numpy.random.default_rng(2).normal(size=(300, 24)).astype("float32")
    scores = mmoe.Session(mmoe.convert(*made)).score(rows)
    best = scores > numpy.median(scores, axis=0)
    labels = {"click": best[:, 0].astype(int), "like": best[:, 1].tolist()}
    model = mmoe.convert(*made, quantize=True, rows=rows, labels=labels, budget=["auc=0.01", "score=0.02"])
    assert model.size_bytes < mmoe.convert(*made).size_bytes
    assert abs(mmoe.Session(model).score(rows) - scores).max() <= 0.02
    assert "AUC" in str(model.report)
    again = mmoe.convert(*made, numbers=model.report.numbers)
    assert body(again) == body(model)
    with pytest.raises(mmoe.ConvertError, match="no rows"):
        mmoe.convert(*made, quantize=True)
    with pytest.raises(mmoe.ConvertError, match="budget"):
        mmoe.convert(*made, quantize=True, rows=rows, budget="speed=7")


def test_rows_of_raw_features(raw):
    import raw_rows

    made = models.raw()
    model = mmoe.convert(*made, table_type="f16", rows=raw_rows.ROWS)
    assert "3 rows" in str(model.report) or "rows" in str(model.report)
    assert model.size_bytes < raw.size_bytes + 1000


def test_describe(made):
    with pytest.raises(mmoe.ConvertError):
        mmoe.describe(made[0])


@pytest.mark.parametrize("change, message", [
    (lambda weights, text: weights.pop("towers.1.0.weight"), "towers.1"),
    (lambda weights, text: weights.update(left=numpy.zeros(3, "float32")), "left"),
    (lambda weights, text: weights.update({"towers.1.0.bias": numpy.zeros(7, "float32")}), r"towers.1.0.*\[7\]"),
    (lambda weights, text: weights.update({"towers.1.0.bias": numpy.zeros(6, "complex64")}), "complex64"),
    (lambda weights, text: weights.update({"towers.1.0.bias": numpy.full(6, numpy.nan, "float32")}), "towers.1.0"),
    (lambda weights, text: text.update(twoers={}), "twoers"),
])
def test_what_does_not_fit(change, message):
    weights, text = models.plain()
    change(weights, text)
    with pytest.raises(mmoe.ConvertError, match=message) as caught:
        mmoe.convert(weights, text)
    assert isinstance(caught.value, ValueError)


def test_wrong_arguments(made, tmp_path):
    with pytest.raises(mmoe.ConvertError, match="missing.pt"):
        mmoe.convert(tmp_path / "missing.pt", made[1])
    with pytest.raises(mmoe.ConvertError, match="empty"):
        mmoe.convert(b"", made[1])
    with pytest.raises(mmoe.ConvertError, match="int"):
        mmoe.convert(7, made[1])
    with pytest.raises(mmoe.ConvertError, match="weight_type: 'i9'"):
        mmoe.convert(*made, weight_type="i9")
    with pytest.raises(mmoe.ConvertError, match="golden_rows"):
        mmoe.convert(*made, golden_rows=-1)
    with pytest.raises(TypeError):
        mmoe.convert(*made, speed=7)
    with pytest.raises(mmoe.ConvertError):
        mmoe.convert({}, made[1])


def test_nothing_is_left_behind(made, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mmoe.convert(*made, weight_type="i8", rows=numpy.zeros((3, 24), "float32"))
    with pytest.raises(mmoe.ConvertError):
        mmoe.convert(*made, weight_type="i8", rows=numpy.zeros((3, 23), "float32"))
    assert list(tmp_path.iterdir()) == []


def test_several_threads(made, plain):
    found = [None] * 4

    def work(i):
        found[i] = body(mmoe.convert(*made))

    callers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [body(plain)] * 4
