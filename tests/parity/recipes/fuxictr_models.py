"""FuxiCTR: ShareBottom, MMoE, PLE, PPNet, and of one task DeepFM, WideDeep, DCNv2, xDeepFM, AutoInt, MaskNet and DIN, of
its model zoo, with its own preprocessing, feature map and vocabulary.

The library is a package; its model zoo is in its repository only: MMOE_LIBRARIES names the folder in which a checkout
lies as FuxiCTR. Trained with --full on the sample tiny_mtl of the repository, else on made-up rows with its columns.
"""

import csv
import importlib.metadata
import json
import logging
import os
import pathlib
import tempfile

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.preprocess import FeatureProcessor

from case import Case
from fuxictr_din import din_cases
from fuxictr_zoo import load
from torch_weights import spread

LIBRARY = "FuxiCTR " + importlib.metadata.version("fuxictr")


OF_ONE_TASK = {"PPNet": "PEPNet", "DeepFM": "DeepFM/DeepFM_torch", "WideDeep": "WideDeep/WideDeep_torch", "DCNv2": "DCNv2",
               "MaskNet": "MaskNet", "AutoInt": "AutoInt", "xDeepFM": "xDeepFM"}


def columns(full):
    categorical = [f"categorical_{i}" for i in (range(1, 17) if full else (1, 5, 7))]
    numeric = [f"numerical_{i}" for i in (range(1, 64) if full else (1, 9))]
    return categorical, numeric


def made_up(folder, full):
    """A sample file of random rows."""
    categorical, numeric = columns(full)
    rng = np.random.default_rng(1)
    path = pathlib.Path(folder, "train.csv")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*categorical, *numeric, "click", "conversion"])
        for _ in range(64):
            writer.writerow([f"c{v}" for v in rng.integers(0, 6, len(categorical))] +
                            [f"{v:.5f}" for v in rng.random(len(numeric))] + list(rng.integers(0, 2, 2)))
    return path


def preprocess(root, folder, full):
    """Returns the processor and the sample's rows."""
    categorical, numeric = columns(full)
    processor = FeatureProcessor(
        feature_cols=[{"name": categorical, "active": True, "dtype": "str", "type": "categorical"},
                      {"name": numeric, "active": True, "dtype": "float", "type": "numeric"}],
        label_col=[{"name": "click", "dtype": "float"}, {"name": "conversion", "dtype": "float"}],
        dataset_id="tiny_mtl", data_root=folder)
    sample = str(root / "data/tiny_mtl/train.csv" if full else made_up(folder, full))
    processor.fit(processor.preprocess(processor.read_data(sample)), min_categr_count=1)
    with open(sample, newline="") as file:
        return processor, list(csv.DictReader(file))


def encode(processor, rows, full):
    categorical, numeric = columns(full)
    batch = {name: [row[name] for row in rows] for name in categorical}
    batch.update({name: np.array([float(row[name]) for row in rows]) for name in numeric})
    encoded = processor.transform(batch)
    return {name: torch.as_tensor(np.asarray(values)) for name, values in encoded.items()}


def random_rows(sample, count, full, rng):
    """Each value from some row of the sample, or one that training has not seen."""
    categorical, numeric = columns(full)
    rows = []
    for _ in range(count):
        row = {name: "unseen" if rng.random() < 0.1 else sample[rng.integers(len(sample))][name] for name in categorical}
        row.update({name: sample[rng.integers(len(sample))][name] for name in numeric})
        rows.append(row)
    return rows


def cases(rows, full):
    logging.disable(logging.CRITICAL)
    root = pathlib.Path(os.environ["MMOE_LIBRARIES"], "FuxiCTR")
    yield from din_cases(root, LIBRARY, rows, full)
    sizes = (dict(embedding_dim=64, tower_hidden_units=[128, 64]) if full else
             dict(embedding_dim=3, tower_hidden_units=[4]))
    wide, narrow = ([512, 256, 128], [128, 64]) if full else ([6, 5], [4])
    mixture = dict(expert_hidden_units=wide, gate_hidden_units=narrow)
    levels = dict(num_layers=2, num_shared_experts=1, num_specific_experts=2)
    for name, maker, architecture, activation, norm, more in (
            ("mmoe", "MMoE", "MMoE", "relu", False, dict(num_experts=8 if full else 3, **mixture)),
            ("mmoe_bn_dice", "MMoE", "MMoE", "dice", True, dict(num_experts=8 if full else 3, **mixture)),
            ("ple", "PLE", "PLE", "relu", True, dict(**levels, **mixture)),
            ("share_bottom", "ShareBottom", "Shared-Bottom", "relu", False, dict(bottom_hidden_units=wide)),
            ("ppnet", "PPNet", "PPNet", "relu", True, dict(
                hidden_units=wide, gate_priors=["categorical_1", "categorical_7"], gate_emb_dim=narrow[-1], gate_hidden_dim=4)),
            ("deep_fm", "DeepFM", "DeepFM", "relu", False, dict(hidden_units=wide)),
            ("xdeep_fm", "xDeepFM", "xDeepFM", "relu", False, dict(
                dnn_hidden_units=wide, cin_hidden_units=[16, 16] if full else [4, 3])),
            ("wide_deep", "WideDeep", "Wide & Deep", "relu", True, dict(hidden_units=wide)),
            ("dcn_v2", "DCNv2", "DCN v2", "relu", True, dict(parallel_dnn_hidden_units=wide)),
            ("dcn_v2_both", "DCNv2", "DCN v2", "relu", False, dict(
                model_structure="stacked_parallel", stacked_dnn_hidden_units=narrow, parallel_dnn_hidden_units=wide)),
            ("dcn_v2_mixture", "DCNv2", "DCN v2", "relu", False, dict(
                model_structure="stacked", stacked_dnn_hidden_units=wide, use_low_rank_mixture=True, low_rank=3,
                num_experts=3)),
            ("auto_int", "AutoInt", "AutoInt", "relu", False, dict(
                dnn_hidden_units=wide, num_heads=2, attention_dim=8, layer_norm=True, use_wide=True)),
            ("auto_int_alone", "AutoInt", "AutoInt", "relu", False, dict(
                dnn_hidden_units=[], attention_layers=1, attention_dim=8)),
            ("mask_net", "MaskNet", "MaskNet", "relu", False, dict(dnn_hidden_units=wide)),
            ("mask_net_plain", "MaskNet", "MaskNet", "relu", False, dict(
                dnn_hidden_units=wide, emb_layernorm=False, net_layernorm=False)),
            ("mask_net_parallel", "MaskNet", "MaskNet", "relu", False, dict(
                model_type="ParallelMaskNet", parallel_num_blocks=3, parallel_block_dim=narrow[-1], dnn_hidden_units=wide))):
        one = maker in OF_ONE_TASK
        torch.manual_seed(31)
        rng = np.random.default_rng(31)
        with tempfile.TemporaryDirectory() as folder:
            processor, sample = preprocess(root, folder, full)
            files = {file: pathlib.Path(folder, "tiny_mtl", file).read_text()
                     for file in ("feature_map.json", "feature_vocab.json")}
            feature_map = FeatureMap("tiny_mtl", os.path.join(folder, "tiny_mtl"))
            # The CIN's fields have at most 512 columns together.
            own = dict(sizes, embedding_dim=min(sizes["embedding_dim"], 6)) if maker == "xDeepFM" else sizes
            feature_map.load(os.path.join(folder, "tiny_mtl", "feature_map.json"), own)
            model = load(root, OF_ONE_TASK.get(maker, f"multitask/{maker}"), maker)(
                feature_map, **(dict(task="binary_classification", loss="binary_crossentropy") if one else dict(
                    task=["binary_classification"] * 2, num_tasks=2, loss=["binary_crossentropy"] * 2)),
                gpu=-1, learning_rate=1e-3, batch_norm=norm, hidden_activations=activation, optimizer="adam",
                metrics=["AUC"], model_root=folder, verbose=0, **own, **more)
        spread(model)
        batch = encode(processor, sample, full)
        batch.update({label: torch.tensor([float(row[label]) for row in sample]) for label in ("click", "conversion")})
        model.train()
        model._max_gradient_norm = 10.  # as fit() sets it
        for _ in range(4):
            model.train_step(batch)
        model.eval()
        raw = random_rows(sample, rows, full, rng)
        with torch.no_grad():
            found = model(encode(processor, raw, full))
        tasks = ["y_pred"] if one else ["click", "conversion"]
        scores = torch.cat([found[task if one else task + "_pred"] for task in tasks], dim=1)
        heading = sum(columns(full), [])
        settings = {"activation": activation, "feature_map": "feature_map.json", "feature_vocab": "feature_vocab.json"}
        if maker == "AutoInt":
            settings["num_heads"] = more.get("num_heads", 1)
        if not full:  # the vocabulary's indentation is most of it
            files = {file: json.dumps(json.loads(content)) + "\n" for file, content in files.items()}
        yield Case("fuxictr_" + name, LIBRARY, architecture, f"{maker}_test.model", model.save_weights, settings,
                   tasks, heading, [[row[column] for column in heading] for row in raw], scores,
                   files=files)
