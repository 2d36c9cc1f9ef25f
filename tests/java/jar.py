#!/usr/bin/env python3
"""`mvn package` makes a jar that is all that a program needs: jar.py VECTORS SCRATCH

Maven works without the network, by the plugins that Debian has. All tests of the package must have been run, with the
library that the jar will have. The jar must hold every class and the native libraries. Then the examples of the
documents are run from empty folders, with the jar alone on their class path.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runtime" / "java"
REPOSITORY = pathlib.Path("/usr/share/maven-repo")
PLUGINS = {name: f"org/apache/maven/plugins/maven-{name}-plugin" for name in ("resources", "compiler", "jar", "surefire")}
PLUGINS["exec"] = "org/codehaus/mojo/exec-maven-plugin"


def newest(folder):
    """Debian has older numbers too, as links."""
    numbers = [path.name for path in (REPOSITORY / folder).iterdir() if re.fullmatch(r"[\d.]+", path.name)]
    return max(numbers, key=lambda text: [int(part) for part in text.split(".")])


def package(vectors, scratch):
    """Maven writes to its repository, so that it gets one of links."""
    subprocess.run(["cp", "-rs", REPOSITORY, scratch / "repository"], check=True)
    versions = [f"-Dmaven.{name}.version={newest(folder)}" for name, folder in PLUGINS.items()]
    subprocess.run(["mvn", "--offline", "--batch-mode", "--quiet", f"-Dmaven.repo.local={scratch / 'repository'}",
                    f"-Dmmoe.build={scratch / 'build'}", f"-Dmmoe.vectors={vectors}", *versions, "package"],
                   cwd=PACKAGE, check=True, stdin=subprocess.DEVNULL)


def check_tests(scratch):
    reports = [xml.etree.ElementTree.parse(path).getroot() for path in scratch.glob("build/surefire-reports/*.xml")]
    total = {name: sum(int(report.get(name)) for report in reports) for name in ("tests", "skipped", "failures", "errors")}
    classes = {path.stem for path in (PACKAGE / "src/test/java/mmoe").glob("*Test.java")}
    if {report.get("name") for report in reports} != {f"mmoe.{name}" for name in classes}:
        sys.exit(f"error: tests of {[report.get('name') for report in reports]}, expected those of {classes}")
    if total["tests"] < 20 or total["skipped"] + total["failures"] + total["errors"] != 0:
        sys.exit(f"error: {total}")
    print(f"{total['tests']} tests")


def check_entries(jar):
    with zipfile.ZipFile(jar) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    classes = {f"mmoe/{path.stem}.class" for path in (PACKAGE / "src/main/java/mmoe").glob("*.java")}
    machines = {os.uname().machine}
    if shutil.which("aarch64-linux-gnu-g++"):
        machines.add("aarch64")
    libraries = {f"mmoe/native/linux-{machine}/libmmoe_jni.so" for machine in machines}
    rules = {"META-INF/proguard/mmoe.pro"}
    missing = (classes | libraries | rules) - names
    nested = {name for name in names if "$" in name}
    others = names - classes - libraries - rules - nested - {"META-INF/MANIFEST.MF"}
    others = {name for name in others if not name.startswith("META-INF/maven/")}
    if missing or others:
        sys.exit(f"error: {jar.name}: without {sorted(missing)}, with {sorted(others)}")
    print(f"{jar.name}: {jar.stat().st_size:,} bytes, {len(names)} files, for {', '.join(sorted(machines))}")


def main():
    vectors, scratch = (pathlib.Path(name).resolve() for name in sys.argv[1:])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    package(vectors, scratch)
    check_tests(scratch)
    jar, = (scratch / "build").glob("*.jar")
    check_entries(jar)
    environment = {name: value for name, value in os.environ.items() if name != "MMOE_LIBRARY"}
    examples = [sys.executable, "-B", ROOT / "tests/documents/run_examples.py", "java", vectors / "pages", scratch / "examples"]
    subprocess.run(examples, check=True, env={**environment, "MMOE_CLASS_PATH": str(jar)})


if __name__ == "__main__":
    main()
