#!/usr/bin/env python3
"""A quick comparison with the peers that are there: quick.py COMPARE MMOE_CONVERT SCRATCH

It must say in advance how long it takes, name each peer that is missing with the reason, agree with those that are there,
have ours in every type of numbers, refuse an engine whose scores are wrong, and have every cell in the CSV file as soon
as it is measured. An interrupted one must go on where it was: what it had is
kept to the byte. Standard library only; without any peer ours is timed alone.
"""

import csv
import pathlib
import shutil
import subprocess
import sys

import plain_models

BATCHES = ("1", "8")
TYPES = ("f16", "bf16", "i8", "w8a8")  # of ours, besides f32
CELLS = [(model, batch) for model in plain_models.NAMES for batch in BATCHES]


def compare(program, folder, *arguments):
    return subprocess.run([program, str(folder), "--models", ",".join(plain_models.NAMES), "--batch", ",".join(BATCHES),
                           "--quick", *arguments], capture_output=True, text=True)


def cells_of(path):
    with open(path, newline="") as file:
        return list(dict.fromkeys((row["model"], row["batch"]) for row in csv.DictReader(file)))


class Check:
    def __init__(self):
        self.messages = []

    def __call__(self, holds, message):
        if not holds:
            self.messages.append(message)


def check_whole(check, done, path):
    errors = done.stderr.splitlines()
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    check(any(line.startswith(f"{len(CELLS)} cells of ") and ": about " in line for line in errors),
          f"does not say in advance how long it takes: {done.stderr}")
    for model, batch in CELLS:
        check(any(line.startswith(f"{model} x {batch}: ours ") for line in errors), f"{model} x {batch}: not reported")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    check(cells_of(path) == CELLS, f"cells of the file: {cells_of(path)}")
    engines = {row["engine"] for row in rows}
    missing = {line.split(": ")[1] for line in errors if line.startswith("skipped: ")}
    check("ours" in engines and not engines & missing, f"timed: {engines}; skipped: {missing}")
    check(engines | missing >= {"ours", "pytorch", "xnnpack", "eigen"}, f"neither timed nor skipped: all but {engines | missing}")
    check(all(row["not_timed"] or float(row["median_us"]) > 0 for row in rows), "a time that is none")
    check(engines >= {f"ours-{numbers}" for numbers in TYPES}, f"ours is not timed in every type: {engines}")
    check(engines | missing >= {"xnnpack-f16", "onednn-int8", "onnxruntime-dynamic", "openvino-int8", "pytorch-int8"},
          f"neither timed nor skipped: all but {engines | missing}")
    check(all(row["not_timed"] or float(row["largest_difference"]) <= float(row["limit"]) for row in rows
              if row["engine"] != "ours"), "timed beyond the limit")
    for title in ("f32", "16 bits", "8 bits"):
        check(f"medians: {title}\n" in done.stdout, f"no table of {title}: {done.stdout}")
    check("largest difference of a score" in done.stdout, "no table of differences")
    print(f"timed: {', '.join(sorted(engines))}; not there: {', '.join(sorted(missing)) or 'none'}")


def check_resumed(check, program, scratch, path):
    whole = path.read_text()
    kept = [line for line in whole.splitlines(keepends=True)
            if line.startswith(("model,", f"{CELLS[0][0]},{CELLS[0][1]},", f"{CELLS[2][0]},{CELLS[2][1]},"))]
    path.write_text("".join(kept))
    done = compare(program, scratch, "--csv", str(path), "--resume")
    check(done.returncode == 0 and "2 cells of " in done.stderr and f"(2 are in {path} already)" in done.stderr,
          f"resumed: exit {done.returncode}: {done.stderr}")
    check(f"{CELLS[0][0]} x {CELLS[0][1]}: ours" not in done.stderr, "measured again what was there")
    check(cells_of(path) == CELLS, f"cells of the resumed file: {cells_of(path)}")
    lines = path.read_text().splitlines(keepends=True)
    check(all(line in lines for line in kept), "what was there has changed")
    # All there: nothing to measure. Other options: all of it.
    done = compare(program, scratch, "--csv", str(path), "--resume")
    check(done.returncode == 0 and done.stderr.count(": ours ") == 0, f"all there: {done.stderr}")
    done = compare(program, scratch, "--csv", str(path), "--resume", "--engines", "xnnpack")
    others = len({line.split(",")[2] for line in whole.splitlines()[1:]} - {"xnnpack"}) > 1
    check(not others or done.stderr.count(": ours ") == len(CELLS), f"other engines: {done.stderr}")
    path.write_text("a,b\n1,2\n")
    done = compare(program, scratch, "--csv", str(path), "--resume")
    check(done.returncode == 1 and "is no result of this program" in done.stderr, f"another file: {done.stderr}")
    check(path.read_text() == "a,b\n1,2\n", "another file was replaced")
    done = compare(program, scratch, "--resume")
    check(done.returncode == 2 and "--resume goes with --csv" in done.stderr, f"no file: {done.stderr}")


def check_wrong(check, program, scratch):
    """Weights in fewer bits than an engine says, and those of another model."""
    def engine_is_refused(engine, reason):
        done = compare(program, scratch, "--engines", engine)
        check(done.returncode == 1 and f"not timed: {engine} on small x 8: its scores differ from ours by" in done.stdout,
              f"{reason}: exit {done.returncode}: {done.stdout}{done.stderr}")
    kept = {numbers: (scratch / f"small.{numbers}.mmoe").read_bytes() for numbers in TYPES}
    (scratch / "small.f16.mmoe").write_bytes(kept["bf16"])
    engine_is_refused("ours-f16", "bf16 in the place of f16")
    (scratch / "small.f16.mmoe").write_bytes(kept["f16"])
    (scratch / "small.w8a8.mmoe").write_bytes((scratch / "other.mmoe").read_bytes())
    engine_is_refused("ours-w8a8", "another model")
    (scratch / "small.w8a8.mmoe").write_bytes(kept["w8a8"])
    done = compare(program, scratch, "--numbers", "w8a8,i8")
    check(done.returncode == 0 and "8 bits" in done.stdout and "16 bits" not in done.stdout, f"--numbers: {done.stdout}")


def convert_models(convert, scratch):
    def run(name, description, output, *options):
        subprocess.run([convert, str(scratch / f"{name}.safetensors"), str(scratch / f"{description}.json"), "-o",
                        str(scratch / f"{output}.mmoe"), *options], check=True, stdout=subprocess.DEVNULL)
    for name in plain_models.NAMES:
        run(name, name, name)
        for numbers in TYPES:
            run(name, name, f"{name}.{numbers}", "--weights", numbers)
    run(plain_models.OTHER, "small", "other")


def main():
    program, convert, scratch = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    sys.argv[1:] = [str(scratch)]
    plain_models.main()
    convert_models(convert, scratch)
    check, path = Check(), scratch / "compare.csv"
    check_whole(check, compare(program, scratch, "--csv", str(path)), path)
    check_resumed(check, program, scratch, path)
    check_wrong(check, program, scratch)
    for message in check.messages:
        print("error: " + message, file=sys.stderr)
    return 1 if check.messages else 0


if __name__ == "__main__":
    sys.exit(main())
