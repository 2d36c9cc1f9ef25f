"""What every experiment's command line does alike: what it needs, where it writes, how it ends. Standard library."""

import importlib
import pathlib
import sys
import tempfile


class Stop(Exception):
    """What is no mistake of the program: it ends with the message alone."""


def need(*modules):
    """Ends with an error that names the modules which cannot be imported; call it before importing them."""
    missing = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        sys.exit(f"error: {sys.executable} has no {', '.join(missing)}: install "
                 f"{' '.join('python3-' + name for name in missing)} (Debian), or use another Python")


def output_folder(given, work, quick, full, results):
    """Where tables and figures go: `given`, or for --quick inside `work`, or `results`, the committed folder.

    Ends with an error, before any work, if the folder cannot be written, or if it is `results` and the run is not the
    `full` one, whose figures are kept there.
    """
    out = pathlib.Path(given or (work / "results" if quick else results))
    if not full and out.resolve() == pathlib.Path(results).resolve():
        sys.exit(f"error: {out} is for the full run with its default options: give another --out")
    for folder in (out, pathlib.Path(work)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            sys.exit(f"error: {folder} cannot be written: {error.strerror}")
    return out


def run(main):
    """main(), with one line instead of a traceback for what is no mistake of the program."""
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted: what is finished is kept; the same command goes on from there", file=sys.stderr)
        sys.exit(130)
    except (Stop, OSError, EOFError) as error:
        sys.exit(f"error: {error}")
