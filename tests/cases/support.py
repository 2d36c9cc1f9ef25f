"""What the checks of tests/cases share: running the tools with limits, reading scores, judging the outcome."""

import csv
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time

TOOLS = ("mmoe-convert", "mmoe-score", "mmoe-inspect", "mmoe-verify", "mmoe-bench")

# Frameworks compute in float and in another order of sums than the runtime. A score behind a few layers of up to some
# hundred inputs has then seen a few units in the last place (6e-8 each) per layer, on either side.
TOLERANCE = 5e-6


# What programs of the cases used before there were Input and Output.
EARLIER_INTERFACE = re.compile(r"mmoe/parallel\.h|score\(x\.data\(\)|options\.isa\b")


class Wrong(Exception):
    """The case is not what it should be; the text says what happened."""


class Skipped(Exception):
    """The case cannot be tried here; the text says why."""


def need_todays_interface(source):
    if EARLIER_INTERFACE.search(source.read_text(encoding="utf-8")):
        raise Skipped("its program is written for the interface before Input and Output; tests/unit and tests/install "
                      "try the same with programs of their own")


def require(holds, text):
    if not holds:
        raise Wrong(text)


@dataclasses.dataclass
class Outcome:
    """How one program ended, and what it took."""

    code: int  # negative: died of this signal
    out: str
    err: str
    wall: float  # seconds
    cpu: float  # seconds of the program and what it waited for
    peak_mb: float  # resident

    @property
    def text(self):
        return self.out + self.err

    def without(self, folder):
        """The same with the folder's path, whose words are not the tool's, left out of the texts."""
        return dataclasses.replace(
            self, out=self.out.replace(str(folder), "..."), err=self.err.replace(str(folder), "...")
        )

    def summary(self):
        words = self.err.strip() or self.out.strip()
        return f"exit {self.code}, {self.cpu:.2f} s, {self.peak_mb:.0f} MB: {' '.join(words[-300:].split())}"


def limiter(data_mb, file_bytes):
    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if data_mb is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (data_mb << 20, data_mb << 20))
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
            # Python ignores it, and what is ignored is inherited.
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    return limit


def run(*command, cwd=None, data_mb=None, file_bytes=None, timeout=120, env=None, stdout=None, stdin=None):
    """Runs a program to its end. `data_mb` bounds its own memory, `file_bytes` what it writes to one file; `stdout`
    takes a file's place of the pipe."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or out,
            stderr=err,
            env=dict(os.environ, **(env or {})),
            preexec_fn=limiter(data_mb, file_bytes),
            start_new_session=True,
        )
        status, usage = wait(process, begin + timeout)
        wall = time.monotonic() - begin
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    if status is None:
        raise Wrong(f"{pathlib.Path(command[0]).name} did not end within {timeout} s")
    return Outcome(
        os.waitstatus_to_exitcode(status), *texts, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    )


def wait(process, deadline):
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status, usage
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            os.wait4(process.pid, 0)
            process.returncode = -signal.SIGKILL
            return None, None
        time.sleep(0.002)


def find_below(folder, name):
    """The program or library of that name below a build's folder; None if there is none."""
    for root, _, files in os.walk(folder):
        if name in files:
            return pathlib.Path(root) / name
    return None


class Case:
    """One folder of the cases, the tools, and a folder of its own to write to. Inputs are read where they lie."""

    def __init__(self, folder, build, repository, scratch):
        self.folder, self.build, self.repository, self.scratch = folder, build, repository, scratch
        self.tools = {name: find_below(build, name) for name in TOOLS}

    def input(self, name):
        return self.folder / name

    def output(self, name="model.mmoe"):
        return self.scratch / name

    def copy(self, name, source=None):
        """Of an input that a tool is told to write over."""
        target = self.scratch / name
        shutil.copyfile(source or self.folder / name, target)
        return target

    def library(self, name="libmmoe.a"):
        found = find_below(self.build / "runtime", name)
        if found is None:
            raise Skipped(f"no {name} below {self.build}")
        return found

    def tool(self, name, *arguments, **options):
        if self.tools[name] is None:
            raise Skipped(f"no {name} below {self.build}")
        done = run(self.tools[name], *arguments, **{"cwd": self.scratch, **options})
        return done.without(self.folder).without(self.scratch)

    def convert(self, *arguments, output=None, **options):
        return self.tool("mmoe-convert", *arguments, "-o", output or self.output(), **options)

    def score(self, *arguments, **options):
        return self.tool("mmoe-score", *arguments, **options)

    def converted(self, *arguments, output=None, **options):
        """Path of a model that must be made."""
        done = self.convert(*arguments, output=output, **options)
        require(done.code == 0, "not converted: " + done.summary())
        return output or self.output()

    def scores(self, model, rows, *options):
        """Rows of numbers; the rows must be scored."""
        done = self.score(model, rows, *options)
        require(done.code == 0, "not scored: " + done.summary())
        return [[float(cell) for cell in line] for line in list(csv.reader(done.out.splitlines()))[1:]]

    def census(self):
        """The example's model, converted once for all cases."""
        model = self.scratch.parent / "census.mmoe"
        if not model.exists():
            data = self.repository / "examples/census/model"
            self.converted(data / "weights.pt", data / "description.json", output=model)
        return model

    def compile(self, name, *arguments):
        """Compiles the case's C++ source against the build's library; gives the program's path."""
        program = self.scratch / pathlib.Path(name).stem
        source = name if isinstance(name, pathlib.Path) else self.folder / name
        need_todays_interface(source)
        done = run(
            "g++",
            "-std=c++17",
            "-O1",
            "-w",
            "-I",
            self.repository / "runtime/include",
            source,
            *arguments,
            self.library("libmmoe_threads.a"),
            self.library(),
            "-lpthread",
            "-o",
            program,
        )
        require(done.code == 0, "does not compile: " + done.summary())
        return program


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return [[float(cell) for cell in row] for row in rows[1:]]


def largest_difference(got, wanted):
    """Between two tables, relative where a score exceeds 1."""
    shapes = [(len(table), len(table[0]) if table else 0) for table in (got, wanted)]
    require(shapes[0] == shapes[1], f"scores of shape {shapes[0]}, wanted {shapes[1]}")
    worst = 0.0
    for got_row, wanted_row in zip(got, wanted):
        for a, b in zip(got_row, wanted_row):
            difference = abs(a - b) / max(1.0, abs(b))
            if not difference <= worst:  # NaN counts
                worst = difference
    return worst


def require_equal(got, wanted):
    worst = largest_difference(got, wanted)
    require(worst <= TOLERANCE, f"largest difference {worst:.3g}")
    return f"equal, largest difference {worst:.1e}"


def require_refusal(done, *words):
    """Ended by itself, with a message that has one of the words (any message if there are none)."""
    require(done.code > 0, "not refused: " + done.summary())
    require(done.err.strip() != "", "refused without a message")
    if words:
        require(
            any(word.lower() in done.err.lower() for word in words),
            "the message names none of " f"{', '.join(words)}: {done.err.strip()[-300:]}",
        )
    return "refused: " + done.err.strip().splitlines()[-1][:150]


def require_cheap(done, seconds, megabytes):
    require(done.code >= 0, "died: " + done.summary())
    require(done.cpu <= seconds, f"took more than {seconds} s: " + done.summary())
    require(done.peak_mb <= megabytes, f"took more than {megabytes} MB: " + done.summary())
    return done.summary()


def write_safetensors(path, tensors):
    """`tensors`: name -> (shape, list of numbers)."""
    import json

    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
