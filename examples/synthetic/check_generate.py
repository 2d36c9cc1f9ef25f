#!/usr/bin/python3
"""generate.cpp and generate.py must make the same bytes, and those the paper's distribution.

    check_generate.py PROGRAM FOLDER    PROGRAM: synthetic_data, built of generate.cpp
"""

import math
import pathlib
import subprocess
import sys

try:
    import numpy as np
except ImportError:
    print("skipped: there is no python3-numpy")
    sys.exit(77)
import generate

CASES = ["",
         "--seed 2 --rows 300 --cosine 0",
         "--seed 3 --rows 500 --cosine 0.9 --first-row 4294967296",
         "--seed 18446744073709551615 --rows 200 --cosine 1 --dim 7",
         "--seed 4 --rows 200 --cosine -0.3 --dim 2 --scale 2.5 --sines 10 --noise 0.5",
         "--seed 5 --rows 20 --dim 4096 --sines 0 --noise 0 --first-row 1099511627776",
         "--seed 6 --rows 333 --dim 33 --scale -0.001"]
REJECTED = ["--rows 0", "--rows", "--rows 1e3", "--dim 1", "--dim 4097", "--cosine 1.01",
            "--cosine nan", "--seed -1", "--seed 18446744073709551616", "--what 1",
            "--labels same.csv -o same.csv", "-o rows.txt"]


def run(command, *options):
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def same_files(programs, case, folder):
    """Both write the same CSV bytes and the same arrays."""
    found = []
    for name, command in programs.items():
        files = [folder / f"{name}.csv", folder / f"{name}.npy", folder / f"{name}-y.npy"]
        for done in (run(command, *case.split(), "-o", files[0]),
                     run(command, *case.split(), "-o", files[1], "--labels", files[2])):
            if done.returncode:
                sys.exit(f"error: {name} {case}: {done.stderr}")
        arrays = [np.load(path).view(np.uint32) for path in files[1:]]
        found.append([files[0].read_bytes(), *arrays])
    same = [np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in zip(*found)]
    whole = np.loadtxt(folder / "cpp.csv", np.float32, delimiter=",", skiprows=1, ndmin=2)
    same.append(np.array_equal(whole.view(np.uint32), np.hstack(arrays)))
    print(f"{case or 'defaults'}: {len(whole)} rows; the same CSV, x, y, CSV as .npy: {same}")
    return all(same)


def same_errors(programs, case, folder):
    """Both refuse, with a message, and write nothing."""
    passed = True
    for name, command in programs.items():
        output = folder / f"{name}-refused.csv"
        done = run(command, "-o", output, *case.split())
        passed &= done.returncode == 2 and "error: " in done.stderr and not output.exists()
    print(f"{case}: refused {passed}")
    return passed


def close(what, value, expected, tolerance):
    passed = abs(value - expected) <= tolerance
    print(f"{what}: {value:.6g}, expected {expected:.6g} within {tolerance:.2g}: {passed}")
    return passed


def check_functions():
    """The series against the mathematical library."""
    # The first output of SplitMix64 from the state 0, as its authors' code gives it.
    passed = [close("first word", generate.mix(generate.GAMMA), 0xE220A8397B1DCDAF, 0)]
    high = np.array([0, 1, 7, 12345, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint64)
    exact = [-2 * (math.log(u) if u < 0.5 else math.log1p(u - 1))
             for u in ((int(h) + 0.5) / 2**32 for h in high)]
    # Eight terms leave 0.1716^17 / 17 of atanh; the rest is the rounding of numbers up to 46.
    passed.append(close("-2 ln", np.abs(generate.minus_two_ln(high) - exact).max(), 0, 1e-13))
    angles = np.linspace(-300, 300, 100_001)
    # Seven terms leave (pi/4)^16 / 16!; the reduction of 300 rounds at 300 2^-53 twice.
    difference = np.abs(generate.sin_of_any(angles) - np.sin(angles)).max()
    passed.append(close("sin", difference, 0, 2e-13))
    return all(passed)


def check_distribution():
    """Moments within five standard errors, and the cosine of the tasks' weights."""
    tasks = generate.Tasks(11)
    x = tasks.inputs(0, 20_000).astype(np.float64)
    n = x.size
    moments = [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]  # power, mean, variance of the power
    passed = [close(f"mean of x^{power}", np.mean(x ** power), mean, 5 * math.sqrt(variance / n))
              for power, mean, variance in moments]
    tails = np.mean(np.abs(x) > 3)
    passed.append(close("share beyond 3", tails, 0.0026998, 5 * math.sqrt(0.0027 / n)))
    error = np.abs(x.T @ x / len(x) - np.eye(x.shape[1])).max()
    passed.append(close("largest error of a covariance", error, 0, 6 * math.sqrt(2 / len(x))))
    projections = tasks.projections(x.astype(np.float32))
    noise = generate.Tasks(11, sines=0).labels(projections, 0, 0.5)[:, 0] - projections[:, 0]
    passed.append(close("noise", np.std(noise), 0.1, 5 * 0.1 / math.sqrt(2 * len(x))))
    gram = tasks.directions @ tasks.directions.T
    passed.append(close("u1, u2 orthogonal unit vectors", np.abs(gram - np.eye(2)).max(), 0, 1e-6))
    y = generate.Tasks(11, sines=0, noise=0).labels(projections, 0, 0.9)
    correlation = np.corrcoef(y.T)[0, 1]  # has the standard error (1 - 0.9^2) / sqrt(n)
    tolerance = 5 * 0.19 / math.sqrt(len(x))
    passed.append(close("correlation without sines", correlation, 0.9, tolerance))
    return all(passed)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    here = pathlib.Path(__file__).resolve().parent
    programs = {"cpp": [sys.argv[1]], "python": [sys.executable, "-B", str(here / "generate.py")]}
    passed = [same_files(programs, case, folder) for case in CASES]
    passed += [same_errors(programs, case, folder) for case in REJECTED]
    passed += [check_functions(), check_distribution()]
    if not all(passed):
        sys.exit("error: not all checks above hold")


if __name__ == "__main__":
    main()
