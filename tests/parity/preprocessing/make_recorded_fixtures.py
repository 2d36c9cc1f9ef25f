#!/usr/bin/env python3
"""Writes the fixtures of ids that libraries give, which are recorded here: nothing but PyTorch is needed to write them.

A task's score is the number of its feature: one more than the id, 0 for a zero embedding, or the number itself.
"""

import json
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "architectures")]
from fixture import write_csv, write_safetensors  # noqa: E402

FIXTURES = HERE / "fixtures"
TEXTS = ["", "a", "Wien", "São Paulo", "shoes", "日本"]
INTEGERS = [0, 1, -1, 7, 123456789012, -(2**63)]
NONE = None  # a zero embedding


def tower_weights(tasks, wide):
    """Each task reads the columns of its feature: one, or those that `wide` has weights of."""
    blocks = [torch.tensor([wide.get(task, [1.0])]) for task in tasks]
    return dict(zip(tasks, torch.block_diag(*blocks).split(1)))


def write(name, columns, recorded, features, tables, wide={}):
    """`columns`: {column: cells}; `recorded`: {task: ids, or floats}, a task per feature; `tables`: {tensor: rows}."""
    count = max(len(cells) for cells in columns.values())
    tensors = {table: torch.arange(1.0, rows + 1).reshape(rows, 1) for table, rows in tables.items()}
    tensors.update({f"towers.{task}.weight": row for task, row in tower_weights(recorded, wide).items()})
    description = {"mmoe_description": 1, "features": features, "towers": {"layers": "towers.{task}"},
                   "tasks": [{"name": task, "link": "identity"} for task in recorded]}
    (FIXTURES / f"{name}.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n")
    write_safetensors(FIXTURES / f"{name}.safetensors", tensors)
    # Shorter lists begin again.
    write_csv(FIXTURES / f"{name}.rows.csv", list(columns),
              [[cells[i % len(cells)] for cells in columns.values()] for i in range(count)])

    def score(value):
        return "0" if value is NONE else f"{value:.9g}" if isinstance(value, float) else str(value + 1)

    write_csv(FIXTURES / f"{name}.scores.csv", list(recorded),
              [[score(ids[i % len(ids)]) for ids in recorded.values()] for i in range(count)])


def category(name, column, vocabulary, table="ids", **more):
    return {"name": name, "column": column, "kind": "categorical", "vocabulary": vocabulary, "embedding": table,
            "unknown": "zero", **more}


def spark():
    """pyspark 4.3, of a session with one worker."""
    spark_hash = {"hash": "murmur3", "seed": 42, "buckets": 1000, "modulo": "floored"}
    spark_xxhash = {"hash": "xxh64", "seed": 42, "of": "int64", "buckets": 1000, "modulo": "floored"}
    columns = {"text": TEXTS, "long": INTEGERS, "int": [0, 1, -1, 7, "", ""], "label": ["b", "a", "c", "d", "zz", ""],
               "x": [-5.0, 0.0, 9.99, 10.0, "inf", "nan"]}
    recorded = {
        "hashing_tf": [372, 467, 426, 330, 752, 85],  # HashingTF(numFeatures=1000) of a list of one text
        "hash_long": [805, 669, 993, 811, 351, 915],  # pmod(hash(v), 1000)
        "xxhash64_long": [188, 418, 10, 337, 671, 700],  # pmod(xxhash64(v), 1000)
        "hash_int": [791, 43, 613, 707, NONE, NONE],  # pmod(hash(cast(v as int)), 1000)
        # StringIndexer(handleInvalid="keep") of b, a, c, b, a, b, d, whose labels are in the order frequencyDesc
        "string_indexer": [0, 1, 2, 3, 4, 4],
        # Bucketizer(splits=[-inf, 0, 10, inf], handleInvalid="keep")
        "bucketizer": [0, 1, 1, 2, 2, 3],
    }
    features = [
        category("hashing_tf", "text", spark_hash),
        category("hash_long", "long", {**spark_hash, "of": "int64"}),
        category("xxhash64_long", "long", spark_xxhash),
        category("hash_int", "int", {**spark_hash, "of": "int32"}),
        category("string_indexer", "label", ["b", "a", "c", "d"], unknown={"id": 4}),
        category("bucketizer", "x", {"bounds": [0, 10], "side": "right", "values": "float64"}, unknown={"id": 3}),
    ]
    write("spark", columns, recorded, features, {"ids": 1000})


def keras():
    """Keras 3.15 with TensorFlow 2.21."""
    words = ["a", "b", "c", "d", "", "Wien", "x"]
    integers = [7, -3, 0, 1, 2, 3, -1, -2, -4, 2**62, -(2**63)]
    columns = {"word": words, "integer": integers, "hashed": ["a", "b", "", "Wien"], "salted": [1, 2, -3, 2**40]}
    recorded = {
        "lookup": [3, 4, 1, 2, 2, 1, 2],  # StringLookup(vocabulary=["a", "b"], num_oov_indices=3)
        "masked": [4, 5, 2, 3, 0, 2, 3],  # the same with mask_token=""
        "integers": [3, 4, 0, 1, 2, 0, 2, 1, 2, 1, 1],  # IntegerLookup(vocabulary=[7, -3], num_oov_indices=3)
        "hashing": [6, 2, 0, 2],  # Hashing(num_bins=10, salt=[133, 137], mask_value="")
        "one_salt": [3, 6, 7, 4],  # Hashing(num_bins=10, salt=5) of integers
    }
    salted = {"hash": "siphash24", "key": [133, 137], "buckets": 9, "mask": ""}
    features = [
        category("lookup", "word", ["a", "b"], first_id=3, unknown={"buckets": 3}),
        category("masked", "word", ["", "a", "b"], ids=[0, 4, 5], unknown={"buckets": 3, "first_id": 1}),
        category("integers", "integer", [7, -3], first_id=3, unknown={"buckets": 3}),
        category("hashing", "hashed", salted, first_id=1, unknown={"id": 0}),
        category("one_salt", "salted", {"hash": "siphash24", "key": [5, 5], "buckets": 10}),
    ]
    write("keras_ids", columns, recorded, features, {"ids": 10})


EASYREC = """# Features of the tests of TorchEasyRec, and the ids that they state.
train_input_path: "train"
train_config { num_epochs: 1 }
data_config { fg_mode: FG_NORMAL }
feature_configs { id_feature { feature_name: "hashed" expression: "user:id_input" hash_bucket_size: 100 embedding_dim: 1 } }
feature_configs { combo_feature {
    feature_name: "pair" expression: ["user:uid", "item:iid"] hash_bucket_size: 100 embedding_dim: 1 embedding_name: "pairs"
} }
feature_configs { id_feature {
    feature_name: "listed" expression: "user:word" vocab_list: ["abc", "efg"] default_value: "xyz" embedding_dim: 1
} }
feature_configs { id_feature {
    feature_name: "dict" expression: "user:word" vocab_dict: [{key: "abc" value: 2}, {key: "efg" value: 2}]
    default_value: "abc" embedding_dim: 1
} }
feature_configs { id_feature {
    feature_name: "unlisted" expression: "user:word" vocab_list: ["abc", "efg"] embedding_dim: 1 embedding_name: "listed_emb"
} }
feature_configs { raw_feature {
    feature_name: "bins" expression: "user:raw" boundaries: [0.05, 0.15, 0.25] default_value: "0.1" embedding_dim: 1
} }
feature_configs { raw_feature {
    feature_name: "range" expression: "user:raw2" normalizer: "method=minmax,min=0.1,max=0.6" default_value: "0.4"
} }
feature_configs { raw_feature {
    feature_name: "log_bins" expression: "user:raw3" normalizer: "method=log10,threshold=0.05,default=-5"
    boundaries: [0.05, 0.15, 0.25] default_value: "0.01" embedding_dim: 1 embedding_name: "bins_emb"
} }
feature_configs { id_feature {
    feature_name: "filled" expression: "user:id_input" hash_bucket_size: 100 default_value: "xyz" embedding_dim: 1
    embedding_name: "hashed_emb"
} }
feature_configs { id_feature {
    feature_name: "bag" expression: "user:tags" hash_bucket_size: 100 default_value: "xyz" embedding_dim: 1
    embedding_name: "hashed_emb"
} }
feature_configs { combo_feature {
    feature_name: "pair_bag" expression: ["user:uids", "item:iids"] hash_bucket_size: 100 embedding_dim: 1 default_value: "xyz"
} }
feature_configs { sequence_feature {
    sequence_name: "click_50_seq" sequence_length: 2 sequence_delim: ";"
    features { id_feature { feature_name: "hashed" expression: "user:id_str" hash_bucket_size: 100 embedding_dim: 1 } }
} }
feature_configs { sequence_id_feature {
    feature_name: "words" expression: "user:words" sequence_length: 6 vocab_list: ["a", "b", "c"] default_value: "0"
    embedding_dim: 1
} }
feature_configs { lookup_feature { feature_name: "unread" map: "user:map" key: "item:key" } }
model_config {
    feature_groups {
        group_name: "all" group_type: DEEP
        feature_names: ["hashed", "pair", "listed", "dict", "unlisted", "bins", "range", "log_bins", "filled", "bag",
                        "pair_bag", "click_50_seq__hashed", "words"]
    }
}
"""


def kept_weights(length):
    """Of the elements, then of the numbers that say which of them are there: whole sums say both."""
    return [*(7.0**i for i in range(length)), *(0.5**(i + 1) for i in range(length))]


def kept(ids, length):
    there = [1.0] * len(ids) + [0.0] * (length - len(ids))
    columns = [id + 1.0 for id in ids] + [0.0] * (length - len(ids)) + there
    return sum(weight * column for weight, column in zip(kept_weights(length), columns))


def torch_easy_rec():
    """The tests of TorchEasyRec at 54cac316: its library for features is not public."""
    columns = {
        "id_input": ["abc", "efg", "hij", "xyz", "1", "2", "3", "4", ""],
        "uid": ["ua", "ua", "ub", "ub", "uc", "ug", "ug", "uh", "uj"],
        "iid": ["ia", "ib", "ia", "ib", "ic", "id", "ie", "if", ""],
        "word": ["abc", "efg", "", "hij"],
        "raw": [0.2, 0.1, 0.3, ""],
        "raw2": [0.2, 0.5, "", 0.3, 0.6],
        "raw3": [0.1, "", 10],
        "tags": ["abc|efg", "", "hij"],
        "pair_bag": ["ua_ia|ua_ib|ub_ia|ub_ib", "uc_ic|ud_ic", ""],
        "click_50_seq__id_str": ["abc|hij", "", "hij"],
        "words": ["c||a|b|b|", "", "a|b||c"],
    }
    recorded = {
        "hashed": [33, 44, 66, 13, 95, 70, 13, 56, NONE],
        "pair": [37, 90, 5, 97, 60, 40, 57, 55, NONE],
        "listed": [2, 3, 0, 1],
        "dict": [0, 2, 0, 1],
        "unlisted": [2, 3, NONE, 1],
        "bins": [2, 1, 3, 1],
        "range": [0.2, 0.8, 0.4, 0.4, 1.0],
        "log_bins": [0, 0, 3],
        "filled": [33, 44, 66, 13, 95, 70, 13, 56, 13],
        # Several ids, of which each embedding is one more.
        "bag": [34.0 + 45, 14.0, 67.0],
        "pair_bag": [38.0 + 91 + 6 + 98, 61.0 + 57, 14.0],
        "click_50_seq__hashed": [kept([33, 66], 2), kept([26], 2), kept([66], 2)],
        "words": [kept([4, 0, 2, 3, 3, 0], 6), kept([0], 6), kept([2, 3, 0, 4], 6)],
    }
    (FIXTURES / "torcheasyrec.config").write_text(EASYREC)
    tables = {"hashed_emb": 100, "pairs": 100, "listed_emb": 4, "dict_emb": 3, "bins_emb": 4, "pair_bag_emb": 100,
              "click_50_seq__hashed_emb": 100, "words_emb": 5}
    entry = {"torch_easy_rec": "torcheasyrec.config", "lengths": {"bag": 3, "pair_bag": 4}}
    write("torcheasyrec", columns, recorded, [entry],
          {f"model.ebc.embedding_bags.{table}.weight": rows for table, rows in tables.items()},
          {"click_50_seq__hashed": kept_weights(2), "words": kept_weights(6)})


def fuxictr():
    """FuxiCTR's Tokenizer: ids from 1 by frequency, __PAD__ 0, __OOV__ last; a number is multiplied."""
    columns = {"city": ["Wien", "7", "never", ""], "item": [12, -3, 99, 5], "price": [1.5, -2.0, "", 0.25]}
    recorded = {"city": [1, 2, 3, 3], "item": [1, 2, 4, 3], "price": [1.5, -2.0, 0.0, 0.25]}
    words = {"city": {"__PAD__": 0, "Wien": 1, "7": 2, "__OOV__": 3},
             "item": {"__PAD__": 0, "12": 1, "-3": 2, "5": 3, "__OOV__": 4}}
    spec = [{"city": {"source": "", "type": "categorical", "padding_idx": 0, "vocab_size": 4}},
            {"item": {"source": "", "type": "categorical", "padding_idx": 0, "vocab_size": 5}},
            {"price": {"source": "", "type": "numeric"}}, {"group_id": {"type": "meta"}}]
    (FIXTURES / "fuxictr.map.json").write_text(json.dumps({"dataset_id": "fixture", "features": spec}, indent=1) + "\n")
    (FIXTURES / "fuxictr.vocab.json").write_text(json.dumps(words, indent=1) + "\n")
    layers = "embedding_layer.embedding_layer.embedding_layers"
    write("fuxictr", columns, recorded, [{"fuxictr": "fuxictr.map.json", "vocabulary": "fuxictr.vocab.json"}],
          {f"{layers}.{name}.weight": rows for name, rows in (("city", 4), ("item", 5), ("price", 1))})


if __name__ == "__main__":
    spark()
    keras()
    torch_easy_rec()
    fuxictr()
