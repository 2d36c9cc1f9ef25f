"""Loading, what a model says of itself, pickling, errors."""

import os
import pathlib
import pickle
import subprocess
import sys

import numpy
import pytest

import models

import mmoe


def test_properties(raw):
    assert raw.name == "test" and raw.architecture == "MMoE"
    assert raw.tasks == ("click", "like")
    assert raw.input_dim == 17 and raw.user_dim == 8 and raw.candidate_dim == 9
    assert [feature.name for feature in raw.features] == [
        "age", "country", "history", "price", "brand", "tags", "city x hour"]
    kinds = [feature.kind for feature in raw.features]
    assert kinds == ["dense", "sparse", "sequence", "dense", "sparse", "sequence", "sparse"]
    assert raw.features[0].side == "user" and raw.features[3].width == 2 and raw.features[2].length == 5
    assert raw.features[5].weights == "counts" and raw.features[6].crossed == ("city", "hour")
    assert raw.features[4].refuses_unknown and raw.features[1].string_values
    assert raw.size_bytes == len(bytes(raw)) and "MMoE, 17 inputs, tasks click, like" in repr(raw)


def test_notebook(raw, plain):
    text = raw._repr_html_()
    assert "<td>city x hour</td><td>sparse</td><td>item</td>" in text and text.count("<svg") == 1
    for name in ("3 user features", "4 item features", "expert 0", "expert 3", "click", "like"):
        assert f"<title>{name}</title>" in text
    assert "<table>" not in plain._repr_html_() and "x: 24 columns" in plain._repr_html_()
    weights, description = models.plain()
    name = "<script>alert(1)</script>"
    strange = mmoe.Model.load(models.convert((weights, {**description, "name": name}), folder_of(plain), "strange"))
    assert name not in strange._repr_html_() and "&lt;script&gt;" in strange._repr_html_()


def test_lines_of_a_picture_are_those_of_the_model(folder):
    fixtures = pathlib.Path(__file__).resolve().parents[1] / "parity" / "architectures" / "fixtures"
    model = mmoe.convert(fixtures / "ple.safetensors", fixtures / "ple.json")
    # Experts 0 and 1 are click's, 2 and 3 like's, the others shared; so are gates 0, 1 and 2.
    gate_of = [0, 0, 1, 1, 2, 2, 2]
    for level in (1, 2):
        assert [[model.expert_reads(level, expert, gate) for gate in range(3)] for expert in range(7)] == [
            [gate == own for gate in range(3)] for own in gate_of]
    assert not any(model.expert_reads(*none) for none in [(0, 0, 0), (3, 0, 0), (1, 7, 0), (1, 0, 3), (-1, 0, 0), (1, -1, 0)])
    mixed = {gate.place: len(gate.experts) for gate in model.session().gates if gate.level == 0}
    assert model._repr_html_().count("<title>reads</title>") == 7 + 2 * sum(mixed[gate] for gate in gate_of)


def folder_of(model):
    return os.path.dirname(model._path)


def test_ids(raw):
    assert raw.find_id("country", "BR") == 2 and raw.find_id("country", "Côte") == 4
    assert raw.find_id("brand", 2**40) == 2
    with pytest.raises(mmoe.InputError, match="contry"):
        raw.find_id("contry", "BR")
    with pytest.raises(mmoe.InputError):
        raw.find_id("brand", "five")


def test_categories(raw):
    def listed(feature):
        return [raw.category(feature, place) for place in range(raw.num_categories(feature))]

    assert sorted(listed("country"), key=lambda category: category.id) == [
        ("AT", 1), ("BR", 2), ("US", 3), ("Côte", 4)]
    assert {category.value: category.id for category in listed("brand")} == {3: 0, 5: 1, 2**40: 2}
    assert all(raw.find_id("country", value) == id for value, id in listed("country"))
    assert sorted(listed("history")) == [(i, i) for i in range(20)]
    assert listed("age") == listed("city x hour") == []
    assert raw.category("brand", 0).id is not None
    for place in (3, 2**63 - 1, -1):
        with pytest.raises(mmoe.InputError, match="place"):
            raw.category("brand", place)
    with pytest.raises(mmoe.InputError, match="contry"):
        raw.num_categories("contry")
    with pytest.raises(mmoe.InputError, match="contry"):
        raw.category("contry", 0)
    for wrong in (0.0, "0", None):
        with pytest.raises(TypeError):
            raw.category("brand", wrong)


def test_categories_of_unsigned_integers(folder):
    feature = {"name": "id", "kind": "categorical", "vocabulary": [2**63, 5, 2**64 - 1], "embedding": "id.weight"}
    weights = models.arrays(2)
    weights["id.weight"] = numpy.ones((3, 2), "float32")
    model = mmoe.Model.load(models.convert((weights, models.description([feature])), folder, "unsigned"))
    listed = sorted(model.category("id", place) for place in range(3))
    assert listed == [(5, 1), (2**63, 0), (2**64 - 1, 2)]


def test_golden_rows_give_their_bits(plain, raw):
    for model in (plain, raw):
        session = mmoe.Session(model)
        report = session.replay_golden()
        assert report.num_rows == 8 and report.num_wrong == 0 and report.exact == session.is_exact
    rows = plain.golden_rows
    assert not rows.has_features and rows.values.shape == (8, 24)
    session = mmoe.Session(plain)
    if session.is_exact:
        assert session.score(rows.values).tobytes() == rows.scores.tobytes()
    assert raw.golden_rows.has_features


def test_every_kernel_set_gives_the_golden_bits(plain):
    sets = [entry for entry in mmoe.kernel_sets() if entry.available]
    assert "scalar" in [entry.name for entry in sets]
    for entry in sets:
        session = mmoe.Session(plain, kernel_set=entry.name)
        assert session.kernel_set == entry.name and session.is_exact == entry.exact
        assert session.replay_golden().num_wrong == 0


@pytest.mark.parametrize("convert", [bytes, bytearray, memoryview, lambda data: numpy.frombuffer(data, "u1")])
def test_from_bytes(plain, convert):
    data = bytes(plain)
    model = mmoe.Model.load(convert(data))
    assert bytes(model) == data
    assert mmoe.Session(model).replay_golden().num_wrong == 0


def test_bytes_that_change_are_copied(plain):
    data = bytearray(bytes(plain))
    model = mmoe.Model.load(data)
    data[:] = bytes(len(data))
    assert mmoe.Session(model).replay_golden().num_wrong == 0


def test_save(plain, tmp_path):
    plain.save(tmp_path / "copy.mmoe")
    assert (tmp_path / "copy.mmoe").read_bytes() == bytes(plain)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.mmoe"]
    mmoe.Model.load(os.fsencode(tmp_path / "copy.mmoe").decode())
    with pytest.raises(OSError):
        plain.save(tmp_path / "missing" / "copy.mmoe")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(plain, protocol):
    x = numpy.ones((3, 24), "float32")
    expected = mmoe.Session(plain).score(x)
    for model in (plain, mmoe.Model.load(bytes(plain))):
        copied = pickle.loads(pickle.dumps(model, protocol))
        assert bytes(copied) == bytes(plain) and copied.tasks == plain.tasks
        assert mmoe.Session(copied).score(x).tobytes() == expected.tobytes()


def test_a_mapped_model_is_pickled_as_its_path(plain, raw, tmp_path):
    plain.save(tmp_path / "a.mmoe")
    data = pickle.dumps(mmoe.Model.load(tmp_path / "a.mmoe"))
    assert len(data) < 1000
    raw.save(tmp_path / "a.mmoe")
    with pytest.raises(mmoe.ModelError, match="is not the file any more"):
        pickle.loads(data)
    os.unlink(tmp_path / "a.mmoe")
    with pytest.raises(mmoe.FileError):
        pickle.loads(data)


def test_another_process_scores_the_same(plain_path, plain):
    program = """
import pickle, sys, numpy, mmoe
model = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(mmoe.Session(model).score(numpy.full((2, 24), 0.5, "float32")).tobytes())"""
    done = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(plain), capture_output=True, check=True)
    assert done.stdout == mmoe.Session(plain).score(numpy.full((2, 24), 0.5, "float32")).tobytes()


def test_sessions_are_not_pickled(plain):
    with pytest.raises(TypeError, match="pickle its model"):
        pickle.dumps(mmoe.Session(plain))


def test_errors(plain, tmp_path):
    with pytest.raises(mmoe.FileError, match="missing.mmoe") as caught:
        mmoe.Model.load(tmp_path / "missing.mmoe")
    assert isinstance(caught.value, OSError) and caught.value.status == 1
    with pytest.raises(mmoe.ModelError) as caught:
        mmoe.Model.load(b"no model at all")
    assert isinstance(caught.value, ValueError)
    with pytest.raises(mmoe.ModelError):
        mmoe.Model.load(b"")
    damaged = bytearray(bytes(plain))
    damaged[-100] ^= 1
    with pytest.raises(mmoe.ModelError, match="checksum") as caught:
        mmoe.Model.load(damaged, verify_checksums=True)
    assert caught.value.status == 7
    with pytest.raises(mmoe.ModelError):
        mmoe.Model.load(damaged).verify_checksums()
    plain.verify_checksums()
    for wrong in (None, 7, 1.5, object()):
        with pytest.raises(TypeError):
            mmoe.Model.load(wrong)
    with pytest.raises(ValueError):
        mmoe.Model.load("a\0b")
    with pytest.raises(mmoe.Error):
        mmoe.Model.load(tmp_path)


def test_damaged_files_are_errors(plain):
    data = bytes(plain)
    for size in range(0, len(data), 997):
        with pytest.raises(mmoe.ModelError):
            mmoe.Model.load(data[:size])
