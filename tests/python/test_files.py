"""python -m mmoe score: Parquet, Arrow and CSV."""

import subprocess
import sys

import numpy
import pytest

from raw_rows import ROWS, same

arrow = pytest.importorskip("pyarrow")

import pyarrow.csv  # noqa: E402
import pyarrow.feather  # noqa: E402
import pyarrow.parquet  # noqa: E402


def run(*arguments):
    command = [sys.executable, "-m", "mmoe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def read(path):
    if path.suffix == ".parquet":
        return arrow.parquet.read_table(path)
    return arrow.csv.read_csv(path) if path.suffix == ".csv" else arrow.feather.read_table(path)


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".csv"])
def test_files(raw_path, expected, tmp_path, ending):
    table = arrow.Table.from_pylist(ROWS * 1000)
    rows, out = tmp_path / "rows.parquet", tmp_path / ("scores" + ending)
    arrow.parquet.write_table(table, rows, row_group_size=700)
    done = run("score", raw_path, rows, "-o", out, "--keep", "id", "--keep", "hour")
    assert done.returncode == 0 and done.stdout == "" and done.stderr == "", done.stderr
    found = read(out)
    assert found.column_names == ["id", "hour", "click", "like"] and found.column("id").to_pylist() == ["a", "b", "c"] * 1000
    scores = numpy.stack([found.column(task).to_numpy().astype("float32") for task in ("click", "like")], 1)
    assert same(numpy.ascontiguousarray(scores), numpy.tile(expected, (1000, 1)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["rows.parquet", out.name])


def test_other_files(raw_path, expected, tmp_path):
    rows, out = tmp_path / "rows.arrow", tmp_path / "scores.parquet"
    arrow.feather.write_feather(arrow.Table.from_pylist(ROWS), str(rows), compression="uncompressed")
    done = run("score", raw_path, rows, "-o", out, "--tasks", "like", "--threads", "2")
    assert done.returncode == 0, done.stderr
    assert same(read(out).column("like").to_numpy(), numpy.ascontiguousarray(expected[:, 1]))


def test_errors_leave_no_file(raw_path, tmp_path):
    rows, out = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    arrow.parquet.write_table(arrow.Table.from_pylist([*ROWS, {**ROWS[0], "brand": 4}]), rows)
    for arguments, message in (
        (("score", raw_path, rows, "-o", out), 'feature "brand", row 3'),
        (("score", raw_path, rows, "-o", rows), "that file has the rows"),
        (("score", raw_path, rows, "-o", out, "--keep", "name"), "name"),
        (("score", raw_path, rows, "-o", out, "--tasks", "clack"), "clack"),
        (("score", raw_path, rows, "-o", tmp_path / "scores.txt"), "expected a file"),
        (("score", raw_path, tmp_path / "none.parquet", "-o", out), "none.parquet"),
        (("score", tmp_path / "none.mmoe", rows, "-o", out), "none.mmoe"),
    ):
        done = run(*arguments)
        assert done.returncode == 1 and done.stderr.startswith("error: ") and message in done.stderr, done.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
    assert run("score", raw_path).returncode == 2
