"""Random features, their tables, and raw rows for them."""

import numpy as np

HASHES = ["farmhash64", "xxh64", "murmur3", "crc32", "murmur64", "siphash24", "value"]
WORDS = ["AT", "BR", "US", "new york", "a,b", 'say "hi"', "Zürich", "7", "", "x;y", "日本", "-3"]


def points(maker):
    numbers = sorted(round(maker.number(0, 3), 1) for _ in range(maker.between(2, 7)))
    results = sorted(maker.number(0, 1) for _ in numbers)
    return {"points": [[v, r] for v, r in zip(numbers, results)], **({"normal": True} if maker.chance(0.5) else {})}


PARAMETERS = {
    "power": lambda maker: {"power": maker.pick([0.5, -1, 2, 0.3])},
    "box_cox": lambda maker: {"box_cox": maker.pick([0, 0.5, -0.25, 2])},
    "yeo_johnson": lambda maker: {"yeo_johnson": maker.pick([0, 0.5, -0.25, 2])},
    "points": points,
}


class RandomFeatures:
    def __init__(self, maker):
        self.maker, self.list, self.makers, self.width, self.widths = maker, [], [], 0, []
        for index in range(maker.between(1, 6)):
            before = self.width
            self.add(index)
            self.widths.append(self.width - before)

    def add(self, index):
        maker = self.maker
        feature = {
            "name": maker.pick(["age", "f", "Land", "ein wert"]) + f" {index}",
            "kind": maker.pick(["dense", "categorical", "sequence"]),
        }
        if maker.chance(0.6):
            feature["side"] = maker.pick(["user", "item", "context"])
        {"dense": self.dense, "categorical": self.categorical, "sequence": self.sequence}[feature["kind"]](
            feature, index
        )
        self.list.append(feature)

    # -------------------------------------------------------------------------------- dense
    def dense(self, feature, index):
        maker = self.maker
        width = 1 if maker.chance(0.6) else maker.between(2, 4)
        if maker.chance(0.5):
            feature["scale"] = maker.pick(
                [
                    {"min": maker.number(-3, 0), "max": maker.number(1, 4)},
                    {"mean": maker.number(-1, 1), "std": maker.number(0.3, 2)},
                    {"offset": maker.number(-1, 1), "factor": maker.number(-2, 2)},
                ]
            )
        if maker.chance(0.3):
            feature["clip"] = [maker.number(-2, 0), maker.number(0.1, 2)]
            feature["clip"] = maker.pick([feature["clip"], [None, feature["clip"][1]], [feature["clip"][0], None]])
        # Raw numbers of a function are positive: not outside of its domain, nor where it is steep.
        function = maker.pick(["log", "log1p", "log10", "sqrt", "abs", "signed_log1p", "is_missing", *PARAMETERS])
        has_function = maker.chance(0.4)
        if has_function:
            feature["function"] = PARAMETERS[function](maker) if function in PARAMETERS else function
        has_missing = maker.chance(0.4)
        if has_missing and feature.get("function") != "is_missing":
            feature["missing"] = maker.number(0.2, 2) if has_function else maker.number(-2, 2)
        outputs = width
        if maker.chance(0.3):
            outputs = maker.between(1, 5)
            orientation = maker.pick(["out_in", "in_out"])
            feature["projection"] = {"weight": f"projection.{index}.w"}
            if orientation == "in_out" or maker.chance(0.5):
                feature["projection"]["orientation"] = orientation
            maker.add(f"projection.{index}.w", maker.matrix(outputs, width, orientation))
            if maker.chance(0.5):
                feature["projection"]["bias"] = f"projection.{index}.b"
                maker.add(f"projection.{index}.b", maker.array(outputs))
        elif width > 1:
            feature["width"] = width
        self.width += outputs
        number = lambda: abs(maker.rng.standard_normal()) + 0.1 if has_function else maker.rng.standard_normal() * 2
        columns = [feature["name"]] if width == 1 else [f"{feature['name']}.{i}" for i in range(width)]
        self.makers.append(
            lambda: {
                column: (
                    "" if has_missing and maker.chance(0.2) else f"{np.float32(number()):.9g}"
                )
                for column in columns
            }
        )

    # -------------------------------------------------------------------------------- categories
    def vocabulary(self, feature):
        """(texts that it holds, texts that it does not, number of ids)"""
        maker = self.maker
        kind = maker.pick(["strings", "integers", "identity", "hash", "bins", "date"])
        if kind == "date":
            return self.dated(feature)
        if kind == "bins":
            return self.binned(feature)
        if kind == "hash":
            return self.hashed(feature)
        if kind == "identity":
            size = maker.between(2, 8)
            feature["vocabulary"] = {"identity": size}
            return [str(i) for i in range(size)], [str(size), "999", "-1"], size
        if kind == "strings":
            words = [word for word in WORDS if word or feature["kind"] == "categorical"]
            chosen = [str(word) for word in maker.rng.permutation(words)[: maker.between(2, 6)]]
            feature["vocabulary"] = chosen
            outside = [word for word in WORDS if word not in chosen and word] + ["never seen"]
        else:
            chosen = [int(value) for value in maker.rng.choice(200, maker.between(2, 6), replace=False) - 50]
            feature["vocabulary"] = chosen
            outside = ["777", "-99"]
        first = 0
        if maker.chance(0.2):
            feature["ids"] = [maker.below(9) for _ in chosen]
            return [str(key) for key in chosen], outside, max(feature["ids"]) + 1
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        ids = first + len(chosen)
        if maker.chance(0.3):
            others = {"buckets": maker.between(1, 4), "first_id": maker.below(3)}
            if maker.chance(0.5):
                others["mask"] = chosen[0] if maker.chance(0.3) else outside[0]
            feature["unknown"] = others
            feature["missing"] = maker.pick(["zero", {"id": maker.below(ids)}])
            ids = max(ids, others["first_id"] + others["buckets"])
        return [str(key) for key in chosen], outside, ids

    def dated(self, feature):
        """As vocabulary()."""
        maker = self.maker
        part, size = maker.pick([("minute", 60), ("hour", 24), ("day_of_week", 7), ("day", 31), ("month", 12)])
        unit, ticks = maker.pick([("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
        feature["vocabulary"] = {"date": part, "unit": unit}
        if maker.chance(0.5):
            feature["vocabulary"]["utc_offset"] = maker.pick([-5400, 3600, 86400, -1])
        first = 0
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        seconds = [int(maker.number(-3e9, 8e9)) for _ in range(6)] + [0, -1, 951782399, 951868800]
        inside = [str(at * ticks + maker.below(ticks)) for at in seconds]
        return inside, inside if feature["kind"] == "sequence" else [""], first + size

    def binned(self, feature):
        """As vocabulary()."""
        maker = self.maker
        bounds = sorted({float(round(maker.number(-3, 3), 2)) for _ in range(maker.between(1, 6))})
        feature["vocabulary"] = {"bounds": bounds, "side": maker.pick(["left", "right"])}
        values = maker.pick([None, "float32", "float64"])
        if values is not None:
            feature["vocabulary"]["values"] = values
        first = 0
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        elif maker.chance(0.4):
            feature["ids"] = [maker.below(5) for _ in range(len(bounds) + 1)]
            first = 5
        inside = ["-7", "7", "1e39", "-inf", *(repr(bound) for bound in bounds)]
        inside += [repr(float(np.nextafter(bound, 9))) for bound in bounds]
        inside += [f"{maker.number(-4, 4):.3f}" for _ in range(4)]
        return inside, ["nan"] if feature["kind"] == "sequence" else ["nan", ""], first + len(bounds) + 1

    def hashed(self, feature):
        """As vocabulary(); what is masked or does not fit is not held."""
        maker = self.maker
        rule = {"hash": maker.pick(HASHES), "buckets": maker.between(1, 12)}
        self.seed(rule)
        of = maker.pick(["int64"] if rule["hash"] == "value" else [None, "text", "int64", "int32"])
        if of is not None:
            rule["of"] = of
        modulo = maker.pick([None, "unsigned", "absolute", "floored", "signed"])
        if modulo is not None:
            rule["modulo"] = modulo
        if modulo == "signed":
            rule["buckets"] *= 2
        if of in (None, "text") and maker.chance(0.3):
            rule["prefix"] = maker.pick(["city=", "ß"])
        if of in ("int64", "int32"):
            values = [0, -1, 17, 2**31 - 1, -(2**31), *(int(i) for i in maker.rng.choice(10**6, 5))]
            inside, outside = [str(value) for value in values], []
            (outside if of == "int32" else inside).extend([str(2**31), str(-(2**31) - 1)])
        else:
            long_texts = ["ab" * int(n) for n in maker.rng.choice(100, 3)]
            inside = [word for word in WORDS + [" AT", *long_texts] if word or feature["kind"] == "categorical"]
            outside = []
        if maker.chance(0.4):
            masked = inside.pop(maker.below(len(inside)))
            rule["mask"] = int(masked) if of in ("int64", "int32") and maker.chance(0.5) else masked
            inside, outside = [text for text in inside if text != masked], outside + [masked]
        feature["vocabulary"] = rule
        first = 0
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        return inside, outside or inside, first + rule["buckets"]

    def seed(self, rule):
        maker = self.maker
        if rule["hash"] == "siphash24":
            rule["key"] = [maker.pick([0, 42, 2**64 - 1]), 7]
        elif rule["hash"] in ("xxh64", "murmur3", "murmur64") and maker.chance(0.5):
            rule["seed"] = maker.pick([0, 42, 2**32 - 1])

    def rule(self, feature, ids):
        if "unknown" in feature:
            return True  # it has buckets
        rule = self.maker.pick(["error", "zero", "id", None])
        if rule == "id":
            feature["unknown"] = {"id": self.maker.below(ids)}
        elif rule is not None:
            feature["unknown"] = rule
        return rule in ("zero", "id")

    def constant_table(self, feature, ids):
        """One that the description has."""
        maker = self.maker
        if maker.chance(0.5):
            width = maker.between(1, 4)
            feature["embedding"] = {"rows": [[maker.number(-1, 1) for _ in range(width)] for _ in range(ids)]}
        elif maker.chance(0.3):
            width = (ids + 1) // 2
            feature["embedding"] = {"signed_one_hot": width}
        else:
            width = maker.between(max(1, ids - 2), ids)
            feature["embedding"] = {"one_hot": width}
            if width < ids or maker.chance(0.5):
                feature["embedding"]["ids"] = ids + maker.below(2)
        self.width += width

    def table(self, feature, index, ids):
        maker = self.maker
        if maker.chance(0.2):
            return self.constant_table(feature, ids)
        width, spare = maker.between(1, 6), maker.below(3)
        first = 0
        if feature["kind"] == "categorical" and maker.chance(0.25):
            first = feature["first_row"] = maker.between(1, 5)
        feature["embedding"] = f"tables.{index}.weight"
        maker.add(feature["embedding"], maker.array(first + ids + spare, width))
        self.width += width

    def joined(self, feature, index):
        """Columns of its own, whose texts are joined, and hashed or looked up."""
        maker = self.maker
        columns = [f"part {index} {i}" for i in range(maker.between(2, 3))]
        rule = feature["vocabulary"] = {"join": columns, "separator": maker.pick(["", "_", " x "])}
        words = ["a", "b", "", "7", "Zürich"]
        if maker.chance(0.5):
            rule["mask"] = maker.pick(words)
        first = 0
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        if maker.chance(0.5):
            rule.update(hash=maker.pick([name for name in HASHES if name != "value"]), buckets=maker.between(1, 12))
            self.seed(rule)
            ids = first + rule["buckets"]
            feature["unknown"] = maker.pick(["zero", {"id": maker.below(ids)}])
        else:
            keys = {rule["separator"].join(maker.pick(words) for _ in columns) for _ in range(4)}
            rule["list"] = sorted(keys)
            ids = first + len(keys)
            feature["unknown"] = maker.pick(["zero", {"id": maker.below(ids)}, {"buckets": 2}])
            if "buckets" in feature["unknown"]:
                feature["missing"], ids = "zero", max(ids, 2)
        self.table(feature, index, ids)
        self.makers.append(lambda: {column: maker.pick(words) for column in columns})

    def crossed(self, feature, index):
        """Columns of its own, of texts and integers; an empty integer is missing."""
        maker = self.maker
        kinds = [maker.pick(["text", "int64", None]) for _ in range(maker.between(2, 4))]
        columns = [f"part {index} {i}" for i in range(len(kinds))]
        parts = [column if of is None else {"column": column, "of": of} for column, of in zip(columns, kinds)]
        rule = feature["vocabulary"] = {"cross": parts, "buckets": maker.between(1, 12)}
        if maker.chance(0.5):
            rule["key"] = maker.pick([0, 42, 2**64 - 1])
        first = 0
        if maker.chance(0.5):
            first = feature["first_id"] = maker.between(0, 3)
        missing = self.rule(feature, first + rule["buckets"])
        self.table(feature, index, first + rule["buckets"])
        integers = ["0", "-1", str(2**63 - 1), str(-(2**63)), "17"]

        def cell(of):
            return maker.pick(integers + [""] * missing if of == "int64" else WORDS + [" AT", "ab" * 60])

        self.makers.append(lambda: {column: cell(of) for column, of in zip(columns, kinds)})

    def categorical(self, feature, index):
        maker = self.maker
        if maker.chance(0.2):
            return maker.pick([self.crossed, self.joined])(feature, index)
        inside, outside, ids = self.vocabulary(feature)
        unknown = self.rule(feature, ids)
        self.table(feature, index, ids)
        name = feature["name"]
        self.makers.append(lambda: {name: maker.pick(outside if unknown and maker.chance(0.25) else inside)})

    def sequence(self, feature, index):
        maker = self.maker
        inside, outside, ids = self.vocabulary(feature)
        unknown = self.rule(feature, ids)
        length = feature["length"] = maker.between(1, 5)
        feature["pooling"] = maker.pick(["sum", "mean", "max", "sqrtn"])
        if maker.chance(0.5):
            feature["padding_id"] = maker.below(ids)
        if maker.chance(0.3):
            feature["empty"] = {"id": maker.below(ids)}
        self.table(feature, index, ids)
        name = feature["name"]
        element = lambda: maker.pick(outside if unknown and maker.chance(0.25) else inside)
        if feature["pooling"] == "max" or maker.chance(0.6):
            self.makers.append(lambda: {name: "|".join(element() for _ in range(maker.between(0, length)))})
            return
        feature["weights"] = f"{name} weights"

        def bag():
            count = maker.between(0, length)
            weights = [np.float32(maker.pick([maker.number(0.1, 2), maker.number(0.1, 2), 0, -0.5])) for _ in range(count)]
            cell = "|".join(f"{weight:.9g}" for weight in weights)
            return {name: "|".join(element() for _ in range(count)), feature["weights"]: cell}

        self.makers.append(bag)

    def rows(self, count):
        result = []
        for _ in range(count):
            row = {}
            for make in self.makers:
                row.update(make())
            result.append(row)
        return result
