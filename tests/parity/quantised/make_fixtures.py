#!/usr/bin/env python3
"""Writes the folder `fixtures` anew: weights that PyTorch, FBGEMM and TorchRec have quantised, with the scores of these
libraries' own modules.

Needs torch, fbgemm-gpu-cpu and torchrec of one release (a virtual environment will do); the tests that read the fixtures
need none of them. A fixture is name.pt or name.safetensors, name.json, name.rows.csv and name.scores.csv, as in
../architectures, and its entry in index.json: the types that the model file must have, and byte strings that must be
in it, since they are in the weights.
"""

import base64
import copy
import json
import pathlib
import struct
import sys

import fbgemm_gpu  # noqa: F401  (makes torch.ops.fbgemm)
import torch
import torch.ao.quantization as tq
import torchrec
import torchrec.quant.embedding_modules as trq
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "architectures"))
from fixture import NUM_ROWS, mix, mlp, sigmoids, tasks, text, tower, write_csv  # noqa: E402

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
USERS, ITEMS, USER_WIDTH, ITEM_WIDTH = 5, 6, 8, 12
LEVELS = {"levels": [{"experts": {"layers": "experts.{expert}.{layer}", "activation": "relu"},
                      "gates": {"logits": "gates.{task}"}}],
          "towers": {"layers": "towers.{task}.{layer}", "activation": "relu"}, "tasks": tasks("click", "like")}


class Ranker(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.experts = nn.ModuleList(mlp([inputs, 6, 5]) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(inputs, 2) for _ in range(2))
        self.towers = nn.ModuleList(tower(5) for _ in range(2))

    def forward(self, x):
        experts = [e(x) for e in self.experts]
        return sigmoids([t(mix(torch.softmax(g(x), dim=1), experts)) for g, t in zip(self.gates, self.towers)])


def write_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.uint8: "U8"}
    header, chunks, offset = {}, [], 0
    for name, tensor in tensors.items():
        data = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"".join(chunks))


class Writer:
    def __init__(self):
        self.index = {}

    def write(self, name, state, description, heading, rows, scores, types, stored):
        """`types`: of tables and layers in the model file; `stored`: byte strings that it has."""
        suffix = ".safetensors" if name.startswith("fbgemm") else ".pt"
        if suffix == ".pt":
            torch.save(state, FIXTURES / (name + suffix))
        else:
            write_safetensors(FIXTURES / (name + suffix), state)
        (FIXTURES / f"{name}.json").write_text(json.dumps({"mmoe_description": 1, **description}, indent=1) + "\n")
        write_csv(FIXTURES / f"{name}.rows.csv", heading, rows)
        write_csv(FIXTURES / f"{name}.scores.csv", ["click", "like"],
                  [[text(v) for v in row] for row in scores.tolist()])
        self.index[name] = {"weights": name + suffix, **types,
                            "stored": [base64.b64encode(part).decode() for part in stored]}


# ------------------------------------------------------------------------------------------- tables

def table_rows(generator):
    users = torch.randint(USERS, (NUM_ROWS,), generator=generator)
    items = [torch.randint(ITEMS, (1 + i % 3,), generator=generator) for i in range(NUM_ROWS)]
    price = torch.randn(NUM_ROWS, generator=generator)
    rows = [[int(u), "|".join(str(int(i)) for i in its), text(p)] for u, its, p in zip(users, items, price)]
    return users, items, price, rows


def features(names, form, width=True):
    def keys(i, table_width):
        return {"embedding": names[i], **({"quantised": form} if form else {}),
                **({"embedding_width": table_width} if width else {})}
    return [{"name": "user", "kind": "categorical", "vocabulary": {"identity": USERS}, **keys(0, USER_WIDTH)},
            {"name": "item", "kind": "sequence", "vocabulary": {"identity": ITEMS}, "length": 3, "pooling": "mean",
             **keys(1, ITEM_WIDTH)},
            {"name": "price", "kind": "dense"}]


def stored_row(codes, scale, bias, half):
    return codes.numpy().tobytes() + struct.pack("<ee" if half else "<ff", float(scale), float(bias))


def pooled(tables, users, items):
    return torch.cat([tables[0][users], torch.stack([tables[1][i].mean(0) for i in items])], dim=1)


def write_table_model(writer, name, net, state, names, form, embedded, batch, types, stored, width=True):
    users, items, price, rows = batch
    with torch.no_grad():
        scores = net(torch.cat([embedded, price[:, None]], dim=1))
    tensors = {**state, **{k: v for k, v in net.state_dict().items()}}
    writer.write(name, tensors, {"features": features(names, form, width), **LEVELS}, ["user", "item", "price"], rows,
                 scores, types, stored)


def fbgemm_fixtures(writer):
    generator = torch.Generator().manual_seed(3)
    net, batch = Ranker(USER_WIDTH + ITEM_WIDTH + 1).eval(), table_rows(generator)
    tables = [torch.randn(USERS, USER_WIDTH, generator=generator), torch.randn(ITEMS, ITEM_WIDTH, generator=generator)]
    names = ["user.weight", "item.weight"]
    for bits in (8, 4):
        pack = torch.ops.fbgemm.FloatToFused8BitRowwiseQuantized if bits == 8 else (
            lambda t: torch.ops.fbgemm.FloatToFusedNBitRowwiseQuantizedSBHalf(t, 4))
        unpack = torch.ops.fbgemm.Fused8BitRowwiseQuantizedToFloat if bits == 8 else (
            lambda t: torch.ops.fbgemm.FusedNBitRowwiseQuantizedSBHalfToFloat(t, 4))
        prepack = torch.ops.quantized.embedding_bag_byte_prepack if bits == 8 else (
            torch.ops.quantized.embedding_bag_4bit_prepack)
        packed = [pack(t) for t in tables]
        # PyTorch's own function makes rows of the same form; its codes may differ by the rounding of the scale.
        assert [prepack(t).shape for t in tables] == [p.shape for p in packed]
        embedded = pooled([unpack(p) for p in packed], batch[0], batch[1])
        write_table_model(writer, f"fbgemm_u{bits}", net, dict(zip(names, packed)), names, f"fbgemm_u{bits}", embedded,
                          batch, {"tables": f"u{bits}", "layers": "f32"}, [p.numpy().tobytes() for p in packed],
                          width=False)


def torchrec_collection(dtype, split, generator):
    config = torchrec.EmbeddingBagConfig
    ebc = torchrec.EmbeddingBagCollection(device=torch.device("cpu"), tables=[
        config(name="t_user", embedding_dim=USER_WIDTH, num_embeddings=USERS, feature_names=["user"],
               pooling=torchrec.PoolingType.SUM),
        config(name="t_item", embedding_dim=ITEM_WIDTH, num_embeddings=ITEMS, feature_names=["item"],
               pooling=torchrec.PoolingType.MEAN)])
    with torch.no_grad():
        for tensor in ebc.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
    if split:
        trq.quant_prep_enable_quant_state_dict_split_scale_bias(ebc)
    observer = tq.PlaceholderObserver.with_args
    ebc.qconfig = tq.QConfig(activation=observer(dtype=torch.float), weight=observer(dtype=dtype))
    return trq.EmbeddingBagCollection.from_float(ebc)


def torchrec_fixtures(writer):
    kinds = {"torchrec_u8": (torch.qint8, False), "torchrec_u4": (torch.quint4x2, False),
             "torchrec_f16": (torch.float16, False), "torchrec_u8_split": (torch.qint8, True),
             "torchrec_u4_split": (torch.quint4x2, True)}
    for seed, (name, (dtype, split)) in enumerate(kinds.items()):
        generator = torch.Generator().manual_seed(20 + seed)
        net, batch = Ranker(USER_WIDTH + ITEM_WIDTH + 1).eval(), table_rows(generator)
        ebc = torchrec_collection(dtype, split, generator)
        users, items = batch[0], batch[1]
        lengths = torch.tensor([1] * NUM_ROWS + [len(i) for i in items])
        found = ebc(torchrec.KeyedJaggedTensor(["user", "item"], torch.cat([users, *items]), lengths=lengths))
        embedded = torch.cat([found["user"], found["item"]], dim=1)
        # Views of one storage, which torch.save refuses.
        state = {k: copy.deepcopy(v) if hasattr(v, "elem") else v.clone() for k, v in ebc.state_dict().items()}
        names = ["embedding_bags.t_user.weight", "embedding_bags.t_item.weight"]
        stored = []
        for table, width in zip(names, (USER_WIDTH, ITEM_WIDTH)):
            raw = state[table].elem if hasattr(state[table], "elem") else state[table]
            used = {torch.qint8: width, torch.quint4x2: width // 2, torch.float16: 2 * width}[dtype]
            rows = b""
            for row in range(raw.shape[0]):
                if dtype == torch.float16:
                    rows += raw[row, :used].numpy().tobytes()
                elif split:
                    rows += stored_row(raw[row], state[table + "_qscale"][row], state[table + "_qbias"][row],
                                       dtype != torch.qint8)
                else:
                    header = raw[row, :4].clone().view(torch.float16)
                    rows += stored_row(raw[row, 4:4 + used], header[0], header[1], dtype != torch.qint8)
            stored.append(rows)
        form = None if name == "torchrec_u8_split" else name.replace("_split", "")
        write_table_model(writer, name, net, state, names, form, embedded, batch,
                          {"tables": name.split("_")[1], "layers": "f32"}, stored)


# ------------------------------------------------------------------------------------------- layers

INPUTS = 7


def panel(codes):
    """One panel of at most 16 outputs, as the file has a layer that is alone."""
    outputs, inputs = codes.shape
    whole = torch.zeros(16, inputs, dtype=torch.int8)
    whole[:outputs] = codes
    return whole.T.contiguous().numpy().tobytes()


LAYERS_ALONE = ["experts.0.2", "experts.1.2", "towers.0.2", "towers.1.2"]


def x_rows(generator):
    x = torch.randn(NUM_ROWS, INPUTS, generator=generator)
    return x, [f"x{i}" for i in range(INPUTS)], [[text(v) for v in row] for row in x.tolist()]


def dynamic_fixtures(writer):
    """Linear layers that torch has quantised dynamically. It also rounds their inputs, by the batch; the scores here are
    of the same weights with inputs as they are."""
    for name, config in {"torch_dynamic": tq.default_dynamic_qconfig,
                         "torch_dynamic_per_channel": tq.per_channel_dynamic_qconfig}.items():
        generator = torch.Generator().manual_seed(41)
        torch.manual_seed(41)
        net = Ranker(INPUTS).eval()
        quantised = tq.quantize_dynamic(net, {nn.Linear: config})
        codes = {}
        for path, module in quantised.named_modules():
            if not isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
                continue
            weight = module.weight()
            codes[path] = weight.int_repr()
            net.get_submodule(path).weight.data.copy_(weight.dequantize())
        x, heading, rows = x_rows(generator)
        with torch.no_grad():
            scores = net(x)
        writer.write(name, quantised.state_dict(), LEVELS, heading, rows, scores, {"tables": None, "layers": "i8"},
                     [panel(codes[layer]) for layer in LAYERS_ALONE])


def qat_fixture(writer):
    """Weights that training rounds (fake quantisation), with the layers' inputs as they are."""
    torch.manual_seed(43)
    generator = torch.Generator().manual_seed(43)
    net = Ranker(INPUTS)
    net.qconfig = tq.QConfig(activation=nn.Identity, weight=tq.default_per_channel_weight_fake_quant)
    trained = tq.prepare_qat(net.train())
    x, heading, rows = x_rows(generator)
    trained(x).sum().backward()
    with torch.no_grad():
        for parameter in trained.parameters():  # as an optimizer: weights are not those that the scales were made for
            parameter -= 0.02 * torch.sign(parameter.grad)
    trained.eval().apply(tq.disable_observer)
    with torch.no_grad():
        scores = trained(x)
    codes = {}
    for path in LAYERS_ALONE:
        module = trained.get_submodule(path)
        rounded = module.weight_fake_quant(module.weight)
        codes[path] = torch.round(rounded / module.weight_fake_quant.scale[:, None]).to(torch.int8)
    writer.write("torch_qat", trained.state_dict(), LEVELS, heading, rows, scores, {"tables": None, "layers": "i8"},
                 [panel(codes[path]) for path in LAYERS_ALONE])


def torch_embedding_fixture(writer):
    generator = torch.Generator().manual_seed(47)
    torch.manual_seed(47)
    net, batch = Ranker(USER_WIDTH + ITEM_WIDTH + 1).eval(), table_rows(generator)
    bags = nn.ModuleDict({"user": nn.EmbeddingBag(USERS, USER_WIDTH, mode="sum"),
                          "item": nn.EmbeddingBag(ITEMS, ITEM_WIDTH, mode="sum")})
    for bag in bags.values():
        bag.qconfig = tq.float_qparams_weight_only_qconfig
    bags = tq.convert(tq.prepare(bags))
    users, items = batch[0], batch[1]
    summed = bags["item"](torch.cat(items), torch.tensor([0] + [len(i) for i in items]).cumsum(0)[:-1])
    counts = torch.tensor([len(i) for i in items], dtype=torch.float32)
    embedded = torch.cat([bags["user"](users, torch.arange(NUM_ROWS)), summed / counts[:, None]], dim=1)
    stored = []
    for bag in bags.values():
        weight = bag.weight()
        scales = weight.q_per_channel_scales().float()
        biases = -weight.q_per_channel_zero_points().float() * scales
        stored.append(b"".join(stored_row(codes, s, b, False)
                               for codes, s, b in zip(weight.int_repr(), scales, biases)))
    write_table_model(writer, "torch_embedding", net, bags.state_dict(), ["user.weight", "item.weight"], None, embedded,
                      batch, {"tables": "u8", "layers": "f32"}, stored, width=False)


def main():
    torch.set_num_threads(1)
    FIXTURES.mkdir(exist_ok=True)
    for old in FIXTURES.iterdir():
        old.unlink()
    writer = Writer()
    torch.manual_seed(1)
    for write in (fbgemm_fixtures, torchrec_fixtures, dynamic_fixtures, qat_fixture, torch_embedding_fixture):
        write(writer)
    (FIXTURES / "index.json").write_text(json.dumps(writer.index, indent=1) + "\n")
    print(f"{len(writer.index)} fixtures")


if __name__ == "__main__":
    main()
