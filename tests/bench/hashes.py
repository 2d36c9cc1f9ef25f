#!/usr/bin/env python3
"""Hashes of libraries beside those of the program `hashes`: hashes.py PROGRAM [arguments of it]

Prints nanoseconds of a hash for each function and library that is installed (pyfarmhash, mmh3, xxhash, tensorflow), and
stops where a library gives other hashes. Libraries are called from a list comprehension, as training code does, but
TensorFlow for all texts at once. pandas' Index.get_indexer looks 1000 texts up among a million.
"""

import csv
import functools
import importlib
import operator
import subprocess
import sys
import time
import zlib

SIZES, ROUNDS = (8, 24, 100), 51


def texts_of(size):
    return ["".join(chr(97 + (i * 31 + i // 26 + j * 7) % 26) for j in range(size)) for i in range(1000)]


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def peers():
    """(function, library, what it does with a list of texts, whether it gives the hashes themselves)"""
    farmhash, mmh3, xxhash, tensorflow = map(library, ("farmhash", "mmh3", "xxhash", "tensorflow"))
    yield "crc32", "zlib", lambda texts: [zlib.crc32(text.encode()) for text in texts], True
    if farmhash:
        yield "farmhash64", "pyfarmhash", lambda texts: [farmhash.fingerprint64(text) for text in texts], True
    if mmh3:
        yield "murmur3", "mmh3", lambda texts: [mmh3.hash(text, 42, False) for text in texts], True
    if xxhash:
        yield "xxh64", "xxhash", lambda texts: [xxhash.xxh64_intdigest(text.encode(), 42) for text in texts], True
    if tensorflow:
        strings = tensorflow.strings
        yield "farmhash64", "tensorflow", lambda texts: strings.to_hash_bucket_fast(texts, 2**62).numpy(), False
        yield "siphash24", "tensorflow", lambda texts: strings.to_hash_bucket_strong(texts, 2**62, [133, 137]).numpy(), False


def nanoseconds(call, texts):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call(texts)
        best = min(best, time.perf_counter() - start)
    return best / len(texts) * 1e9


def look_up():
    pandas = library("pandas")
    if not pandas:
        return
    keys = [f"item_{i * 7919 % 1000003}" for i in range(1000000)]
    index = pandas.Index(keys)
    index.get_indexer(keys[:1])  # its table is made
    print(f"{'look-up among a million':24} {'pandas':12} {nanoseconds(index.get_indexer, keys[:1000]):8.1f}")


def main():
    if "--help" in sys.argv:
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
    report = subprocess.run(sys.argv[1:], capture_output=True, text=True, check=True).stdout
    ours = {(row["function"], int(row["bytes"])): row for row in csv.DictReader(report.splitlines())}
    print(f"{'function, bytes':24} {'library':12} {'least ns':>8}")
    for (function, size), row in ours.items():
        print(f"{function + ', ' + str(size):24} {'this':12} {float(row['least']):8.1f}")
    for function, name, call, exact in peers():
        for size in SIZES:
            texts = texts_of(size)
            checksum = functools.reduce(operator.xor, (int(value) for value in call(texts)))
            mask = 2**64 - 1 if exact else 2**62 - 1
            if checksum & mask != int(ours[function, size]["checksum"], 16) & mask:
                sys.exit(f"error: {name} gives other hashes of {function}")
            print(f"{function + ', ' + str(size):24} {name:12} {nanoseconds(call, texts):8.1f}")
    look_up()


if __name__ == "__main__":
    main()
