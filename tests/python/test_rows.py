"""Raw rows by column name, against the program mmoe-score."""

import numpy
import pytest

import models
from raw_rows import ROWS, USER, columns, same

import mmoe

def test_columns_and_dicts(raw, expected):
    session = mmoe.Session(raw)
    assert expected.shape == (3, 2)
    assert same(session.score_rows(columns()), expected)
    assert same(session.score_rows(ROWS), expected)
    assert same(session.score_rows(tuple(ROWS)), expected)
    out = numpy.zeros((3, 2), "float32")
    assert session.score_rows(ROWS, out) is out and same(out, expected)
    for i, row in enumerate(ROWS):
        assert same(session.score_rows([row]), expected[i : i + 1])


def test_arrays_as_columns(raw, expected):
    given = columns()
    given["age"] = numpy.array([39, 21.5, numpy.nan])
    given["price"] = numpy.array(given["price"], "float32")
    given["brand"] = numpy.array(given["brand"])
    given["country"] = numpy.array(given["country"])
    given["hour"] = numpy.array(given["hour"], "int8")
    given["city"] = numpy.array(given["city"], object)
    session = mmoe.Session(raw)
    assert same(session.score_rows(given), expected)
    given["brand"] = given["brand"].astype("uint64")
    given["age"] = given["age"].astype("float32")
    assert same(session.score_rows(given), expected)
    given["brand"] = numpy.array([3, 2**40, 5], "float64")  # as pandas has whole numbers, where one is missing
    given["tags"] = tuple(given["tags"])
    assert same(session.score_rows(given), expected)


def test_histories_of_one_length(raw):
    session = mmoe.Session(raw)
    rows = [{**row, "history": [1, 2, 3]} for row in ROWS]
    given = {name: [row[name] for row in rows] for name in rows[0]}
    wanted = session.score_rows(given)
    for dtype in ("int32", "int64", "uint8"):
        given["history"] = numpy.array(given["history"], dtype)
        assert same(session.score_rows(given), wanted)


def test_many_rows_in_parts(raw, expected):
    session = mmoe.Session(raw)
    many = {name: values * 1100 for name, values in columns().items()}
    many["price"] = numpy.array(many["price"], "float64")
    many["hour"] = numpy.array(many["hour"])
    found = session.score_rows_all(many)
    assert same(found.scores, numpy.tile(expected, (1100, 1)))
    assert same(found.gates[3000:3003], found.gates[:3]) and same(found.logits[3000:3003], found.logits[:3])
    many["brand"][2000] = 4
    with pytest.raises(mmoe.UnknownCategoryError, match='feature "brand", row 976: .*; its row 0 is row 1024'):
        session.score_rows(many)


def test_one_row_of_plain_values(raw_path, folder):
    features = [feature for feature in models.FEATURES if feature["name"] in ("age", "country")]
    tables = {name: shape for name, shape in models.WIDTHS.items() if name == "country"}
    weights = models.arrays(4)
    weights["country.weight"] = numpy.arange(15, dtype="float32").reshape(tables["country"]) / 15
    model = mmoe.Model.load(models.convert((weights, models.description(features)), folder, "two"))
    session = mmoe.Session(model)
    one = session.score_rows({"age": 39, "country": "AT"})
    assert one.shape == (2,)
    assert same(session.score_rows({"age": [39], "country": ["AT"]}), one)
    assert same(session.score_rows({"age": numpy.float32(39), "country": numpy.str_("AT")}), one)


def test_user_and_candidates(raw):
    session = mmoe.Session(raw)
    user = {name: ROWS[0][name] for name in USER}
    items = [{name: value for name, value in row.items() if name not in USER} for row in ROWS]
    wanted = session.score_rows([{**row, **user} for row in ROWS])
    assert same(session.score_rows(items, user=user), wanted)
    session.set_user_row(user)
    assert same(session.score_rows(items, candidates=True), wanted)
    assert same(session.score_rows_all(items, user=user).scores, wanted)
    with pytest.raises(mmoe.InputError, match="user: 3 rows"):
        session.score_rows(items, user=ROWS)
    with pytest.raises(mmoe.InputError, match="there is no column 'age'"):
        session.score_rows(items, user={"country": "AT", "history": []})


@pytest.mark.parametrize("change, error, message", [
    ({"brand": 4}, mmoe.UnknownCategoryError, "brand"),
    ({"brand": "five"}, mmoe.InputError, "brand"),
    ({"age": "old"}, mmoe.InputError, 'feature "age", row 1'),
    ({"age": [1, 2]}, mmoe.InputError, "age"),
    ({"country": 7}, mmoe.InputError, "country"),
    ({"country": 7.5}, mmoe.InputError, "country"),
    ({"history": [1] * 6}, mmoe.InputError, "history"),
    ({"history": ["a"]}, mmoe.InputError, "history"),
    ({"price": [1]}, mmoe.InputError, "price"),
    ({"price": 1}, mmoe.InputError, "price"),
    ({"counts": [1, 2, 3, 4, 5]}, mmoe.InputError, "tags"),
    ({"age": object()}, TypeError, "object"),
    ({"history": [None]}, TypeError, "None"),
    ({"brand": -(2**64)}, OverflowError, "below"),
])
def test_wrong_values(raw, change, error, message):
    rows = [ROWS[0], {**ROWS[1], **change}]
    session = mmoe.Session(raw)
    with pytest.raises(error, match=message):
        session.score_rows(rows)
    session.score_rows(ROWS)


def test_wrong_tables(raw, plain):
    session = mmoe.Session(raw)
    given = columns()
    del given["city"]
    with pytest.raises(mmoe.InputError, match="'city x hour': there is no column 'city'; the rows have: age, country"):
        session.score_rows(given)
    with pytest.raises(mmoe.InputError, match="column 'age' has 2 values|has 3 values"):
        session.score_rows({**columns(), "age": [1, 2]})
    with pytest.raises(mmoe.InputError, match="is one value"):
        session.score_rows({**columns(), "age": 1})
    for wrong in (7, "text", [1, 2], numpy.zeros((3, 3))):
        with pytest.raises(mmoe.InputError):
            session.score_rows(wrong)
    with pytest.raises(mmoe.InputError, match="takes x"):
        mmoe.Session(plain).score_rows(columns())
    with pytest.raises(mmoe.InputError, match="datetime64"):
        session.score_rows({**columns(), "age": numpy.zeros(3, "datetime64[s]")})


def test_no_rows(raw):
    session = mmoe.Session(raw)
    assert session.score_rows({name: [] for name in columns()}).shape == (0, 2)
    assert session.score_rows({name: [] for name in columns()}, user={name: ROWS[0][name] for name in USER}).shape == (0, 2)


def test_texts_with_zeros_are_whole(raw, expected):
    rows = [{**ROWS[0], "country": "AT\0"}]
    assert not same(mmoe.Session(raw).score_rows(rows), expected[:1])  # unknown, not AT
