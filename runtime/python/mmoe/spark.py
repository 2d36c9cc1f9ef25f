"""Scores in Spark: mapInArrow, with the file once per worker process and one thread per task.

    import mmoe.spark

    scored = mmoe.spark.score(df, "/models/ranker.mmoe", keep=["user_id"])

Spark's executors must have this package and the file, at the same path: as with a shared folder, or SparkFiles. A Model
whose bytes are in memory is sent to them with the function.
"""

from __future__ import annotations

import functools
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
