#!/usr/bin/env python3
"""What mmoe-convert says of a conversion: the library that it took, what it left out, the order of features, what was compared.

    conversion.py FOLDERS    the folders of the tools, with ':' between
"""

import json
import sys

from harness import Folder, Tools, check, finish, safetensors


def numbers(count):
    return [((7 * i) % 11 - 5) / 8 for i in range(count)]


def linear(tensors, name, outputs, inputs):
    tensors[name + ".weight"] = ([outputs, inputs], numbers(outputs * inputs))
    tensors[name + ".bias"] = ([outputs], numbers(outputs))


def library(**more):
    """An OMoE of MTReclib's names, two experts and tasks; `more`: further layers by name."""
    tensors = {}
    linear(tensors, "gate.0", 2, 3)
    for n in range(2):
        for stack, inputs in ((f"expert.{n}.mlp", 3), (f"tower.{n}.mlp", 4)):
            linear(tensors, stack + ".0", 4, inputs)
            for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
                tensors[f"{stack}.1.{part}"] = ([4], [value] * 4)
        linear(tensors, f"tower.{n}.mlp.4", 1, 4)
    for name, (outputs, inputs) in more.items():
        linear(tensors, name, outputs, inputs)
    return safetensors(tensors)


def check_recipes(tools, folder):
    plain, strange, out = folder / "plain.safetensors", folder / "strange.safetensors", folder / "m.mmoe"
    plain.write_bytes(library())
    strange.write_bytes(library(stem=(3, 3)))
    settings = '{"activation": "relu", "features": []}'
    taken = tools.run("mmoe-convert", plain, settings, "-o", out)
    check(taken.returncode == 0 and b"taken for MTReclib" in taken.stdout, f"the library: {taken.stdout} {taken.stderr}")
    check(b"by the tensors' names alone" in taken.stdout, "that names alone told it")
    check(b"not compared with your framework" in taken.stdout, "that nothing was compared with the framework")
    out.unlink()
    refused = tools.run("mmoe-convert", strange, settings, "-o", out)
    check(refused.returncode == 1 and not out.exists(), "a tensor more than the library has is refused")
    for words in (b"stem.weight [3, 3], stem.bias [3]", b"--recipe mtreclib", b"write a description"):
        check(words in refused.stderr, f"the refusal has {words!r}: {refused.stderr}")
    claimed = tools.run("mmoe-convert", strange, settings, "-o", out, "--recipe", "mtreclib", "-q")
    check(claimed.returncode == 0, f"a claimed recipe: {claimed.stderr}")
    check(claimed.stdout == b"" and claimed.stderr.count(b"warning: tensor stem.") == 2, f"warnings: {claimed.stderr}")


def check_stored_rows(tools, folder):
    weights, out = folder / "plain.safetensors", folder / "m.mmoe"
    rows, expected = folder / "rows.csv", folder / "expected.csv"
    weights.write_bytes(library())
    rows.write_text("x0,x1,x2\n0.5,-1,0.25\n1,2,-0.5\n")
    convert = ["mmoe-convert", weights, '{"activation": "relu", "features": []}', "-o", out]
    measured = tools.run(*convert, "--weights", "i8", "--rows", rows)
    check(b"(golden rows and rows.csv)" in measured.stdout, f"rows are measured: {measured.stdout} {measured.stderr}")
    ignored = tools.run(*convert, "--rows", rows)
    check(b"--rows was not read" in ignored.stderr, f"rows that nobody asks for: {ignored.stderr}")
    expected.write_bytes(tools.run("mmoe-score", out, rows, "-o", "-").stdout)
    compared = tools.run(*convert, "--weights", "i8", "--rows", rows, "--expect", expected)
    check(b"expect: 2 rows agree" in compared.stdout, f"the model in f32 is compared: {compared.stdout} {compared.stderr}")
    refused = tools.run(*convert, "--weights", "i8", "--rows", "-", "--expect", expected)
    check(refused.returncode == 1 and b"rows are read twice" in refused.stderr, f"rows from a pipe: {refused.stderr}")


def check_order(tools, folder):
    tensors = {}
    linear(tensors, "t.0", 1, 4)
    weights, out = folder / "w.safetensors", folder / "order.mmoe"
    weights.write_bytes(safetensors(tensors))

    def convert(sides, *more):
        description = {"mmoe_description": 1, "towers": {"layers": "t.{task}"}, "tasks": [{"name": "y", "link": "identity"}],
                       "features": [{"name": name, "kind": "dense", "side": side, "width": width}
                                    for name, side, width in zip("abc", sides, (1, 2, 1))]}
        return tools.run("mmoe-convert", weights, json.dumps(description), "-o", out, *more)

    kept = convert(("user", "context", "item")).stdout.decode()
    check("user part (set_user): 2 features, 3 columns of x: a, b" in kept, f"parts of an order of the user's first: {kept}")
    moved = convert(("user", "item", "context")).stdout.decode()
    check("order: features and the columns of x as in the description" in moved, f"an order with an item between: {moved}")
    check("candidate part: 1 feature, 2 columns of x: b" in moved, f"parts of that order: {moved}")
    listed = json.loads(tools.run("mmoe-inspect", "--json", out).stdout)
    check((listed["user_dim"], listed["candidate_dim"]) == (2, 2), "the parts' columns")
    features = [(feature["name"], feature["column"]) for feature in listed["features"]]
    check(features == [("a", 0), ("b", 1), ("c", 3)], f"the description's order and columns: {features}")
    text = tools.run("mmoe-inspect", out).stdout.decode()
    check("2 of the user part, 2 of the candidate part" in text, f"the parts, for people: {text}")
    # Compared with scores: 1/8 steps make every sum exact.
    rows, scores = folder / "rows.csv", folder / "scores.csv"
    rows.write_text("a,b.0,b.1,c\n1,2,3,4\n0,0,0,0\n")
    weight, bias = numbers(4), numbers(1)[0]
    scores.write_text(f"y\n{sum(w * v for w, v in zip(weight, (1, 2, 3, 4))) + bias}\n{bias}\n")
    compared = convert(("user", "item", "context"), "--rows", rows, "--expect", scores).stdout.decode()
    check("expect: 2 rows agree" in compared and "not compared" not in compared, f"compared: {compared}")


def check_inputs_without_end(tools, folder):
    weights, out = folder / "plain.safetensors", folder / "no.mmoe"
    for arguments in (["/dev/zero"], ['{"activation": "relu", "feature_map": "/dev/zero"}']):
        done = tools.run("mmoe-convert", weights, *arguments, "-o", out)
        check(done.returncode == 1 and not out.exists(), f"{arguments}: {done.stderr}")
    broken = tools.run("mmoe-convert", weights, '{"activation": }', "-o", out)
    check(b"settings: not valid JSON" in broken.stderr, f"broken settings: {broken.stderr}")
    listed = folder / "list.json"
    listed.write_text("[1]")
    wrong = tools.run("mmoe-convert", weights, listed, "-o", out)
    check(b"expected an object: a description" in wrong.stderr, f"a list: {wrong.stderr}")


def main():
    tools = Tools(sys.argv[1])
    with Folder() as folder:
        check_recipes(tools, folder)
        check_stored_rows(tools, folder)
        check_order(tools, folder)
        check_inputs_without_end(tools, folder)
    finish()


if __name__ == "__main__":
    main()
