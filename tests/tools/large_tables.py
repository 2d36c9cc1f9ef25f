#!/usr/bin/env python3
"""Embedding tables go from file to file: the converter's own memory does not grow with them, whatever their format.

    large_tables.py FOLDERS    the folders of the tools, with ':' between
"""

import io
import json
import resource
import struct
import sys
import zipfile

from harness import Folder, Tools, check, finish, safetensors

WIDTH = 16
BLOCK_ROWS = 1 << 14
# The program alone, with its libraries, needs some 15 MB.
LIMIT_BYTES = 40 << 20
MEGABYTES = 64
LARGEST_MEGABYTES = 256


def block(code):
    """BLOCK_ROWS rows of numbers that f16 holds exactly, as bytes of `code`: 'f' or 'e'."""
    values = [((row * WIDTH + column) % 2039) / 8 for row in range(BLOCK_ROWS) for column in range(WIDTH)]
    return struct.pack(f"<{len(values)}{code}", *values)


BLOCK, HALF_BLOCK = block("f"), block("e")


def num_blocks(megabytes):
    return (megabytes << 20) // len(BLOCK)


def small_tensors():
    inputs = WIDTH + 1

    def ramp(*shape):
        count = 1
        for size in shape:
            count *= size
        return list(shape), [((i * 37) % 101 - 50) / 64 for i in range(count)]

    tensors = {"gates.weight": ramp(2, inputs), "towers.0.0.weight": ramp(1, 8), "towers.0.0.bias": ramp(1)}
    for expert in range(2):
        tensors[f"experts.{expert}.0.weight"] = ramp(8, inputs)
        tensors[f"experts.{expert}.0.bias"] = ramp(8)
    return tensors


def description(rows, table="table"):
    features = [{"name": "price", "kind": "dense", "side": "user"},
                {"name": "id", "kind": "categorical", "side": "item", "vocabulary": {"identity": rows},
                 "unknown": "zero", "embedding": table}]
    return json.dumps({
        "mmoe_description": 1, "features": features,
        "levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                    "gates": {"logits": "gates"}}],
        "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"},
        "tasks": [{"name": "click", "link": "sigmoid"}]})


# ------------------------------------------------------------------------------------ the formats

def write_safetensors(path, blocks, dtype, table_block, bad=b""):
    small = safetensors(small_tensors())
    (length,) = struct.unpack("<Q", small[:8])
    header, data = json.loads(small[8:8 + length]), small[8 + length:]
    end = len(data) + blocks * len(table_block)
    header["table"] = {"dtype": dtype, "shape": [blocks * BLOCK_ROWS, WIDTH], "data_offsets": [len(data), end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
        for _ in range(blocks):
            file.write(table_block)
        if bad:
            file.seek(-len(bad), io.SEEK_END)
            file.write(bad)


def npy_header(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def write_npz(path, blocks):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (shape, values) in small_tensors().items():
            archive.writestr(name + ".npy", npy_header(shape) + struct.pack(f"<{len(values)}f", *values))
        with archive.open("table.npy", "w", force_zip64=True) as entry:
            entry.write(npy_header([blocks * BLOCK_ROWS, WIDTH]))
            for _ in range(blocks):
                entry.write(BLOCK)


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integers(values):
    return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"


def pickled_tensor(key, count, shape, strides):
    storage = (b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + b"\x8a\x08" +
               struct.pack("<q", count) + b"tQ")
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + integers(shape) + integers(strides) +
            b"\x89ccollections\nOrderedDict\n)RtR")


def strides_of(shape):
    strides = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * shape[axis]
    return strides


def columns_of_block():
    values = struct.unpack(f"<{BLOCK_ROWS * WIDTH}f", BLOCK)
    return [struct.pack(f"<{BLOCK_ROWS}f", *values[column::WIDTH]) for column in range(WIDTH)]


def write_torch(path, blocks, transposed=False):
    rows = blocks * BLOCK_ROWS
    pickle = b"\x80\x02}("
    small = small_tensors()
    for index, (name, (shape, values)) in enumerate(small.items()):
        pickle += text(name) + pickled_tensor(str(index), len(values), shape, strides_of(shape))
    strides = [1, rows] if transposed else [WIDTH, 1]
    pickle += text("table") + pickled_tensor("table", rows * WIDTH, [rows, WIDTH], strides) + b"u."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", pickle)
        for index, (_, values) in enumerate(small.values()):
            archive.writestr(f"model/data/{index}", struct.pack(f"<{len(values)}f", *values))
        with archive.open("model/data/table", "w", force_zip64=True) as entry:
            for part in columns_of_block() if transposed else [BLOCK]:
                for _ in range(blocks):
                    entry.write(part)


# ------------------------------------------------------------------------------------ the checks

def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))


def convert(tools, folder, weights, blocks, output="model.mmoe"):
    settings = folder / "description.json"
    settings.write_text(description(blocks * BLOCK_ROWS))
    return tools.run("mmoe-convert", weights, settings, "-o", folder / output, preexec_fn=limit_memory)


def holds_table(path, blocks):
    """Whether the file's table, which is all but the last eight bytes of its end, is the blocks."""
    with open(path, "rb") as file:
        file.seek(-8 - blocks * len(BLOCK), io.SEEK_END)
        return all(file.read(len(BLOCK)) == BLOCK for _ in range(blocks))


def check_format(tools, name, megabytes, write):
    blocks = num_blocks(megabytes)
    with Folder() as folder:
        weights, model = folder / name, folder / "model.mmoe"
        write(weights, blocks)
        done = convert(tools, folder, weights, blocks)
        check(done.returncode == 0, f"{name}: {megabytes} MB within {LIMIT_BYTES >> 20} MB: {done.stderr.decode()!r}")
        if done.returncode != 0:
            return
        check(holds_table(model, blocks), f"{name}: the table is not the one of the weights")
        verified = tools.run("mmoe-verify", model)
        check(verified.returncode == 0, f"{name}: mmoe-verify: {verified.stderr.decode()!r}")


def check_damage(tools):
    """What is not finite is found in the last row, and the output that was written by then is gone."""
    with Folder() as folder:
        blocks = 4
        weights = folder / "nan.safetensors"
        write_safetensors(weights, blocks, "F32", BLOCK, bad=struct.pack("<f", float("nan")))
        done = convert(tools, folder, weights, blocks)
        row = blocks * BLOCK_ROWS - 1
        check(done.returncode == 1 and f"table: element [{row}, {WIDTH - 1}] is nan" in done.stderr.decode(),
              f"a table with nan: exit {done.returncode}, {done.stderr.decode()!r}")
        left = sorted(path.name for path in folder.iterdir())
        check(left == ["description.json", "nan.safetensors"], f"a table with nan leaves {left}")


def check_pipe(tools):
    """A model that is written to a pipe is the same."""
    with Folder() as folder:
        blocks = 2
        weights = folder / "w.safetensors"
        write_safetensors(weights, blocks, "F32", BLOCK)
        convert(tools, folder, weights, blocks)
        piped = tools.run("mmoe-convert", "-q", weights, folder / "description.json", "-o", "-")
        check(piped.stdout == (folder / "model.mmoe").read_bytes(), "-o -: not the bytes of the file")


def main():
    tools = Tools(sys.argv[1])
    check_format(tools, "f32.safetensors", LARGEST_MEGABYTES,
                 lambda path, blocks: write_safetensors(path, blocks, "F32", BLOCK))
    check_format(tools, "f16.safetensors", MEGABYTES,
                 lambda path, blocks: write_safetensors(path, blocks, "F16", HALF_BLOCK))
    check_format(tools, "deflated.npz", MEGABYTES, write_npz)
    check_format(tools, "stored.pt", MEGABYTES, write_torch)
    check_format(tools, "transposed.pt", MEGABYTES, lambda path, blocks: write_torch(path, blocks, True))
    check_damage(tools)
    check_pipe(tools)
    finish()


if __name__ == "__main__":
    main()
