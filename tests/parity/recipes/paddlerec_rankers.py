"""PaddleRec's rankers, ESMM and MetaHeac. All fields of a ranker share one table, and numbers stand behind them."""

import numpy as np
import paddle

CATEGORIES, NUMBERS = 4, 3


def names():
    return [f"c{i}" for i in range(CATEGORIES)], [f"i{i}" for i in range(NUMBERS)]


def listed():
    categories, numbers = names()
    return [{"name": name, "kind": "categorical"} for name in categories] + [
        {"name": name, "kind": "dense"} for name in numbers]


def make_fields(ids, rng):
    """Ids of a field, and numbers, as the library's reader has them: a tensor for each field."""
    def make(count):
        sparse = [paddle.to_tensor(rng.integers(1, ids, (count, 1))) for _ in range(CATEGORIES)]
        return sparse, paddle.to_tensor(rng.random((count, NUMBERS)).astype("float32"))
    return make


def raw_fields(inputs):
    sparse, dense = inputs
    return [[*(int(column[row, 0]) for column in sparse), *map(float, dense[row])] for row in range(dense.shape[0])]


def makers(layer_class, full):
    """Name, architecture, model, what makes its scores, further settings."""
    ids, width, hidden = (10000, 9, [512, 256, 128]) if full else (11, 3, [6, 5])
    shape = (ids, width, NUMBERS, CATEGORIES)

    def rank(folder, name, *arguments):
        with paddle.utils.unique_name.guard():  # the library names its tables, and two models cannot both have a name
            return layer_class(folder, name, "rank")(*arguments)

    def first(outputs):
        return [outputs[0] if isinstance(outputs, tuple) else outputs]

    yield "wide_deep", "Wide & Deep", rank("wide_deep", "WideDeepLayer", *shape, hidden), first, {}
    yield "deepfm", "DeepFM", rank("deepfm", "DeepFMLayer", *shape, hidden), first, {}
    yield "xdeepfm", "xDeepFM", rank("xdeepfm", "xDeepFMLayer", *shape, [5, 4], hidden), first, {}
    yield ("dcn", "DCN", rank("dcn", "DeepCroLayer", *shape, hidden, 2, 100.0, 5e-5, False), first, {"cross_num": 2})
    for stacked in (True, False):
        for mixture in (False, True):
            kind = ("" if stacked else "_parallel") + ("_mixture" if mixture else "")
            model = rank("dcn_v2", "DCN_V2Layer", *shape, hidden, 2, stacked, mixture, 2, 3)
            yield ("dcn_v2" + kind, "DCN v2", model, first,
                   {} if stacked else {"model": "DCN_v2 parallel" + (" mixture" if mixture else "")})
    dlrm = rank("dlrm", "DLRMLayer", NUMBERS, [*hidden, width], ids, width, [*hidden, 2], CATEGORIES)
    yield "dlrm", "DLRM", dlrm, lambda logits: [paddle.nn.functional.softmax(logits)[:, 1:2]], {}


def rankers(tools, rows, full):
    for name, architecture, model, scores, settings in makers(tools.layer_class, full):
        rng = np.random.default_rng(31)
        make = make_fields(10000 if full else 11, rng)

        def scores_of(inputs, model=model, scores=scores):
            return scores(model(*inputs))

        tools.spread(model, rng)
        tools.train(model, scores_of, make, 1, rng)
        inputs = make(rows)
        categories, numbers = names()
        yield tools.case(name, architecture, model, scores_of, inputs, ["y"], {"features": listed(), **settings},
                         [*categories, *numbers], raw_fields(inputs))


def esmm(tools, rows, full):
    """Each field is a list of ids of one table, padded by 0 and summed."""
    ids, width, fields, hidden = (10000, 12, 23, [256, 64]) if full else (9, 3, 4, [6, 5])
    rng = np.random.default_rng(33)
    with paddle.utils.unique_name.guard():
        model = tools.layer_class("esmm", "ESMMLayer")(ids, width, fields, hidden, hidden)

    def make(count):
        return tools.padded_lists(count, fields, ids, rng)

    def scores_of(inputs):
        found = model(inputs)
        return [found[1], found[3], found[5]]

    tools.spread(model, rng)
    tools.train(model, scores_of, make, 3, rng)
    inputs = make(rows)
    features = [{"name": f"slot_{i}", "kind": "sequence", "length": 3, "pooling": "sum", "padding_id": 0}
                for i in range(fields)]
    columns = [["|".join(map(str, ids)) for ids in column.numpy()] for column in inputs]
    return tools.case("esmm", "ESMM", model, scores_of, inputs, ["ctr", "cvr", "ctcvr"], {"features": features},
                      [feature["name"] for feature in features], [list(row) for row in zip(*columns)])


LENGTHS = (10, 10, 10, 5, 5, 5, 5)  # of the lists of ids, which the library's code counts off


def metaheac(tools, rows, full):
    width, hidden, experts, outputs = (64, [64, 64], 8, 5) if full else (3, [5, 4], 3, 2)
    hidden = hidden if full else hidden[:1]
    sizes = ([7, 5], [9, 8, 7, 6, 5, 4, 3], [6, 4])
    rng = np.random.default_rng(35)
    model = tools.layer_class("metaheac", "WideAndDeepModel")(sizes, width, hidden, experts, outputs)

    def make(count):
        static = [rng.integers(0, size + 1, count) for size in sizes[0]]
        lists = [rng.integers(0, size + 1, (count, length)) for size, length in zip(sizes[1], LENGTHS)]
        lengths = np.stack([rng.integers(0, length + 1, count) for length in LENGTHS], axis=1)
        ads = [rng.integers(0, size + 1, count) for size in sizes[2]]
        return [paddle.to_tensor(np.stack(static, axis=1)), paddle.to_tensor(np.concatenate(lists, axis=1)),
                paddle.to_tensor(lengths), paddle.to_tensor(np.stack(ads, axis=1))]

    def scores_of(inputs):
        return [paddle.reshape(model(inputs), [-1, 1])]

    tools.spread(model, rng)
    tools.train(model, scores_of, make, 1, rng)
    inputs = make(rows)
    static, lists, lengths, ads = (part.numpy() for part in inputs)
    starts = np.cumsum([0, *LENGTHS])
    raw = [[*map(int, static[row]),
            *("|".join(map(str, lists[row, starts[i]:starts[i] + lengths[row, i]])) for i in range(len(LENGTHS))),
            *map(int, ads[row])] for row in range(rows)]
    features = []
    for kind, table, counts in (("categorical", "static_emb", sizes[0]), ("sequence", "dynamic_emb", sizes[1]),
                                ("categorical", "ad_emb", sizes[2])):
        for i, size in enumerate(counts):
            features.append({"name": f"{table}_{i}", "kind": kind, "vocabulary": {"identity": size + 1},
                             "embedding": f"embedding.{table}.embeddings.{i}.weight",
                             **({"length": LENGTHS[i], "pooling": "mean"} if kind == "sequence" else {})})
    return tools.case("metaheac", "MetaHeac", model, scores_of, inputs, ["y"], {"features": features},
                      [feature["name"] for feature in features], raw)
