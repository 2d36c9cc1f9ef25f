#!/usr/bin/env python3
"""Who may include whom: reads the #include lines of the sources and names those that break the layering.

The rules are the table RULES. --self-test plants one violation of each and expects to find it.
Standard library only.
"""

import argparse
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
SOURCES = {".h", ".hpp", ".c", ".cpp"}

# Standard headers that bring neither exceptions, allocation nor output: what a device can afford.
FREESTANDING = {"cstddef", "cstdint", "cstring", "cmath", "cerrno", "cstdlib", "limits", "new",
                "string_view", "type_traits", "utility", "stddef.h", "stdint.h"}
# Where rows are handed out to several workers; it needs no thread library.
ATOMIC = {"atomic"}
POSIX = {"fcntl.h", "sys/mman.h", "sys/stat.h", "unistd.h"}
WINDOWS = {"windows.h"}
ANY_STANDARD = re.compile(r"[a-z_]+(/[a-z_]+)*(\.h)?$")

OWN = ("kernels/", "schema/", "runtime/", "converter/", "tests/", "mmoe/",
       "core/", "model/", "plan/", "session/", "c/")


class Rule:
    """Files whose path matches `files` include only what matches one of `allowed`, prefixes or names.

    The first rule that matches a file is the one that holds. `standard`: allowed standard headers, None for
    any. `libraries`: prefixes of headers of other projects.
    """

    def __init__(self, files, allowed, standard=None, libraries=()):
        self.files = re.compile(files + "$")
        self.allowed = allowed
        self.standard = standard
        self.libraries = libraries

    def permits(self, name):
        if name.startswith(OWN):
            return name.startswith(tuple(self.allowed)) if self.allowed else False
        if self.libraries and name.startswith(tuple(self.libraries)):
            return True
        if self.standard is not None:
            return name in self.standard
        return bool(ANY_STANDARD.match(name))



def tools(*folders):
    return ["mmoe/"] + [f"runtime/tools/{folder}/" for folder in folders]


# How text from files may be shown is one function, which the tools have; and what is text.
PRINTABLE = ["runtime/tools/support/printable.h", "runtime/tools/support/utf8.h"]
# What a trained model is, in memory; JSON, patterns and keys, and the names of tensors; features as libraries save them;
# and what binds a description to weights, which uses all of these.
READING = ["converter/error.h", "converter/shape_text.h", "converter/model/", "converter/reading/"] + PRINTABLE
PREPROCESSING = READING + ["converter/preprocessing/"]
DESCRIPTION = PREPROCESSING + ["converter/description/"]
# What is the file format's alone: its version, its limits, how wide a node is.
FORMAT = ["schema/format.h", "schema/nodes.h"]
# Binding a description to weights reads them through one interface, and what a Keras file says of its layers through
# another. Importers know nothing of descriptions.
WEIGHTS = ["converter/importers/weight_source.h"]
STATED = ["converter/importers/keras_config.h"]
MODEL = ["converter/error.h", "converter/model/model.h", "converter/model/architecture.h"]
LOWERED = MODEL + ["converter/lowering/"]
# What types of numbers there are, and what each is.
NUMBERS = ["kernels/number_types.h", "kernels/number_functions.h"]
QUANTISED = LOWERED + ["converter/model/table.h", "converter/quantise/"] + NUMBERS
PACKED = QUANTISED + ["converter/packing/", "kernels/panel16.h"]
WRITTEN = PACKED + ["converter/writer/"]

RULES = [
    # kernels: nothing of ours outside; the generic headers are compiled once per instruction set, where any
    # inline function of the standard library could become a weak symbol that two of them share.
    Rule(r"kernels/generic/(dense|features)\.h", ["kernels/"], {"type_traits"}),
    Rule(r"kernels/special/fpu\.h", ["kernels/"], {"type_traits", "arm_acle.h"}),
    Rule(r"kernels/generic/neon\.h", ["kernels/"], {"arm_neon.h"}),
    Rule(r"kernels/generic/sve\.h", ["kernels/"], {"arm_sve.h"}),
    Rule(r"kernels/generic/wasm\.h", ["kernels/"], {"wasm_simd128.h"}),
    Rule(r"kernels/generic/batch\.h", ["kernels/"], set(), ["xsimd/"]),
    Rule(r"kernels/(generic/.*\.h|sets/.*)", ["kernels/"], {"cstddef", "cstdint"}),
    Rule(r"kernels/assertion\.cpp", ["kernels/"], {"cstdio", "cstdlib"}),
    Rule(r"kernels/special/mve\.h", ["kernels/"], {"arm_mve.h"}),
    Rule(r"kernels/.*\.h", ["kernels/"], {"cstddef", "cstdint"}),
    Rule(r"kernels/select\.cpp", ["kernels/"], {"cpuid.h", "cstddef", "sys/auxv.h"}),
    Rule(r"kernels/exact\.cpp", ["kernels/"], {"cfloat", "cstddef", "cstdint"}),
    Rule(r"kernels/.*", ["kernels/"], {"cstddef", "cstdint", "cstring", "cmath"}),
    Rule(r"schema/format\.h", [], {"cstddef", "cstdint"}),
    Rule(r"schema/nodes\.h", ["schema/"], {"cstdint"}),
    # runtime: core <- model <- plan <- session <- c.
    Rule(r"runtime/include/mmoe/.*", ["mmoe/"], FREESTANDING | {"initializer_list"}),
    Rule(r"runtime/src/core/.*_windows\.cpp", ["mmoe/error.h", "core/"], FREESTANDING | WINDOWS),
    Rule(r"runtime/src/core/.*", ["mmoe/error.h", "core/"], FREESTANDING | POSIX),
    Rule(r"runtime/src/model/.*", ["mmoe/error.h", "mmoe/model.h", "mmoe/structure.h", "core/", "model/", "kernels/activations.h", "kernels/combine.h", "kernels/kernels.h",
                                   "kernels/number_types.h", "kernels/number_functions.h", "kernels/panel16.h", "schema/"],
         FREESTANDING),
    Rule(r"runtime/src/plan/.*", ["mmoe/error.h", "mmoe/model.h", "mmoe/plan.h", "mmoe/session.h",
                                  "mmoe/kernel_sets.h", "core/", "model/", "plan/", "kernels/assertion.h", "kernels/combine.h", "kernels/exact.h",
                                  "kernels/kernels.h", "kernels/number_functions.h",
                                  "kernels/panel16.h", "kernels/scaled_dot.h", "schema/"],
         FREESTANDING),
    Rule(r"runtime/src/session/.*", ["mmoe/error.h", "mmoe/model.h", "mmoe/plan.h", "mmoe/session.h",
                                     "mmoe/executor.h", "mmoe/golden.h", "mmoe/input.h", "mmoe/rows.h", "mmoe/span.h",
                                     "core/", "model/", "plan/", "session/",
                                     "kernels/assertion.h", "kernels/exact.h", "kernels/kernels.h", "kernels/panel16.h",
                                     "schema/"],
         FREESTANDING | ATOMIC),
    # A library of its own, beside the runtime: it sees the public headers alone.
    Rule(r"runtime/src/threads/.*", ["mmoe/"]),
    Rule(r"runtime/src/c/.*", ["mmoe/", "core/", "model/", "plan/", "session/", "c/"], FREESTANDING),
    # The Python package sees what a program in C sees.
    Rule(r"runtime/js/src/.*", ["mmoe/mmoe.h"]),
    Rule(r"runtime/python/src/python\.h", [], None, ["Python.h"]),
    Rule(r"runtime/python/src/.*", ["mmoe/mmoe.h", "runtime/python/src/"]),
    Rule(r"runtime/java/native/.*", ["mmoe/mmoe.h", "runtime/java/native/"], None, ["jni.h"]),
    Rule(r"runtime/python/convert/.*", ["converter/program/", "converter/model/number_names.h",
                                        "runtime/python/src/python.h"]),
    # tools: support <- {rows, model, page} <- labels, {{score, describe} <- report <- inspect, verify, bench}.
    Rule(r"runtime/tools/support/command_line\.cpp", tools("support"), None, ["CLI/"]),
    Rule(r"runtime/tools/support/.*", tools("support")),
    Rule(r"runtime/tools/rows/.*", tools("support", "rows")),
    Rule(r"runtime/tools/model/.*", tools("support", "model") + ["schema/"]),
    Rule(r"runtime/tools/describe/.*", tools("support", "model", "describe") + ["schema/"], None, ["nlohmann/"]),
    Rule(r"runtime/tools/score/.*", tools("support", "rows", "model", "score")),
    Rule(r"runtime/tools/page/.*", tools("support", "page"), None, ["nlohmann/"]),
    Rule(r"runtime/tools/labels/.*", tools("support", "model", "labels")),
    Rule(r"runtime/tools/report/.*", tools("support", "rows", "model", "score", "describe", "page", "labels", "report"),
         None, ["nlohmann/"]),
    Rule(r"runtime/tools/inspect/.*", tools("support", "model", "describe", "report", "inspect")),
    Rule(r"runtime/tools/verify/.*", tools("support", "rows", "model", "verify"), None, ["nlohmann/"]),
    Rule(r"runtime/tools/bench/.*", tools("support", "model", "bench"), None, ["nlohmann/"]),
    # converter: model <- {reading <- preprocessing <- description, lowering <- packing <- writer <- check}.
    # The header of .npy files is read in one place, which the tools have.
    Rule(r"converter/importers/.*", ["converter/error.h", "converter/shape_text.h", "converter/importers/", "runtime/tools/rows/npy_header.h",
                                     "runtime/tools/support/error.h", "runtime/tools/support/input_files.h"] + PRINTABLE, None, ["nlohmann/", "hdf5", "onnx.pb.h", "easyrec.pb.h", "google/protobuf/"]),
    # From a graph of operations to a description.
    Rule(r"converter/recognise/.*", ["converter/error.h", "converter/recognise/", "converter/model/model.h",
                                     "converter/model/limits.h", "converter/importers/onnx_graph.h",
                                     "converter/importers/messages.h"] + PRINTABLE),
    Rule(r"converter/model/table\.h", NUMBERS),
    Rule(r"converter/model/limits\.h", FORMAT),
    Rule(r"converter/model/model\.cpp", ["converter/model/"] + FORMAT),
    Rule(r"converter/model/model\.h", ["converter/model/", "kernels/activations.h"] + NUMBERS),
    Rule(r"converter/model/.*", ["converter/error.h", "converter/model/"]),
    Rule(r"converter/reading/.*", READING + WEIGHTS, None, ["nlohmann/"]),
    Rule(r"converter/description/constant_table\..*", DESCRIPTION + NUMBERS),
    Rule(r"converter/description/coded_table\..*",
         DESCRIPTION + WEIGHTS + ["converter/importers/float_convert.h", "kernels/stored.h"] + NUMBERS),
    # What TorchEasyRec saves is a text protobuf, which a build may leave out.
    Rule(r"converter/preprocessing/preprocessing\.cpp",
         PREPROCESSING + ["converter/importers/easyrec_config.h", "converter/importers/left_out.h"], None, ["nlohmann/"]),
    # The ids of texts that hashes give are the runtime's.
    Rule(r"converter/preprocessing/text_hash\.cpp", PREPROCESSING + ["core/hashes.h"]),
    Rule(r"converter/preprocessing/.*", PREPROCESSING + STATED, None, ["nlohmann/"]),
    Rule(r"converter/description/.*", DESCRIPTION + WEIGHTS + STATED, None, ["nlohmann/"]),
    # Recipes write descriptions, by the names of tensors: they read no weights and know no model.
    Rule(r"converter/recipes/.*", ["converter/error.h", "converter/shape_text.h", "converter/recipes/",
                                   "converter/reading/", "converter/model/limits.h",
                                   "runtime/tools/support/text_file.h", "runtime/tools/support/error.h"] + WEIGHTS + PRINTABLE, None, ["nlohmann/"]),
    Rule(r"converter/lowering/.*", LOWERED + ["converter/model/every_layer.h", "converter/model/limits.h",
                                              "kernels/panel16.h"]),
    Rule(r"converter/quantise/.*", QUANTISED + ["converter/model/every_layer.h", "kernels/stored.h"]),
    Rule(r"converter/packing/.*", PACKED),
    Rule(r"converter/writer/vocabulary_tensors\..*",
         MODEL + ["converter/reading/key_order.h", "converter/writer/", "schema/"]),
    Rule(r"converter/writer/.*", WRITTEN + ["schema/", "kernels/activations.h"], None, ["flatbuffers/"]),
    # The evaluation knows the constants of the numerics contract.
    Rule(r"converter/check/bounded_w8a8\.cpp", ["converter/check/", "kernels/kernels.h"]),
    Rule(r"converter/check/.*", WRITTEN + ["converter/check/"] + tools("support", "rows", "labels")),
    # What the user's rows hardly have.
    Rule(r"converter/prune/selected_rows\.h", ["converter/model/table.h"]),
    Rule(r"converter/prune/.*", MODEL + ["converter/prune/"] + tools("support", "rows")),
    # Types of numbers by trial, and the page that shows what was tried. Names are bound as the description's.
    Rule(r"converter/search/.*", WRITTEN + ["converter/check/", "converter/search/", "converter/importers/scratch_file.h",
                                            "converter/model/every_layer.h", "converter/model/number_names.h",
                                            "converter/description/numbers.h", "kernels/stored.h",
                                            "runtime/tools/bench/timing.h", "runtime/tools/model/probability.h"] + tools("support", "rows", "labels", "page"),
         None, ["nlohmann/"]),
    # The reference evaluation shares the parsed graph with what it proves, and nothing else.
    Rule(r"converter/proof/reference.*", ["converter/error.h", "converter/proof/reference", "converter/importers/onnx_graph.h",
                                          "converter/importers/messages.h"]),
    Rule(r"converter/proof/.*", ["converter/error.h", "converter/proof/", "converter/model/model.h",
                                 "converter/importers/onnx_graph.h", "converter/importers/messages.h",
                                 "converter/check/evaluate.h", "converter/check/session_input.h", "mmoe/"]),
    Rule(r"converter/(error|shape_text)\.h", []),
    # Which of the ways in, and the model that it gives.
    Rule(r"converter/interpretation/.*", ["converter/error.h", "converter/interpretation/",
                                          "converter/description/bind.h", "converter/recipes/recipe.h",
                                          "converter/importers/contained_file.h",
                                          "converter/recognise/recognise.h",
                                          "converter/importers/left_out.h"] + WEIGHTS + tools("support")),
    Rule(r"converter/program/.*", ["converter/"] + tools("support")),
    # A user's program sees the public headers alone.
    Rule(r"examples/.*", ["mmoe/"]),
]

# Beside its rule, each is a violation that the self-test plants: a file and what it must not include.
VIOLATIONS = [
    ("kernels/kernels.h", "mmoe/error.h"),
    ("kernels/generic/dense.h", "algorithm"),
    ("kernels/sets/avx2.cpp", "cmath"),
    ("kernels/generic/math.h", "xsimd/xsimd.hpp"),
    ("kernels/select.cpp", "vector"),
    ("runtime/include/mmoe/model.h", "flatbuffers/flatbuffers.h"),
    ("runtime/include/mmoe/session.h", "string"),
    ("runtime/include/mmoe/plan.h", "xsimd/xsimd.hpp"),
    ("runtime/src/core/error.cpp", "model/access.h"),
    ("runtime/src/core/error.cpp", "cstdio"),
    ("runtime/src/model/model.cpp", "plan/arena.h"),
    ("runtime/src/plan/plan.cpp", "session/run.h"),
    ("runtime/src/plan/plan.cpp", "functional"),
    ("runtime/src/session/session.cpp", "mmoe/mmoe.h"),
    ("runtime/src/session/session.cpp", "iostream"),
    ("runtime/src/session/score.cpp", "cassert"),
    ("runtime/src/session/parallel.cpp", "thread"),
    ("runtime/src/session/parallel.cpp", "mmoe/thread_pool.h"),
    ("runtime/src/plan/plan.cpp", "atomic"),
    ("runtime/src/threads/thread_pool.cpp", "core/make_error.h"),
    ("runtime/include/mmoe/thread_pool.h", "thread"),
    ("runtime/src/c/mmoe.cpp", "runtime/tools/support/text.h"),
    ("runtime/python/src/run.cpp", "mmoe/session.h"),
    ("runtime/python/src/run.cpp", "Python.h"),
    ("runtime/java/native/rows.cpp", "mmoe/rows.h"),
    ("runtime/js/src/layout.cpp", "mmoe/model.h"),
    ("runtime/python/src/module.cpp", "converter/program/convert.h"),
    ("runtime/python/convert/module.cpp", "converter/search/search.h"),
    ("runtime/tools/model/work.cpp", "converter/error.h"),
    ("runtime/tools/model/work.cpp", "runtime/tools/score/scorer.h"),
    ("runtime/tools/model/work.cpp", "nlohmann/json.hpp"),
    ("runtime/tools/describe/describe.cpp", "runtime/tools/score/scorer.h"),
    ("runtime/tools/verify/mmoe_verify.cpp", "runtime/tools/describe/describe.h"),
    ("runtime/tools/support/text.cpp", "runtime/tools/rows/matrix.h"),
    ("runtime/tools/support/text.cpp", "CLI/CLI.hpp"),
    ("runtime/tools/score/mmoe_score.cpp", "CLI/CLI.hpp"),
    ("converter/program/main.cpp", "CLI/CLI.hpp"),
    ("runtime/tools/rows/matrix.cpp", "runtime/tools/model/model_view.h"),
    ("runtime/tools/bench/bench.cpp", "runtime/tools/rows/row_reader.h"),
    ("runtime/tools/page/html.cpp", "runtime/tools/model/model_view.h"),
    ("runtime/tools/labels/labels.cpp", "runtime/tools/rows/row_reader.h"),
    ("runtime/tools/model/work.cpp", "core/checked.h"),
    ("converter/importers/pickle.cpp", "converter/model/model.h"),
    ("converter/recipes/recipe.cpp", "converter/model/model.h"),
    ("converter/recognise/recognise.cpp", "converter/importers/onnx_tensor.h"),
    ("converter/recognise/recognise.cpp", "converter/description/bind.h"),
    ("converter/model/model.h", "converter/importers/weight_source.h"),
    ("converter/model/model.cpp", "converter/reading/json_reader.h"),
    ("converter/reading/json_reader.cpp", "converter/preprocessing/preprocessing.h"),
    ("converter/preprocessing/preprocessing.cpp", "converter/description/bind.h"),
    ("converter/description/bind.cpp", "converter/lowering/lowered.h"),
    ("converter/description/bind.cpp", "converter/importers/torch_zip.h"),
    ("converter/lowering/fold.cpp", "converter/packing/pack.h"),
    ("converter/packing/pack.cpp", "kernels/kernels.h"),
    ("converter/quantise/quantise.cpp", "converter/packing/pack.h"),
    ("converter/lowering/lower.cpp", "converter/quantise/quantise.h"),
    ("converter/interpretation/interpretation.cpp", "converter/importers/open_weights.h"),
    ("converter/check/golden.cpp", "converter/program/convert.h"),
    ("converter/writer/segments.cpp", "mmoe/model.h"),
    ("converter/writer/segments.cpp", "converter/check/golden.h"),
    ("converter/check/golden.cpp", "converter/importers/weight_source.h"),
    ("converter/prune/prune.cpp", "converter/lowering/lowered.h"),
    ("converter/proof/reference.cpp", "converter/recognise/expressions.h"),
    ("converter/proof/reference_sums.cpp", "converter/model/model.h"),
    ("converter/proof/prove.cpp", "converter/recognise/recognise.h"),
    ("converter/program/convert.cpp", "kernels/kernels.h"),
    ("examples/embed/embed.cpp", "core/checked.h"),
    ("examples/embed/embed.cpp", "kernels/kernels.h"),
]

MAX_SET_LINES = 40


def files_of(root):
    for folder in ("kernels", "schema", "runtime", "converter", "examples"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES:
                yield path


def check(root):
    """Messages about every violation under `root`, and the number of files read."""
    messages, count = [], 0
    for path in files_of(root):
        count += 1
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        rule = next((rule for rule in RULES if rule.files.match(name)), None)
        if rule is None:
            messages.append(f"{name}: no rule says what it may include")
            continue
        messages += [f"{name}: must not include {included}"
                     for included in INCLUDE.findall(text) if not rule.permits(included)]
        if name.startswith("kernels/sets/") and text.count("\n") > MAX_SET_LINES:
            messages.append(f"{name}: {text.count(chr(10))} lines, at most {MAX_SET_LINES}")
    return messages, count


def self_test():
    """Each planted violation must be found, and nothing else."""
    planted = [(name, f"#include <{included}>\n") for name, included in VIOLATIONS]
    planted.append(("kernels/sets/avx2.cpp", "\n" * (MAX_SET_LINES + 1)))
    planted.append(("kernels_of_mine/a.h", None))
    missed = []
    for name, text in planted:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            path = root / (name if text is not None else "schema/stray/stray.h")
            path.parent.mkdir(parents=True)
            path.write_text(text or "\n", encoding="utf-8")
            if len(check(root)[0]) != 1:
                missed.append(f"not found: {name}: {text!r}")
    print(f"{len(planted)} planted violations, {len(missed)} of them not found")
    return missed


def check_all(root):
    """As run_check() wants it."""
    messages, count = check(root)
    if count < 50:
        messages.append(f"only {count} source files under {root}")
    return messages, f"{count} source files"


def run_check(description, check_of, self_test_of):
    """The command line of a check of the tree: [ROOT] [--self-test]. `check_of` takes the root and gives messages and
    what it read; `self_test_of` gives messages. Returns the exit code."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parents[2], type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true", help="check this check")
    args = parser.parse_args()
    if args.self_test:
        messages = self_test_of()
    else:
        messages, read = check_of(args.root)
        print(f"{read}, {len(messages)} messages")
    for message in messages:
        print("error: " + message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(run_check(__doc__, check_all, self_test))
