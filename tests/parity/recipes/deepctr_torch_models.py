"""DeepCTR-Torch: SharedBottom, MMOE, PLE and ESMM, and of one task DeepFM, WDL, DCN, DCNMix, NFM, xDeepFM, AutoInt and
DIN, by its own compile, fit and predict."""

import importlib.metadata

import numpy as np
import torch
from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat, get_feature_names
from deepctr_torch.models import DCN, DIN, NFM, WDL, AutoInt, DCNMix, DeepFM, multitask, xDeepFM

from case import Case
from torch_weights import spread

LIBRARY = "DeepCTR-Torch " + importlib.metadata.version("deepctr-torch")


def make_data(columns, rows, rng):
    data = {}
    for column in columns:
        if isinstance(column, SparseFeat):
            data[column.name] = rng.integers(0, column.vocabulary_size, rows)
        elif isinstance(column, VarLenSparseFeat):  # zeros behind, as the library masks them
            ids = rng.integers(1, column.vocabulary_size, (rows, column.maxlen))
            length = rng.integers(1, column.maxlen + 1, (rows, 1))
            if column.length_name:  # one for all histories
                length = data.setdefault(column.length_name, length)
            ids[np.arange(column.maxlen) >= length] = 0
            data[column.name] = ids
        else:
            data[column.name] = rng.random((rows, column.dimension) if column.dimension > 1 else rows).astype("float32")
    return data


def train(model, columns, rng, task_types):
    data = make_data(columns, 256, rng)
    labels = rng.integers(0, 2, (256, len(task_types))).astype("float32")
    losses = ["binary_crossentropy" if task == "binary" else "mse" for task in task_types]
    one = len(losses) == 1
    model.compile("adam", loss=losses[0] if one else losses)
    model.fit(data, labels[:, 0] if one else labels, batch_size=64, epochs=3, verbose=0)


def raw_rows(data, columns):
    heading, values = [], []
    for column in columns:
        if isinstance(column, VarLenSparseFeat):
            heading.append(column.name)
            values.append(np.array(["|".join(map(str, ids)) for ids in data[column.name]]))
            continue
        wide = not isinstance(column, SparseFeat) and column.dimension > 1
        for i in range(column.dimension if wide else 1):
            heading.append(f"{column.name}.{i}" if wide else column.name)
            values.append(data[column.name][:, i] if wide else data[column.name])
    return heading, [[int(v) if np.issubdtype(v.dtype, np.integer) else v for v in row] for row in zip(*values)]


def case(name, architecture, model, columns, rows, task_types, settings, names=("y",)):
    """Weights that spread, a few steps of training, and what the library predicts."""
    rng = np.random.default_rng(11)
    spread(model)
    train(model, columns, rng, task_types)
    data = make_data(columns, rows, rng)
    scores = np.asarray(model.predict(data, batch_size=256))
    heading, raw = raw_rows(data, columns)
    return Case("deepctr_torch_" + name, LIBRARY, architecture, "weights.h5",
                lambda path: torch.save(model.state_dict(), path), settings, list(names), heading, raw, scores)


def ranker_cases(rows, full):
    """Models of one task. The linear part has tables of its own, and a weight for each dense column."""
    deep, width, vocabulary = ((256, 128), 8, 1000) if full else ((6, 5), 3, 7)
    columns = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width),
               SparseFeat("last_item", 2 * vocabulary, width, embedding_name="item"), DenseFeat("price"),
               DenseFeat("history", 2), VarLenSparseFeat(SparseFeat("tags", vocabulary, width), 4, "mean")]
    features = [{"name": "user"}, {"name": "item"}, {"name": "last_item", "embedding_name": "item"}, {"name": "price"},
                {"name": "history", "width": 2},
                {"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean", "padding_id": 0}]
    common = dict(dnn_hidden_units=deep, seed=7)
    yield "deep_fm", "DeepFM", DeepFM(columns, columns, **common), columns, features, {"model": "DeepFM"}
    sparse = columns[:2]
    yield ("deep_fm_regression", "DeepFM", DeepFM(sparse, sparse, dnn_use_bn=True, task="regression", **common), sparse,
           features[:2], {"model": "DeepFM", "tasks": [{"name": "dwell", "link": "identity"}]})
    yield "wdl", "Wide & Deep", WDL(columns, columns, dnn_activation="prelu", **common), columns, features, {
        "model": "WDL", "activation": "prelu"}
    yield "nfm", "NFM", NFM(columns, columns, **common), columns, features, {"model": "NFM"}
    yield "dcn", "DCN", DCN(columns, columns, **common), columns, features, {}
    yield "dcn_matrix", "DCN v2", DCN(columns, columns, cross_parameterization="matrix", dnn_use_bn=True, **common), \
        columns, features, {}
    even = [SparseFeat("user", vocabulary, 4), SparseFeat("item", 2 * vocabulary, 4), DenseFeat("price")]
    yield "auto_int", "AutoInt", AutoInt(even, even, **common), even, [{"name": c.name} for c in even], {"num_heads": 2}
    own = [column for column in columns if column.name != "last_item"]  # the CIN counts tables, not features
    named = [feature for feature in features if feature["name"] != "last_item"]
    cin = dict(cin_layer_size=(256, 128) if full else (6, 4))
    yield "xdeep_fm", "xDeepFM", xDeepFM(own, own, **cin, **common), own, named, {}
    yield ("xdeep_fm_whole", "xDeepFM", xDeepFM(own, own, dnn_hidden_units=(), cin_split_half=False, cin_activation="sigmoid",
                                               cin_layer_size=(5, 4, 3), seed=7), own, named, {"activation": "sigmoid"})
    mixed = DCNMix(columns, columns, low_rank=3, num_experts=3, **common)
    yield "dcn_mix", "DCN v2", mixed, columns, features, {}
    length = dict(maxlen=4, length_name="seq_length")
    history = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width),
               SparseFeat("shop", vocabulary, width + 1), DenseFeat("price"),
               VarLenSparseFeat(SparseFeat("hist_item", 2 * vocabulary, width, embedding_name="item"), **length),
               VarLenSparseFeat(SparseFeat("hist_shop", vocabulary, width + 1, embedding_name="shop"), **length)]
    kept = {"kind": "sequence", "length": 4, "pooling": "none", "padding_id": 0}
    described = [*({"name": name} for name in ("user", "item", "shop", "price")),
                 *({"name": f"hist_{name}", "embedding_name": name, **kept} for name in ("item", "shop"))]
    attends = dict(att_hidden_size=(64, 16) if full else (5, 4))
    yield "din", "DIN", DIN(history, ["item", "shop"], **common, **attends), history, described, {
        "activation": {"experts": "relu", "gates": "Dice"}}
    yield "din_softmax", "DIN", DIN(history, ["item", "shop"], att_weight_normalization=True, **common, **attends), history, \
        described, {"activation": {"experts": "relu", "gates": "Dice"}, "attention_softmax": True}
    yield "din_sigmoid", "DIN", DIN(history, ["item", "shop"], att_activation="sigmoid", **common, **attends), history, \
        described, {"activation": {"experts": "relu", "gates": "sigmoid"}}


def multitask_cases(rows, full):
    wide, narrow, width = ((256, 128), (64,), 8) if full else ((6, 5), (4,), 3)
    vocabulary = 1000 if full else 7
    columns = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width),
               SparseFeat("last_item", 2 * vocabulary, width, embedding_name="item"), DenseFeat("price"),
               DenseFeat("history", 2), VarLenSparseFeat(SparseFeat("tags", vocabulary, width), 4, "mean")]
    features = [{"name": "user"}, {"name": "item"}, {"name": "last_item", "embedding_name": "item"}, {"name": "price"},
                {"name": "history", "width": 2},
                {"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean", "padding_id": 0}]
    common = dict(seed=7, tower_dnn_hidden_units=narrow)
    tasks = dict(task_names=("click", "dwell"), task_types=("binary", "regression"))
    task_list = ["click", {"name": "dwell", "link": "identity"}]
    makers = {
        "mmoe": ("MMoE", multitask.MMOE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=narrow, **tasks), "relu"),
        "mmoe_bn_prelu": ("MMoE", multitask.MMOE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=(),
                                                       dnn_use_bn=True, dnn_activation="prelu", **tasks), "prelu"),
        "ple": ("PLE", multitask.PLE, dict(expert_dnn_hidden_units=wide, gate_dnn_hidden_units=narrow,
                                           specific_expert_num=2, shared_expert_num=1, **tasks), "relu"),
        "esmm": ("ESMM", multitask.ESMM, {}, "relu"),
        "shared_bottom": ("Shared-Bottom", multitask.SharedBottom,
                          dict(bottom_dnn_hidden_units=wide, dnn_activation="sigmoid", **tasks), "sigmoid"),
    }
    for name, (architecture, maker, arguments, activation) in makers.items():
        model = maker(columns, **common, **arguments)
        settings = {"activation": activation, "features": features}
        names = ["ctr", "ctcvr"] if name == "esmm" else ["click", "dwell"]
        if name != "esmm":
            settings["tasks"] = task_list
        assert get_feature_names(columns) == [feature["name"] for feature in features]
        yield case(name, architecture, model, columns, rows, arguments.get("task_types", ("binary", "binary")), settings, names)


def cases(rows, full):
    yield from multitask_cases(rows, full)
    for name, architecture, model, columns, features, settings in ranker_cases(rows, full):
        types = ["regression" if "tasks" in settings else "binary"]
        names = [task["name"] for task in settings.get("tasks", [{"name": "y"}])]
        yield case(name, architecture, model, columns, rows, types, {"activation": "relu", **settings, "features": features},
                   names)
