"""A local Spark with several workers."""

import os
import sys

import numpy
import pytest

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
