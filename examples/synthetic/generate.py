#!/usr/bin/python3
"""Two regression tasks whose relation is set by one number: Ma et al., KDD 2018, section 3.2.

    u1, u2    orthogonal unit vectors of R^d
    w1, w2    c u1 and c (p u1 + sqrt(1 - p^2) u2): the cosine of the tasks' weights is p
    x         d independent standard normal numbers
    y_k       w_k.x + sum_i sin(alpha_i w_k.x + beta_i) + noise of variance 0.01

The paper leaves c, the number m of sines and their alpha, beta open. Here c = 1 and m = 3 (the
README says why); alpha_i = i and beta_i = (i - 1)^2 are what Google Research's own generator of
such data takes (in the repository google-research, 2020; it has m = 10).

generate.cpp makes the same numbers, to the bit, from the same seed. Hence nothing here depends on a
mathematical library or on the order of a sum:

  * Random words are SplitMix64 of a counter: any row can be made without those before it.
  * Normal numbers are Box and Muller's, with series of + - * / and sqrt only, which IEEE 754 rounds
    exactly.
  * x is rounded to multiples of 2^-20, u1 and u2 to multiples of 2^-24: every sum of products is
    exact in double precision, so its order does not matter. (So u1, u2 are orthogonal unit vectors
    to 1e-7 or so.)
"""

import argparse
import math
import pathlib
import sys

import numpy as np

GAMMA = 0x9E3779B97F4A7C15  # SplitMix64's step, Steele et al., OOPSLA 2014
MASK = (1 << 64) - 1
DIRECTIONS, INPUTS, NOISE = range(3)  # streams of one seed
BLOCK = 8192  # words at a time, so that the passes over them stay in cache
MAX_DIM = 4096  # |u.x| < 6.7 sqrt(d) < 2^9, in steps of 2^-44: 53 bits

LN2, SQRT2 = 0.6931471805599453, 1.4142135623730951
PI, INVERSE_TWO_PI = 3.141592653589793, 0.15915494309189535
LOG_SERIES = [1 / n for n in range(1, 17, 2)]  # atanh(s) / s in s^2
SIN_SERIES = [1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800]
COS_SERIES = [1.0, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600,
              -1 / 87178291200]


def mix(value):
    """SplitMix64's output function of one integer."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def words(seed, stream, first, count):
    """Random words first, first + 1, ... of a seed's stream: uint64 [count]."""
    key = mix((mix((seed + GAMMA) & MASK) + (stream + 1) * GAMMA) & MASK)
    z = np.arange(count, dtype=np.uint64)
    z *= np.uint64(GAMMA)
    z += np.uint64((key + (first + 1) * GAMMA) & MASK)
    shifted = np.empty_like(z)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        np.right_shift(z, np.uint64(shift), out=shifted)
        z ^= shifted
        if factor != 1:
            z *= np.uint64(factor)
    return z


def polynomial(series, z):
    """series[0] + series[1] z + ..., by Horner's rule."""
    value = z * series[-1]
    for coefficient in series[-2:0:-1]:
        value += coefficient
        value *= z
    value += series[0]
    return value


def minus_two_ln(high):
    """-2 ln((high + 1/2) / 2^32); high: uint64 below 2^32."""
    value = high.astype(np.float64)
    value += 0.5
    bits = value.view(np.uint64)
    exponent = (bits >> np.uint64(52)).astype(np.float64)
    exponent -= 1023 + 32 - 0.5  # mantissas below are around sqrt(2)
    bits &= np.uint64((1 << 52) - 1)
    bits |= np.uint64(1023 << 52)
    s = (value - SQRT2) / (value + SQRT2)
    exponent *= -2 * LN2
    return exponent - s * 4 * polynomial(LOG_SERIES, s * s)


def sin_cos(theta):
    """Of angles between 0 and pi / 4."""
    z = theta * theta
    sine = polynomial(SIN_SERIES, z)
    sine *= theta
    return sine, polynomial(COS_SERIES, z)


def box_muller(word):
    """Two normal numbers per random word: [..., 2]. The upper half gives the radius; of the lower
    half, three bits choose an eighth of the circle and the others an angle within it."""
    radius = np.sqrt(minus_two_ln(word >> np.uint64(32)))
    theta = (word & np.uint64(0x1FFFFFFF)).astype(np.float64)
    theta += 0.5
    theta *= PI / 4 / (1 << 29)
    sine, cosine = sin_cos(theta)
    sine *= radius
    cosine *= radius
    swap = (word & np.uint64(1 << 31)) != 0
    pair = np.empty(word.shape + (2,))
    signs = pair.view(np.uint64)
    pair[..., 0], pair[..., 1] = np.where(swap, sine, cosine), np.where(swap, cosine, sine)
    signs[..., 0] ^= (word & np.uint64(1 << 30)) << np.uint64(33)
    signs[..., 1] ^= (word & np.uint64(1 << 29)) << np.uint64(34)
    return pair


def normals(seed, stream, first, count):
    """Pairs first, first + 1, ... of a stream's normal numbers: float64 [count, 2]."""
    return box_muller(words(seed, stream, first, count))


def round_to(value, bits):
    """To the nearest multiple of 2^-bits."""
    return np.floor(value * (1 << bits) + 0.5) / (1 << bits)


def sin_of_any(angle):
    """sin, from the series above after a reduction to an eighth of the circle."""
    turns = angle * INVERSE_TWO_PI
    eighths = (turns - np.floor(turns)) * 8
    octant = np.floor(eighths)
    rest = eighths - octant
    octant = octant.astype(np.int64) & 7
    rest = np.where(octant & 1, 1 - rest, rest)
    sine, cosine = sin_cos(rest * (PI / 4))
    value = np.where((octant + 1) & 2, cosine, sine)
    return np.where(octant & 4, -value, value)


def directions(seed, dim):
    """u1 and u2, float64 [2, dim]: two normal vectors, made orthogonal and of length 1."""
    pairs = (dim + 1) // 2
    a, b = (normals(seed, DIRECTIONS, i * pairs, pairs).reshape(-1)[:dim] for i in (0, 1))
    a = a / math.sqrt(ordered_dot(a, a))
    b = b - a * ordered_dot(a, b)
    b = b / math.sqrt(ordered_dot(b, b))
    return round_to(np.stack([a, b]), 24)


def ordered_dot(a, b):
    total = 0.0
    for product in (a * b).tolist():
        total += product
    return total


class Tasks:
    """The two tasks of a seed. Their rows are numbered: any range of them can be made."""

    def __init__(self, seed, dim=100, scale=1.0, sines=3, noise=0.1):
        """scale: c; sines: m; noise: standard deviation."""
        self.seed, self.dim, self.scale, self.noise = seed, dim, scale, noise
        self.alphas = [float(i) for i in range(1, sines + 1)]
        self.betas = [float((i - 1) ** 2) for i in range(1, sines + 1)]
        self.directions = directions(seed, dim)

    def inputs(self, first, rows, out=None):
        """x of rows first, first + 1, ...: float32 [rows, dim], into `out` if given."""
        pairs = (self.dim + 1) // 2
        x = np.empty((rows, self.dim), np.float32) if out is None else out
        step = max(1, BLOCK // pairs)
        for start in range(0, rows, step):
            count = min(step, rows - start)
            values = normals(self.seed, INPUTS, (first + start) * pairs, count * pairs)
            x[start:start + count] = round_to(values, 20).reshape(count, -1)[:, :self.dim]
        return x

    def projections(self, x):
        """u1.x and u2.x: float64 [rows, 2]."""
        return x.astype(np.float64) @ self.directions.T

    def labels(self, projections, first, cosine):
        """y1 and y2 of rows first, ... for weights of this cosine: float32 [rows, 2]."""
        a, b = projections[:, 0], projections[:, 1]
        second = a * cosine + b * math.sqrt(1 - cosine * cosine)
        linear = np.stack([a, second], axis=1) * self.scale
        y = linear.copy()
        for alpha, beta in zip(self.alphas, self.betas):
            y += sin_of_any(linear * alpha + beta)
        y += normals(self.seed, NOISE, first, len(y)) * self.noise
        return y.astype(np.float32)

    def rows(self, first, rows, cosine):
        """x [rows, dim] and y [rows, 2]."""
        x = self.inputs(first, rows)
        return x, self.labels(self.projections(x), first, cosine)


def integer(least, most):
    """A type for argparse."""
    def parse(text):
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number from {least} to {most}")
        return int(text)
    return parse


def real(least, most):
    """A type for argparse."""
    def parse(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least} to {most}")
        return value
    return parse


def table_path(text):
    """A type for argparse."""
    if not text.endswith((".csv", ".npy")):
        raise argparse.ArgumentTypeError(f"{text}: the name must end in .csv or .npy")
    return pathlib.Path(text)


def write_table(path, columns, rows):
    """float32 [rows, columns], as CSV or .npy by the name's ending; under that name once whole."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            if path.suffix == ".npy":
                np.save(file, rows)
            else:
                file.write((",".join(columns) + "\n").encode())
                for row in rows.tolist():
                    file.write((",".join(f"{value:.9g}" for value in row) + "\n").encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=table_path, required=True, metavar="FILE",
                        help="x1 ... xd; and y1, y2 without --labels. A name in .npy or .csv "
                        "chooses the format")
    parser.add_argument("--labels", type=table_path, metavar="FILE",
                        help="y1, y2, in a file of their own")
    numbers = [("rows", integer(1, 1 << 40), 10000, "how many"),
               ("first-row", integer(0, 1 << 40), 0,
                "number of the first: rows of a seed can be made in parts"),
               ("seed", integer(0, MASK), 1, "of u1, u2, x and the noise"),
               ("dim", integer(2, MAX_DIM), 100, "d"),
               ("cosine", real(-1, 1), 0.5, "p"),
               ("scale", real(-1000, 1000), 1.0, "c"),
               ("sines", integer(0, 1000), 3, "m"),
               ("noise", real(0, 1000), 0.1, "standard deviation")]
    for name, parse, default, meaning in numbers:
        parser.add_argument(f"--{name}", type=parse, default=default, metavar="N",
                            help=f"{meaning} (default: %(default)s)")
    options = parser.parse_args()
    if options.output == options.labels:
        parser.error("--output and --labels are the same file")
    return options


def main():
    options = arguments()
    tasks = Tasks(options.seed, options.dim, options.scale, options.sines, options.noise)
    x, y = tasks.rows(options.first_row, options.rows, options.cosine)
    inputs = [f"x{i}" for i in range(1, options.dim + 1)]
    try:
        if options.labels:
            write_table(options.labels, ["y1", "y2"], y)
            write_table(options.output, inputs, x)
        else:
            write_table(options.output, [*inputs, "y1", "y2"], np.hstack([x, y]))
    except OSError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
