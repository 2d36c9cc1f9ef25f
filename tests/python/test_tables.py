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
    session = mmoe.Session(raw)
    frame = polars.DataFrame(ROWS, strict=False)
    assert same(session.score_rows(frame), expected)
    assert same(session.score_rows(frame.with_columns(polars.col("city").cast(polars.Categorical))), expected)
    assert same(session.score_rows(frame.slice(1, 2)), expected[1:])
    assert same(session.score_rows(polars.concat([frame, frame], rechunk=False)), numpy.tile(expected, (2, 1)))
    assert same(session.score_rows_all(polars.concat([frame, frame], rechunk=False)).scores[3:], expected)


TYPES = {
    "country": ["string", "large_string", "string_view", "dictionary"],
    "brand": ["int64", "uint64", "float64"],
    "hour": ["int8", "int16", "int32", "int64", "float64"],
    "age": ["float32", "float64"],
    "history": ["list_int8", "list_int64", "list_uint16", "large_list_int32"],
    "tags": ["list_string", "large_list_large_string"],
    "price": ["list_float64", "fixed_float32", "fixed_float64"],
    "counts": ["list_float32", "list_float64"],
}


def arrow_type(arrow, name):
    if name == "dictionary":
        return arrow.dictionary(arrow.int16(), arrow.string())
    if name.startswith("fixed_"):
        return arrow.list_(getattr(arrow, name[6:])(), 2)
    for prefix, make in (("large_list_", arrow.large_list), ("list_", arrow.list_)):
        if name.startswith(prefix):
            return make(getattr(arrow, name[len(prefix) :])())
    return getattr(arrow, name)()


def test_arrow(raw, expected):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    table = arrow.Table.from_pylist(ROWS)
    assert same(session.score_rows(table), expected)
    assert same(session.score_rows(table.to_batches()[0]), expected)
    assert same(session.score_rows(table.slice(1)), expected[1:])
    assert same(session.score_rows(table.slice(2, 1)), expected[2:])
    assert session.score_rows(table.slice(3)).shape == (0, 2)
    twice = arrow.concat_tables([table, table.slice(1)])
    assert same(session.score_rows(twice), numpy.concatenate([expected, expected[1:]]))
    out = numpy.zeros((5, 2), "float32")
    assert session.score_rows(twice, out) is out and same(out[3:], expected[1:])
    many = arrow.concat_tables([table] * 1100).combine_chunks()
    assert same(session.score_rows(many), numpy.tile(expected, (1100, 1)))


def test_arrow_types(raw, expected):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    table = arrow.Table.from_pylist(ROWS + ROWS)
    count = 0
    for column, names in TYPES.items():
        for name in names:
            if name == "string_view" and not hasattr(arrow, "string_view"):
                continue
            place = table.schema.get_field_index(column)
            values = [row[column] for row in ROWS + ROWS]
            changed = table.set_column(place, column, arrow.array(values, arrow_type(arrow, name)))
            assert same(session.score_rows(changed), numpy.tile(expected, (2, 1))), (column, name)
            assert same(session.score_rows(changed.slice(2, 3)), numpy.tile(expected, (2, 1))[2:5]), (column, name)
            count += 1
    assert count >= 24


def test_missing_values_of_arrow(raw):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    for name in ("age", "country", "history", "price", "tags"):
        if name == "tags":
            rows = [{**ROWS[0], "tags": None, "counts": None}, ROWS[1]]
        else:
            rows = [{**ROWS[0], name: None}, ROWS[1]]
        if name == "price":
            continue  # its rule is an error or NaN
        assert same(session.score_rows(arrow.Table.from_pylist(rows)), session.score_rows(rows)), name
    long = [{**row, "country": "a text of more than twelve bytes"} for row in ROWS]
    assert same(session.score_rows(arrow.Table.from_pylist(long)), session.score_rows(long))


def test_wrong_tables_of_arrow(raw):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    table = arrow.Table.from_pylist(ROWS)
    with pytest.raises(mmoe.InputError, match="there is no column 'city'"):
        session.score_rows(table.drop_columns(["city"]))
    with pytest.raises(mmoe.InputError, match="country"):
        session.score_rows(table.set_column(1, "country", arrow.array([1, 2, 3])))
    with pytest.raises(mmoe.UnknownCategoryError, match="row 1"):
        session.score_rows(table.set_column(table.schema.get_field_index("brand"), "brand", arrow.array([3, 4, 5])))
    with pytest.raises(mmoe.InputError, match="expected a table"):
        session.score_rows(arrow.array([1, 2, 3]))
    dates = arrow.array([1, 2, 3], arrow.timestamp("s"))
    with pytest.raises((mmoe.InputError, TypeError)):
        session.score_rows(table.set_column(0, "age", dates))


def test_dictionaries_are_looked_up_once(raw, expected):
    arrow = pytest.importorskip("pyarrow")
    session = mmoe.Session(raw)
    table = arrow.Table.from_pylist(ROWS)
    many = arrow.concat_tables([table] * 1000).combine_chunks()
    for name in ("country", "brand"):
        at = many.schema.get_field_index(name)
        many = many.set_column(at, name, many.column(at).dictionary_encode())
    assert same(session.score_rows(many), numpy.tile(expected, (1000, 1)))
    # The message is the row's, whatever the dictionary.
    wrong = table.set_column(table.schema.get_field_index("brand"), "brand", arrow.array([3, 4, 5]).dictionary_encode())
    with pytest.raises(mmoe.UnknownCategoryError, match='"brand", row 1: unknown category 4'):
        session.score_rows(wrong)
    missing = table.set_column(table.schema.get_field_index("country"), "country",
                               arrow.array(["AT", None, "Côte"]).dictionary_encode())
    plain = session.score_rows([{**row, "country": country} for row, country in zip(ROWS, ["AT", None, "Côte"])])
    assert same(session.score_rows(missing), plain)
    # An index beyond the dictionary, which Arrow does not check: missing, by both ways.
    codes = arrow.array([0, 7, 1], arrow.int32())
    for entries in (["AT", "Côte"], ["AT", "Côte", "a", "b", "c", "d"]):  # more than rows are looked up row by row
        bad = arrow.DictionaryArray.from_arrays(codes, arrow.array(entries), safe=False)
        index = table.schema.get_field_index("country")
        assert same(session.score_rows(table.set_column(index, "country", bad)), plain)
