#!/usr/bin/env python3
"""Vocabularies in files beside the description, large ones, unsigned ids, and ids that --prune drops.

    vocabularies.py FOLDERS    the folders of the tools, with ':' between
"""

import json
import resource
import sys

from harness import Folder, Tools, check, finish, safetensors

WIDTH = 2
LARGE = 300_000
# What mmoe-convert may take for data: some 15 MB for the program, and 25 bytes for each key of both vocabularies. The
# keys' own bytes stay in the mapped files, and the tables stream.
LARGE_BYTES = 30 << 20


def tensors(rows):
    inputs = 2 * WIDTH

    def ramp(*shape):
        count = 1
        for size in shape:
            count *= size
        return list(shape), [((i * 37) % 101 - 50) / 64 for i in range(count)]

    result = {"gates.weight": ramp(2, inputs), "towers.0.0.weight": ramp(1, 8), "towers.0.0.bias": ramp(1)}
    for expert in range(2):
        result[f"experts.{expert}.0.weight"] = ramp(8, inputs)
        result[f"experts.{expert}.0.bias"] = ramp(8)
    for name in ("item", "shop"):
        result[name] = ramp(rows, WIDTH)
    return result


def describe(item, shop):
    feature = {"kind": "categorical", "unknown": {"id": 0}, "first_id": 1}
    return json.dumps({
        "mmoe_description": 1,
        "features": [{"name": "item", **feature, "vocabulary": item, "embedding": "item"},
                     {"name": "shop", **feature, "vocabulary": shop, "embedding": "shop"}],
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                    "gates": {"logits": "gates"}}],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": "click", "link": "sigmoid"}]})


class Case:
    """A folder with weights, a description and its files of keys."""

    def __init__(self, tools, folder, rows, item, shop, files):
        self.tools, self.folder = tools, folder
        (folder / "weights.safetensors").write_bytes(safetensors(tensors(rows)))
        (folder / "description.json").write_text(describe(item, shop))
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def convert(self, *arguments, output="model.mmoe", **options):
        return self.tools.run("mmoe-convert", self.folder / "weights.safetensors", self.folder / "description.json", "-o",
                              self.folder / output, *arguments, **options)

    def scores(self, rows, model="model.mmoe"):
        (self.folder / "rows.csv").write_text(rows)
        done = self.tools.run("mmoe-score", self.folder / model, self.folder / "rows.csv")
        check(done.returncode == 0, f"mmoe-score: {done.stderr.decode()!r}")
        return done.stdout.decode().splitlines()[1:]


ITEMS = {"items.txt": b"red\nblue\ngreen\n", "shops.txt": b"18446744073709551615\n9223372036854775808\n7\n"}
IN_FILES = {"file": "items.txt"}, {"file": "shops.txt", "type": "integers"}
IN_LISTS = ["red", "blue", "green"], [18446744073709551615, 9223372036854775808, 7]
ROWS = "item,shop\nred,18446744073709551615\nblue,9223372036854775808\ngreen,7\nred,-1\npink,8\n"


def check_files(tools):
    """Keys in files are those in lists; unsigned ones are found in rows, and -1 is none of them."""
    with Folder() as first, Folder() as second:
        in_files, in_lists = Case(tools, first, 5, *IN_FILES, ITEMS), Case(tools, second, 5, *IN_LISTS, {})
        for case in (in_files, in_lists):
            done = case.convert()
            check(done.returncode == 0, f"vocabularies: {done.stderr.decode()!r}")
        scores = in_files.scores(ROWS)
        check(scores == in_lists.scores(ROWS) and len(set(scores)) == 5, f"scores by keys in files: {scores}")
        listed = tools.run("mmoe-inspect", first / "model.mmoe", "--vocabulary", "shop").stdout.decode()
        check(listed == "value,id\n18446744073709551615,1\n9223372036854775808,2\n7,3\n", f"--vocabulary: {listed!r}")


def check_refusals(tools):
    def error_of(item, files, **options):
        with Folder() as folder:
            done = Case(tools, folder, 5, item, [1], files).convert(**options)
            check(done.returncode == 1 and not (folder / "model.mmoe").exists(), f"{item}: exit {done.returncode}")
            return done.stderr.decode()

    def check_error(item, files, expected):
        error = error_of(item, files)
        check(expected in error, f"{item}: expected {expected!r}, found {error!r}")

    keys = {"file": "keys.txt"}
    check_error(keys, {"keys.txt": b"a\nb\na\n"}, 'features[0].vocabulary: "a" twice, in lines 1 and 3')
    check_error(keys, {"keys.txt": b"a\nb\nc\nd\ne\n"}, "ids 1 to 5, but item has 5 rows")
    check_error(keys, {"keys.txt": "a\n".encode("utf-16")}, "UTF-16, expected UTF-8")
    check_error(keys, {"keys.txt": b"a\r\nb\n"}, "line 2 ends in LF")
    check_error(keys, {"keys.txt": b""}, "is empty")
    check_error(keys, {}, "features[0].vocabulary.file: the keys are in another file: ")
    for name in ("/etc/passwd", "../keys.txt", ""):
        check_error({"file": name}, {}, "outside the description's folder" if name else "is empty")


def check_notes(tools):
    with Folder() as folder:
        done = Case(tools, folder, 5, {"file": "keys.txt"}, [1], {"keys.txt": b"\xef\xbb\xbfa\nb \n\xff\n"}).convert()
        out = done.stdout.decode()
        for note in ("the file begins with a byte order mark, which is left out",
                     "blanks at an end; they belong to the key: 1 key, line 2",
                     "not UTF-8; rows must have the same bytes: 1 key, line 3"):
            check(f"note: features[0].vocabulary.file: {note}\n" in out, f"no note {note!r} in {out!r}")


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (LARGE_BYTES, LARGE_BYTES))


def check_large(tools):
    """Many keys take little memory, and are found."""
    with Folder() as folder:
        keys = b"".join(b"item%07d\n" % ((i * 7919) % LARGE) for i in range(LARGE))
        integers = b"".join(b"%d\n" % (i * 1_000_003) for i in range(LARGE))
        case = Case(tools, folder, LARGE + 1, {"file": "keys.txt"}, {"file": "shops.txt", "type": "integers"},
                    {"keys.txt": keys, "shops.txt": integers})
        done = case.convert("-q", preexec_fn=limit_memory)
        check(done.returncode == 0, f"{LARGE} keys within {LARGE_BYTES >> 20} MB: {done.stderr.decode()!r}")
        listed = tools.run("mmoe-inspect", folder / "model.mmoe", "--vocabulary", "item").stdout.splitlines()[1:]
        expected = [b"item%07d,%d" % ((i * 7919) % LARGE, i + 1) for i in range(LARGE)]
        check(listed == expected, "--vocabulary: not the keys in the order of their ids")


def check_prune(tools):
    with Folder() as folder:
        case = Case(tools, folder, 200, *IN_FILES, ITEMS)
        rows = folder / "train.csv"
        rows.write_text("item,shop\n" + "red,7\n" * 3 + "blue,7\n" * 2 + "pink,18446744073709551615\n")
        case.convert()
        done = case.convert("--prune", "2", "--rows", rows, output="pruned.mmoe")
        out = done.stdout.decode()
        check(done.returncode == 0, f"--prune: {done.stderr.decode()!r}")
        for line in ("pruned: ids that train.csv has fewer than 2 times",
                     "pruned: feature 'item': 1 of 3 ids dropped, which 0 of its 5 known values in 6 rows have",
                     "pruned: feature 'shop': 2 of 3 ids dropped, which 1 of its 6 known values in 6 rows have",
                     "pruned: table 'item': 3 of 200 rows kept", "pruned: table 'shop': 2 of 200 rows kept"):
            check(line + "\n" in out, f"--prune: no line {line!r} in {out!r}")
        kept = "item,shop\nred,7\nblue,7\npink,7\nblue,8\n"
        check(case.scores(kept) == case.scores(kept, "pruned.mmoe"), "--prune: rows of kept ids have other scores")
        dropped = case.scores("item,shop\ngreen,9223372036854775808\n", "pruned.mmoe")
        check(dropped == case.scores("item,shop\nunknown,0\n"), "--prune: dropped ids are not unknown ones")
        check((folder / "pruned.mmoe").stat().st_size < (folder / "model.mmoe").stat().st_size, "--prune: no smaller file")

        expected = folder / "expected.csv"
        expected.write_text("click\n" + "\n".join(case.scores(rows.read_text())) + "\n")
        done = case.convert("--prune", "2", "--rows", rows, "--expect", expected, "--tables", "f16")
        check(done.returncode == 0, f"--prune --expect: {done.stderr.decode()!r}")

        done = case.convert("--prune", "4", "--rows", rows, output="none.mmoe")
        check(done.returncode == 1 and "\"item\": every id is in the rows fewer than 4 times" in done.stderr.decode(),
              f"--prune of all ids: {done.stderr.decode()!r}")
        check(not (folder / "none.mmoe").exists(), "--prune of all ids leaves a file")
        for arguments, code in ((["--prune", "2"], 2), (["--prune", "0", "--rows", rows], 2),
                                (["--prune", "2", "--rows", "-"], 1), (["--prune", "2", "--rows", folder / "no.csv"], 1)):
            done = case.convert(*arguments, output="none.mmoe")
            check(done.returncode == code, f"{arguments}: exit {done.returncode}, {done.stderr.decode()!r}")


def main():
    tools = Tools(sys.argv[1])
    check_files(tools)
    check_refusals(tools)
    check_notes(tools)
    check_large(tools)
    check_prune(tools)
    finish()


if __name__ == "__main__":
    main()
