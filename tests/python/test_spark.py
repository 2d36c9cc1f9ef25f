"""A local Spark with several workers."""

import os
import sys

import numpy
import pytest

import models
from raw_rows import ROWS, same

import mmoe

pytest.importorskip("pyarrow")
pytest.importorskip("pyspark")


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    session = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
               .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000").getOrCreate())
    yield session
    session.stop()


@pytest.mark.parametrize("from_bytes", [False, True])
def test_scores(spark, raw, raw_path, expected, from_bytes):
    import mmoe.spark

    rows = [{**row, "age": None if row["age"] is None else float(row["age"]), "price": [float(x) for x in row["price"]],
             "counts": [float(x) for x in row["counts"]], "place": i} for i, row in enumerate(ROWS * 1000)]
    schema = ("age double, country string, history array<int>, price array<double>, brand long, tags array<string>, "
              "counts array<double>, city string, hour int, id string, place int")
    frame = spark.createDataFrame([[row[field.split()[0]] for field in schema.split(", ")] for row in rows], schema)
    model = mmoe.Model.load(bytes(raw)) if from_bytes else str(raw_path)
    scored = mmoe.spark.score(frame.repartition(4), model, keep=["place", "id"])
    assert scored.columns == ["id", "place", "click", "like"]
    found = sorted(scored.collect(), key=lambda row: row.place)
    scores = numpy.array([[row.click, row.like] for row in found], "float32")
    assert same(scores, numpy.tile(expected, (1000, 1)))
    with pytest.raises(mmoe.InputError, match="clock"):
        mmoe.spark.score(frame, model, keep=["clock"])


def test_predict_batch(spark, folder):
    import functools

    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql import functions

    import mmoe.spark

    wanted = ("age", "country", "brand")
    random = numpy.random.default_rng(2)
    weights = {**models.arrays(1 + 3 + 2), **{name: random.normal(0, 0.5, models.WIDTHS[name[:-7]]).astype("float32")
                                            for name in ("country.weight", "brand.weight")}}
    described = models.description([feature for feature in models.FEATURES if feature["name"] in wanted])
    path = str(models.convert((weights, described), folder, "scalars"))
    rows = [(float(i % 90), ("AT", "US", "Côte")[i % 3], (3, 5, 2**40)[i // 3 % 3], i) for i in range(5000)]
    frame = spark.createDataFrame(rows, "age double, country string, brand long, place int").repartition(3)
    assert mmoe.spark.columns(path) == ["age", "country", "brand"]
    predict = predict_batch_udf(functools.partial(mmoe.spark.make_predict_fn, path),
                                return_type=mmoe.spark.return_type(path), batch_size=700)
    found = frame.withColumn("scores", predict(*map(functions.col, mmoe.spark.columns(path)))).collect()
    found.sort(key=lambda row: row.place)
    model = mmoe.Model.load(path)
    expected = model.session().score_rows({name: [row[i] for row in rows] for i, name in enumerate(wanted)})
    assert same(numpy.array([[row.scores.click, row.scores.like] for row in found], "float32"), expected)
    with pytest.raises(mmoe.InputError, match=r"'brand'.*2\^53"):  # as Spark gives whole numbers beside missing ones
        texts = numpy.array(["AT", "US"], object)
        mmoe.spark.make_predict_fn(path)(numpy.zeros(2), texts, numpy.array([2.0**60, numpy.nan]))
    with pytest.raises(mmoe.InputError, match="2 columns, expected 3"):
        mmoe.spark.make_predict_fn(path)(numpy.zeros(2), numpy.zeros(2))
    predict = mmoe.spark.make_predict_fn(mmoe.Model.load(models.convert(models.plain(), folder, "takes_x")))
    x = numpy.random.default_rng(1).normal(size=(3, 24))
    assert list(predict(x)) == ["click", "like"] and len(predict(x)["click"]) == 3
    with pytest.raises(mmoe.InputError, match="expected one"):
        predict(x, x)
