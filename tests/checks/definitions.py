#!/usr/bin/env python3
"""One definition per name: definitions.py [--unoptimised] ARCHIVE...

Reads the symbols of archives that are linked into one program and names every symbol that their objects define in more
than one way. The linker keeps one of them without a word, and which one depends on the order of the command line.

- A strong and a weak definition: a function in a source file, and an inline one of the same name in a header.
- Two strong definitions. The linker notices these only if it happens to need both objects.
- Weak definitions of another size: two inline functions, classes or variables of one name.

An optimising compiler decides in each file anew what it inlines, so that one inline function has objects of many sizes
(a destructor had 66 bytes in one and 141 in another). In optimised archives only the sizes of variables are compared.
--unoptimised: of functions too. --self-test plants one of each kind. Standard library and nm only.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

Definition = collections.namedtuple("Definition", "object kind size name")

OURS = re.compile(r"_Z(T[VITS])?N?K?N?4mmoe")
ANY_OF_OURS = re.compile(r"4mmoe")
STRONG, WEAK, WEAK_DATA = set("TDBRGS"), set("WVu"), set("Vu")
KERNEL_SETS = {path.stem for path in (pathlib.Path(__file__).resolve().parents[2] / "kernels/sets").glob("*.cpp")}
LINE = re.compile(r"^.*?\[([^\]]+)\]: (\S+) ([A-Zu]) [0-9a-f]+ ([0-9a-f]+)$")


def read_definitions(archives):
    for archive in archives:
        text = subprocess.run(["nm", "-A", "-S", "--defined-only", "--format=posix", str(archive)], check=True,
                              capture_output=True, text=True).stdout
        for match in filter(None, map(LINE.match, text.splitlines())):
            # Two archives may each have an object of the same name.
            yield Definition(f"{pathlib.Path(archive).name}({match[1]})", match[3], int(match[4], 16), match[2])


def sizes_differ(definitions, unoptimised):
    if unoptimised:
        if not ANY_OF_OURS.search(definitions[0].name):
            return False
    elif not OURS.match(definitions[0].name):
        return False
    elif definitions[0].kind not in WEAK_DATA:
        return False
    return len({definition.size for definition in definitions}) > 1


def check(definitions, unoptimised):
    """The lists of definitions that are not one."""
    by_name = collections.defaultdict(list)
    for definition in definitions:
        by_name[definition.name].append(definition)
    for same in by_name.values():
        strong = sum(definition.kind in STRONG for definition in same)
        if len(same) > 1 and (strong > 0 or sizes_differ(same, unoptimised)):
            yield same


def described(definitions):
    name = subprocess.run(["c++filt", definitions[0].name], capture_output=True, text=True).stdout.strip()
    lines = [f"error: {name or definitions[0].name} has several definitions:"]
    for definition in definitions:
        strength = "strong" if definition.kind in STRONG else "weak"
        lines.append(f"  {definition.object}: {strength}, {definition.size} bytes")
    return "\n".join(lines)


def self_test():
    name, other = "_ZN4mmoe9converter10shape_textEv", "_ZNSt6vectorIN4mmoe7FeatureEE5clearEv"
    planted = [
        ([Definition("a.o", "T", 423, name), Definition("b.o", "W", 463, name)], False),
        ([Definition("a.o", "T", 423, name), Definition("b.o", "T", 423, name)], False),
        ([Definition("a.o", "W", 423, name), Definition("b.o", "W", 663, name)], True),
        ([Definition("a.o", "V", 40, "_ZTVN4mmoe4RowsE"), Definition("b.o", "V", 48, "_ZTVN4mmoe4RowsE")], False),
        ([Definition("a.o", "W", 423, name), Definition("b.o", "W", 424, name)], True),
        ([Definition("a.o", "W", 52, other), Definition("b.o", "W", 53, other)], True),
    ]
    innocent = [
        ([Definition("a.o", "W", 66, name), Definition("b.o", "W", 141, name)], False),
        ([Definition("a.o", "W", 52, other), Definition("b.o", "W", 530, other)], False),
        ([Definition("a.o", "W", 52, "_ZN3CLI3AppD1Ev"), Definition("b.o", "W", 53, "_ZN3CLI3AppD1Ev")], True),
    ]
    messages = [f"not found: {case}" for case in planted if not list(check(*case))]
    messages += [f"found, but in order: {case}" for case in innocent if list(check(*case))]
    print(f"{len(planted)} planted violations, {len(innocent)} that are none, {len(messages)} told wrongly")
    return messages


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", nargs="*", type=pathlib.Path)
    parser.add_argument("--unoptimised", action="store_true", help="the archives are compiled without optimisation")
    parser.add_argument("--self-test", action="store_true", help="check this check")
    options = parser.parse_args()
    if options.self_test:
        messages = self_test()
    else:
        definitions = list(read_definitions(options.archives))
        messages = [described(same) for same in check(definitions, options.unoptimised)]
        print(f"{len(options.archives)} archives, {len(definitions)} definitions, {len(messages)} names with several")
        if len(definitions) < 50 * len(options.archives):
            messages.append(f"error: {len(definitions)} definitions cannot be all")
    for message in messages:
        print(message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
