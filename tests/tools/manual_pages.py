#!/usr/bin/env python3
"""Each tool's manual page has the options of its --help, and no others: manual_pages.py FOLDERS

The pages are hand-written mdoc. An option is `.It Fl -name` in the page, and a word that begins with a dash at the
beginning of a line in --help. manual_pages.py --format: the pages are well formed; exits with 77 where neither mandoc
nor man is installed.
"""

import pathlib
import re
import shutil
import subprocess
import sys

from harness import ROOT, Tools, check, finish

PAGES = sorted([*ROOT.glob("runtime/doc/man/*.1"), *ROOT.glob("converter/doc/*.1")])
OPTION = re.compile(r"--?[a-z][a-z-]*")


def options_of_help(text):
    """Names of the options that a --help text declares: '  -o,--output FILE   where ...' """
    names = set()
    for line in text.splitlines():
        declared = re.match(r"\s+((?:--?[a-z][a-z-]*)(?:,\s*--[a-z][a-z-]*)*)(?=\s|$)", line)
        if declared:
            names |= set(OPTION.findall(declared.group(1)))
    return names


def options_of_page(text):
    """Names of the options that a page's lists declare: '.It Fl o Ar FILE , Fl -output Ar FILE'"""
    names = set()
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        names |= {"-" + name for name in re.findall(r"\bFl (-?[a-z][a-z-]*)", line)}
    return names


def differences(page, help_text):
    """What one of them has and the other lacks, as sentences."""
    in_page, in_help = options_of_page(page), options_of_help(help_text)
    return ([f"{name} is in --help, but not in the manual page" for name in sorted(in_help - in_page)] +
            [f"{name} is in the manual page, but not in --help" for name in sorted(in_page - in_help)])


def check_page(tools, path):
    name, page = path.stem, path.read_text()
    shown = tools.run(name, "--help")
    check(shown.returncode == 0, f"{name} --help exits with {shown.returncode}")
    for difference in differences(page, shown.stdout.decode()):
        check(False, f"{path.relative_to(ROOT)}: {difference}")
    check(f".Nm {name}\n" in page, f"{path.name} does not name {name}")
    for line in page.splitlines():
        check(len(line) <= 120, f"{path.name}: a line of {len(line)} columns")


def check_format(path):
    """By mandoc, which knows this language best, else by man."""
    if shutil.which("mandoc"):
        command = ["mandoc", "-Tlint", "-Wwarning", str(path)]
    elif shutil.which("man"):
        command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Z", str(path)]
    else:
        print("skipped: neither mandoc nor man is installed, which check the pages' format (package: mandoc)")
        sys.exit(77)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = done.stderr + (done.stdout if command[0] == "mandoc" else "")
    check(done.returncode == 0 and not said.strip(), f"{path.name}: {said.strip()}")


def self_test():
    """That the comparison can fail, in both directions."""
    page = ".It Fl o Ar FILE , Fl -output Ar FILE\n.It Fl -gone\n"
    help_text = "  -o,--output FILE     where the scores go\n  --new N              says --other\n"
    found = differences(page, help_text)
    check(found == ["--new is in --help, but not in the manual page",
                    "--gone is in the manual page, but not in --help"], f"self test: {found}")


def main():
    self_test()
    tools = Tools(sys.argv[1])
    programs = {path.name for folder in tools.folders for path in pathlib.Path(folder).glob("mmoe-*")
                if path.is_file() and "." not in path.name}
    check(programs == {path.stem for path in PAGES}, f"programs {sorted(programs)}, pages of {[p.stem for p in PAGES]}")
    for path in PAGES:
        if path.stem in programs:
            check_page(tools, path)
    finish()


def main_of_format():
    for path in PAGES:
        check_format(path)
    finish()


if sys.argv[1] == "--format":
    main_of_format()
else:
    main()
