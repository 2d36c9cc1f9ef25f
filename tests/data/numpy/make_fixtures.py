#!/usr/bin/env python3
"""Writes the NumPy fixtures next to this script. Made with NumPy 2; run again only to change them.

Element i of every floating-point array, in row-major order, is i * 0.5 - 3, so that the tests can compute what to
expect.
"""
import pathlib

import numpy

HERE = pathlib.Path(__file__).resolve().parent


def ramp(*shape, dtype="<f4"):
    return (numpy.arange(numpy.prod(shape, dtype=int)) * 0.5 - 3).reshape(shape).astype(dtype)


def kinds():
    return {
        "f32": ramp(3, 5),
        "f64": ramp(7, dtype="<f8"),
        "f16": ramp(2, 9, dtype="<f2"),
        "big": ramp(4, 2, dtype=">f4"),
        "fortran": numpy.asfortranarray(ramp(2, 3, 4)),
        "big_fortran": numpy.asfortranarray(ramp(3, 2, dtype=">f8")),
        "scalar": numpy.float32(-3),
        "empty": ramp(0, 3),
        "layers/0/w": ramp(2, 2),
        "i64": numpy.arange(4),
        "bool": numpy.array([True, False]),
    }


def main():
    numpy.savez(HERE / "kinds.npz", **kinds())
    numpy.savez_compressed(HERE / "compressed.npz", **kinds())
    numpy.save(HERE / "kernel.npy", ramp(2, 3))
    numpy.save(HERE / "fortran.npy", numpy.asfortranarray(ramp(2, 3)))
    numpy.save(HERE / "objects.npy", {"w": ramp(2)}, allow_pickle=True)
    numpy.savez(HERE / "objects.npz", w=ramp(2), config=numpy.array({"lr": 1}, dtype=object))
    numpy.save(HERE / "records.npy", numpy.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))


if __name__ == "__main__":
    main()
