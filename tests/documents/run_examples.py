#!/usr/bin/env python3
"""Runs the examples that README.md and the pages of the surfaces have, as they stand: run_examples.py SURFACE MODELS SCRATCH

SURFACE is one of those in SURFACES. MODELS is the folder of tests/vectors/page_models.py. The whole example of a page
is run word for word, in an empty folder with ranker.mmoe. The lines of README.md are put into a program that prints the
scores. What is printed must have the scores that mmoe-score gives. Where things are is said by the environment:
MMOE_LIB_DIR (libmmoe.a), MMOE_CLASS_PATH (of the Java package), MMOE_LIBRARY (its native library; else it comes from
the class path), MMOE_JS_PACKAGE, and PYTHONPATH.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:[eE][-+]?\d+)?")


def block(path, language, heading=None):
    """The code block of a language: the first, or the first below a heading."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if heading:
        text = text[text.index(f"\n{heading}\n"):]
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    if not found:
        sys.exit(f"{path}: no block of {language}")
    return found.group(1)


def page(surface, language):
    return block(f"runtime/{surface}/README.md", language, "## A whole example")


def run(folder, *command, **environment):
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **environment}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, end="")
    if done.returncode != 0:
        sys.exit(f"error: exit {done.returncode} of {' '.join(map(str, command))}")
    return done.stdout


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class Folder:
    """An empty folder with one of the models. check() looks for scores in what a program has printed."""

    def __init__(self, arguments, name, model):
        self.path = arguments.scratch / name
        self.path.mkdir(parents=True)
        shutil.copy(arguments.models / model / "ranker.mmoe", self.path)
        self.scores = json.loads((arguments.models / model / "scores.json").read_text())

    def check(self, printed, *rows):
        found = [float(number) for number in NUMBER.findall(printed)]
        for row in rows:
            for score in self.scores[row]:
                # Six digits are printed at least; a score is a probability.
                if not any(abs(number - score) <= 5e-7 for number in found):
                    sys.exit(f"error: {score}, a score of {row}, is not printed:\n{printed}")


def run_cpp(arguments):
    folder = Folder(arguments, "readme", "people")
    write(folder.path, "example.cpp", block("README.md", "cpp"))
    run(folder.path, os.environ.get("CXX", "c++"), "-std=c++17", "-I", ROOT / "runtime/include", "example.cpp",
        pathlib.Path(os.environ["MMOE_LIB_DIR"]) / "libmmoe.a", "-o", "example")
    folder.check(run(folder.path, "./example"), "39 AT")


def run_python(arguments):
    folder = Folder(arguments, "readme", "people")
    write(folder.path, "example.py", block("README.md", "python") + "\nprint(scores.tolist())\n")
    folder.check(run(folder.path, sys.executable, "example.py"), "39 AT", "21 DE")
    folder = Folder(arguments, "page", "people")
    write(folder.path, "example.py", page("python", "python"))
    folder.check(run(folder.path, sys.executable, "example.py"), "39 AT")


def run_java(arguments):
    class_path = os.environ["MMOE_CLASS_PATH"]
    library = os.environ.get("MMOE_LIBRARY")
    options = [f"-Dmmoe.library={library}"] if library else []

    def example(name, text, row):
        folder = Folder(arguments, name, "people")
        write(folder.path, "Example.java", text)
        run(folder.path, "javac", "--release", "17", "-Xlint:all,-path", "-cp", class_path, "Example.java")
        printed = run(folder.path, "java", *options, "-cp", f"{class_path}{os.pathsep}.", "Example")
        folder.check(printed, row)

    readme = block("README.md", "java").replace("session.score(rows, scores);", "session.score(rows, scores);\n"
                                                "  for (float score : scores) System.out.println(score);")
    example("readme", f"import java.io.File;\nimport mmoe.*;\n\nfinal class Example {{\n"
            f"public static void main(String[] arguments) {{\n{readme}}}\n}}\n", "39 AT")
    example("page", page("java", "java"), "39 DE")


def run_js(arguments):
    package = pathlib.Path(os.environ["MMOE_JS_PACKAGE"])

    def example(name, model, text, *rows):
        folder = Folder(arguments, name, model)
        (folder.path / "node_modules").mkdir()
        (folder.path / "node_modules/mmoe").symlink_to(package)
        write(folder.path, "example.mjs", text)
        folder.check(run(folder.path, os.environ.get("MMOE_NODE", "node"), "example.mjs"), *rows)

    example("readme", "people", f'import {{ Model }} from "mmoe";\n{block("README.md", "js")}console.log([...scores]);\n',
            "39 AT")
    text = page("js", "js")
    example("page", "histories", text)
    scores = "console.log([...scores]);\n"
    example("page-scores", "histories", text.replace("console.log(session.tasks", scores + "console.log(session.tasks"),
            "39 AT [3, 7]", "21 DE []")


def run_rust(arguments):
    def example(name, model, text):
        folder = Folder(arguments, name, model)
        write(folder.path, "Cargo.toml", '[package]\nname = "example"\nversion = "0.1.0"\nedition = "2021"\n\n'
              f'[dependencies]\nmmoe = {{ path = "{ROOT}/runtime/rust/mmoe" }}\n')
        write(folder.path, "src/main.rs", text)
        target = str(arguments.scratch / "target")
        return folder, run(folder.path, "cargo", "run", "--quiet", "--offline", CARGO_TARGET_DIR=target)

    readme = block("README.md", "rust")
    lines = readme.replace("session.score(", "let x = vec![0.0; model.input_dim()];\nlet mut scores = [0.0; 2];\n"
                           "session.score(")
    folder, printed = example("readme", "people", f"fn main() -> Result<(), mmoe::Error> {{\n{lines}"
                              "assert_eq!(session.replay_golden()?.num_wrong, 0);\n"
                              'println!("{scores:?}");\nOk(())\n}\n')
    if len(NUMBER.findall(printed)) != 2:
        sys.exit(f"error: two scores expected: {printed}")
    text = page("rust", "rust")
    example("page", "brands", text)
    last = "session.score_rows(&items, &mut scores)"
    folder, printed = example("page-scores", "brands", text.replace(
        last, f'{last}?;\n    println!("{{:?}}", &scores[..4]);\n    Ok(())'))
    folder.check(printed, "39 a", "39 b")


def run_go(arguments):
    def example(name, text):
        folder = Folder(arguments, name, "people")
        write(folder.path, "go.mod", f"module example\n\ngo 1.19\n\nrequire mmoe v0.0.0\n\n"
              f"replace mmoe => {ROOT}/runtime/go\n")
        write(folder.path, "main.go", text)
        return folder, run(folder.path, "go", "run", ".", CGO_LDFLAGS=f"-L{os.environ['MMOE_LIB_DIR']}",
                           CGO_ENABLED="1", GOTOOLCHAIN="local", GOFLAGS="-mod=mod")

    lines = block("README.md", "go").replace("err = session", "x := make([]float32, model.InputDim)\n"
                                             "scores := make([]float32, session.NumScores)\nerr = session")
    _, printed = example("readme", 'package main\n\nimport (\n\t"fmt"\n\n\t"mmoe"\n)\n\nfunc main() {\n' + lines +
                         "if err != nil {\npanic(err)\n}\nfmt.Println(scores)\n}\n")
    if len(NUMBER.findall(printed)) != 2:
        sys.exit(f"error: two scores expected: {printed}")
    folder, printed = example("page", page("go", "go"))
    folder.check(printed, "39 AT")


SURFACES = {"cpp": run_cpp, "python": run_python, "java": run_java, "js": run_js, "rust": run_rust, "go": run_go}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("surface", choices=SURFACES)
    parser.add_argument("models", type=lambda name: pathlib.Path(name).resolve())
    parser.add_argument("scratch", type=lambda name: pathlib.Path(name).resolve())
    arguments = parser.parse_args()
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    SURFACES[arguments.surface](arguments)


if __name__ == "__main__":
    main()
