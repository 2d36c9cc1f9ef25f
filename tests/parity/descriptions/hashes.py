"""The hash functions of converter/DESCRIPTION.md in whole numbers of Python, and the bucket of a value."""

import zlib

M32, M64 = 2**32 - 1, 2**64 - 1


def little(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


def left32(x, bits):
    return ((x << bits) | (x >> (32 - bits))) & M32


def left64(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & M64


def murmur3(data, seed):
    def scrambled(block):
        return left32(block * 0xCC9E2D51 & M32, 15) * 0x1B873593 & M32

    hashed, whole = seed, len(data) // 4 * 4
    for at in range(0, whole, 4):
        hashed = (left32(hashed ^ scrambled(little(data, at, 4)), 13) * 5 + 0xE6546B64) & M32
    hashed ^= scrambled(little(data, whole, 4)) ^ len(data)
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & M32
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & M32
    return hashed ^ hashed >> 16


P = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def xxh64(data, seed):
    def turn(lane, block):
        return left64((lane + block * P[1]) & M64, 31) * P[0] & M64

    at = 0
    hashed = (seed + P[4]) & M64
    if len(data) >= 32:
        lanes = [(seed + P[0] + P[1]) & M64, (seed + P[1]) & M64, seed, (seed - P[0]) & M64]
        while len(data) - at >= 32:
            lanes = [turn(lane, little(data, at + 8 * i, 8)) for i, lane in enumerate(lanes)]
            at += 32
        hashed = sum(left64(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & M64
        for lane in lanes:
            hashed = ((hashed ^ turn(0, lane)) * P[0] + P[3]) & M64
    hashed = (hashed + len(data)) & M64
    for size, step in ((8, None), (4, None), (1, None)):
        while len(data) - at >= size:
            block = little(data, at, size)
            if size == 8:
                hashed = (left64(hashed ^ turn(0, block), 27) * P[0] + P[3]) & M64
            elif size == 4:
                hashed = (left64(hashed ^ block * P[0] & M64, 23) * P[1] + P[2]) & M64
            else:
                hashed = left64(hashed ^ block * P[4] & M64, 11) * P[0] & M64
            at += size
    hashed = (hashed ^ hashed >> 33) * P[1] & M64
    hashed = (hashed ^ hashed >> 29) * P[2] & M64
    return hashed ^ hashed >> 32


def murmur64(data, seed):
    factor, size = 0xC6A4A7935BD1E995, len(data)
    hashed = seed ^ size * factor & M64
    for at in range(0, size // 8 * 8, 8):
        block = little(data, at, 8) * factor & M64
        hashed = (hashed ^ (block ^ block >> 47) * factor & M64) * factor & M64
    if size % 8:
        hashed = (hashed ^ little(data, size // 8 * 8, 8)) * factor & M64
    hashed = (hashed ^ hashed >> 47) * factor & M64
    return hashed ^ hashed >> 47


def siphash24(data, key):
    a, b, c, d = (
        half ^ int.from_bytes(word, "big")
        for half, word in zip(key * 2, (b"somepseu", b"dorandom", b"lygenera", b"tedbytes"))
    )

    def turn():
        nonlocal a, b, c, d
        a, c = (a + b) & M64, (c + d) & M64
        b, d, a = left64(b, 13) ^ a, left64(d, 16) ^ c, left64(a, 32)
        a, c = (a + d) & M64, (c + b) & M64
        d, b, c = left64(d, 21) ^ a, left64(b, 17) ^ c, left64(c, 32)

    size = len(data)
    for at in range(0, size // 8 * 8 + 8, 8):
        block = little(data, at, 8) | (size << 56 & M64 if at + 8 > size else 0)
        d ^= block
        turn(), turn()
        a ^= block
    c ^= 0xFF
    turn(), turn(), turn(), turn()
    return a ^ b ^ c ^ d


K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def right64(x, bits):
    return left64(x & M64, 64 - bits)


def fold(x):
    return x ^ x >> 47


def mix(low, high, factor):
    a = fold((low ^ high) * factor & M64)
    return fold((high ^ a) * factor & M64) * factor & M64


def farmhash64(data, _seed=0):
    size = len(data)
    factor = (K2 + 2 * size) & M64
    if size == 0:
        return K2
    if size <= 3:
        y, z = data[0] + (data[size // 2] << 8), size + (data[-1] << 2)
        return fold((y * K2 ^ z * K0) & M64) * K2 & M64
    if size <= 7:
        return mix(size + (little(data, 0, 4) << 3), little(data, size - 4, 4), factor)
    if size <= 16:
        a, b = (little(data, 0, 8) + K2) & M64, little(data, size - 8, 8)
        return mix((right64(b, 37) * factor + a) & M64, (right64(a, 25) + b) * factor & M64, factor)
    if size <= 32:
        a, b = little(data, 0, 8) * K1 & M64, little(data, 8, 8)
        c, d = little(data, size - 8, 8) * factor & M64, little(data, size - 16, 8) * K2 & M64
        low = (right64(a + b, 43) + right64(c, 30) + d) & M64
        return mix(low, (a + right64(b + K2, 18) + c) & M64, factor)
    if size <= 64:
        a, b = little(data, 0, 8) * K2 & M64, little(data, 8, 8)
        c, d = little(data, size - 8, 8) * factor & M64, little(data, size - 16, 8) * K2 & M64
        y = (right64(a + b, 43) + right64(c, 30) + d) & M64
        z = mix(y, (a + right64(b + K2, 18) + c) & M64, factor)
        e, f = little(data, 16, 8) * factor & M64, little(data, 24, 8)
        g, h = (y + little(data, size - 32, 8)) * factor & M64, (z + little(data, size - 24, 8)) * factor & M64
        return mix((right64(e + f, 43) + right64(g, 30) + h) & M64, (e + right64(f + a, 18) + g) & M64, factor)
    return farmhash64_long(data)


def farmhash64_long(data):
    def take_32(at, a, b):
        words = [little(data, at + 8 * i, 8) for i in range(4)]
        a = (a + words[0]) & M64
        b = right64(b + a + words[3], 21)
        total = (a + words[1] + words[2]) & M64
        return (total + words[3]) & M64, (b + right64(total, 44) + a) & M64

    def take_64(at, factor, weight):
        nonlocal x, y, z, v, w
        x = right64(x + y + v[0] + little(data, at + 8, 8), 37) * factor & M64
        y = right64(y + v[1] + little(data, at + 48, 8), 42) * factor & M64
        x = (x ^ w[1] * weight) & M64
        y = (y + v[0] * weight + little(data, at + 40, 8)) & M64
        z = right64(z + w[0], 33) * factor & M64
        v = take_32(at, v[1] * factor & M64, (x + w[0]) & M64)
        w = take_32(at + 32, (z + w[1]) & M64, (y + little(data, at + 16, 8)) & M64)
        x, z = z, x

    y = (81 * K1 + 113) & M64
    x, z, v, w = (81 * K2 + little(data, 0, 8)) & M64, fold((y * K2 + 113) & M64) * K2 & M64, (0, 0), (0, 0)
    whole = (len(data) - 1) // 64 * 64
    for at in range(0, whole, 64):
        take_64(at, K1, 1)
    factor = (K1 + 2 * (z & 255)) & M64
    w = ((w[0] + len(data) - 1 - whole) & M64, w[1])
    v = ((v[0] + w[0]) & M64, v[1])
    w = ((w[0] + v[0]) & M64, w[1])
    take_64(len(data) - 64, factor, 9)
    low = (mix(v[0], w[0], factor) + fold(y) * K0 + z) & M64
    return mix(low, (mix(v[1], w[1], factor) + x) & M64, factor)


FUNCTIONS = {
    "farmhash64": (farmhash64, 64),
    "xxh64": (xxh64, 64),
    "murmur3": (murmur3, 32),
    "crc32": (lambda data, _seed: zlib.crc32(data), 32),
    "murmur64": (murmur64, 64),
    "siphash24": (siphash24, 64),
    "value": (lambda data, _seed: int.from_bytes(data, "little"), 64),
}


def joined(before, part):
    factor = 0xC6A4A7935BD1E995
    inner = fold(part * factor & M64) * factor & M64
    return fold(fold((before ^ factor ^ inner) * factor & M64) * factor & M64)


def crossed(cells, vocabulary):
    """The bucket of a row's cells, by the names of columns; None where one is missing."""
    hashed = vocabulary.get("key", 0xDECAFCAFFE)
    for part in vocabulary["cross"]:
        column, of = (part, "text") if isinstance(part, str) else (part["column"], part.get("of", "text"))
        if of == "int64" and cells[column] == "":
            return None
        hashed = joined(hashed, farmhash64(cells[column].encode()) if of == "text" else int(cells[column]) & M64)
    return hashed % vocabulary["buckets"]


def joined_text(cells, vocabulary):
    """Of a row's cells, by the names of columns; None where one is missing."""
    texts = [cells[column] for column in vocabulary["join"]]
    return None if vocabulary.get("mask") in texts else vocabulary.get("separator", "").join(texts)


def bucket(text, vocabulary):
    """Of a cell's text, counted from 0; None for what the vocabulary says is unknown."""
    of = vocabulary.get("of", "int64" if vocabulary["hash"] == "value" else "text")
    if of == "text":
        data = text.encode()
    elif text == "":
        return None  # a missing value is no integer
    else:
        text = str(int(text))
        if of == "int32" and not -(2**31) <= int(text) < 2**31:
            return None
        data = int(text).to_bytes(8 if of == "int64" else 4, "little", signed=True)
    if text == str(vocabulary.get("mask", object())):
        return None
    if "prefix" in vocabulary:
        data = vocabulary["prefix"].encode() + data
    function, bits = FUNCTIONS[vocabulary["hash"]]
    hashed = function(data, tuple(vocabulary["key"]) if "key" in vocabulary else vocabulary.get("seed", 0))
    if vocabulary.get("modulo", "unsigned") != "unsigned" and hashed >= 2 ** (bits - 1):
        hashed -= 2**bits
    if vocabulary.get("modulo") == "signed":
        half = vocabulary["buckets"] // 2
        return abs(hashed) % half + (half if hashed < 0 else 0)
    if vocabulary.get("modulo") == "absolute":
        hashed = abs(hashed)
    return hashed % vocabulary["buckets"]
