#!/usr/bin/env python3
"""mmoe-convert --quantize auto as a user meets it: what it finds, says, writes and refuses.

    quantize.py FOLDERS    the folders of the tools, with ':' between
"""

import html.parser
import json
import os
import sys

from harness import Folder, Tools, check, finish, safetensors, temporaries

INPUTS = 24
DESCRIPTION = json.dumps({
    "mmoe_description": 1,
    "levels": [{"experts": {"layers": "experts.{expert}", "activation": "relu"}, "gates": {"logits": "gates.{task}"}}],
    "towers": {"layers": "towers.{task}"},
    "tasks": [{"name": "buy", "link": "sigmoid"}, {"name": "price", "link": "identity"}]})


class Numbers:
    """The same ones on every machine."""

    def __init__(self, state):
        self.state = state

    def next(self):
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return self.state / 2**30 - 1


def model():
    """Two experts of weights that are 0, 1 and -1; gates and towers have digits that no smaller type has."""
    tensors, random = {}, Numbers(1)
    layers = [(f"experts.{n}", 32, INPUTS, True) for n in range(2)] + [(f"gates.{n}", 2, INPUTS, False) for n in range(2)]
    for name, outputs, inputs, coarse in layers + [(f"towers.{n}", 1, 32, False) for n in range(2)]:
        values = [random.next() for _ in range(outputs * inputs)]
        tensors[name + ".weight"] = ([outputs, inputs], [float(round(v * 1.4)) for v in values] if coarse else values)
        tensors[name + ".bias"] = ([outputs], [0.0] * outputs)
    return safetensors(tensors)


def rows(count):
    random, lines = Numbers(7), [",".join([f"x{i}" for i in range(INPUTS)] + ["label_buy", "paid"])]
    for row in range(count):
        lines.append(",".join([f"{random.next():.6f}" for _ in range(INPUTS)] + [str(row % 2), str(row % 5)]))
    return "\n".join(lines) + "\n"


class Page(html.parser.HTMLParser):
    """What a page refers to, and whether its tags are closed."""

    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.pictures = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.pictures += tag == "svg"
        self.wrong += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag in ("script", "link", "iframe"):
            self.wrong.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</" + tag)


def check_found(tools, folder, convert, out):
    page, again = folder / "page.html", folder / "again.mmoe"
    budget = ["--budget", "score:buy=0.0001", "--budget", "r2=0.0001"]
    found = tools.run(*convert, "-o", out, "--quantize", "auto", "--label", "price=paid", "--report", page, *budget)
    text = found.stdout.decode()
    check(found.returncode == 0, f"a search: {found.stderr}")
    for words in ("choices of types of", "budget: score:buy=0.0001, r2=0.0001", "of 0.0001 allowed",
                  "quality: price, 200 labels: R²", "quality: buy, 200 labels: AUC", "--numbers NUMBERS"):
        check(words in text, f"the output has {words!r}: {text}")
    start = text.index("\n[\n") + 1
    numbers = text[start:text.index("\n]\n", start) + 2]
    check({"match": "experts.*.weight", "weights": "i8"} in json.loads(numbers), f"experts become small: {numbers}")
    described = json.loads(tools.run("mmoe-inspect", "--json", out).stdout)
    losses = {task["task"]: task for task in described["score_change"]["tasks"]}
    check(losses["buy"]["largest"] <= 0.0001, f"the budget holds in the file: {losses}")
    quality = losses["price"]["quality"]
    check(quality["measure"] == "r_squared" and quality["f32"] - quality["stored"] <= 0.0001, f"R squared: {quality}")
    check(losses["buy"]["labels"] == 200 and losses["buy"]["quality"]["measure"] == "auc", f"AUC in the file: {losses}")
    shown = tools.run("mmoe-inspect", out).stdout.decode()
    check("Quality on the labels of rows.csv" in shown and "R²" in shown, f"quality, for people: {shown}")
    check(tools.run("mmoe-verify", out).returncode == 0, "the file is verified")
    # The same types by hand, from a file and from the command line, are the same bytes; so is a second search.
    listed = folder / "numbers.json"
    listed.write_text(numbers)
    for arguments in (["--numbers", listed], ["--numbers", numbers], ["--quantize", "auto", *budget]):
        done = tools.run(*convert, "-o", again, "--label", "price=paid", "-q", *arguments)
        check(done.returncode == 0 and done.stdout == b"", f"again, quietly: {done.stdout} {done.stderr}")
        check(again.read_bytes() == out.read_bytes(), f"the same bytes again by {arguments[0]}")
    look = Page(page.read_text())
    check(not look.wrong and look.open == [], f"a page of its own: {look.wrong} {look.open}")
    check(look.pictures == 3, f"pictures of size, time and quality: {look.pictures}")


def check_goals(tools, folder, convert, out):
    plain = tools.run(*convert, "-o", out, "-q")
    check(plain.returncode == 0, f"in f32: {plain.stderr}")
    size = out.stat().st_size
    for goals, most in (([f"bytes={size - 3000}"], size - 3000), (["us=1000"], size), (["us=1000@8", f"bytes={size - 1000}"], size - 1000)):
        arguments = [word for goal in goals for word in ("--budget", goal)]
        reached = tools.run(*convert, "-o", out, "--quantize", "auto", "-q", *arguments)
        check(reached.returncode == 0 and out.stat().st_size <= most, f"{goals}: {reached.stderr}")
    for budget, words in ((["bytes=1kB"], b"too many"), (["us=0.000001"], b"microseconds per row"), (["us=0.000001", "bytes=9MB"], b"microseconds per row"),
                          (["bytes=1kB", "score=0"], b"keeps the budget score=0, bytes=1000")):
        out.unlink(missing_ok=True)
        page, arguments = folder / "none.html", [word for one in budget for word in ("--budget", one)]
        refused = tools.run(*convert, "-o", out, "--quantize", "auto", "--report", page, *arguments)
        check(refused.returncode == 1 and words in refused.stderr, f"{budget}: {refused.stderr}")
        written = out.exists() or page.exists() or temporaries(folder)
        check(not written, f"{budget}: nothing is written")
    # 0, 1 and -1 are whole numbers, which i8 has as they are; where the experts are not to be touched, no other layer
    # can be smaller.
    exact = tools.run(*convert, "-o", out, "--quantize", "auto", "--budget", "score=0")
    check(b'[\n  {"match": "experts.*.weight", "weights": "i8"}\n]\n' in exact.stdout, f"exact types: {exact.stdout} {exact.stderr}")
    nothing = tools.run(*convert, "-o", out, "--quantize", "auto", "--budget", "score=0", "--numbers",
                        '[{"match": "experts.*", "weights": "f32"}]')
    check(nothing.returncode == 0 and b"note: nothing smaller keeps the budget; the nearest is" in nothing.stdout,
          f"a budget of nothing: {nothing.stdout} {nothing.stderr}")


def check_refused(tools, folder, weights, out):
    good, empty, wrong, pipe = (folder / name for name in ("rows.csv", "empty.csv", "wrong.csv", "pipe"))
    empty.write_text(rows(0))
    wrong.write_text("x0,x1\n1,2\n")
    os.mkfifo(pipe)
    on = ["--quantize", "auto", "--rows"]
    auto = [*on, good]
    cases = ((["--quantize", "auto"], 2, b"no rows"),
             (["--quantize", "all", "--rows", good], 2, b"--quantize"),
             (["--budget", "score=1", "--rows", good], 2, b"found by --quantize auto"),
             (["--report", folder / "p.html"], 2, b"--quantize auto"),
             ([*auto, "--weights", "f16"], 2, b"--weights"),
             ([*auto, "--budget", "speed=1"], 2, b"expected score=X"),
             ([*auto, "--budget", "score:sell=1"], 2, b"there is no task 'sell'; the tasks: buy, price"),
             ([*auto, "--budget", "r2=0.1"], 2, b"--label TASK=COLUMN"),
             ([*auto, "--label", "sell=paid"], 2, b"expected TASK=COLUMN"),
             ([*auto, "--label", "price=cost"], 1, b"cost"),
             ([*auto, "--budget", "us=1@4000"], 1, b"200 rows, too few for calls of 4,000 rows"),
             ([*on, empty], 1, b"empty.csv: no rows"),
             ([*on, wrong], 1, b"wrong.csv"),
             ([*on, folder / "none.csv"], 1, b"none.csv"),
             ([*on, "-"], 1, b"the rows are read twice"),
             ([*on, pipe], 1, b"the rows are read twice"),
             ([*auto, "--report", good], 2, b"--report"),
             ([*auto, "--report", out], 2, b"--report"),
             ([*auto, "--report", folder / "no" / "p.html"], 1, b"p.html"),
             ([*auto, "--report", "-"], 2, b"--quiet"),
             (["--numbers", '[{"match": "none", "weights": "i8"}]'], 1, b"--numbers: [0].match: no layer has a name like this"),
             (["--numbers", folder / "none.json"], 1, b"none.json"),
             (["--numbers", good], 1, b"rows.csv"))
    for arguments, code, words in cases:
        done = tools.run("mmoe-convert", weights, DESCRIPTION, "-o", out, *arguments)
        check(done.returncode == code and words in done.stderr, f"{arguments}: {done.returncode} {done.stderr}")
        written = out.exists() or temporaries(folder)
        check(not written, f"{arguments}: nothing is written")


def main():
    tools = Tools(sys.argv[1])
    with Folder() as folder:
        weights, out = folder / "w.safetensors", folder / "m.mmoe"
        weights.write_bytes(model())
        (folder / "rows.csv").write_text(rows(200))
        check_refused(tools, folder, weights, out)
        convert = ["mmoe-convert", weights, DESCRIPTION, "--rows", folder / "rows.csv"]
        check_found(tools, folder, convert, out)
        check_goals(tools, folder, convert, out)
    finish()


if __name__ == "__main__":
    main()
