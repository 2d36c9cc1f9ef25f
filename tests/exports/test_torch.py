"""Exports the models of torch_models.py by the PyTorch at hand, and checks their files' scores (check.py).

    python3 test_torch.py --tools DIR[:DIR] --work DIR

Refused are the models of refused.txt and no others. Ends with 77 where there is no PyTorch.
"""
import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("skipped: PyTorch is not installed (package: python3-torch)")
        return 77
    if not torch.__version__.startswith("1."):
        print(f"skipped: refused.txt is of the exporter of PyTorch 1, and this is {torch.__version__}")
        return 77
    python = [sys.executable, "-B"]
    subprocess.run(python + [os.path.join(HERE, "export_torch.py"), "--work", options.work], check=True)
    arguments = ["--tools", options.tools, "--work", options.work, "--expect", os.path.join(HERE, "refused.txt")]
    return subprocess.run(python + [os.path.join(HERE, "check.py")] + arguments).returncode


if __name__ == "__main__":
    sys.exit(main())
