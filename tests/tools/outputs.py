#!/usr/bin/env python3
"""Where the tools write: inputs are never replaced, results are whole or not there, and lost output is no success.

    outputs.py FOLDERS    the folders of the tools, with ':' between
"""

import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

from harness import ROOT, Folder, Tools, census, check, finish, temporaries


def convert(tools, folder, output, *more, **options):
    return tools.run("mmoe-convert", folder / "weights.pt", folder / "description.json", "-o", output, *more, **options)


def refused(process, status, words, what):
    text = process.stderr.decode()
    check(process.returncode == status and words in text, f"{what}: exit {process.returncode}, {text!r}")


def check_inputs_stay(tools):
    with Folder() as folder:
        inputs = census(folder)
        before = [path.read_bytes() for path in inputs]
        for path in inputs:
            hard, soft = folder / "hard", folder / "soft"
            os.link(path, hard)
            soft.symlink_to(path.name)
            for output in (path, hard, soft):
                process = convert(tools, folder, output, "--rows", folder / "rows.csv", "--expect",
                                  folder / "expected.csv")
                refused(process, 2, "--output: that file", f"mmoe-convert -o {output.name} ({path.name})")
            hard.unlink()
            soft.unlink()
        convert(tools, folder, folder / "m.mmoe", "-q")
        model, rows = folder / "m.mmoe", folder / "rows.csv"
        whole = model.read_bytes()
        refused(tools.run("mmoe-score", model, rows, "-o", rows), 2, "has the rows", "mmoe-score -o ROWS")
        refused(tools.run("mmoe-score", model, rows, "-o", model), 2, "is the model", "mmoe-score -o MODEL")
        refused(tools.run("mmoe-score", model, rows, "--gates", model), 2, "is the model", "mmoe-score --gates MODEL")
        refused(tools.run("mmoe-score", model, rows, "-o", folder / "s", "--gates", folder / "s"), 2,
                "has the scores", "mmoe-score, two results in one file")
        refused(tools.run("mmoe-inspect", model, "--report", rows, "-o", model), 2, "is the model", "mmoe-inspect -o")
        refused(tools.run("mmoe-inspect", model, "--report", rows, "-o", rows), 2, "has the rows", "mmoe-inspect -o")
        # What is appended to an input by the shell.
        appended = tools.run("mmoe-score", model, rows, shell_suffix=f">> {rows}")
        refused(appended, 2, "has the rows", "mmoe-score >> ROWS")
        for tool in ("mmoe-inspect", "mmoe-verify"):
            refused(tools.run(tool, model, shell_suffix=f">> {model}"), 1, "also an input", f"{tool} MODEL >> MODEL")
        check(model.read_bytes() == whole, "the model is as it was")
        check([path.read_bytes() for path in inputs] == before, "the inputs are as they were")
        check(temporaries(folder) == [], "nothing is left behind")


def check_files_found_along_the_way(tools):
    """Inputs that no argument names: external data of ONNX, files that settings name."""
    with Folder() as folder:
        for name in ("rechub_mmoe.onnx", "rechub_mmoe.onnx.data"):
            shutil.copy(ROOT / "tests/data/onnx" / name, folder / name)
        data = folder / "rechub_mmoe.onnx.data"
        before = data.read_bytes()
        refused(tools.run("mmoe-convert", folder / "rechub_mmoe.onnx", "-o", data), 1, "also an input", "external data")
        check(data.read_bytes() == before, "the external data is as it was")
    with Folder() as folder:
        fixture = ROOT / "tests/parity/recipes/fixtures/fuxictr_mmoe"
        for path in fixture.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        weights = folder / "MMoE_test.model"
        weights.write_bytes(gzip.decompress((folder / "MMoE_test.model.gz").read_bytes()))
        for name in ("feature_map.json", "feature_vocab.json"):
            refused(tools.run("mmoe-convert", weights, folder / "settings.json", "-o", folder / name), 1,
                    "also an input", name)
            check((folder / name).read_bytes() == (fixture / name).read_bytes(), f"{name} is as it was")


def check_closed_streams(tools):
    with Folder() as folder:
        census(folder)
        check(convert(tools, folder, folder / "open.mmoe").returncode == 0, "mmoe-convert")
        whole = (folder / "open.mmoe").read_bytes()
        for name, closed in (("1", ">&-"), ("01", "<&- >&-"), ("012", "<&- >&- 2>&-")):
            output = folder / f"closed{name}.mmoe"
            process = convert(tools, folder, output, shell_suffix=closed)
            check(process.returncode == 1, f"mmoe-convert {closed} lost its report and ends with {process.returncode}")
            check(output.read_bytes() == whole, f"mmoe-convert {closed}: the model is the same file")
            quiet = folder / f"quiet{name}.mmoe"
            process = convert(tools, folder, quiet, "-q", shell_suffix=closed)
            check(process.returncode == 0, f"mmoe-convert -q {closed} has nothing to print")
            check(quiet.read_bytes() == whole, f"mmoe-convert -q {closed}: the model is the same file")


def check_lost_output(tools):
    with Folder() as folder:
        census(folder)
        convert(tools, folder, folder / "m.mmoe", "-q")
        model, rows = folder / "m.mmoe", folder / "rows.csv"
        commands = {
            "mmoe-score": (model, rows), "mmoe-inspect": (model,), "mmoe-verify": (model,),
            "mmoe-bench": (model, "--seconds", "0.01", "--batch", "1"),
            "mmoe-convert": (folder / "weights.pt", folder / "description.json", "-o", folder / "again.mmoe")}
        for tool, arguments in commands.items():
            for options in (arguments, ("--help",), ("--version",)):
                process = tools.run(tool, *options, shell_suffix="> /dev/full")
                refused(process, 1, "standard output: No space left", f"{tool} {options[0]} > /dev/full")
                reading, writing = os.pipe()
                os.close(reading)
                process = subprocess.run([tools.path(tool), *map(str, options)], stdout=writing,
                                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120)
                os.close(writing)
                check(process.returncode == 1, f"{tool} {options[0]} | nobody: exit {process.returncode}")
        check((folder / "again.mmoe").read_bytes() == model.read_bytes(), "the model whose report was lost is whole")


def check_size_limit(tools):
    with Folder() as folder:
        census(folder)

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        process = convert(tools, folder, folder / "m.mmoe", preexec_fn=limit)
        refused(process, 1, "m.mmoe: File too large", "ulimit -f")
        check(not (folder / "m.mmoe").exists() and temporaries(folder) == [], "ulimit -f leaves nothing")


def start_waiting(tools, folder, output):
    """mmoe-score that has opened its output and waits for more rows."""
    process = subprocess.Popen([tools.path("mmoe-score"), str(folder / "m.mmoe"), "-", "-o", str(output)],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    header = (folder / "rows.csv").read_bytes().splitlines(keepends=True)[0]
    known = set(temporaries(folder))
    process.stdin.write(header)
    process.stdin.flush()
    for _ in range(1000):
        made = set(temporaries(folder)) - known
        if made:
            return process, made.pop()
        time.sleep(0.01)
    raise RuntimeError("mmoe-score made no temporary file")


def check_signals(tools):
    with Folder() as folder:
        census(folder)
        convert(tools, folder, folder / "m.mmoe", "-q")
        output = folder / "scores.csv"
        output.write_text("old")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process, _ = start_waiting(tools, folder, output)
            process.send_signal(number)
            process.communicate()
            check(process.returncode == -number, f"{number.name}: ends with {process.returncode}")
            check(temporaries(folder) == [], f"{number.name}: the temporary file is removed")
            check(output.read_text() == "old", f"{number.name}: the old file stays")

        killed, left = start_waiting(tools, folder, output)
        killed.kill()
        killed.communicate()
        check(temporaries(folder) == [left], "kill -9 leaves its temporary file")
        running, mine = start_waiting(tools, folder, output)
        check(temporaries(folder) == [mine], "the next run removes what the killed one left")
        second, other = start_waiting(tools, folder, output)
        check(temporaries(folder) == sorted([mine, other]), "and leaves alone what a running one writes")
        running.communicate()
        second.communicate()
        check(running.returncode == 0 and second.returncode == 0, "both running ones end well")
        check(temporaries(folder) == [] and output.read_text() != "old", "and their result is there")


def check_links_and_devices(tools):
    with Folder() as folder:
        census(folder)
        (folder / "link.mmoe").symlink_to("target.mmoe")
        convert(tools, folder, folder / "link.mmoe", "-q")
        check((folder / "link.mmoe").is_symlink(), "a dangling link stays a link")
        check((folder / "target.mmoe").exists(), "what a dangling link leads to is made")
        model, rows = folder / "link.mmoe", folder / "rows.csv"
        scores = tools.run("mmoe-score", model, rows).stdout
        for output in ("/dev/stdout", "-", "/dev/fd/1"):
            process = tools.run("mmoe-score", model, rows, "-o", output)
            check(process.stdout == scores, f"mmoe-score -o {output} into a pipe")
            log = folder / "log"
            log.write_bytes(b"before\n")
            tools.run("mmoe-score", model, rows, "-o", output, shell_suffix=f">> {log}")
            check(log.read_bytes() == b"before\n" + scores, f"mmoe-score -o {output} appended to a file")
        check(tools.run("mmoe-score", model, rows, "-o", "/dev/null").returncode == 0, "mmoe-score -o /dev/null")
        check(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"), "/dev/null stays a device")
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
        tools.run("mmoe-score", model, rows, "-o", pipe)
        check(reader.communicate()[0] == scores, "mmoe-score -o PIPE")
        header = folder / "header.csv"
        header.write_bytes(rows.read_bytes().splitlines(keepends=True)[0])
        empty = tools.run("mmoe-score", model, header)
        check(empty.returncode == 0 and empty.stdout == scores.splitlines(keepends=True)[0], "rows without a row: scores")
        refused(tools.run("mmoe-inspect", model, "--report", header, "-o", folder / "report.html"), 1, "no rows",
                "rows without a row: report")
        copied = convert(tools, folder, "/dev/stdout", "-q").stdout
        check(copied == model.read_bytes(), "mmoe-convert -o /dev/stdout")


def main():
    tools = Tools(sys.argv[1])
    check_inputs_stay(tools)
    check_files_found_along_the_way(tools)
    check_closed_streams(tools)
    check_lost_output(tools)
    check_size_limit(tools)
    check_signals(tools)
    check_links_and_devices(tools)
    finish()


if __name__ == "__main__":
    main()
