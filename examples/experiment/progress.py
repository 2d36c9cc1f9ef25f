"""Long work that says where it is and can be interrupted: results are kept line by line, parts are redone."""

import hashlib
import json
import os
import pathlib
import sys
import time


class Results:
    """A file of JSON lines {"key": {...}, "value": {...}}, one per finished part of the work."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.values, self.cut_off = {}, False
        if self.path.exists():
            text = self.path.read_text(encoding="utf-8")
            self.cut_off = bool(text) and not text.endswith("\n")
            for line in text.splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue  # the line that an interruption cut off
                self.values[canonical(entry["key"])] = entry["value"]

    def get(self, key):
        return self.values.get(canonical(key))

    def add(self, key, value):
        line = "\n" * self.cut_off + json.dumps({"key": key, "value": value})
        self.cut_off = False
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.values[canonical(key)] = json.loads(line)["value"]
        return value


def canonical(key):
    return json.dumps(key, sort_keys=True)


def short_hash(key):
    """A file name for a part of the work."""
    return hashlib.sha256(canonical(key).encode()).hexdigest()[:12]


class Progress:
    """Prints `done of total`, elapsed and remaining time to standard error, at most every `period` seconds."""

    def __init__(self, what, total, period=5.0):
        self.what, self.total, self.period = what, total, period
        self.start = self.last = time.monotonic()
        self.done = 0

    def step(self, count=1, note=""):
        self.done += count
        now = time.monotonic()
        if now - self.last < self.period and self.done < self.total:
            return
        self.last = now
        elapsed = now - self.start
        left = elapsed / self.done * (self.total - self.done)
        print(f"{self.what}: {self.done} of {self.total}, {elapsed:.0f} s, {left:.0f} s to go {note}".rstrip(),
              file=sys.stderr, flush=True)
