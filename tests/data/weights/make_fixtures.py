#!/usr/bin/env python3
"""Writes the weights fixtures next to this script. Made with torch 1.13; run again only to change them.

Element i of every floating-point tensor, in row-major order, is i * 0.5 - 3, unless the tensor's name says
otherwise, so that the tests can compute what to expect. torch 2.x writes the same pickles but for
_rebuild_tensor_v3 and more archive entries: torch2.pt is made by hand after torch/serialization.py of 2.x.
"""
import argparse
import collections
import io
import json
import pathlib
import struct
import zipfile

import numpy
import torch

HERE = pathlib.Path(__file__).resolve().parent


def ramp(*shape, dtype=torch.float32):
    count = int(numpy.prod(shape, dtype=int))
    return (torch.arange(count, dtype=torch.float64) * 0.5 - 3).reshape(shape).to(dtype)


def kinds():
    """Every element type, layout and sharing that a state_dict can have."""
    shared = ramp(4, 6)
    return collections.OrderedDict(
        f32=ramp(3, 5),
        f64=ramp(7, dtype=torch.float64),
        f16=ramp(2, 9, dtype=torch.float16),
        bf16=ramp(5, 2, dtype=torch.bfloat16),
        scalar=torch.tensor(-3.0),
        empty=torch.zeros(0, 3),
        i64=torch.arange(4),
        bool=torch.tensor([True, False]),
        shared=shared,
        row_2=shared[2],                    # storage offset 12
        column_1=shared[:, 1],              # stride 6
        every_other=shared[1:, ::2],        # offset 6, strides 6, 2
        transposed=ramp(3, 4).t(),          # [4, 3]
        permuted=ramp(2, 3, 4).permute(2, 0, 1),
        expanded=ramp(3).expand(4, 3),      # stride 0
    )


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3)
        self.norm = torch.nn.BatchNorm1d(3)
        with torch.no_grad():
            for tensor in self.state_dict().values():
                tensor.copy_(ramp(*tensor.shape, dtype=tensor.dtype))

    def forward(self, x):
        return self.norm(self.linear(x))


def checkpoint(net):
    state = {key: value.clone() for key, value in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(4, 2)).sum().backward()
    optimizer.step()  # from now on the optimizer holds tensors
    return {
        "epoch": 3,
        "best_auc": numpy.float64(0.75),
        "args": argparse.Namespace(lr=1e-3, path=pathlib.PurePosixPath("/data")),
        "optimizer": optimizer.state_dict(),
        "rng": numpy.random.RandomState(0).get_state(),
        "classes": {"a", "b"},
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "ema": {key: value * 0 for key, value in state.items()},
        "model_state_dict": state,
    }


def resave(source, target, compression=zipfile.ZIP_STORED, change=lambda name, data: data):
    """The same archive, packed or with some entries changed."""
    with zipfile.ZipFile(HERE / source) as old, zipfile.ZipFile(HERE / target, "w", compression) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name)  # a fixed date
            info.compress_type = compression
            new.writestr(info, change(name, old.read(name)))


def swap_floats(name, data):
    return b"".join(data[i:i + 4][::-1] for i in range(0, len(data), 4)) if "/data/" in name else data


def make_big_endian():
    resave("tiny.pt", "big_endian.pt", change=swap_floats)
    with zipfile.ZipFile(HERE / "big_endian.pt", "a") as archive:
        archive.writestr(zipfile.ZipInfo("tiny/byteorder"), "big")


def make_without_checksums():
    """As after torch.serialization.set_crc32_options(False) of torch 2.x."""
    data = bytearray((HERE / "tiny.pt").read_bytes())
    with zipfile.ZipFile(HERE / "tiny.pt") as archive:
        for info in archive.infolist():
            checksum = struct.pack("<I", info.CRC)
            assert checksum in data
            data = data.replace(checksum, bytes(4))
    (HERE / "no_checksums.pt").write_bytes(data)


def text(string):
    return b"X" + struct.pack("<I", len(string)) + string.encode()


def make_torch2():
    """{"v2": f32 [2, 3], "v3": u16 [2], "param": f32 [2]} as torch 2.x does it."""
    def storage(kind, key, count):
        return b"(" + text("storage") + kind + text(key) + text("cpu") + b"K" + bytes([count]) + b"tQ"

    hooks = b"ccollections\nOrderedDict\n)R"
    float_storage, untyped = b"ctorch\nFloatStorage\n", b"ctorch.storage\nUntypedStorage\n"
    v2 = (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(float_storage, "0", 6) +
          b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89" + hooks + b"tR")
    v3 = (b"ctorch._utils\n_rebuild_tensor_v3\n(" + storage(untyped, "1", 4) +
          b"K\x00K\x02\x85K\x01\x85\x89" + hooks + b"ctorch\nuint16\n" + b"tR")
    inner = (b"(" + storage(float_storage, "0", 6) + b"K\x04K\x02\x85K\x01\x85\x89" + hooks + b"t")
    param = (b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
             b"ctorch.nn.parameter\nParameter\n" + inner + b"}tR")
    pickle = b"\x80\x02}(" + text("v2") + v2 + text("v3") + v3 + text("param") + param + b"u."
    entries = {
        "data.pkl": pickle,
        ".format_version": b"1",
        ".storage_alignment": b"64",
        "byteorder": b"little",
        "data/0": ramp(6).numpy().tobytes(),
        "data/1": struct.pack("<2H", 1, 65535),
        "version": b"3\n",
        ".data/serialization_id": b"0" * 40,
    }
    with zipfile.ZipFile(HERE / "torch2.pt", "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo("torch2/" + name), data)


def raw_bytes(tensor):
    tensor = tensor.contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()


def make_safetensors(path, tensors, metadata):
    names = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
             torch.int64: "I64", torch.bool: "BOOL"}
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = raw_bytes(tensor)
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def main():
    torch.manual_seed(0)
    net = Net()
    torch.save(kinds(), HERE / "kinds.pt")
    torch.save({"w": ramp(2, 3), "b": ramp(2)}, HERE / "tiny.pt")
    torch.save({"w": ramp(2, 3), "b": ramp(2)}, HERE / "protocol4.pt", pickle_protocol=4)
    torch.save(dict(net.named_parameters()), HERE / "parameters.pt")
    torch.save(checkpoint(net), HERE / "checkpoint.pt")
    torch.save({"user": {"w": ramp(2)}, "item": {"w": ramp(2)}}, HERE / "ambiguous.pt")
    torch.save(net, HERE / "module.pt")
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(HERE / "torchscript.pt"))
    torch.save({"w": ramp(2, 3)}, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    buffer = io.BytesIO()  # saved to a buffer, the archive's directory is called "archive"
    torch.save(Net().state_dict(), buffer)
    (HERE / "module_state.pt").write_bytes(buffer.getvalue())
    resave("tiny.pt", "deflated.pt", zipfile.ZIP_DEFLATED)
    make_without_checksums()
    make_big_endian()
    make_torch2()
    tensors = {name: tensor for name, tensor in kinds().items() if tensor.is_contiguous()}
    make_safetensors(HERE / "kinds.safetensors", tensors, {"format": "pt"})
    make_safetensors(HERE / "tiny.safetensors", {"w": ramp(2, 3), "b": ramp(2)}, {})


if __name__ == "__main__":
    main()
