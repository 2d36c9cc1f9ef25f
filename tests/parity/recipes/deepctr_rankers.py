"""DeepCTR's rankers of one task: DeepFM, WDL, NFM, DCN, DCNMix, xDeepFM, AutoInt and DIN."""

import numpy as np
import tensorflow as tf
from deepctr import models
from deepctr.feature_column import DenseFeat, SparseFeat, VarLenSparseFeat


def plain_columns(vocabulary, width):
    columns = [SparseFeat("user", vocabulary, width), SparseFeat("item", 2 * vocabulary, width), DenseFeat("price"),
               DenseFeat("history", 2), VarLenSparseFeat(SparseFeat("tags", vocabulary, width), 4, "mean")]
    features = [{"name": "user"}, {"name": "item"}, {"name": "price"}, {"name": "history", "width": 2},
                {"name": "tags", "kind": "sequence", "length": 4, "pooling": "mean", "padding_id": 0}]
    return columns, features


def histories(vocabulary, width):
    """The table of an item has the name of its history."""
    columns, features = [SparseFeat("user", vocabulary, width), DenseFeat("price")], [{"name": "user"}, {"name": "price"}]
    for name, columns_of in (("item", width), ("shop", width + 1)):
        seen = "hist_" + name
        columns += [SparseFeat(name, vocabulary, columns_of),
                    VarLenSparseFeat(SparseFeat(seen, vocabulary, columns_of, embedding_name=name), 4, length_name=None)]
        features += [{"name": name, "embedding_name": seen},
                     {"name": seen, "kind": "sequence", "length": 4, "pooling": "none", "padding_id": 0}]
    return columns, features


def makers(wide):
    """Name, architecture, maker, its arguments, settings."""
    hidden = dict(dnn_hidden_units=wide)
    relu = {"activation": "relu"}
    yield "deepfm", "DeepFM", models.DeepFM, dict(dnn_use_bn=True, **hidden), {"model": "DeepFM", **relu}
    yield "wdl", "Wide & Deep", models.WDL, hidden, {"model": "WDL", **relu}
    yield "nfm", "NFM", models.NFM, hidden, {"model": "NFM", **relu}
    yield "dcn", "DCN", models.DCN, hidden, relu
    yield "dcn_matrix", "DCN v2", models.DCN, dict(cross_parameterization="matrix", **hidden), relu
    yield "dcnmix", "DCN v2", models.DCNMix, dict(low_rank=2, num_experts=3, **hidden), relu
    yield ("xdeepfm", "xDeepFM", models.xDeepFM, dict(cin_layer_size=(4, 5), **hidden),
           {"activation": {"experts": "relu", "gates": "relu"}})
    yield "autoint", "AutoInt", models.AutoInt, dict(att_layer_num=2, att_embedding_size=3, **hidden), {"num_heads": 2, **relu}


def raw_rows(data):
    heading, columns = [], []
    for name, values in data.items():
        if values.ndim == 1:
            heading.append(name)
            columns.append([v.item() for v in values])
        elif values.dtype.kind == "i":
            heading.append(name)
            columns.append(["|".join(map(str, row)) for row in values])
        else:
            for i in range(values.shape[1]):
                heading.append(name if values.shape[1] == 1 else f"{name}.{i}")
                columns.append([v.item() for v in values[:, i]])
    return heading, [list(row) for row in zip(*columns)]


def ranker(tools, name, architecture, model, columns, settings, rows):
    rng = np.random.default_rng(19)
    tools.train(model, columns, rng, ["binary_crossentropy"])
    data = tools.make_data(columns, rows, rng)
    scores = model.predict(data, verbose=0)
    heading, raw = raw_rows(data)
    return tools.Case("deepctr_" + name, tools.LIBRARY, architecture, "weights.h5", model.save_weights, settings, ["y"],
                      heading, raw, scores)


def rankers(tools, rows, full):
    wide, width, vocabulary = ((256, 128), 8, 1000) if full else ((6, 5), 3, 7)
    columns, features = plain_columns(vocabulary, width)
    for name, architecture, maker, arguments, settings in makers(wide):
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(19)
        model = maker(columns, columns, **arguments)
        yield ranker(tools, name, architecture, model, columns, {"features": features, **settings}, rows)
    columns, features = histories(vocabulary, width)
    for name, arguments, settings in (
            ("din", {}, {"activation": {"experts": "relu", "gates": "dice"}}),
            ("din_softmax", dict(att_activation="sigmoid", att_weight_normalization=True),
             {"activation": {"experts": "relu", "gates": "sigmoid"}, "attention_softmax": True})):
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(19)
        model = models.DIN(columns, ["item", "shop"], dnn_hidden_units=wide, att_hidden_size=(5, 4), **arguments)
        yield ranker(tools, name, "DIN", model, columns, {"features": features, **settings}, rows)
