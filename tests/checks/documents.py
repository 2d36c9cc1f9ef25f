#!/usr/bin/env python3
"""What can be checked about the documents: documents.py SOURCE

Prose has lines of at most 120 columns (tables may be wider, and CHANGELOG.md has a line for each change). Links lead to files, and to headings of them, that exist.
Each error code has a section of its own in runtime/doc/errors.md, with its name and number in C. Each public header is
in runtime/doc/reference.md, and each public type has a comment, which is its text in the reference.
"""

import pathlib
import re
import sys

MAX_COLUMNS = 120
FENCE = re.compile(r"^\s*```")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def documents(source):
    skipped = {"build", ".git"}
    for path in sorted(source.rglob("*.md")):
        if not any(part in skipped or part.startswith("build-") for part in path.relative_to(source).parts):
            yield path


def prose(text):
    """(number, line) of what is outside code blocks."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside and not line.startswith("    "):
            yield number, line


def anchors(text):
    """Of the headings, as GitHub makes them."""
    headings = [line.lstrip("#").strip() for _, line in prose(text) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_lines(text):
    return [f"line {number} has {len(line)} columns" for number, line in prose(text)
            if len(line) > MAX_COLUMNS and not line.startswith(("|", "<!--"))]


def check_links(path, text):
    wrong = []
    for number, line in prose(text):
        for target in LINK.findall(line):
            if target.startswith(("https:", "http:", "mailto:")):
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            if not file.exists():
                wrong.append(f"line {number}: {name} is not there")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                wrong.append(f"line {number}: {name or path.name} has no heading {anchor}")
    return wrong


def c_name(name):
    """kNotAModel -> MMOE_NOT_A_MODEL"""
    return "MMOE" + re.sub(r"([A-Z])", r"_\1", name[1:]).upper()


def check_codes(header, page):
    body = re.search(r"enum class ErrorCode[^{]*\{(.*?)\};", header, re.S).group(1)
    codes = dict(re.findall(r"^\s*(k\w+) = (\d+)", body, re.M))
    sections = dict(re.findall(r"^## (k\w+)\n\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    wrong = [f"no section for {name}" for name in codes if name not in sections]
    wrong += [f"a section for {name}, which is no error code" for name in sections if name not in codes]
    for name in codes.keys() & sections.keys():
        if not sections[name].startswith(f"`{c_name(name)}`, {codes[name]}."):
            wrong.append(f"{name} does not begin with `{c_name(name)}`, {codes[name]}.")
        if name != "kOk" and "What to do:" not in sections[name]:
            wrong.append(f"{name} does not say what to do")
    return wrong if codes else ["no error codes found"]


def check_types(text):
    """Public classes, structs and enumerations without a comment before them."""
    before, wrong = "", []
    for line in text.splitlines():
        defined = re.match(r"(?:class|struct|enum class)(?: \[\[\w+\]\])? (\w+)[^;]*\{", line)
        if defined and not before.startswith(("///", "template")):
            wrong.append(f"{defined.group(1)} has no comment")
        before = line
    return wrong


def check_headers(folder, page):
    listed = set(re.findall(r"`mmoe/(\w+\.h)`", page))
    headers = {path.name: path.read_text() for path in sorted(folder.glob("*.h"))}
    wrong = [f"reference.md does not list {name}" for name in headers if name not in listed]
    wrong += [f"reference.md lists {name}, which is not there" for name in sorted(listed - headers.keys())]
    return wrong + [f"{name}: {what}" for name, text in headers.items() for what in check_types(text)]


def self_test():
    """That each check can fail."""
    assert check_lines("x" * 121) and not check_lines("|" + "x" * 121) and not check_lines("x" * 120)
    here = pathlib.Path(__file__)
    assert check_links(here, "[a](missing.md)") and not check_links(here, f"[a]({here.name})")
    header = "enum class ErrorCode : int {\n  kOk = 0,\n  kIo = 1,  ///< x\n};"
    page = "# Codes\n\n## kOk\n\n`MMOE_OK`, 0. Fine.\n\n## kIo\n\n`MMOE_IO`, 1. Bad.\n\nWhat to do: look.\n"
    assert not check_codes(header, page)
    assert check_codes(header, page.replace("kIo", "kOi")) and check_codes(header, page.replace(", 1.", ", 2."))
    assert check_codes(header, page.replace("What to do", "Hm"))
    assert check_types("class A {") and not check_types("/// What.\nclass A : public B {") and not check_types("class A;")


def main():
    self_test()
    source = pathlib.Path(sys.argv[1])
    failures = []
    for path in documents(source):
        text = path.read_text(encoding="utf-8")
        wrong = check_links(path, text) + ([] if path.name == "CHANGELOG.md" else check_lines(text))
        failures += [f"{path.relative_to(source)}: {what}" for what in wrong]
    header, page = (source / name for name in ("runtime/include/mmoe/error.h", "runtime/doc/errors.md"))
    failures += [f"runtime/doc/errors.md: {what}" for what in check_codes(header.read_text(), page.read_text())]
    failures += check_headers(source / "runtime/include/mmoe", (source / "runtime/doc/reference.md").read_text())
    print("\n".join(failures) or "documents: ok")
    sys.exit(1 if failures else 0)


main()
