"""Tables of pandas, polars and Arrow, of which the package imports none."""

import numpy
import pytest

from raw_rows import ROWS, columns, same

import mmoe


def test_pandas(raw, expected):
    pandas = pytest.importorskip("pandas")
    session = mmoe.Session(raw)
    frame = pandas.DataFrame(columns())
    assert same(session.score_rows(frame), expected)
    frame["age"] = frame["age"].astype("Float64")
    frame["country"] = frame["country"].astype("category")
    frame["hour"] = frame["hour"].astype("Int32")
    frame["city"] = frame["city"].astype("string")
    assert same(session.score_rows(frame), expected)
    assert same(session.score_rows(frame.iloc[[2, 0]]), expected[[2, 0]])


def test_polars(raw, expected):
    polars = pytest.importorskip("polars")
    assert same(mmoe.Session(raw).score_rows(polars.DataFrame(ROWS, strict=False)), expected)


def test_arrow(raw, expected):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    table = arrow.Table.from_pylist(ROWS)
    assert same(session.score_rows(table), expected)
    assert same(session.score_rows(table.to_batches()[0]), expected)
    assert same(session.score_rows(table.slice(1)), expected[1:])
    assert same(session.score_rows(arrow.concat_tables([table, table])), numpy.tile(expected, (2, 1)))
