"""Networks whose elements attend to each other: the fields of a row (AutoInt), or the items that a user has seen (BST,
SASRec)."""

import torch
from torch import nn

from fixture import NUM_ROWS, Fixture, mlp, sigmoids
from nodes import Categories, Mixture, mixture


def per_element(layers, width):
    """A node's key for what is applied to each element of `width` columns."""
    return {"layers": layers, "each": width}


class AutoInt(Categories):
    """Song et al., CIKM 2019: two layers of attention between the embeddings of the fields, with two heads and a
    residual each, beside x. As DeepCTR, torch-rechub and FuxiCTR have it, without a division by the root of the width
    in the first layer and with one in the second."""

    HEADS, OUT = 2, 6

    def __init__(self):
        super().__init__()
        widths = [self.DIM, self.OUT, self.OUT]
        self.layers = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(a, b, bias=False) for name in ("query", "key", "value", "residual")})
            for a, b in zip(widths, widths[1:]))
        self.mmoe = Mixture(4 * self.DIM + 4 * self.OUT)

    @staticmethod
    def heads(x):
        return torch.stack(torch.split(x, AutoInt.OUT // AutoInt.HEADS, dim=2))

    def attend(self, layer, v, scale):
        q, k, value = (self.heads(layer[name](v)) for name in ("query", "key", "value"))
        weights = torch.softmax(torch.einsum("hbik,hbjk->hbij", q, k) * scale, dim=3)
        mixed = torch.cat(list(torch.matmul(weights, value)), dim=2)
        return torch.relu(mixed + layer["residual"](v))

    def forward(self, b):
        v = torch.stack(self.embedded(b), dim=1)
        h = self.attend(self.layers[1], self.attend(self.layers[0], v, 1), 3 ** -0.5)
        return sigmoids(self.mmoe.logits(torch.cat([v.flatten(1), h.flatten(1)], dim=1)))


def auto_int():
    nodes, fields = [], list(Categories.FIELDS)
    for layer, (reads, width, scale) in enumerate([(fields, AutoInt.DIM, 1), ("h0", AutoInt.OUT, 3 ** -0.5)]):
        nodes += [{"name": f"{name}{layer}", "reads": reads, "activation": "linear",
                   **per_element(f"layers.{layer}.{name}", width)} for name in ("query", "key", "value", "residual")]
        nodes += [{"name": f"mixed{layer}", "scaled_dot": [f"query{layer}", f"key{layer}", f"value{layer}"],
                   "group": AutoInt.OUT, "heads": AutoInt.HEADS, "scale": scale},
                  {"name": f"h{layer}", "sum": [f"mixed{layer}", f"residual{layer}"], "activation": "relu"}]
    return {**mixture([*fields, "h1"]), "features": AutoInt.features(), "nodes": nodes}


class Transformer(nn.Module):
    """A block of a transformer encoder, with the norms behind the sums, over the user's last items and, of BST (Chen et
    al., DLP-KDD 2019), the candidate behind them. Padding is not attended to. What the elements of the sequence become
    lies side by side (BST), or the last one's is taken (SASRec: Kang and McAuley, ICDM 2018), whose attention looks
    back only."""

    ITEMS, LENGTH, DIM, HEADS = 9, 4, 6, 2

    def __init__(self, last):
        super().__init__()
        self.last = last
        length = self.LENGTH + (0 if last else 1)
        self.item, self.user = nn.Embedding(self.ITEMS, self.DIM), nn.Embedding(5, 3)
        self.position = nn.Parameter(torch.zeros(length, self.DIM))
        self.attention = nn.MultiheadAttention(self.DIM, self.HEADS, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(self.DIM), nn.LayerNorm(self.DIM, eps=1e-8)
        self.feed = mlp([self.DIM, 8, self.DIM], last=False)
        self.mmoe = Mixture(3 + self.DIM + self.DIM * (1 if last else length))

    def forward(self, b):
        item, seen = self.item(b["item"]), self.item(b["seen"])
        left_out = b["seen"] == 0
        seen = seen * ~left_out.unsqueeze(2)  # as the table's row of the padding is zeros in training
        if not self.last:
            seen = torch.cat([seen, item.unsqueeze(1)], dim=1)
            left_out = torch.cat([left_out, torch.zeros(item.shape[0], 1, dtype=torch.bool)], dim=1)
        x = seen + self.position
        later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), diagonal=1) if self.last else None
        h = self.norm1(x + self.attention(x, x, x, key_padding_mask=left_out, attn_mask=later, need_weights=False)[0])
        h = self.norm2(h + self.feed(h))
        h = h[:, -1] if self.last else h.flatten(1)
        return sigmoids(self.mmoe.logits(torch.cat([self.user(b["user"]), item, h], dim=1)))

    @classmethod
    def batch(cls, generator):
        draw = lambda *shape, size, least=0: torch.randint(least, size, shape, generator=generator)
        columns = {"user": draw(NUM_ROWS, size=5), "item": draw(NUM_ROWS, size=cls.ITEMS, least=1),
                   "seen": draw(NUM_ROWS, cls.LENGTH, size=cls.ITEMS)}
        columns["seen"][:, 0] = columns["seen"][:, 0].clamp(min=1)  # PyTorch gives NaN where nothing may be attended to
        columns["seen"][0, 1:] = 0
        text = lambda value: "|".join(map(str, value)) if isinstance(value, list) else value
        rows = [[text(value) for value in row] for row in zip(*(column.tolist() for column in columns.values()))]
        return columns, list(columns), rows


def transformer(last):
    dim, length = Transformer.DIM, Transformer.LENGTH
    category = lambda name, side, size: {"name": name, "kind": "categorical", "side": side,
                                         "vocabulary": {"identity": size}, "embedding": f"{name}.weight"}
    elements = [{"feature": "seen", "part": "elements"}] + ([] if last else ["item"])
    linear = {"activation": "linear", **per_element("", dim)}
    nodes = [
        {"name": "x", "sum": [elements], "constant": "position"},
        *({**linear, "name": name, "layers": f"attention.{name}", "reads": "x"} for name in ("query", "key", "value")),
        {"name": "mixed", "scaled_dot": ["query", "key", "value"], "group": dim, "heads": Transformer.HEADS,
         "scale": (dim // Transformer.HEADS) ** -0.5, "mask": {"feature": "seen", "part": "mask"},
         **({"causal": True} if last else {})},
        {**linear, "name": "attended", "layers": "attention.out_proj", "reads": "mixed"},
        {"name": "h1", "sum": ["x", "attended"], "group": dim, "layer_norm": "norm1"},
        {**per_element("feed.{layer}", dim), "name": "fed", "reads": "h1", "activation": "relu", "last_activation": "linear"},
        {"name": "h2", "sum": ["h1", "fed"], "group": dim, "layer_norm": "norm2", "layer_norm_epsilon": 1e-8}]
    result = [{"node": "h2", "first": (length - 1) * dim, "count": dim}] if last else ["h2"]
    chunks = lambda kind: {"name": f"attention.{{layer}}.{kind}", "chunks": f"attention.in_proj_{kind}", "count": 3}
    named = [{"name": f"attention.{name}.{kind}", "slice": f"attention.{i}.{kind}"}
             for i, name in enumerate(("query", "key", "value")) for kind in ("weight", "bias")]
    return {
        **mixture(["user", "item", *result]), "nodes": nodes, "derived": [chunks("weight"), chunks("bias"), *named],
        "features": [category("user", "user", 5), category("item", "item", Transformer.ITEMS),
                     {"name": "seen", "kind": "sequence", "side": "user", "vocabulary": {"identity": Transformer.ITEMS},
                      "embedding": "item.weight", "length": length, "pooling": "none", "padding_id": 0}]}


def all_fixtures():
    yield Fixture("auto_int", "MMoE with nodes", AutoInt(), auto_int(), batch=AutoInt.batch)
    yield Fixture("bst", "MMoE with nodes", Transformer(False), transformer(False), batch=Transformer.batch)
    yield Fixture("sasrec", "MMoE with nodes", Transformer(True), transformer(True), batch=Transformer.batch)
