#!/usr/bin/env python3
"""Every public C++ function has its C twin: c_twins.py [INCLUDE_FOLDER]

Reads the public headers and the table c_twins.txt, and fails for a C++ function or field that the table lacks, for an entry
of the table that is no longer in the headers, and for a C name in the table that mmoe.h does not declare. Constants and
codes of errors are compared too. --self-test plants one fault of each kind. Standard library only.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "runtime" / "include" / "mmoe"

# In front of "(" but no function.
KEYWORDS = {"if", "for", "while", "return", "sizeof", "static_assert", "decltype", "alignof", "noexcept", "operator",
            "static_cast", "assert", "switch"}


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    return re.sub(r"//[^\n]*", " ", text)


def close(text, start, opening="{", closing="}"):
    """The index behind the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == opening) - (text[i] == closing)
        if depth == 0:
            return i + 1
    raise ValueError("brackets do not match")


def without_bodies(text):
    """Members alone: what stands in braces is no declaration of this class."""
    result, i = [], 0
    while i < len(text):
        if text[i] == "{":
            i = close(text, i)
            result.append(";")
        else:
            result.append(text[i])
            i += 1
    return "".join(result)


def public_part(body, is_struct):
    """The text of a class's body that is public."""
    parts = re.split(r"\b(public|private|protected)\s*:", body)
    kept, access = [], "public" if is_struct else "private"
    for i, part in enumerate(parts):
        if i % 2 == 1:
            access = part
        elif access == "public":
            kept.append(part)
    return " ".join(kept)


def without_arguments(declaration):
    """A declaration up to its first parenthesis outside of angle brackets."""
    depth = 0
    for i, char in enumerate(declaration):
        if char == "<":
            depth += 1
        elif char == ">":
            depth -= 1
        elif char == "(" and depth <= 0:
            return declaration[:i], declaration[i:]
    return declaration, ""


def functions_and_fields(body, name):
    """What a class's public body declares, without constructors and operators."""
    functions, fields = set(), set()
    for declaration in without_bodies(body).split(";"):
        declaration = " ".join(declaration.split())
        declaration = re.sub(r"^template ?<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*> ?", "", declaration)
        if not declaration or re.match(r"(using|friend|struct|class|enum|static constexpr \w[\w:]* k[A-Z])", declaration):
            continue
        if "operator" in declaration.split("(")[0] or declaration.startswith("~"):
            continue
        before, behind = without_arguments(declaration)
        if behind:
            match = re.search(r"(\w+) ?$", before)
            if not match or match[1] in KEYWORDS or match[1] == name or before.endswith(f"~{name}"):
                continue
            if match[1] == before.strip() or before.strip().endswith(f"{match[1]}::{match[1]}"):
                continue  # a constructor
            functions.add(match[1])
            continue
        match = re.match(r"(?:const )?[\w:<>,* ]+?[ *&](\w+)(?: ?=.*)?$", declaration)
        if match and not declaration.startswith(("static", "constexpr")):
            fields.update(re.findall(r"\w+", match[1]))
            # Several of one type: `Span<...> a, b`.
    return functions, fields


def read_cpp(headers):
    """(names of functions, struct -> fields) of C++ headers' text."""
    functions, structs = set(), {}
    for text in headers:
        text = without_comments(text)
        text = re.sub(r"^\s*#[^\n]*(\\\n[^\n]*)*", " ", text, flags=re.M)
        text = re.sub(r"\[\[nodiscard\]\]", " ", text)
        start = text.find("inline namespace")
        public = text[start:] if start >= 0 else ""
        if not public:
            continue
        begin = public.index("{")
        public = public[begin + 1:close(public, begin) - 1]
        free = []
        i = 0
        for match in re.finditer(r"\b(class|struct)\s+(\w+)[^;{}()<>]*\{", public):
            if match.start() < i:
                continue
            end = close(public, match.end() - 1)
            free.append(public[i:match.start()])
            i = end
            kind, name = match[1], match[2]
            its_functions, its_fields = functions_and_fields(public_part(public[match.end():end - 1], kind == "struct"), name)
            functions.update(f"{name}::{function}" for function in its_functions)
            if kind == "struct":
                structs[name] = its_fields
        free.append(public[i:])
        its_functions, _ = functions_and_fields(" ".join(free), "")
        functions.update(its_functions)
    return functions, structs


def read_c(text):
    """(names of functions, struct -> fields, constant -> value) of mmoe.h."""
    text = without_comments(text)
    functions = set(re.findall(r"MMOE_API [^;]*?\b(mmoe_\w+)\(", text))
    structs = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, flags=re.S):
        structs[name] = set(re.findall(r"(\w+);", body)) | set(re.findall(r"\(\*(\w+)\)\(", body))
    return functions, structs


def read_table(text):
    """(function -> C names or "", struct -> (C struct, {field: other name or ""}))"""
    functions, structs = {}, {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        words = line.split()
        if words[0] == "struct":
            renamed = {}
            for word in words[3:]:
                if "=" in word:
                    field, other = word.split("=")
                    renamed[field] = "" if other.startswith("-") else other
            structs[words[1]] = (words[2], renamed)
        else:
            functions[words[0]] = [] if words[1] == "-" else words[1:]
    return functions, structs


def find_faults(headers, c_header, table):
    functions, structs = read_cpp(headers)
    c_functions, c_structs = read_c(c_header)
    table_functions, table_structs = read_table(table)
    faults = [f"{name}: has no C twin in c_twins.txt" for name in functions - table_functions.keys()]
    faults += [f"{name}: is in c_twins.txt, but not in the headers" for name in table_functions.keys() - functions]
    for name, twins in table_functions.items():
        faults += [f"{name}: mmoe.h declares no {twin}" for twin in twins if twin not in c_functions]
    plain = {name for name, fields in structs.items() if fields}
    faults += [f"struct {name}: has no C twin in c_twins.txt" for name in plain - table_structs.keys()]
    for name, (twin, renamed) in table_structs.items():
        if name not in structs:
            faults.append(f"struct {name}: is in c_twins.txt, but not in the headers")
            continue
        its = c_structs.get(twin, set())
        if not its and twin not in c_functions:
            faults.append(f"struct {name}: mmoe.h has no struct {twin}")
        for field in structs[name]:
            other = renamed.get(field, field)
            if other and other not in its and f"no_{other}" not in its:
                faults.append(f"{name}::{field}: {twin} has no such member")
    return sorted(faults)


def self_test(headers, c_header, table):
    plants = [
        (headers + ["inline namespace v0_1 {\nclass New {\n public:\n  int fresh() const;\n};\n}"], c_header, table, "New::fresh"),
        (headers + ["inline namespace v0_1 {\nint loose(int x);\n}"], c_header, table, "loose"),
        (headers + ["inline namespace v0_1 {\nstruct Added {\n  int field = 0;\n};\n}"], c_header, table, "Added"),
        (headers, c_header, table + "\nModel::gone mmoe_model_gone\n", "Model::gone"),
        (headers, c_header.replace("mmoe_model_find_task(", "mmoe_model_seek_task("), table, "Model::find_task"),
        (headers, c_header.replace("skip_experts;", "leave_experts;"), table, "PlanOptions::skip_experts"),
    ]
    missed = [name for its_headers, its_c, its_table, name in plants
              if not any(fault.replace("struct ", "").startswith(name) for fault in find_faults(its_headers, its_c, its_table))]
    for name in missed:
        print(f"self-test: the planted fault {name} is not found")
    return 1 if missed else 0


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--self-test"]
    folder = pathlib.Path(arguments[0]) if arguments else INCLUDE
    headers = [path.read_text() for path in sorted(folder.glob("*.h")) if path.name != "mmoe.h"]
    c_header = (folder / "mmoe.h").read_text()
    table = (HERE / "c_twins.txt").read_text()
    if "--self-test" in sys.argv:
        return self_test(headers, c_header, table)
    functions, structs = read_cpp(headers)
    faults = find_faults(headers, c_header, table)
    for fault in faults:
        print(fault)
    print(f"{len(functions)} C++ functions, {sum(map(len, structs.values()))} fields, {len(faults)} faults")
    return 1 if faults or len(functions) < 80 else 0


if __name__ == "__main__":
    sys.exit(main())
