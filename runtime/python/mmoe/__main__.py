"""python -m mmoe score MODEL ROWS -o SCORES: Parquet, Arrow or CSV in and out, in bounded memory. Needs pyarrow."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

from . import Model
from .errors import Error, InputError

ROWS_OF_BATCH = 65536


def main(arguments=None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _score(options)
    except (Error, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="python -m mmoe", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    score = commands.add_parser("score", help="score the rows of a file", description="Score the rows of a file.")
    score.add_argument("model", help="the .mmoe file")
    score.add_argument("rows", help="a file .parquet, .arrow (.feather) or .csv, whose columns are found by name")
    score.add_argument("-o", "--output", required=True, help="where the scores go: .parquet, .arrow (.feather) or .csv")
    score.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="a column to be copied; repeatable")
    score.add_argument("--tasks", metavar="NAME,...", help="score only these tasks [all]")
    score.add_argument("--threads", type=int, default=1, help="threads that score [1]")
    score.add_argument("--quiet", "-q", action="store_true", help="no progress")
    return parser


def _score(options) -> int:
    arrow = _pyarrow()
    tasks = options.tasks.split(",") if options.tasks else None
    session = Model.load(options.model).session(options.threads, tasks=tasks)
    texts = [feature.source for feature in session.model.features
             if feature.string_values and not feature.crossed and feature.source not in options.keep]
    schema, num_rows, batches = _read(options.rows, texts)
    if missing := [name for name in options.keep if name not in schema.names]:
        raise InputError(f"--keep: {missing}, {options.rows} has {schema.names[:20]}")
    fields = [schema.field(name) for name in options.keep]
    out_schema = arrow.schema([*fields, *(arrow.field(name, arrow.float32()) for name in session.tasks)])
    if os.path.exists(options.output) and os.path.samefile(options.output, options.rows):
        raise InputError("--output: that file has the rows")
    folder = os.path.dirname(os.path.abspath(options.output))
    handle, path = tempfile.mkstemp(dir=folder, suffix=os.path.splitext(options.output)[1])
    os.close(handle)
    try:
        with _writer(path, out_schema) as writer:
            _score_batches(session, batches, out_schema, options, num_rows, writer)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(path, 0o666 & ~mask)
        os.replace(path, options.output)
    except BaseException:
        os.unlink(path)
        raise
    return 0


def _score_batches(session, batches, schema, options, num_rows, writer):
    arrow = _pyarrow()
    progress = _Progress(num_rows, options.quiet)
    done = 0
    for batch in batches:
        try:
            scores = session.score_rows(batch)
        except Error as error:
            raise type(error)(f"{options.rows}, rows from {done} on: {error}") from error
        columns = [batch.column(name) for name in options.keep]
        columns += [arrow.array(scores[:, i]) for i in range(len(session.tasks))]
        writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=schema))
        done += batch.num_rows
        progress.show(done)
    progress.end()


def _pyarrow():
    try:
        import pyarrow
    except ImportError:
        raise InputError("pyarrow is needed to read and write these files: pip install pyarrow") from None
    return pyarrow


def _read(path, texts):
    """(schema, number of rows or None, batches). `texts`: columns that may come as dictionaries."""
    ending = os.path.splitext(path)[1]
    if ending == ".parquet":
        import pyarrow.parquet

        # Texts as Parquet has them, in dictionaries: each category is looked up once for a batch.
        there = pyarrow.parquet.read_schema(path, memory_map=True)
        texts = [name for name in texts if name in there.names and pyarrow.types.is_string(there.field(name).type)]
        file = pyarrow.parquet.ParquetFile(path, memory_map=True, read_dictionary=texts)
        return file.schema_arrow, file.metadata.num_rows, file.iter_batches(ROWS_OF_BATCH)
    if ending in (".arrow", ".feather"):
        import pyarrow.ipc

        reader = pyarrow.ipc.open_file(pyarrow.memory_map(path))
        return reader.schema, None, (reader.get_batch(i) for i in range(reader.num_record_batches))
    if ending == ".csv":
        import pyarrow.csv

        reader = pyarrow.csv.open_csv(path)
        return reader.schema, None, reader
    raise InputError(f"{path}: expected a file .parquet, .arrow, .feather or .csv")


def _writer(path, schema):
    ending = os.path.splitext(path)[1]
    if ending == ".parquet":
        import pyarrow.parquet

        return _Parquet(pyarrow.parquet.ParquetWriter(path, schema))
    if ending in (".arrow", ".feather"):
        import pyarrow.ipc

        return pyarrow.ipc.new_file(path, schema)
    if ending == ".csv":
        import pyarrow.csv

        return pyarrow.csv.CSVWriter(path, schema)
    raise InputError(f"{path}: expected a file .parquet, .arrow, .feather or .csv")


class _Parquet:
    """A row group for each batch."""

    def __init__(self, writer):
        self.writer = writer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.close()

    def write_batch(self, batch):
        self.writer.write_batch(batch)


class _Progress:
    """On a terminal, once a second."""

    def __init__(self, num_rows, quiet):
        self.num_rows, self.begin, self.shown = num_rows, time.monotonic(), 0.0
        self.is_on = not quiet and sys.stderr.isatty()

    def show(self, done):
        now = time.monotonic()
        if not self.is_on or now - self.shown < 1:
            return
        self.shown = now
        of = f" of {self.num_rows:,} ({100 * done / self.num_rows:.0f} %)" if self.num_rows else ""
        print(f"\r{done:,}{of} rows, {done / (now - self.begin):,.0f} a second", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.is_on and self.shown:
            print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
