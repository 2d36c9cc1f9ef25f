#!/usr/bin/env python3
"""Checks the symbols of libmmoe.a with nm: objects.py LIBRARY [--debug] [--kernels FOLDER]

An object that holds a kernel set is compiled for a CPU that the machine may not have. A weak function in it
(of a template or inline) that any other object also has would be kept once by the linker, perhaps in the
copy that the machine cannot run. So its weak functions must be in namespaces of its own, mmoe::kernels::SET and
xsimd_SET. Sets in plain loops may call those of the reference, which every machine can run.
The library as a whole needs nothing beyond a short list: no output, no exceptions, no abort.
--self-test plants one violation of each kind. Standard library and nm only.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

Symbol = collections.namedtuple("Symbol", "object kind name")

KERNELS = pathlib.Path(__file__).resolve().parents[2] / "kernels"
KERNEL_SETS = set()  # by name

MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
# What the runtime may ask of the C library, and why.
NEEDS = MEMORY | {
    "strlen", "strcmp", "strncmp",                                  # error messages, kernel set names
    "open", "close", "fstat", "mmap", "munmap",                     # mapping the file
    "sysconf", "pread", "mprotect",                                 # and keeping its header apart
    "open64", "fstat64", "mmap64", "pread64",                       # the same with offsets of 64 bits
    "__errno_location", "strerror",                                 # and saying why it failed
    "getenv",                                                       # MMOE_KERNEL_SET
    "fmaf", "ldexpf",                                               # the plain-loop kernel set
    "getauxval",                                                    # the system's, on ARM
    "__cpu_model", "__cpu_indicator_init",                          # the compiler's CPU detection
    "__tls_get_addr",                                               # mmoe_last_message() is per thread
    "__aarch64_cas8_relax",                                         # libgcc's compare and swap: handing out rows
    "_GLOBAL_OFFSET_TABLE_",
}
# Where assertions are compiled in, what a failed one does; kernel sets ask for it through functions of the baseline.
ASSERTION_OBJECT, ASSERTION_NEEDS = "assertion.cpp.o", {"abort", "fprintf", "stderr"}
BASELINE = ("mmoe::kernels::reference::", "mmoe::kernels::require(", "mmoe::assertion_failed(")
ALLOCATION = re.compile(r"operator (new|delete)|std::nothrow$")
THROWING_NEW = re.compile(r"operator new(\[\])?\((?!.*nothrow)")
# Only there is memory allocated: a build without a heap leaves it out.
ALLOCATING_OBJECTS = {"heap.cpp.o"}


def read_kernel_sets(kernels):
    KERNEL_SETS.update(path.stem for path in (kernels / "sets").glob("*.cpp"))


def read_symbols(library):
    text = subprocess.run(["nm", "-A", "-C", "--format=posix", library], check=True, capture_output=True,
                          text=True).stdout
    line = re.compile(r"^.*\[([^\]]+)\]: (.+?) ([A-Za-z])(?: [0-9a-f]+){0,2}\s*$")
    return [Symbol(match[1], match[3], match[2]) for match in map(line.match, text.splitlines()) if match]


def kernel_set(symbol):
    stem = symbol.object.removesuffix(".o").removesuffix(".cpp")
    return stem if stem in KERNEL_SETS else None


def check_weak_symbols(symbols):
    owners = collections.defaultdict(set)
    for symbol in symbols:
        if symbol.kind != "U":
            owners[symbol.name].add(symbol.object)
    for symbol in symbols:
        if kernel_set(symbol) and symbol.kind in "WVwvu":
            others = owners[symbol.name] - {symbol.object}
            if others:
                yield f"{symbol.object} and {', '.join(sorted(others))} share the weak symbol {symbol.name}"
            elif f"_{kernel_set(symbol)}::" not in symbol.name and f"::{kernel_set(symbol)}::" not in symbol.name:
                yield f"{symbol.object}: weak symbol that other code may have too: {symbol.name}"


def check_needs(symbols, debug):
    defined = {symbol.name for symbol in symbols if symbol.kind != "U"}
    allowed = NEEDS | ({"__assert_fail"} if debug else set())
    for symbol in symbols:
        if symbol.kind != "U":
            continue
        if kernel_set(symbol):
            if symbol.name not in MEMORY | {"_GLOBAL_OFFSET_TABLE_"} and not symbol.name.startswith(BASELINE):
                yield f"{symbol.object}: a kernel set needs {symbol.name}"
        elif symbol.object == ASSERTION_OBJECT and symbol.name in ASSERTION_NEEDS:
            continue
        elif ALLOCATION.search(symbol.name):
            if THROWING_NEW.search(symbol.name):
                yield f"{symbol.object}: allocates with {symbol.name}, which throws"
            elif symbol.object not in ALLOCATING_OBJECTS:
                yield f"{symbol.object}: allocates: {symbol.name}"
        elif symbol.name not in allowed and symbol.name not in defined:
            yield f"{symbol.object}: needs {symbol.name}"


def check(symbols, debug):
    return [*check_weak_symbols(symbols), *check_needs(symbols, debug)]


def self_test():
    planted = [
        [Symbol("avx2.cpp.o", "W", "std::max"), Symbol("avx512.cpp.o", "T", "std::max")],
        [Symbol("avx2.cpp.o", "W", "xsimd_avx2::f"), Symbol("plan.cpp.o", "W", "xsimd_avx2::f")],
        [Symbol("fma3.cpp.o", "W", "mmoe::padded_outputs(unsigned long)")],
        [Symbol("fma3.cpp.o", "W", "mmoe::kernels::avx2::select(float)")],
        [Symbol("fma3.cpp.o", "W", "xsimd::select<xsimd::avx>")],
        [Symbol("sse2.cpp.o", "U", "expf")],
        [Symbol("run.cpp.o", "U", "operator new(unsigned long, std::nothrow_t const&)")],
        [Symbol("session.cpp.o", "U", "operator new(unsigned long, std::nothrow_t const&)")],
        [Symbol("heap.cpp.o", "U", "operator new(unsigned long)")],
        [Symbol("heap.cpp.o", "U", "operator new[](unsigned long, std::align_val_t)")],
        *([Symbol("run.cpp.o", "U", name)] for name in (
            "printf", "abort", "__assert_fail", "malloc", "__cxa_throw", "__cxa_guard_acquire",
            "std::ios_base::Init::Init()", "std::__throw_bad_alloc()", "__gxx_personality_v0")),
    ]
    return [f"not found: {symbols}" for symbols in planted if not check(symbols, debug=False)], len(planted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", nargs="?", help="libmmoe.a")
    parser.add_argument("--debug", action="store_true", help="built without NDEBUG: assert may be used")
    parser.add_argument("--self-test", action="store_true", help="check this check")
    parser.add_argument("--kernels", type=pathlib.Path, help="a library of these kernels alone, for checks of this check")
    args = parser.parse_args()
    read_kernel_sets(args.kernels or KERNELS)
    if args.self_test:
        messages, count = self_test()
        print(f"{count} planted violations, {len(messages)} of them not found")
    else:
        symbols = read_symbols(args.library)
        messages = check(symbols, args.debug)
        objects = {symbol.object for symbol in symbols}
        sets = sorted(set(filter(None, map(kernel_set, symbols))))
        if not sets or (len(objects) < 10 and not args.kernels):
            messages.append(f"{args.library}: {len(objects)} objects with {len(sets)} kernel sets cannot be all")
        print(f"{len(objects)} objects, {len(symbols)} symbols, kernel sets {', '.join(sets)}")
    for message in messages:
        print("error: " + message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
