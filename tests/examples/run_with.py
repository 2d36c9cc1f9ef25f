"""Runs a script if the modules that it needs can be imported; exits with 77 (skipped) if not.

run_with.py MODULE,... SCRIPT ARGUMENTS...
"""

import importlib.util
import os
import sys


def main():
    modules, command = sys.argv[1].split(","), sys.argv[2:]
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped: {sys.executable} has no {', '.join(missing)} "
              "(Debian: the packages_for_experiments of toolchains/packages.sh)")
        sys.exit(77)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-B", *command])


if __name__ == "__main__":
    main()
