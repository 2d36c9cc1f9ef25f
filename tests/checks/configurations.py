#!/usr/bin/env python3
"""Every combination of the options configures: configurations.py SOURCE FOLDER [--jobs 2]

All 32 of what is built (library, tools, converter, examples, tests, comparison), each part that a device can leave
out, and the presets. Only configured: what a combination lacks shows then, as a target that is named and not there.
One is also read back, so that the test is known to see what it configures.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

BUILT = ["MMOE_BUILD_TOOLS", "MMOE_BUILD_CONVERTER", "MMOE_BUILD_EXAMPLES", "MMOE_BUILD_TESTS", "MMOE_BUILD_BENCH"]

# Each of these with everything else as it is by default.
PARTS = [
    ["MMOE_FILES=OFF"],
    ["MMOE_ENVIRONMENT=OFF"],
    ["MMOE_HEAP=OFF"],
    ["MMOE_THREADS=OFF"],
    ["MMOE_C_API=OFF"],
    ["MMOE_FEATURES=OFF"],
    ["MMOE_EXTRAS=OFF"],
    ["MMOE_STREAMS=OFF"],
    ["MMOE_NODES=OFF"],
    ["MMOE_NUMBERS="],
    ["MMOE_NUMBERS=f16;u8"],
    ["MMOE_TRANSFORMS="],
    ["MMOE_MESSAGES=OFF"],
    ["MMOE_TRUST_FILES=ON"],
    ["MMOE_WERROR=ON"],
    ["MMOE_BUILD_CHECKS=OFF"],
    ["MMOE_BUILD_MODEL_TESTS=OFF"],
    ["MMOE_KERNEL_SETS=scalar"],
    ["MMOE_KERNEL_SETS=auto;fpu"],
    ["CMAKE_BUILD_TYPE=Debug"],
    ["CMAKE_BUILD_TYPE=MinSizeRel"],
    ["BUILD_SHARED_LIBS=ON"],
    ["BUILD_SHARED_LIBS=ON", "MMOE_THREADS=OFF"],
    ["MMOE_PYTHON=ON"],
    ["MMOE_PYTHON=ON", "MMOE_THREADS=OFF"],
    ["MMOE_PYTHON=ON", "MMOE_BUILD_CONVERTER=OFF"],
    ["MMOE_JAVA=ON"],
    ["MMOE_JAVA=ON", "MMOE_THREADS=OFF"],
    ["MMOE_INSTALL=OFF"],
    ["MMOE_IMPORT_HDF5=OFF"],
    ["MMOE_IMPORT_EASYREC=OFF"],
    ["MMOE_IMPORT_ONNX=OFF"],
    ["MMOE_IMPORT_ZIP=OFF"],
    [f"MMOE_{part}=OFF" for part in ("FILES", "ENVIRONMENT", "HEAP", "THREADS", "C_API", "FEATURES", "EXTRAS", "STREAMS",
                                        "NODES", "MESSAGES")],
]

# The parts that a device leaves out go with the library alone: tools and tests need what they use.
ALONE = [f"{option}=OFF" for option in BUILT]
LEFT_OUT = ("MMOE_FILES", "MMOE_ENVIRONMENT", "MMOE_HEAP", "MMOE_THREADS", "MMOE_C_API", "MMOE_FEATURES", "MMOE_EXTRAS",
            "MMOE_STREAMS", "MMOE_NODES", "MMOE_MESSAGES", "MMOE_TRUST_FILES")


def combinations():
    """Name -> options"""
    found = {}
    for values in itertools.product(("ON", "OFF"), repeat=len(BUILT)):
        options = [f"{option}={value}" for option, value in zip(BUILT, values)]
        found[" ".join(option.removeprefix("MMOE_BUILD_") for option in options)] = options
    for part in PARTS:
        alone = ALONE if any(option.startswith(LEFT_OUT) for option in part) else []
        found[" ".join(part)] = [*alone, *part]
    return found


def native_presets(source):
    """Presets for this machine with its usual compiler; the others need their own packages."""
    presets = json.loads((source / "CMakePresets.json").read_text())["configurePresets"]
    by_name = {preset["name"]: preset for preset in presets}

    def foreign(preset):
        parents = preset.get("inherits", [])
        parents = [parents] if isinstance(parents, str) else parents
        return "toolchainFile" in preset or any(foreign(by_name[parent]) for parent in parents)

    return [
        preset["name"]
        for preset in presets
        if not preset.get("hidden") and not foreign(preset) and preset["name"] not in ("fuzz",)
    ]


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def configure(source, folder, name, options):
    build = folder / name.replace(" ", ",").replace("=", "-").replace(";", "+")
    shutil.rmtree(build, ignore_errors=True)
    command = ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(build), *(f"-D{option}" for option in options)]
    code, text = run(command)
    cache = (build / "CMakeCache.txt").read_text() if code == 0 else ""
    shutil.rmtree(build, ignore_errors=True)
    missing = [option for option in options if f"{option.split('=')[0]}:" not in cache]
    return name, code != 0 or bool(missing), text if code else f"not in the cache: {missing}"


def configure_preset(source, folder, preset):
    build = folder / f"preset-{preset}"
    shutil.rmtree(build, ignore_errors=True)
    code, text = run(["cmake", "-S", str(source), "--preset", preset, "-B", str(build)])
    shutil.rmtree(build, ignore_errors=True)
    return f"preset {preset}", code != 0, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    begin, failures, count = time.monotonic(), [], 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [
            pool.submit(configure, source, arguments.folder, name, options) for name, options in combinations().items()
        ]
        waiting += [
            pool.submit(configure_preset, source, arguments.folder, preset) for preset in native_presets(source)
        ]
        for done in concurrent.futures.as_completed(waiting):
            name, failed, text = done.result()
            count += 1
            if failed:
                failures.append(name)
                print(f"does not configure: {name}\n{text[-1500:]}", flush=True)
    print(f"{count} configurations, {len(failures)} fail; {time.monotonic() - begin:.0f} s")
    return 1 if failures or count < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
