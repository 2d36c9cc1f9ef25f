"""Scores in Spark: mapInArrow, with the file once per worker process and one thread per task.

    import mmoe.spark

    scored = mmoe.spark.score(df, "/models/ranker.mmoe", keep=["user_id"])

or, where a column is to be added, a function of pyspark.ml:

    make = functools.partial(mmoe.spark.make_predict_fn, "/models/ranker.mmoe")
    predict = predict_batch_udf(make, return_type=mmoe.spark.return_type("/models/ranker.mmoe"), batch_size=10_000)
    df.withColumn("scores", predict("age", "country"))      # the columns of mmoe.spark.columns(), in that order

Spark's executors must have this package and the file, at the same path: as with a shared folder, or SparkFiles. A Model
whose bytes are in memory is sent to them with the function.
"""

from __future__ import annotations

import functools
import inspect
import os

from . import Model
from .errors import InputError


def score(df, model, *, keep=None, tasks=None, **options):
    """`df` with a column of doubles for each task, named as these.

    `model` is a path, or a Model. `keep` are the columns of `df` that stay; by default all. Further options are those
    of Session. Columns are found by name, as score_rows() does.
    """
    path, data = _where(model)
    loaded = model if isinstance(model, Model) else Model.load(path)
    names = list(tasks) if tasks is not None else list(loaded.tasks)
    kept = list(df.columns) if keep is None else list(keep)
    if twice := [name for name in names if name in kept]:
        raise InputError(f"keep: {twice} are tasks too")
    if missing := [name for name in kept if name not in df.columns]:
        raise InputError(f"keep: {missing}, the table has {df.columns}")
    wanted = [name for name in df.columns if name in kept or name in _columns_of(loaded, df.columns)]
    schema = ", ".join([*(f"`{field.name}` {field.dataType.simpleString()}" for field in df.schema if field.name in kept),
                        *(f"`{name}` double" for name in names)])
    work = functools.partial(_score_batches, path=path, data=data, tasks=names, keep=kept, options=options)
    return df.select(*(f"`{name}`" for name in wanted)).mapInArrow(work, schema)


def columns(model):
    """The columns that a function of make_predict_fn() takes, in their order: each once, as features name them."""
    names = []
    for feature in _loaded(model).features:
        names += [*(feature.crossed or (feature.source,)), *([feature.weights] if feature.weights else [])]
    return list(dict.fromkeys(names))


def return_type(model, tasks=None):
    """What such a function gives for a row: a struct with a double for each task."""
    from pyspark.sql.types import DoubleType, StructField, StructType

    names = list(tasks) if tasks is not None else list(_loaded(model).tasks)
    return StructType([StructField(name, DoubleType()) for name in names])


def make_predict_fn(model, tasks=None, **options):
    """For predict_batch_udf() of pyspark.ml.functions: a function of columns, which gives a dict of scores by task.

    A worker process maps the file once. A model without features takes x as one column of arrays, for which
    predict_batch_udf() needs input_tensor_shapes=[[model.input_dim]]. Spark gives a batch of whole numbers, of which
    some are missing, as floats: from 2^53 on they are refused, since these are rounded.
    """
    path, data = _where(model)
    loaded = Model.load(data) if data is not None else _load(path, os.stat(path).st_mtime_ns)
    session = loaded.session(tasks=tasks, **options)
    names = columns(loaded)
    categories = {name for feature in loaded.features if feature.kind != "dense" and not feature.number_values
                  for name in (feature.crossed or (feature.source,))}

    def predict(*given):
        if not names:
            scores = session.score(_as_float32(given))
        elif len(given) != len(names):
            raise InputError(f"{len(given)} columns, expected {len(names)}: {', '.join(names)}")
        else:
            rows = dict(zip(names, given))
            for name in categories:
                _refuse_rounded(name, rows[name])
            scores = session.score_rows(rows)
        return {name: scores[:, i].astype("float64") for i, name in enumerate(session.tasks)}

    # Spark counts the function's parameters.
    kind = inspect.Parameter.POSITIONAL_ONLY
    predict.__signature__ = inspect.Signature([inspect.Parameter(f"column{i}", kind) for i in range(max(1, len(names)))])
    return predict


def _refuse_rounded(name, values):
    import numpy

    if getattr(values, "dtype", None) == "float64" and (numpy.abs(values) >= 2.0**53).any():
        raise InputError(f"column {name!r}: whole numbers of 2^53 or more came as floats, which are rounded, since "
                         "some are missing; mmoe.spark.score() takes them as they are")


def _as_float32(given):
    import numpy

    if len(given) != 1:
        raise InputError(f"{len(given)} columns, expected one, of arrays: the model takes x")
    return numpy.ascontiguousarray(given[0], "float32")


def _loaded(model):
    return model if isinstance(model, Model) else Model.load(os.fsdecode(model))


def _where(model):
    """(path, None) or (None, bytes)"""
    if not isinstance(model, Model):
        return os.path.abspath(os.fsdecode(model)), None
    return (model._path, None) if model._path else (None, bytes(model))


def _columns_of(model, given):
    names = set()
    for feature in model.features:
        for name in (*(feature.crossed or (feature.source,)), feature.weights):
            names.update(column for column in given if column == name or column.startswith(f"{name}."))
    return names


@functools.lru_cache(maxsize=4)
def _load(path, changed):
    return Model.load(path)


def _score_batches(batches, path, data, tasks, keep, options):
    import pyarrow

    model = Model.load(data) if data is not None else _load(path, os.stat(path).st_mtime_ns)
    session = model.session(tasks=tasks, **options)
    for batch in batches:
        if batch.num_rows == 0:
            continue
        scores = session.score_rows(batch)
        columns = [batch.column(name) for name in batch.schema.names if name in keep]
        names = [name for name in batch.schema.names if name in keep]
        columns += [pyarrow.array(scores[:, i].astype("float64")) for i in range(len(tasks))]
        yield pyarrow.RecordBatch.from_arrays(columns, names=[*names, *tasks])
