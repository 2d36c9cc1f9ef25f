"""Files and calls that lost data, leaked, or took far more time or memory than their size."""

import os
import pathlib
import random
import re
import shutil
import sys
import unicodedata

from support import Skipped, require, require_cheap, require_refusal, run, write_safetensors

# What a small file may cost a tool: reading, checking and refusing it, on a slow machine under load.
SECONDS, MEGABYTES = 2, 200

DESCRIPTION = (
    '{"mmoe_description": 1, "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},'
    ' "gates": {"logits": "gates.{task}"}}], "towers": {"layers": "towers.{task}.{layer}"},'
    ' "tasks": [{"name": "a", "link": "sigmoid"}]}'
)


def weights(path, inputs, hidden, **further):
    """A random model of that size, for DESCRIPTION; `further`: names and shapes of more tensors."""
    numbers = random.Random(1)
    shapes = {
        "experts.0.0.weight": (hidden, inputs),
        "experts.1.0.weight": (hidden, inputs),
        "gates.0.weight": (2, inputs),
        "towers.0.0.weight": (1, hidden),
        **further,
    }
    values = {name: [numbers.gauss(0, 0.1) for _ in range(rows * columns)] for name, (rows, columns) in shapes.items()}
    write_safetensors(path, {name: (shape, values[name]) for name, shape in shapes.items()})
    return path


def sibling(case, name, file):
    return case.folder.parent / name / file


def leftovers(case, *expected):
    return sorted(path.name for path in case.scratch.iterdir() if path.name not in expected)


# ------------------------------------------------------------------------------------ files lost or spoilt
def overwrites_input(case):
    weights_file = sibling(case, "report-in-the-model-file", "w.safetensors")
    description = sibling(case, "report-in-the-model-file", "d.json")
    inputs = [case.copy("w.safetensors", weights_file), case.copy("d.json", description)]
    os.link(inputs[0], case.scratch / "hard.safetensors")
    os.symlink("w.safetensors", case.scratch / "soft.safetensors")
    before = [path.read_bytes() for path in inputs]
    for target in ("w.safetensors", "d.json", "hard.safetensors", "soft.safetensors", "./w.safetensors"):
        done = case.convert(*inputs, output=case.scratch / target)
        require([path.read_bytes() for path in inputs] == before, f"-o {target} replaced an input")
        require_refusal(done, "--output", target.split("/")[-1])
    return "every input is refused as output"


def closed_output(case):
    """With standard output closed the file must be that of a run with it open, or nothing."""
    inputs = [case.input("w.safetensors"), case.input("d.json")]
    whole = case.converted(*inputs, output=case.output("open.mmoe"))
    script = 'exec "$@" >&-'
    done = run("sh", "-c", script, "sh", case.tools["mmoe-convert"], *inputs, "-o", case.output("closed.mmoe"))
    written = case.output("closed.mmoe")
    if written.exists():
        require(written.read_bytes() == whole.read_bytes(), "the file differs from that with standard output open")
    else:
        require(done.code > 0, "exit 0 without a file")
    require(os.path.exists("/dev/full"), "no /dev/full")
    with open("/dev/full", "wb") as full:
        done = case.convert(*inputs, output=case.output("full.mmoe"), stdout=full)
    require(done.code != 0, "exit 0, though the report was lost on a full device")
    return "same bytes; a full device is an error"


def dangling_link(case):
    inputs = [sibling(case, "report-in-the-model-file", name) for name in ("w.safetensors", "d.json")]
    link, target = case.scratch / "link.mmoe", case.scratch / "target.mmoe"
    link.symlink_to("target.mmoe")
    done = case.convert(*inputs, output=link)
    require(link.is_symlink(), "the link is gone")
    if done.code > 0:
        return require_refusal(done, "link")
    require(target.exists(), "exit 0, but the link's target was not made")
    return "the target is written"


def file_size_limit(case):
    model = weights(case.scratch / "big.safetensors", 256, 256)
    done = case.convert(model, DESCRIPTION, output=case.output("lim.mmoe"), file_bytes=51200)
    require(done.code > 0 and done.err.strip() != "", "ended without a message: " + done.summary())
    require(leftovers(case, "big.safetensors") == [], f"leaves {leftovers(case, 'big.safetensors')}")
    return "refused: " + done.err.strip()[-120:]


def temporary_name(case):
    """A link of the name that an attacker can guess must not lead the converter to another file."""
    inputs = [sibling(case, "report-in-the-model-file", name) for name in ("w.safetensors", "d.json")]
    victim, out = case.scratch / "precious.txt", case.scratch / "out.mmoe"
    victim.write_bytes(b"precious")
    script = 'ln -s precious.txt out.mmoe.tmp$$ && exec "$@"'  # the converter has the shell's process number
    done = run("sh", "-c", script, "sh", case.tools["mmoe-convert"], *inputs, "-o", out, cwd=case.scratch)
    require(victim.read_bytes() == b"precious", "the link's target was overwritten")
    require(done.code == 0 and out.is_file() and not out.is_symlink(), "not converted: " + done.summary())
    if shutil.which("strace") is None:
        return "the guessed name is harmless (no strace here to look at the flags)"
    trace = case.scratch / "trace.txt"
    run("strace", "-f", "-e", "trace=open,openat,creat", "-o", trace, case.tools["mmoe-convert"], *inputs, "-o", out)
    made = [line for line in trace.read_text().splitlines() if "O_CREAT" in line and "out.mmoe" in line]
    require(made != [], "no file was made")
    for line in made:
        require("O_EXCL" in line and "O_CLOEXEC" in line, "not exclusive, or inherited by child processes: " + line)
    return "exclusive, close-on-exec"


def changed_while_mapped(case):
    program = case.compile("toctou.cpp")
    done = run(program, case.census(), case.scratch / "copy.mmoe", cwd=case.scratch, timeout=300)
    lines = dict(line.split(" ", 1) for line in done.out.splitlines())
    for what in ("rewrite_header_zero", "rewrite_ff", "after_session_ff", "random_words"):
        require("crashed 0," in lines[what], f"{what}: {lines[what].strip()}")
    header = (case.repository / "runtime/include/mmoe/model.h").read_text()
    require("rename" in header, "model.h does not say that a mapped file is replaced by rename")
    return "a changed header crashes nothing; model.h says how to replace a file"


def external_data_link(case):
    model = case.copy("w.onnx")
    secret = case.scratch.parent / "secret.txt"
    secret.write_text("not for models. " * 64)
    (case.scratch / "data.bin").symlink_to(secret)
    return require_refusal(case.convert(model), "data.bin")


# ------------------------------------------------------------------------------------ time and memory
def compute_amplification(case):
    """A file of some kB is refused by the limits, or 256 rows are cheap."""
    texts = []
    for model in sorted(case.folder.glob("*.mmoe")):
        rows = sibling(case, "gate-names-quadratic", "rows.csv").read_text().splitlines()
        table = case.scratch / "rows.csv"
        table.write_text("\n".join(rows[:1] + rows[1:] * 256) + "\n")
        done = case.score(model, table)
        require_cheap(done, SECONDS, MEGABYTES)
        texts.append(f"{model.name}: " + (require_refusal(done) if done.code else f"{done.cpu:.2f} s"))
    return "; ".join(texts)


def gate_names(case):
    done = case.score(
        "--batch",
        1,
        "--gates",
        case.output("g.csv"),
        case.input("n8_e256.mmoe"),
        case.input("rows.csv"),
        "-o",
        case.output("s.csv"),
    )
    return require_cheap(done, 1, MEGABYTES)


def repeated_elements(case):
    for name in ("8_experts.pt", "24_experts.pt"):
        done = case.convert(case.input(name), case.input("d.json"))
        require_refusal(done)
        require_cheap(done, SECONDS, MEGABYTES)
        require(not case.output().exists(), "left a file")
    return done.summary()


def concat_memory(case):
    done = case.convert(case.input("add_dag.onnx"))
    require_refusal(done)
    return require_cheap(done, SECONDS, MEGABYTES)


def quadratic_recipes(case):
    made = run(sys.executable, case.input("make.py"), cwd=case.scratch)
    require(made.code == 0, "make.py: " + made.summary())
    for name in ("long_name.safetensors", "tasks.safetensors"):
        done = case.convert(case.scratch / name)
        require_refusal(done)
        require_cheap(done, SECONDS, MEGABYTES)
        require(len(done.err) < 4096, f"a message of {len(done.err)} bytes")
    return done.summary()


def sequence_length(case):
    for name in ("seq_1.mmoe", "seq_64.mmoe"):
        model = case.input(name)
        rows = case.scratch / "rows.csv"
        rows.write_text("f0\n0\n")
        require_cheap(case.score(model, rows), SECONDS, MEGABYTES)
        names = [f"f{i}" for i in range(64)]
        rows.write_text(",".join(names) + "\n" + ",".join("0" for _ in names) + "\n")
        done = case.score(model, rows)
        require_cheap(done, SECONDS, MEGABYTES)
    return done.summary()


# ------------------------------------------------------------------------------------ messages, formats, calls
def safetensors_not_pickle(case):
    case.converted(case.input("w.safetensors"), case.input("d.json"))
    return "converted"


def unprintable(text):
    """Control characters (but line feed and tab) and those that turn the direction of text."""
    return [
        character for character in text if unicodedata.category(character) in ("Cc", "Cf") and character not in "\n\t"
    ]


def terminal_escapes(case):
    model = case.input("m.mmoe")
    commands = [
        ("mmoe-convert", case.input("w.safetensors"), "-o", case.output()),
        ("mmoe-score", "--tasks", "zz", model),
        ("mmoe-score", model),
        ("mmoe-bench", model),
        ("mmoe-inspect", model),
        ("mmoe-inspect", "--json", model),
        ("mmoe-inspect", "--verify-checksums", model),
        ("mmoe-verify", model),
        ("mmoe-score", "--verify-checksums", model),
    ]
    for command in commands:
        done = case.tool(*command)
        found = unprintable(done.text)
        require(not found, f"{command[0]} writes {found[:5]}: {done.text[:200]!r}")
    return f"{len(commands)} commands write printable text"


FEATURES = """{"mmoe_description": 1, "features": [
  {"name": "f0", "kind": "dense", "width": 3},
  {"name": "f1", "kind": "categorical", "vocabulary": ["a", "b", "c"], "unknown": {"id": 0}, "embedding": "table"},
  {"name": "f2", "kind": "dense"},
  {"name": "f3", "kind": "categorical", "vocabulary": [4, 5, 6], "unknown": {"id": 0}, "embedding": "table"},
  {"name": "f4", "kind": "sequence", "length": 3, "pooling": "sum", "vocabulary": ["a", "b", "c"], "unknown": "zero",
   "embedding": "table"}],
 "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
   "gates": {"logits": "gates.{task}"}}],
 "towers": {"layers": "towers.{task}.{layer}"}, "tasks": [{"name": "a", "link": "sigmoid"}]}"""


def misuse(case):
    """Lines of the program that misuses the interface in child processes: name -> how it ended."""
    if not (case.folder.parent / "fork-with-pool/api.cpp").exists():
        raise Skipped("no api.cpp beside it")
    source = weights(case.scratch / "features.safetensors", 10, 8, table=(3, 2))
    features = case.converted(source, FEATURES, output=case.output("features.mmoe"))
    plain = case.converted(
        weights(case.scratch / "plain.safetensors", 16, 8), DESCRIPTION, output=case.output("plain.mmoe")
    )
    program = case.compile(pathlib.Path(case.folder.parent / "fork-with-pool/api.cpp"))
    done = run(program, features, plain, cwd=case.scratch, timeout=300)
    lines = re.finditer(r"^(.*?)\s+((?:returned|exit \d+|SIGNAL [^:]*): .*)$", done.out, re.M)
    return {line.group(1): line.group(2) for line in lines}


def fork_with_pool(case):
    lines = misuse(case)
    for name, ending in lines.items():
        # The caller's own faults, which no library can answer.
        if "(contract broken)" in ending or "caller" in ending or "forbidden" in ending or "use after" in ending:
            continue
        if name == "executor that throws" or "cases" in name:
            continue
        require(ending.startswith("returned"), f"{name}: {ending}")
    pools = {name: ending for name, ending in lines.items() if name.startswith("fork after a pool was made")}
    require(len(pools) == 2, f"the program tells {len(pools)} forks, not 2")
    for name, ending in pools.items():
        require("child scored" in ending or "child freed it" in ending, f"{name}: {ending}")
    status = lines["executor that never runs tasks"].split("/")[0]
    require("ok" not in status.lower(), f"executor that never runs tasks: {status}")
    return f"{len(lines)} calls, none ends by a signal"


def wrong_error_text(case):
    lines = misuse(case)
    text = lines["score_features id -2"]
    require("-1" in text and "-10" not in text, text)
    return text


def null_memcpy(case):
    fuzzer = None
    for folder in (case.build, case.repository / "build/fuzz", case.repository / "build/asan-ubsan"):
        fuzzer = fuzzer or next(folder.rglob("fuzz_model"), None)
    if fuzzer is None:
        raise Skipped("no fuzz_model is built (preset fuzz)")
    done = run(fuzzer, case.input("segment-without-name.mmoe"), cwd=case.scratch)
    require(done.code == 0, done.summary())
    return "no report of the sanitizers"


def checks(_):
    return {
        "changed-while-mapped": changed_while_mapped,
        "compute-amplification": compute_amplification,
        "convert-overwrites-its-input": overwrites_input,
        "dangling-link": dangling_link,
        "file-size-limit": file_size_limit,
        "fork-with-pool": fork_with_pool,
        "gate-names-quadratic": gate_names,
        "memory-of-repeated-elements": repeated_elements,
        "onnx-concat-memory": concat_memory,
        "onnx-external-data-symlink": external_data_link,
        "quadratic-recipes": quadratic_recipes,
        "report-in-the-model-file": closed_output,
        "safetensors-taken-for-pickle": safetensors_not_pickle,
        "score-sequence-length": sequence_length,
        "temporary-name-by-pid": temporary_name,
        "terminal-escapes": terminal_escapes,
        "ubsan-null-memcpy": null_memcpy,
        "wrong-error-text": wrong_error_text,
    }
