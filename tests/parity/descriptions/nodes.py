"""What the nodes of a description give (converter/DESCRIPTION.md, "Nodes" and "Attention to a sequence"), by NumPy."""

import numpy as np

from layers import activate, forward, kind_of, layer_norm

OPERATIONS = ("sum", "product", "dot", "lower_pairs", "upper_pairs", "bi_interaction", "sum_of_groups",
              "sum_within_groups", "softmax")


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def in_groups(x, group):
    return x.reshape(len(x), -1, group)


def operation(spec, kind, operands, constant):
    """`operands`: arrays [rows, width]."""
    scale = operands[0].dtype.type(spec.get("scale", 1))
    if kind == "softmax":
        return softmax(operands[0])
    if kind in ("sum", "product"):
        width = max(x.shape[1] for x in operands)
        wide = [np.repeat(x, width // x.shape[1], 1) for x in operands]
        if kind == "product":
            return scale * np.prod(wide, 0)
        return sum(wide) if constant is None else sum(wide) + constant
    x = in_groups(operands[0], spec.get("group", operands[0].shape[1]))
    if kind == "dot":
        return scale * (x * in_groups(operands[1], x.shape[2])).sum(2)
    if kind in ("lower_pairs", "upper_pairs"):
        count, products = x.shape[1], x @ x.transpose(0, 2, 1)
        pairs = [(i, j) for i in range(count) for j in range(count) if (j < i if kind == "lower_pairs" else j > i)]
        return scale * np.stack([products[:, i, j] for i, j in pairs], 1)
    if kind == "bi_interaction":
        return scale / 2 * (x.sum(1) ** 2 - (x**2).sum(1))
    return scale * x.sum(1 if kind == "sum_of_groups" else 2)


def attention(spec, layers, query, sequence, mask, count):
    length, width = spec["length"], query.shape[1]
    k = sequence[:, : length * width].reshape(len(query), length, width)
    there = sequence[:, length * width :] != 0 if spec.get("mask", True) else np.ones((len(query), length), bool)
    if mask is not None:
        there = mask != 0
    if count is not None:
        there = np.arange(length) < count
    q = np.broadcast_to(query[:, None], k.shape)
    outer = (q[..., :, None] * k[..., None, :]).reshape(len(query), length, width * width)
    terms = {"query": q, "element": k, "difference": q - k, "product": q * k, "outer": outer}
    names = spec.get("terms", ["query", "element", "difference", "product"])
    weights = forward(layers, np.concatenate([terms[name] for name in names], 2))[:, :, 0]
    if spec.get("softmax"):
        lowest = np.where(there, weights, -np.inf).max(1, initial=-np.inf, keepdims=True)
        e = np.where(there, np.exp(weights - np.where(there.any(1, keepdims=True), lowest, 0)), 0)
        weights = e / np.where(there.any(1, keepdims=True), e.sum(1, keepdims=True), 1)
    return (np.where(there, weights, 0)[:, :, None] * k).sum(1).astype(query.dtype)


def scaled_dot(spec, query, keys, values, mask):
    rows, group, heads = len(query), spec["group"], spec.get("heads", 1)
    q, k = in_groups(query, group), in_groups(keys, group)
    v = values.reshape(rows, k.shape[1], -1)
    there = np.ones((rows, q.shape[1], k.shape[1]), bool)
    if mask is not None:
        there[:, :, : mask.shape[1]] &= (mask != 0)[:, None]
    if spec.get("causal"):
        there &= np.tril(np.ones(there.shape[1:], bool))
    scale = query.dtype.type(spec.get("scale", (group / heads) ** -0.5))
    split = lambda x: x.reshape(rows, x.shape[1], heads, -1).transpose(0, 2, 1, 3)
    logits = scale * (split(q) @ split(k).transpose(0, 1, 3, 2))
    there = np.broadcast_to(there[:, None], logits.shape)
    some = there.any(3, keepdims=True)
    largest = np.where(some, np.where(there, logits, -np.inf).max(3, keepdims=True), 0)
    e = np.where(there, np.exp(np.where(there, logits, 0) - largest), 0)
    mixed = (e / np.where(some, e.sum(3, keepdims=True), 1)) @ split(v)
    return mixed.transpose(0, 2, 1, 3).reshape(rows, -1).astype(query.dtype)


def compressed_interaction(spec, reader, fixed, x):
    fields = in_groups(x, spec["group"])  # [rows, fields, columns]
    pattern, maps, sums = "rfd,rhd->rfhd", fields, []
    layers = [reader.read({"layers": [name], "activation": spec["activation"]}, fixed)[0] for name in spec["layers"]]
    for i, layer in enumerate(layers):
        if spec.get("order") == "maps":
            pattern = "rfd,rhd->rhfd"
        products = np.einsum(pattern, fields, maps).reshape(len(x), -1, fields.shape[2])
        made = forward([layer], products.transpose(0, 2, 1)).transpose(0, 2, 1)
        passed = layers[i + 1]["weight"].shape[1] // fields.shape[1] if i + 1 < len(layers) else 0
        sums.append(made.sum(2)[:, passed if passed < made.shape[1] else 0:])
        maps = made[:, :passed]
    return np.concatenate(sums, 1)


def normalised(spec, reader, x):
    x = in_groups(x, spec.get("group", x.shape[1]))
    ones = np.ones(x.shape[2], x.dtype)
    norm = {"gamma": ones, "beta": 0 * ones, "epsilon": x.dtype.type(spec.get("layer_norm_epsilon", 1e-5))}
    if spec["layer_norm"] is not True:
        for key, suffix in (("gamma", ".weight"), ("beta", ".bias")):
            norm[key] = reader.cast(reader.names.get(spec["layer_norm"] + suffix, {}))
    return layer_norm(x, norm).reshape(len(x), -1)


def node(spec, reader, fixed, read):
    """`read(reads)` gives a stream."""
    if "attention" in spec:
        given = spec["attention"]
        layers = reader.read(spec, fixed, True)
        own = given.get("mask", True)
        mask = None if isinstance(own, bool) else read(own)
        count = read(given["count"]) if "count" in given else None
        return attention(given, layers, read(given["query"]), read(given["sequences"]), mask, count)
    if "compressed_interaction" in spec:
        return compressed_interaction(spec, reader, fixed, read(spec["compressed_interaction"]))
    if "scaled_dot" in spec:
        return scaled_dot(spec, *map(read, spec["scaled_dot"]), read(spec["mask"]) if "mask" in spec else None)
    if "each" in spec:
        x = in_groups(read(spec["reads"]), spec["each"])
        return forward(reader.read(spec, fixed), x).reshape(len(x), -1)
    if "layers" in spec:
        return forward(reader.read(spec, fixed), read(spec.get("reads")))
    kind = next(key for key in OPERATIONS if key in spec)
    many = kind in ("sum", "product", "dot")
    operands = [read(operand) for operand in spec[kind]] if many else [read(spec[kind])]
    constant = reader.cast(reader.names.get(spec["constant"], fixed)) if "constant" in spec else None
    result = operation(spec, kind, operands, constant)
    if "layer_norm" in spec:
        result = normalised(spec, reader, result)
    activation = spec.get("activation", "linear")
    return result if kind_of(activation) == "linear" else activate(result, {"activation": activation})
