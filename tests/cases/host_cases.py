"""What went wrong inside other programs, on other systems, and with rows as other tools write them."""

import importlib.util
import shutil
import sys

from support import (
    Skipped,
    Wrong,
    largest_difference,
    need_todays_interface,
    require,
    require_equal,
    require_refusal,
    run,
)

LIBRARY_ALONE = [
    "-DMMOE_BUILD_TOOLS=OFF",
    "-DMMOE_BUILD_CONVERTER=OFF",
    "-DMMOE_BUILD_EXAMPLES=OFF",
    "-DMMOE_BUILD_TESTS=OFF",
]


def need(*modules):
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Skipped(f"{sys.executable} has no {module}")


def cross_build(case, compiler, toolchain, *options):
    """Configures and builds the library alone for another machine; the two programs' last outcome."""
    if shutil.which(compiler) is None:
        raise Skipped(f"no {compiler} here")
    build = case.scratch / "build"
    done = run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        case.repository,
        "-B",
        build,
        f"-DCMAKE_TOOLCHAIN_FILE={case.input(toolchain)}",
        *LIBRARY_ALONE,
        *options,
    )
    if done.code == 0:
        done = run("cmake", "--build", build, timeout=900)
    return done


def big_endian(case):
    if shutil.which("s390x-linux-gnu-g++") is not None:
        done = cross_build(case, "s390x-linux-gnu-g++", "s390x.cmake")
        require(done.code != 0 and "endian" in done.text, "builds, or does not say why not: " + done.summary())
        return "refused at compile time"
    # The public headers, which every host includes, with a compiler that is told to be of the other kind.
    source = case.scratch / "host.cpp"
    source.write_text("#include <mmoe/session.h>\n#include <mmoe/mmoe.h>\n")
    done = run(
        "g++",
        "-std=c++17",
        "-fsyntax-only",
        "-U__BYTE_ORDER__",
        "-D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__",
        "-w",
        "-I",
        case.repository,
        "-I",
        case.repository / "runtime/include",
        "-include",
        "mmoe/session.h",
        case.repository / "runtime/src/core/heap.cpp",
    )
    if done.code != 0 and "endian" in done.err:
        return "refused at compile time (told, not on such a machine)"
    for folder in ("schema", "kernels", "runtime"):
        for path in (case.repository / folder).rglob("*"):
            if path.suffix in (".h", ".cpp", ".txt", ".cmake") and "ENDIAN" in path.read_text(errors="replace"):
                return f"refused by {path.relative_to(case.repository)} (read, not tried: no s390x compiler here)"
    raise Wrong("nothing looks at the byte order")


def converter_memory(case):
    need("numpy")
    rows = 1_000_000  # a table of 64 MB
    made = run(sys.executable, case.input("make.py"), rows, case.scratch / "h.safetensors", cwd=case.scratch)
    require(made.code == 0, "make.py: " + made.summary())
    source = case.scratch / "h.safetensors"
    megabytes = source.stat().st_size >> 20
    # Memory of its own, without the pages of the mapped input: bounded, whatever the table's size.
    done = case.convert(source, f"{source}.json", data_mb=48, timeout=300)
    require(done.code == 0, f"48 MB are too little for a table of {megabytes} MB: " + done.summary())
    return f"{megabytes} MB converted within 48 MB of memory of its own, {done.cpu:.1f} s"


def host_project(case, fast):
    build = case.scratch / f"build-{fast}"
    env = {"REPO": str(case.repository)}
    done = run(
        "cmake", "-G", "Ninja", "-S", case.folder, "-B", build, "-DCMAKE_BUILD_TYPE=Release", f"-DFAST={fast}", env=env
    )
    if done.code == 0:
        done = run("cmake", "--build", build, timeout=900)
    return done, build / "app"


def fast_math(case):
    need_todays_interface(case.folder / "app.cpp")
    done, app = host_project(case, "ON")
    if done.code != 0:
        require("fast-math" in done.text or "FAST_MATH" in done.text, done.summary())
        return "refused at compile time"
    done, plain = host_project(case, "OFF")
    require(done.code == 0, done.summary())
    fast, exact = (run(program, case.census()) for program in (app, plain))
    require(exact.out.count("is_exact") >= 2, exact.summary())
    require(fast.out == exact.out, f"differ: {fast.out}\nwithout -ffast-math: {exact.out}")
    require("not noticed" not in fast.out, fast.out)
    return "the same scores with and without -ffast-math"


def fork_pool(case):
    done = run(case.compile("prefork.cpp"), timeout=60)
    require("child exit 0" in done.out, done.summary() + done.out)
    return "the child ends by itself"


def orig_mod(case):
    need("torch")
    folder = case.scratch / "orig-mod"
    folder.mkdir()
    # make.py reads its neighbour's weights.
    (case.scratch / "x-header-by-position").symlink_to(case.folder.parent / "x-header-by-position")
    made = run(sys.executable, case.input("make.py"), cwd=folder)
    require(made.code == 0, "make.py: " + made.summary())
    neighbour = case.folder.parent / "x-header-by-position"
    model = case.converted(folder / "w.pt", neighbour / "d.json")
    plain = case.converted(neighbour / "w.pt", neighbour / "d.json", output=case.output("plain.mmoe"))
    rows = neighbour / "right.csv"
    return require_equal(case.scores(model, rows), case.scores(plain, rows))


def overwritten_in_place(case):
    texts = [(case.repository / name).read_text() for name in ("runtime/include/mmoe/model.h", "README.md")]
    require(all("rename" in text for text in texts), "model.h and README do not both say: replace by rename")
    program = case.compile("sig.cpp")
    model = case.copy("m.mmoe", case.census())
    shutil.copyfile(model, case.scratch / "other.mmoe")
    done = run(program, model, "mv other.mmoe m.mmoe", cwd=case.scratch)
    require(done.code == 0 and "after ok 1" in done.out, "after a rename: " + done.summary())
    return "model.h and README say how; a rename is harmless"


def blanks(case):
    """Fields and elements with blanks around them meet the entries that they would meet without."""
    model = case.output()
    done = case.convert(case.input("w.safetensors"), case.input("d.json"))
    if done.code != 0:
        return require_refusal(done, "blank", "space")
    if case.folder.name == "vocabulary-blanks":
        table = {
            name: case.scores(model, case.input(f"{name}.csv")) for name in ("quoted", "unquoted", "unknown", "spaced")
        }
        require_equal(table["unquoted"], table["quoted"])
    else:
        table = {name: case.scores(model, case.input(f"{name}.csv")) for name in ("unknown", "spaced")}
        rows = case.scratch / "plain.csv"
        rows.write_text('workclass,tags\n" Private",x|y\n" State-gov",x|y\n')
        table["quoted"] = case.scores(model, rows)
    require(largest_difference(table["quoted"], table["unknown"]) > 1e-4, "known entries score as unknown ones do")
    return require_equal(table["spaced"], table["quoted"])


def x_header(case):
    model = case.converted(case.input("w.pt"), case.input("d.json"))
    right = case.scores(model, case.input("right.csv"))
    named = case.scratch / "named.csv"
    named.write_text("x5,x4,x3,x2,x1,x0\n0.6,0.5,0.4,0.3,0.2,0.1\n")
    require_equal(case.scores(model, named), right)
    for name, missing in (("reversed_one_typo", "x0"), ("label_first", "x5")):
        require_refusal(case.score(model, case.input(f"{name}.csv")), missing)
    return "a header that names columns is obeyed or refused"


def two_versions(case):
    need_todays_interface(case.folder / "plug.cpp")
    if run("git", "-C", case.repository, "cat-file", "-e", "4caa1d0^{commit}").code != 0:
        raise Skipped("the history lacks the older version that it builds")
    environment = {"REPO": str(case.repository), "LD_LIBRARY_PATH": "."}  # its programs run where they lie
    done = run("bash", case.input("run.sh"), case.census(), cwd=case.scratch, env=environment, timeout=1800)
    require(done.code == 0 and "rc=" not in done.out, done.summary() + done.out)
    hashes = {line.split("hash ")[1].split()[0] for line in done.out.splitlines() if "hash" in line}
    require(len(hashes) == 1 and done.out.count("hash") == 4, done.out)
    return "both versions score alike in one process"


def windows(case):
    done = cross_build(case, "x86_64-w64-mingw32-g++-posix", "mingwp.cmake")
    require(done.code == 0, done.summary())
    return "the library builds with its defaults"


# These build the library anew, for minutes; without --slow they are skipped.
SLOW = {"fast-math", "two-versions", "windows-mingw"}


def checks(_):
    return {
        "big-endian": big_endian,
        "converter-memory": converter_memory,
        "fast-math": fast_math,
        "fork-pool": fork_pool,
        "orig-mod": orig_mod,
        "overwritten-in-place": overwritten_in_place,
        "sequence-blanks": blanks,
        "two-versions": two_versions,
        "vocabulary-blanks": blanks,
        "windows-mingw": windows,
        "x-header-by-position": x_header,
    }
