"""A layers object: linear maps with norms and activations (converter/DESCRIPTION.md, "Patterns and layers")."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    # Neither branch overflows.
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x, beta=1.0):
    return (np.maximum(beta * x, 0) + np.log1p(np.exp(-np.abs(beta * x)))) / beta


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# By name: function of x and of the activation's parameters.
FUNCTIONS = {
    "linear": lambda x, a: x,
    "relu": lambda x, a: np.maximum(x, 0),
    "leaky_relu": lambda x, a: np.where(x > 0, x, a["alpha"] * x),
    "elu": lambda x, a: np.where(x > 0, x, a.get("alpha", 1) * np.expm1(np.minimum(x, 0))),
    "selu": lambda x, a: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x, a: sigmoid(x),
    "tanh": lambda x, a: np.tanh(x),
    "silu": lambda x, a: x * sigmoid(x),
    "gelu": lambda x, a: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x, a: gelu_tanh(x),
    "softplus": lambda x, a: softplus(x, a.get("beta", 1)),
    "log_sigmoid": lambda x, a: -softplus(-x),
    "mish": lambda x, a: x * np.tanh(softplus(x)),
    "softsign": lambda x, a: x / (1 + np.abs(x)),
    "exp": lambda x, a: np.exp(x),
    "celu": lambda x, a: np.where(x > 0, x, a.get("alpha", 1) * np.expm1(np.minimum(x, 0) / a.get("alpha", 1))),
    "quick_gelu": lambda x, a: x * sigmoid(1.702 * x),
    "swish": lambda x, a: x * sigmoid(a.get("alpha", 1) * x),
    "hard_sigmoid": lambda x, a: np.clip(a["alpha"] * x + a.get("beta", 0.5), 0, 1),
    "hard_swish": lambda x, a: x * np.clip(x / 6 + 0.5, 0, 1),
    "relu6": lambda x, a: np.clip(x, 0, 6),
    "hardtanh": lambda x, a: np.clip(x, a.get("min", -1), a.get("max", 1)),
    "clamp": lambda x, a: np.clip(x, a.get("min", -np.inf), a.get("max", np.inf)),
    "threshold": lambda x, a: np.where(x > a["threshold"], x, a["value"]),
    "squared_relu": lambda x, a: np.maximum(x, 0) ** 2,
}


def kind_of(activation):
    return activation if isinstance(activation, str) else activation["kind"]


def parameters_of(activation):
    return {} if isinstance(activation, str) else activation


def batch_norm(x, norm):
    return norm["gamma"] * (x - norm["mean"]) / np.sqrt(norm["variance"] + norm["epsilon"]) + norm["beta"]


def layer_norm(x, norm):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return norm["gamma"] * (x - mean) / np.sqrt(variance + norm["epsilon"]) + norm["beta"]


def dice(x, layer):
    """p x + (1 - p) slope x, where p is the sigmoid of x normalised."""
    if layer["dice_norm"] is not None:
        normalised = batch_norm(x, layer["dice_norm"])
    else:
        centred = x - x.mean(-1, keepdims=True)
        if layer["dice_by_deviation"]:
            normalised = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + layer["dice_epsilon"])
        else:
            normalised = centred / np.sqrt((centred**2 + layer["dice_epsilon"]).sum(-1, keepdims=True))
    p = sigmoid(normalised)
    return p * x + (1 - p) * layer["slopes"] * x


def activate(x, layer):
    kind = kind_of(layer["activation"])
    if kind == "prelu":
        return np.where(x > 0, x, layer["slopes"] * x)
    if kind == "dice":
        return dice(x, layer)
    return FUNCTIONS[kind](x, parameters_of(layer["activation"])).astype(x.dtype)


def forward(layers, x):
    for layer in layers:
        x = batch_norm(x, layer["input"]) if layer["input"] else x
        x = x @ layer["weight"].T
        if layer["bias"] is not None:
            x = x + layer["bias"]
        x = batch_norm(x, layer["before"]) if layer["before"] else x
        x = layer_norm(x, layer["layer_before"]) if layer["layer_before"] else x
        x = activate(x, layer)
        x = layer_norm(x, layer["layer_after"]) if layer["layer_after"] else x
        x = batch_norm(x, layer["after"]) if layer["after"] else x
    return x


# ------------------------------------------------------------------------------------ reading
class Reader:
    """Reads layers of one description's tensors as arrays of one type."""

    def __init__(self, names, dtype):
        self.names, self.dtype = names, dtype

    def cast(self, array):
        return None if array is None else array.astype(self.dtype)

    def matrix(self, array, orientation):
        array = self.cast(array)
        if array is not None and array.ndim > 2:  # the kernel of a convolution of one place
            array = array.reshape(array.shape[:2])
        return array.T if orientation == "in_out" else array

    def norm(self, pattern, fixed, suffixes, epsilon, default_names):
        values = {}
        for key, default in default_names.items():
            values[key] = self.cast(self.names.get(pattern + suffixes.get(key, default), fixed))
        width = next((v for v in (values.get("mean"), values.get("gamma")) if v is not None))
        ones = np.ones(width.shape, self.dtype)
        values["gamma"] = ones if values["gamma"] is None else values["gamma"]
        values["beta"] = 0 * ones if values["beta"] is None else values["beta"]
        return {**values, "epsilon": self.dtype(epsilon)}

    BATCH = {"gamma": ".weight", "beta": ".bias", "mean": ".running_mean", "variance": ".running_var"}
    LAYER = {"gamma": ".weight", "beta": ".bias"}

    def batch_norm_of(self, spec, pattern, fixed):
        return self.norm(
            pattern, fixed, spec.get("batch_norm_tensors", {}), spec.get("batch_norm_epsilon", 1e-5), self.BATCH
        )

    def read(self, spec, fixed, is_tower=False):
        layers = self.linear_layers(spec, fixed)
        count = len(layers)
        if "output" in spec:
            weight = spec.get("output_weight", spec.get("weight", ".weight"))
            layers.append(self.linear(spec, spec["output"], weight, fixed, None))
        if "output_bias" in spec:
            layers[-1]["bias"] = self.cast(self.names.get(spec["output_bias"], fixed))
        for layer, activation in zip(layers, self.activations(spec, count, is_tower)):
            layer["activation"] = activation
        self.add_norms(spec, fixed, layers, count)
        self.add_slopes(spec, fixed, layers)
        return layers

    def linear(self, spec, pattern, weight, fixed, number):
        fixed = dict(fixed) if number is None else dict(fixed, layer=number)
        return {
            "number": number,
            "weight": self.matrix(self.names.get(pattern + weight, fixed), spec.get("orientation")),
            "bias": self.cast(self.names.get(pattern + spec.get("bias", ".bias"), fixed)),
            "input": None,
            "before": None,
            "after": None,
            "layer_before": None,
            "layer_after": None,
            "slopes": None,
            "dice_norm": None,
            "dice_epsilon": None,
            "dice_by_deviation": False,
        }

    def linear_layers(self, spec, fixed):
        weight = spec.get("weight", ".weight")
        if isinstance(spec["layers"], list):
            return [self.linear(spec, pattern, weight, fixed, None) for pattern in spec["layers"]]
        pattern = spec["layers"]
        if "{layer}" not in pattern + weight:
            return [self.linear(spec, pattern, weight, fixed, None)]
        numbers = self.names.numbers(pattern + weight, fixed, "layer", lambda array: array.ndim == 2)
        return [self.linear(spec, pattern, weight, fixed, number) for number in numbers]

    @staticmethod
    def activations(spec, count, is_tower):
        given = spec.get("activation", "linear")
        if isinstance(given, list):
            result = list(given)
        else:
            result = [given] * count
        if "output" in spec:
            return result + [spec.get("last_activation", "linear")]
        if "last_activation" in spec:
            result[-1] = spec["last_activation"]
        elif is_tower and not isinstance(given, list):
            result[-1] = "linear"
        return result

    def norm_owners(self, pattern, layers_pattern, numbers, layers):
        """(number, layer): the k-th found belongs to the k-th layer; of a Sequential to the layer that it follows. None:
        it stands before the first."""
        for k, number in enumerate(numbers):
            if pattern == layers_pattern:
                yield number, next((layer for layer in reversed(layers) if layer["number"] < number), None)
            else:
                yield number, layers[k]

    def add_input_norm(self, spec, fixed, layers):
        if "input_batch_norm" in spec:
            suffixes, epsilon = spec.get("input_batch_norm_tensors", {}), spec.get("input_batch_norm_epsilon", 1e-5)
            layers[0]["input"] = self.norm(spec["input_batch_norm"], fixed, suffixes, epsilon, self.BATCH)

    def add_norms(self, spec, fixed, layers, count):
        self.add_input_norm(spec, fixed, layers)
        suffixes = spec.get("batch_norm_tensors", {})
        if "batch_norm" in spec:
            pattern = spec["batch_norm"]
            numbers = self.names.numbers(pattern + suffixes.get("mean", ".running_mean"), fixed, "layer")
            where = "before" if spec.get("batch_norm_position", "before_activation") == "before_activation" else "after"
            for number, layer in self.norm_owners(pattern, spec["layers"], numbers, layers[:count]):
                norm = self.batch_norm_of(spec, pattern, dict(fixed, layer=number))
                if layer is None:
                    layers[0]["input"] = norm
                else:
                    layer[where] = norm
        if "layer_norm" in spec:
            self.add_layer_norms(spec, fixed, layers, count)

    def add_layer_norms(self, spec, fixed, layers, count):
        where = (
            "layer_before"
            if spec.get("layer_norm_position", "before_activation") == "before_activation"
            else "layer_after"
        )
        pattern, suffixes, epsilon = (
            spec["layer_norm"],
            spec.get("layer_norm_tensors", {}),
            spec.get("layer_norm_epsilon", 1e-5),
        )
        if pattern is True:
            for layer in layers[:count]:
                width = layer["weight"].shape[0]
                layer[where] = {
                    "gamma": np.ones(width, self.dtype),
                    "beta": np.zeros(width, self.dtype),
                    "epsilon": self.dtype(epsilon),
                }
            return
        gamma = suffixes.get("gamma", ".weight")
        numbers = self.names.numbers(pattern + gamma, fixed, "layer", lambda array: array.ndim == 1)
        for number, layer in self.norm_owners(pattern, spec["layers"], numbers, layers[:count]):
            layer[where] = self.norm(pattern, dict(fixed, layer=number), suffixes, epsilon, self.LAYER)

    def vectors(self, pattern, fixed, suffixes):
        """The tensors of that name, or the weights of the modules of that name, ascending by {layer}."""
        for suffix in suffixes:
            if "{layer}" in pattern:
                numbers = self.names.numbers(pattern + suffix, fixed, "layer", lambda array: array.ndim <= 1)
                found = [self.names.get(pattern + suffix, dict(fixed, layer=number)) for number in numbers]
            else:
                found = [array for array in [self.names.get(pattern + suffix, fixed)] if array is not None]
            if found:
                return [self.cast(array) for array in found]
        return []

    def add_slopes(self, spec, fixed, layers):
        of_kind = lambda kind: [layer for layer in layers if kind_of(layer["activation"]) == kind]
        self.give_slopes(of_kind("prelu"), spec.get("slopes"), fixed, ("", ".weight"))
        if "dice" not in spec:
            return
        owners, given = of_kind("dice"), spec["dice"]
        self.give_slopes(owners, given["alpha"], fixed, ("",))
        for layer in owners:
            layer["dice_epsilon"] = self.dtype(given.get("epsilon", 1e-3))
            layer["dice_by_deviation"] = given.get("divide_by") == "deviation"
        if "batch_norm" in given:
            suffixes = given.get("batch_norm_tensors", {})
            numbers = self.names.numbers(given["batch_norm"] + suffixes.get("mean", ".running_mean"), fixed, "layer")
            for layer, number in zip(owners, numbers):
                layer["dice_norm"] = self.norm(
                    given["batch_norm"], dict(fixed, layer=number), suffixes, given.get("epsilon", 1e-8), self.BATCH
                )

    def give_slopes(self, layers, pattern, fixed, suffixes):
        if not layers:
            return
        found = self.vectors(pattern, fixed, suffixes)
        if "{layer}" not in pattern:
            found = found * len(layers)
        for layer, slopes in zip(layers, found):
            layer["slopes"] = slopes
