"""FuxiCTR's DIN: histories that share the tables of what attends to them, by its own preprocessing."""

import csv
import json
import os
import pathlib
import tempfile

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.preprocess import FeatureProcessor

from case import Case
from fuxictr_zoo import load
from torch_weights import spread

LENGTH = 5


def random_rows(count, size, rng, unseen):
    """Rows of texts; histories are joined by ^, some of them empty."""
    def one(letter):
        return "unseen" if unseen and rng.random() < 0.1 else f"{letter}{rng.integers(size)}"

    rows = []
    for _ in range(count):
        length = rng.integers(0, LENGTH + 1)
        rows.append({"user": one("u"), "item": one("i"), "seen": "^".join(one("i") for _ in range(length)),
                     "shop": one("s"), "seen_shops": "^".join(one("s") for _ in range(length)), "price": f"{rng.random():.5f}"})
    return rows


def preprocess(folder, rows):
    sequence = {"active": True, "dtype": "str", "type": "sequence", "splitter": "^", "max_len": LENGTH, "padding": "pre",
                "feature_encoder": None}
    category = {"active": True, "dtype": "str", "type": "categorical"}
    processor = FeatureProcessor(
        feature_cols=[{"name": "user", **category}, {"name": "item", **category},
                      {"name": "seen", "share_embedding": "item", **sequence}, {"name": "shop", **category},
                      {"name": "seen_shops", "share_embedding": "shop", **sequence},
                      {"name": "price", "active": True, "dtype": "float", "type": "numeric"}],
        label_col={"name": "click", "dtype": "float"}, dataset_id="din", data_root=folder)
    path = pathlib.Path(folder, "train.csv")
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    processor.fit(processor.preprocess(processor.read_data(str(path))), min_categr_count=1)
    return processor


def encode(processor, rows):
    batch = {name: [row[name] for row in rows] for name in rows[0] if name not in ("price", "click")}
    batch["price"] = np.array([float(row["price"]) for row in rows])
    return {name: torch.as_tensor(np.asarray(values)) for name, values in processor.transform(batch).items()}


def din_cases(root, library, rows, full):
    width, deep, attention, size = (10, [512, 128, 64], [64], 900) if full else (3, [6, 5], [5, 4], 6)
    for name, fields, sequences, hidden, softmax in (
            ("din", [("item", "shop")], [("seen", "seen_shops")], "Dice", False),
            ("din_prelu", ["item", "shop"], ["seen", "seen_shops"], "PReLU", True)):
        torch.manual_seed(31)
        rng = np.random.default_rng(31)
        with tempfile.TemporaryDirectory() as folder:
            sample = [dict(row, click=int(rng.integers(2))) for row in random_rows(256, size, rng, False)]
            processor = preprocess(folder, sample)
            files = {file: pathlib.Path(folder, "din", file).read_text()
                     for file in ("feature_map.json", "feature_vocab.json")}
            feature_map = FeatureMap("din", os.path.join(folder, "din"))
            feature_map.load(os.path.join(folder, "din", "feature_map.json"), {"embedding_dim": width})
            model = load(root, "DIN", "DIN")(
                feature_map, gpu=-1, dnn_hidden_units=deep, attention_hidden_units=attention, learning_rate=1e-3,
                attention_hidden_activations=hidden, embedding_dim=width, din_target_field=fields,
                din_sequence_field=sequences, din_use_softmax=softmax, task="binary_classification", optimizer="adam",
                loss="binary_crossentropy", metrics=["AUC"], model_root=folder, verbose=0)
        spread(model)
        with torch.no_grad():
            for embedding in model.modules():
                if isinstance(embedding, torch.nn.Embedding) and embedding.padding_idx is not None:
                    embedding.weight[embedding.padding_idx] = 0
        batch = encode(processor, sample)
        batch["click"] = torch.tensor([float(row["click"]) for row in sample])
        model.train()
        model._max_gradient_norm = 10.  # as fit() sets it
        for _ in range(4):
            model.train_step(batch)
        model.eval()
        raw = random_rows(rows, size, rng, True)
        with torch.no_grad():
            scores = model(encode(processor, raw))["y_pred"]
        settings = {"activation": {"experts": "relu", "towers": "relu", "gates": hidden}, "feature_map": "feature_map.json",
                    "feature_vocab": "feature_vocab.json"}
        if softmax:
            settings["attention_softmax"] = True
        if not full:
            files = {file: json.dumps(json.loads(content)) + "\n" for file, content in files.items()}
        yield Case("fuxictr_" + name, library, "DIN", "DIN_test.model", model.save_weights, settings, ["y_pred"],
                   [*raw[0]], [[row[column].replace("^", "|") for column in row] for row in raw], scores, files=files)
