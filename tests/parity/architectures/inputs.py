"""From raw rows to x: embedding tables, numbers, sequences."""

import torch
from torch import nn

from architectures import TOWERS, WIDTH
from fixture import NUM_ROWS, Fixture, mlp, sigmoids, tasks, text, tower

CITIES = ["AT", "BR", "CH", "DE"]


class WithInput(nn.Module):
    """A Shared-Bottom on what `self.encode` makes of a dict of columns."""

    def __init__(self, width):
        super().__init__()
        self.bottom = mlp([width, WIDTH])
        self.towers = nn.ModuleList(tower(WIDTH) for _ in range(2))

    def forward(self, batch):
        h = self.bottom(self.encode(batch))
        return sigmoids([t(h) for t in self.towers])


def description(features):
    return {"features": features, "trunk": {"layers": "bottom.{layer}", "activation": "relu"}, "towers": TOWERS,
            "tasks": tasks("click", "like")}


def ids(generator, size):
    return torch.randint(size, (NUM_ROWS,), generator=generator)


def numbers(generator, width=None):
    return torch.randn((NUM_ROWS, width) if width else (NUM_ROWS,), generator=generator)


def rows_of(columns):
    """The text of each row, of columns of numbers [rows] or [rows, width]."""
    blocks = [column.reshape(NUM_ROWS, -1).tolist() for column in columns]
    return [[text(value) for block in blocks for value in block[row]] for row in range(NUM_ROWS)]


class SharedTable(WithInput):
    """The city where a user lives and the one that an item comes from, in one table; id 0 is an unknown city."""

    def __init__(self):
        super().__init__(2 * 4 + 1)
        self.city = nn.Embedding(len(CITIES) + 1, 4)

    def encode(self, b):
        return torch.cat([self.city(b["home"]), self.city(b["origin"]), b["price"][:, None]], dim=1)

    @staticmethod
    def batch(generator):
        home, origin, price = ids(generator, 5), ids(generator, 5), numbers(generator)
        name = lambda i: "unknown" if i == 0 else CITIES[i - 1]
        rows = [[name(h), name(o), text(p)] for h, o, p in zip(home.tolist(), origin.tolist(), price.tolist())]
        return {"home": home, "origin": origin, "price": price}, ["home", "origin", "price"], rows


class PackedTable(WithInput):
    """All fields behind each other in one table, an offset per field; numbers through a linear layer as one more
    field (MTReclib)."""

    FIELDS = [3, 7, 5]

    def __init__(self):
        super().__init__(4 * 4)
        self.embedding = nn.Embedding(sum(self.FIELDS), 4)
        self.numerical_layer = nn.Linear(6, 4)

    def encode(self, b):
        offsets = torch.tensor([0, 3, 10])
        fields = self.embedding(b["fields"] + offsets).flatten(1)
        return torch.cat([fields, self.numerical_layer(b["numbers"])], dim=1)

    @staticmethod
    def batch(generator):
        fields = torch.stack([ids(generator, size) for size in PackedTable.FIELDS], dim=1)
        values = numbers(generator, 6)
        heading = ["a", "b", "c"] + [f"numbers.{i}" for i in range(6)]
        return {"fields": fields, "numbers": values}, heading, rows_of([fields, values])


class NumberTimesEmbedding(WithInput):
    """Each number multiplies a vector (AutoInt, FuxiCTR), here one of a table and one of a linear layer."""

    def __init__(self):
        super().__init__(3 * 5)
        self.number = nn.Embedding(2, 5)
        self.linear = nn.Linear(1, 5, bias=False)

    def encode(self, b):
        products = b["ab"][:, :, None] * self.number.weight
        return torch.cat([products.flatten(1), self.linear(b["c"][:, None])], dim=1)

    @staticmethod
    def batch(generator):
        ab, c = numbers(generator, 2), numbers(generator)
        return {"ab": ab, "c": c}, ["a", "b", "c"], rows_of([ab, c])


class Sequences(WithInput):
    """Pooled id lists: a mean and a maximum with a mask by id 0 (DeepCTR), a sum with a mask by length."""

    LENGTH = 5

    def __init__(self):
        super().__init__(3 * 4)
        self.word = nn.Embedding(6, 4, padding_idx=0)
        self.shop = nn.Embedding(8, 4)

    def encode(self, b):
        used = (b["words"] != 0)[:, :, None].float()
        words = self.word(b["words"])
        mean = (words * used).sum(dim=1) / (used.sum(dim=1) + 1e-8)
        largest = (words - (1 - used) * 1e9).max(dim=1).values
        positions = torch.arange(self.LENGTH)[None, :] < b["num_shops"][:, None]
        total = (self.shop(b["shops"]) * positions[:, :, None]).sum(dim=1)
        return torch.cat([mean, largest, total], dim=1)

    @staticmethod
    def batch(generator):
        words = torch.randint(6, (NUM_ROWS, Sequences.LENGTH), generator=generator)
        words[:, 0] = words[:, 0].clamp(min=1)  # DeepCTR's maximum of an empty sequence is -1e9
        shops = torch.randint(8, (NUM_ROWS, Sequences.LENGTH), generator=generator)
        num_shops = torch.randint(Sequences.LENGTH + 1, (NUM_ROWS,), generator=generator)
        cell = lambda ids: "|".join(map(str, ids))
        rows = [[cell(w), cell(w), cell(s[:n])] for w, s, n in zip(words.tolist(), shops.tolist(), num_shops.tolist())]
        return {"words": words, "shops": shops, "num_shops": num_shops}, ["words", "words_again", "shops"], rows


def fixtures():
    city = {"kind": "categorical", "vocabulary": CITIES, "first_id": 1, "unknown": {"id": 0}, "embedding": "city.weight"}
    yield "shared_table", SharedTable, [{"name": "home", "side": "user", **city}, {"name": "origin", "side": "item", **city},
                                        {"name": "price", "kind": "dense"}], {}
    packed = [{"name": name, "kind": "categorical", "vocabulary": {"identity": size}, "embedding": "embedding.weight",
               "first_row": first} for name, size, first in (("a", 3, 0), ("b", 7, 3), ("c", 5, 10))]
    yield "packed_table", PackedTable, packed + [
        {"name": "numbers", "kind": "dense",
         "projection": {"weight": "numerical_layer.weight", "bias": "numerical_layer.bias"}}], {}
    words = {"kind": "sequence", "vocabulary": {"identity": 6}, "embedding": "word.weight", "length": 5, "padding_id": 0}
    yield "sequences", Sequences, [
        {"name": "words", "pooling": "mean", **words}, {"name": "words_again", "pooling": "max", **words},
        {"name": "shops", "kind": "sequence", "side": "item", "vocabulary": {"identity": 8}, "embedding": "shop.weight",
         "length": 5, "pooling": "sum"}], {}
    vectors = [{"name": name, "kind": "dense", "projection": {"weight": f"number.{i}", "orientation": "in_out"}}
               for i, name in enumerate("ab")]
    yield "number_times_embedding", NumberTimesEmbedding, vectors + [
        {"name": "c", "kind": "dense", "projection": {"weight": "linear.weight"}}], {
        "derived": [{"name": "number.{task}", "chunks": "number.weight", "count": 2}]}


def all_fixtures():
    for name, module, features, more in fixtures():
        yield Fixture(name, "Shared-Bottom", module(), {**description(features), **more}, batch=module.batch)
