#!/usr/bin/env python3
"""The declarations of the Rust crate mmoe-sys are those of <mmoe/mmoe.h>: check_sys.py

Compares, for each struct of the crate, the fields, their order and their types, and for each function the types of its
arguments and result. --self-test changes the crate's text in four ways, each of which must be found. Standard library
only.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADER = ROOT / "runtime" / "include" / "mmoe" / "mmoe.h"
CRATE = ROOT / "runtime" / "rust" / "mmoe-sys" / "src" / "lib.rs"

PLAIN = {"size_t": "usize", "int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64", "float": "f32",
         "double": "f64", "char": "c_char", "void": "c_void"}
POINTER_TO_FUNCTION = re.compile(r"\(\*(\w+)\)")


def squeeze(text):
    return " ".join(text.split())


def rust_type(text):
    """The type of Rust that a C declarator without its name stands for; "Option" for pointers to functions."""
    if "(" in text:
        return "Option"
    stars = text.count("*")
    words = text.replace("*", " ").split()
    constant = "const" in words
    name = next(word for word in words if word not in ("const", "struct"))
    result = PLAIN.get(name, name)
    for star in range(stars):
        result = ("*const " if constant and star == 0 else "*mut ") + result
    return result


def declarator(text):
    """(name, type) of "const float* x"; (name, "Option") of a pointer to a function."""
    text = squeeze(text)
    found = POINTER_TO_FUNCTION.search(text)
    if found:
        return found.group(1), "Option"
    name = re.search(r"(\w+)$", text).group(1)
    return name, rust_type(text[:-len(name)])


def split_arguments(text):
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "(<") - (char in ")>")
        if char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip() and part.strip() != "void"]


def read_header(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    structs = {name: [declarator(field) for field in body.split(";") if field.strip()]
               for body, name in re.findall(r"typedef struct \w+ \{(.*?)\}\s*(\w+);", text, flags=re.S)}
    functions = {}
    for result, name, arguments in re.findall(r"MMOE_API ([\w\s*]+?)(mmoe_\w+)\((.*?)\);", text, flags=re.S):
        kind = rust_type(result) if squeeze(result) != "void" else ""
        functions[name] = ([declarator(part) for part in split_arguments(arguments)], kind)
    return structs, functions


def pair(text):
    name, kind = squeeze(text).split(": ", 1)
    return name.replace("r#", ""), "Option" if kind.startswith("Option<") else kind


def read_crate(text):
    text = re.sub(r"//[^\n]*", "", text)
    body = re.search(r"^structs! \{(.*?)^\}", text, flags=re.S | re.M).group(1)
    structs = {name: [pair(part) for part in split_arguments(fields)]
               for name, fields in re.findall(r"(\w+) \{(.*?)\}", body, flags=re.S)}
    functions = {}
    for name, arguments, result in re.findall(r"pub fn (\w+)\((.*?)\)(?:\s*->\s*([^;]+))?;", text, flags=re.S):
        functions[name] = ([pair(part) for part in split_arguments(arguments)], result.strip())
    return structs, functions


def differences(header, crate):
    for what, of_header, of_crate in zip(("struct", "function"), read_header(header), read_crate(crate)):
        for name, found in of_crate.items():
            if name not in of_header:
                yield f"{what} {name}: not in the header"
            elif of_header[name] != found:
                yield f"{what} {name}:\n  header {of_header[name]}\n  crate  {found}"


FAULTS = [("num_x: usize,", ""), ("min_gate_weight: f32,", "min_gate_weight: f64,"),
          ("pub fn mmoe_rows_free", "pub fn mmoe_rows_drop"), ("feature: usize,\n        value: i64,", "feature: usize,")]


def self_test(header, crate):
    for old, new in FAULTS:
        if old not in crate or not list(differences(header, crate.replace(old, new, 1))):
            return f"not found: {old!r} as {new!r}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    header, crate = HEADER.read_text(encoding="utf-8"), CRATE.read_text(encoding="utf-8")
    if arguments.self_test:
        fault = self_test(header, crate)
        sys.exit(f"error: {fault}" if fault else 0)
    found = list(differences(header, crate))
    structs, functions = read_crate(crate)
    print(f"{len(structs)} structs, {len(functions)} functions, {len(found)} differences")
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
