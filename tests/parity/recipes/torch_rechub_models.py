"""torch-rechub: SharedBottom, MMOE, PLE, ESMM, AITM, trained and saved by its own trainer; DCN, DCNv2, DeepFM,
WideDeep and DIN."""

import importlib.metadata
import pathlib
import tempfile

import numpy as np
import torch
from torch_rechub.basic.features import DenseFeature, SequenceFeature, SparseFeature
from torch_rechub.models import multi_task, ranking
from torch_rechub.trainers import MTLTrainer
from torch_rechub.utils.data import DataGenerator

from case import Case
from torch_weights import spread

LIBRARY = "torch-rechub " + importlib.metadata.version("torch-rechub")


def make_data(features, rows, rng):
    data = {}
    for feature in features:
        if isinstance(feature, SparseFeature):
            data[feature.name] = rng.integers(0, feature.vocab_size, rows)
        elif isinstance(feature, SequenceFeature):
            data[feature.name] = rng.integers(1, feature.vocab_size, (rows, 4))
            data[feature.name][np.arange(4) >= rng.integers(1, 5, (rows, 1))] = feature.padding_idx
        else:
            data[feature.name] = rng.random(rows).astype("float32")
    return data


def train(model, features, types, folder, rng, adaptive):
    data = make_data(features, 320, rng)
    labels = rng.integers(0, 2, (320, len(types))).astype("float32")
    loader, val, _ = DataGenerator(data, labels).generate_dataloader(split_ratio=[0.8, 0.1], batch_size=64)
    trainer = MTLTrainer(model, types, optimizer_params={"lr": 0.01}, n_epoch=2, model_path=folder,
                         adaptive_params={"method": "uwl"} if adaptive else None)
    trainer.fit(loader, val, seed=1)


def predict(model, data):
    model.eval()
    with torch.no_grad():
        return model({name: torch.as_tensor(values) for name, values in data.items()}).numpy()


def cases(rows, full):
    dims, tower, width = ([256, 128], [64], 8) if full else ([6, 5], [4], 3)
    vocabulary = 1000 if full else 7
    sparse = dict(embed_dim=width)
    user = [SparseFeature("user", vocabulary, **sparse), SparseFeature("friend", vocabulary, shared_with="user", **sparse)]
    item = [SparseFeature("item", 2 * vocabulary, **sparse)]
    # The trainer's order need not be sparse before dense; the library's concatenation is.
    tags = SequenceFeature("tags", vocabulary, width, pooling="sum", padding_idx=0)
    features = [DenseFeature("price"), *user, tags, *item]
    listed = [{"name": "price"}, {"name": "user"}, {"name": "friend", "shared_with": "user"},
              {"name": "tags", "kind": "sequence", "length": 4, "pooling": "sum", "padding_id": 0}, {"name": "item"}]
    types, binary = ["classification", "regression"], ["classification"] * 2
    tasks = ["click", {"name": "dwell", "link": "identity"}]
    towers = [{"dims": tower, "activation": "leakyrelu"}, {"dims": tower, "activation": "leakyrelu"}]

    def expert(activation):
        return {"dims": dims, "activation": activation}

    makers = {
        "mmoe": ("MMoE", features, types, "relu",
                 lambda: multi_task.MMOE(features, types, 3, expert("relu"), towers)),
        "ple": ("PLE", features, binary, "prelu",
                lambda: multi_task.PLE(features, binary, 2, 2, 1, expert("prelu"), towers)),
        "shared_bottom": ("Shared-Bottom", features, types, "dice",
                          lambda: multi_task.SharedBottom(features, types, expert("dice"), towers)),
        "aitm": ("AITM", features, ["classification"] * 3, "prelu",
                 lambda: multi_task.AITM(features, 3, expert("prelu"), [*towers, towers[0]])),
        "esmm": ("ESMM", user + item, ["classification"] * 3, None,
                 lambda: multi_task.ESMM(user, item, {"dims": dims}, {"dims": tower})),
    }
    for name, (architecture, used, task_types, activation, maker) in makers.items():
        rng = np.random.default_rng(5)
        torch.manual_seed(5)
        for feature in used:  # a feature keeps the table that a model has trained
            vars(feature).pop("embed", None)
        model = maker()
        if not full or name != "aitm":  # its wide attention would have scores so large that float itself is 3e-6 off
            spread(model)
        with tempfile.TemporaryDirectory() as folder:
            train(model, used, task_types, folder, rng, adaptive=name == "mmoe")
            saved = pathlib.Path(folder, "model_base_1.pth").read_bytes()
        data = make_data(used, rows, rng)
        settings = {"activation": {"experts": activation, "towers": "leakyrelu"}, "features": listed,
                    "tasks": tasks if task_types is types else ["click", "dwell"]}
        names = ["click", "dwell"]
        if name == "aitm":
            names = settings["tasks"] = ["click", "cart", "buy"]
        if name == "esmm":
            settings = {"activation": "relu", "features": [listed[1], listed[2], listed[4]]}
            names = ["cvr", "ctr", "ctcvr"]
        raw = [["|".join(map(str, v)) if np.ndim(v) else int(v) if np.issubdtype(v.dtype, np.integer) else v for v in row]
               for row in zip(*data.values())]
        yield Case("torch_rechub_" + name, LIBRARY, architecture, "model_base_1.pth",
                   lambda path, saved=saved: pathlib.Path(path).write_bytes(saved), settings, names, list(data), raw,
                   predict(model, data))
    yield from rankers(rows, dims, vocabulary, width)


def few_steps(model, features, rng):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(8):
        batch = {key: torch.as_tensor(values) for key, values in make_data(features, 64, rng).items()}
        loss = torch.nn.functional.binary_cross_entropy(model(batch), torch.rand(64))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def din(name, rows, dims, vocabulary, width, **attention):
    """Two histories, each with an attention of its own."""
    sparse = [SparseFeature(name, vocabulary, embed_dim=width, padding_idx=0) for name in ("item", "shop")]
    history = [SequenceFeature(f"seen_{feature.name}", vocabulary, width, pooling="concat", shared_with=feature.name,
                               padding_idx=0) for feature in sparse]
    user = [SparseFeature("user", vocabulary, embed_dim=width)]
    rng = np.random.default_rng(9)
    torch.manual_seed(9)
    model = ranking.DIN(user, history, sparse, {"dims": dims}, {"dims": dims, **attention})
    spread(model)
    with torch.no_grad():
        for table in model.embedding.embed_dict.values():
            if table.padding_idx is not None:
                table.weight[table.padding_idx] = 0
    features = [*user, *history, *sparse]
    few_steps(model, features, rng)
    data = make_data(features, rows, rng)
    raw = [["|".join(map(str, v)) if np.ndim(v) else int(v) for v in row] for row in zip(*data.values())]
    kept = {"kind": "sequence", "length": 4, "pooling": "none", "padding_id": 0}
    settings = {"activation": attention.get("activation", "dice"), "features": [{"name": "user"}, {"name": "item"}, {"name": "shop"}, *(
        {"name": feature.name, "shared_with": feature.shared_with, **kept} for feature in history)]}
    if attention.get("use_softmax"):
        settings["attention_softmax"] = True
    return Case("torch_rechub_" + name, LIBRARY, "DIN", "model.pth", lambda path: torch.save(model.state_dict(), path), settings,
                ["y"], list(data), raw, predict(model, data)[:, None])


def rankers(rows, dims, vocabulary, width):
    """Models of one task, with what may stand in front of an MMoE."""
    sparse = [SparseFeature(name, vocabulary, embed_dim=width) for name in ("user", "item", "shop")]
    features = [*sparse, DenseFeature("price")]
    mlp = {"dims": dims, "activation": "prelu"}
    makers = {
        "dcn": ("DCN", lambda: ranking.DCN(features, 2, mlp)),
        "dcn_v2": ("DCN v2", lambda: ranking.DCNv2(features, 2, mlp, use_low_rank_mixture=False)),
        "dcn_v2_stacked": ("DCN v2", lambda: ranking.DCNv2(features, 3, mlp, model_structure="stacked",
                                                           use_low_rank_mixture=False)),
        "dcn_v2_mixture": ("DCN v2", lambda: ranking.DCNv2(features, 2, mlp, low_rank=3, num_experts=3)),
        "deep_fm": ("DeepFM", lambda: ranking.DeepFM(features, sparse, mlp)),
        "wide_deep": ("Wide & Deep", lambda: ranking.WideDeep(features[3:], sparse, mlp)),
    }
    for name, (architecture, maker) in makers.items():
        rng = np.random.default_rng(7)
        torch.manual_seed(7)
        for feature in sparse:
            vars(feature).pop("embed", None)
        model = maker()
        spread(model)
        for tensor in model.parameters():  # biases of cross layers begin at zero
            if tensor.dim() == 1:
                torch.nn.init.normal_(tensor, std=0.3)
        few_steps(model, features, rng)
        data = make_data(features, rows, rng)
        raw = [[int(v) if np.issubdtype(v.dtype, np.integer) else v for v in row] for row in zip(*data.values())]
        settings = {"activation": "prelu", "features": [{"name": feature.name} for feature in features]}
        if architecture == "DeepFM":  # WideDeep has the same names of tensors
            settings["model"] = "DeepFM"
        if architecture == "Wide & Deep":
            settings["model"] = "WideDeep"
            settings["features"].insert(0, settings["features"].pop())  # the wide ones first
        yield Case("torch_rechub_" + name, LIBRARY, architecture, "model.pth",
                   lambda path, model=model: torch.save(model.state_dict(), path), settings, ["y"], list(data), raw,
                   predict(model, data)[:, None])
    yield din("din", rows, dims, vocabulary, width)
    yield din("din_prelu_softmax", rows, dims, vocabulary, width, activation="prelu", use_softmax=True)
