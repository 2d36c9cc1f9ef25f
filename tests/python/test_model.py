"""Loading, what a model says of itself, pickling, errors."""

import os
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


def folder_of(model):
    return os.path.dirname(model._path)


def test_ids(raw):
    assert raw.find_id("country", "BR") == 2 and raw.find_id("country", "Côte") == 4
    assert raw.find_id("brand", 2**40) == 2
    with pytest.raises(mmoe.InputError, match="contry"):
        raw.find_id("contry", "BR")
    with pytest.raises(mmoe.InputError):
        raw.find_id("brand", "five")


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
