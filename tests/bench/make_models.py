#!/usr/bin/env python3
"""Writes the models of the comparison: make_models.py FOLDER

For each of sizes.SIZES NAME.pt (state dict), NAME.json (description) and NAME.STYLE.onnx for each of models.STYLES,
as torch.onnx.export writes it with a dynamic batch. Needs PyTorch (Debian's python3-torch is enough).
"""

import argparse
import json
import pathlib
import warnings

import torch

import models
import sizes


def export(model, inputs, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(2, inputs), str(path), input_names=["x"], output_names=["scores"],
                          dynamic_axes={"x": {0: "batch"}, "scores": {0: "batch"}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (inputs, *_) in sizes.SIZES.items():
        torch.save(models.make_model(name).state_dict(), folder / f"{name}.pt")
        (folder / f"{name}.json").write_text(json.dumps(sizes.description(name), indent=1) + "\n")
        for style in models.STYLES:
            export(models.make_model(name, style), inputs, folder / f"{name}.{style}.onnx")
        print(folder / name)


if __name__ == "__main__":
    main()
