"""Raw rows to x, as converter/DESCRIPTION.md says it under "Features"."""

import datetime
import statistics

import numpy as np

from hashes import bucket, crossed, joined_text


FUNCTIONS = {
    "log": np.log,
    "log1p": np.log1p,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "is_missing": lambda v: np.isnan(v).astype(v.dtype),
    "signed_log1p": lambda v: np.sign(v) * np.log1p(np.abs(v)),
}


def box_cox(logarithms, exponent):
    return logarithms if exponent == 0 else np.expm1(exponent * logarithms) / exponent


def yeo_johnson(values, exponent):
    sizes = np.log1p(np.abs(values))
    return np.where(values < 0, -box_cox(sizes, 2 - exponent), box_cox(sizes, exponent))


def on_line(value, points):
    """Doubles, whatever else is computed in floats."""
    numbers, results = np.array([float(np.float32(v)) for v, _ in points]), [float(r) for _, r in points]
    if value <= numbers[0]:
        return results[0]
    if value >= numbers[-1]:
        return results[-1]
    at = [r for v, r in zip(numbers, results) if v == value]
    if at:
        return (at[0] + at[-1]) / 2
    behind = int(np.searchsorted(numbers, value))
    share = (value - numbers[behind - 1]) / (numbers[behind] - numbers[behind - 1])
    return results[behind - 1] + share * (results[behind] - results[behind - 1])


def normal_quantile(probability):
    most = 5.199337582605575
    if not 5e-8 < probability < 1 - 5e-8:
        return -most if probability < 0.5 else most
    return min(max(statistics.NormalDist().inv_cdf(probability), -most), most)


def with_parameters(values, function, dtype):
    if "power" in function:
        return values ** dtype(function["power"])
    if "box_cox" in function:
        return box_cox(np.log(values), dtype(np.float32(function["box_cox"])))
    if "yeo_johnson" in function:
        return yeo_johnson(values, dtype(np.float32(function["yeo_johnson"])))
    found = [on_line(float(value), function["points"]) for value in values.ravel()]
    if function.get("normal"):
        found = [normal_quantile(value) for value in found]
    return np.array(found).reshape(values.shape).astype(dtype)


PARTS = {
    "minute": lambda date: date.minute,
    "hour": lambda date: date.hour,
    "day_of_week": lambda date: date.weekday(),
    "day": lambda date: date.day - 1,
    "month": lambda date: date.month - 1,
}
TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def part_of_date(value, vocabulary):
    seconds = value // TICKS[vocabulary["unit"]] + vocabulary.get("utc_offset", 0)
    return PARTS[vocabulary["date"]](datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds))


def scaled(values, feature, dtype):
    if "clip" in feature:
        values = np.clip(values, *(None if bound is None else dtype(bound) for bound in feature["clip"]))
    function = feature.get("function")
    if isinstance(function, dict):
        values = with_parameters(values, function, dtype)
    elif function is not None:
        values = FUNCTIONS[function](values)
    scale = feature.get("scale")
    if scale is None:
        return values
    if "min" in scale:
        return (values - dtype(scale["min"])) / dtype(scale["max"] - scale["min"])
    if "mean" in scale:
        return (values - dtype(scale["mean"])) / dtype(scale["std"])
    return (values - dtype(scale["offset"])) * dtype(scale["factor"])


def dense_columns(feature, num_values):
    """Columns of the raw data."""
    if num_values == 1:
        return [feature["name"]]
    return [f"{feature['name']}.{i}" for i in range(num_values)]


def dense_block(feature, rows, names, dtype):
    projection = feature.get("projection")
    width = feature.get("width", 1)
    weight = None
    if projection is not None:
        weight = names.tensors[projection["weight"]].astype(dtype)
        weight = weight if projection.get("orientation", "out_in") == "out_in" else weight.T
        width = weight.shape[1]
    raw = [
        [
            feature.get("missing", np.nan) if row[column] == "" else np.float32(row[column])
            for column in dense_columns(feature, width)
        ]
        for row in rows
    ]
    x = scaled(np.array(raw, np.float32).astype(dtype), feature, dtype)
    if weight is not None:
        x = x @ weight.T
        if "bias" in projection:
            x = x + names.tensors[projection["bias"]].astype(dtype)
    return x


UNKNOWN_ZERO = None


def id_of(text, feature):
    """The id in the feature's table; UNKNOWN_ZERO for none."""
    vocabulary = feature["vocabulary"]
    unknown = feature.get("unknown", "error")
    if "bounds" in vocabulary and isinstance(vocabulary, dict):
        number = float(text or "nan")
        if not np.isnan(number):
            dtype = np.float64 if vocabulary.get("values") == "float64" else np.float32
            with np.errstate(over="ignore"):
                bounds, number = np.array(vocabulary["bounds"], dtype), np.array(number, np.float64).astype(dtype)
            found = int(np.searchsorted(bounds, number, vocabulary["side"]))
            return feature["ids"][found] if "ids" in feature else feature.get("first_id", 0) + found
    elif isinstance(vocabulary, dict) and "date" in vocabulary:
        if text:
            return feature.get("first_id", 0) + part_of_date(int(text), vocabulary)
    elif isinstance(vocabulary, dict) and ("hash" in vocabulary or "cross" in vocabulary):
        if "join" in vocabulary:
            text = joined_text(text, vocabulary)
            found = None if text is None else bucket(text, {**vocabulary, "mask": object()})
        else:
            found = crossed(text, vocabulary) if "cross" in vocabulary else bucket(text, vocabulary)
        if found is not None:
            return feature.get("first_id", 0) + found
    elif isinstance(vocabulary, dict) and "identity" in vocabulary:
        value = int(text)
        if 0 <= value < vocabulary["identity"]:
            return value
    else:
        if isinstance(vocabulary, dict):
            text, keys = joined_text(text, vocabulary), vocabulary["list"]
        else:
            keys = [str(key) for key in vocabulary]
        if text in keys and "ids" in feature:
            return feature["ids"][keys.index(text)]
        if text in keys:
            return feature.get("first_id", 0) + keys.index(text)
    if isinstance(unknown, dict) and "buckets" in unknown:
        texts = isinstance(vocabulary, dict) or isinstance(vocabulary[0], str)
        rule = {"hash": "farmhash64"} if texts else {"hash": "value", "modulo": "floored"}
        found = None if text is None else bucket(text, {**rule, **unknown})
        if found is not None:
            return unknown.get("first_id", 0) + found
        unknown = feature.get("missing", "error")
    if unknown == "zero":
        return UNKNOWN_ZERO
    assert unknown != "error", "a row that must be refused"
    return unknown["id"]


def table_of(feature, names, dtype):
    embedding = feature["embedding"]
    if isinstance(embedding, str):
        return names.tensors[embedding].astype(dtype)
    if "rows" in embedding:
        return np.array(embedding["rows"], np.float32).astype(dtype)
    if "signed_one_hot" in embedding:
        return np.concatenate([np.eye(embedding["signed_one_hot"], dtype=dtype), -np.eye(embedding["signed_one_hot"], dtype=dtype)])
    return np.eye(embedding.get("ids", embedding["one_hot"]), embedding["one_hot"], dtype=dtype)


def categorical_block(feature, rows, names, dtype):
    table = table_of(feature, names, dtype)
    x = np.zeros((len(rows), table.shape[1]), dtype)
    for index, row in enumerate(rows):
        crosses = isinstance(feature["vocabulary"], dict) and not {"cross", "join"}.isdisjoint(feature["vocabulary"])
        found = id_of(row if crosses else row[feature["name"]], feature)
        if found is not UNKNOWN_ZERO:
            x[index] = table[feature.get("first_row", 0) + found]
    return x


def pooled(vectors, pooling, weights):
    if weights is not None or pooling == "sqrtn":
        weights = np.ones(len(vectors), vectors.dtype) if weights is None else weights
        divisor = {"sum": 1, "mean": weights.sum(), "sqrtn": np.sqrt((weights * weights).sum())}[pooling]
        return (vectors * weights[:, None]).sum(0) / vectors.dtype.type(divisor)
    if pooling == "max":
        return vectors.max(0)
    return vectors.sum(0) if pooling == "sum" else vectors.sum(0) / vectors.dtype.type(len(vectors))


def sequence_block(feature, rows, names, dtype):
    table = table_of(feature, names, dtype)
    x = np.zeros((len(rows), table.shape[1]), dtype)
    for index, row in enumerate(rows):
        cell = row[feature["name"]]
        found = [id_of(element, feature) for element in cell.split("|")] if cell else []
        kept = [k for k, i in enumerate(found) if i is not UNKNOWN_ZERO and i != feature.get("padding_id")]
        weights = None
        if "weights" in feature:
            numbers = np.array([float(w) for w in row[feature["weights"]].split("|") if w], np.float32)
            kept = [k for k in kept if feature["pooling"] == "sum" or numbers[k] > 0]
            weights = numbers[kept].astype(dtype)
        if not kept and "empty" in feature:
            found, kept, weights = [feature["empty"]["id"]], [0], np.ones(1, dtype) if "weights" in feature else None
        if kept:
            vectors = table[[feature.get("first_row", 0) + found[k] for k in kept]]
            x[index] = pooled(vectors, feature["pooling"], weights)
    return x


BLOCKS = {"dense": dense_block, "categorical": categorical_block, "sequence": sequence_block}


def blocks_of(description, rows, names, dtype):
    """{name of a feature: its columns of x}, in the order of x"""
    return {
        feature["name"]: BLOCKS[feature["kind"]](feature, rows, names, dtype) for feature in description["features"]
    }
