"""One score that is off by 1e-3 must end every experiment with an error, and leave no figures.

wrong_score.py FOLDER: is emptied. The programs are those of $MMOE_TOOLS, with a stand-in for mmoe-score.
"""

import os
import pathlib
import shutil
import subprocess
import sys

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
sys.path.insert(0, str(EXAMPLES / "census"))
import census  # noqa: E402
from experiment import runtime  # noqa: E402

# Runs mmoe-score and changes the first score of the second row; files that it writes itself stay right.
STAND_IN = """#!{python}
import subprocess, sys
done = subprocess.run(["{program}", *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
lines = done.stdout.splitlines()
if len(lines) > 2:
    scores = lines[2].split(",")
    lines[2] = ",".join([repr(float(scores[0]) + 1e-3), *scores[1:]])
print("\\n".join(lines))
sys.exit(done.returncode)
"""


def make_tools(folder):
    folder.mkdir(parents=True)
    (folder / "mmoe-convert").symlink_to(runtime.find_program("mmoe-convert"))
    stand_in = folder / "mmoe-score"
    stand_in.write_text(STAND_IN.format(python=sys.executable, program=runtime.find_program("mmoe-score")))
    stand_in.chmod(0o755)


def has_data():
    try:
        return census.find_data().is_file()
    except SystemExit as reason:
        print(f"without census/compare.py: {reason}")
        return False


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    make_tools(folder / "tools")
    environment = {**os.environ, "MMOE_TOOLS": str(folder / "tools")}
    for script in ["synthetic/run.py", "feed/run.py"] + ["census/compare.py"] * has_data():
        work = folder / script.split("/", maxsplit=1)[0]
        done = subprocess.run(
            [sys.executable, "-B", str(EXAMPLES / script), "--quick", "--work", str(work)],
            env=environment, capture_output=True, text=True, check=False)
        last = done.stderr.strip().rpartition("\n")[2]
        print(f"{script}: {last}")
        written = list((work / "results").glob("*"))
        if done.returncode != 1 or not last.startswith("error: ") or ": score (1, 0) is " not in last or written:
            sys.exit(f"error: {script} does not mind a wrong score; exit code {done.returncode}, wrote {written}")


if __name__ == "__main__":
    main()
