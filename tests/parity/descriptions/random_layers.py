"""Random layers objects and the tensors that they name."""

import numpy as np

from layers import FUNCTIONS

# Every activation without tensors of its own, with random parameters where it has some; but for exp, of which layers
# overflow.
PLAIN = tuple(name for name in FUNCTIONS if name != "exp")


class Maker:
    """Random choices, and the tensors made so far."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.tensors = {}

    def chance(self, probability):
        return self.rng.random() < probability

    def below(self, bound):
        return int(self.rng.integers(bound))

    def between(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pick(self, values):
        return values[self.below(len(values))]

    def number(self, low, high):
        """Few digits, so that the text gives the float."""
        return round(float(self.rng.uniform(low, high)), 3)

    def array(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def matrix(self, outputs, inputs, orientation="out_in"):
        weight = self.array(outputs, inputs, scale=1.5 / np.sqrt(inputs))
        return weight.T.copy() if orientation == "in_out" else weight

    def add(self, name, array):
        assert name not in self.tensors, name
        self.tensors[name] = array

    def activation(self):
        name = self.pick(PLAIN)
        parameters = self.parameters(name)
        return {"kind": name, **parameters} if parameters or self.chance(0.1) else name

    def parameters(self, name):
        optional = self.chance(0.5)
        if name == "leaky_relu":
            return {"alpha": self.number(0.01, 0.5)}
        if name in ("elu", "celu", "swish") and optional:
            return {"alpha": self.number(0.2, 2)}
        if name == "softplus" and optional:
            return {"beta": self.number(0.5, 3)}
        if name == "hard_sigmoid":
            return {"alpha": self.number(0.1, 0.4), **({"beta": self.number(0.2, 0.8)} if optional else {})}
        if name == "hardtanh" and optional:
            return {"min": self.number(-2, 0), "max": self.number(0.1, 2)}
        if name == "clamp":
            return self.pick([{"min": -0.5}, {"max": 0.75}, {"min": self.number(-1, 0), "max": self.number(0, 1)}])
        if name == "threshold":
            return {"threshold": self.number(-0.5, 0.5), "value": self.number(-1, 1)}
        return {}


class RandomLayers:
    """One layers object below `base`, a pattern that may hold {expert}, {task}, {level}. `spec` is its JSON;
    `instantiate` makes the tensors of one expert, tower or gate."""

    def __init__(self, maker, base, inputs, widths, is_tower=False, separator="."):
        self.maker, self.base, self.inputs, self.is_tower = maker, base, inputs, is_tower
        self.first_inputs = inputs
        self.separator, self.spec, self.plan = separator, {}, []
        self.style = maker.pick(["sequential", "separate", "list", "suffix"])
        has_output = len(widths) > 1 and maker.chance(0.3)
        self.widths, self.output = (widths[:-1], widths[-1]) if has_output else (widths, None)
        self.choose_suffixes()
        self.choose_activations()
        self.input_norm = maker.chance(0.15)
        self.norms = {"batch_norm": maker.chance(0.3), "layer_norm": maker.chance(0.25)}
        # One Sequential holds layers and the norms of one kind; the others have a name of their own.
        self.inside = self.pick_inside()
        self.add_layers()
        if self.output is not None:
            self.add_output()
        self.add_norms()
        self.add_slopes()

    # -------------------------------------------------------------------------------- choices
    def choose_suffixes(self):
        maker, spec = self.maker, self.spec
        self.weight, self.bias, self.orientation = ".weight", ".bias", "out_in"
        if maker.chance(0.3):
            self.weight, self.bias = "/kernel", "/bias"
            spec.update(weight=self.weight, bias=self.bias)
        if self.style == "suffix":  # DeepCTR: the number stands in the suffix
            self.weight, self.bias = self.weight + "{layer}", self.bias + "{layer}"
            spec.update(weight=self.weight, bias=self.bias)
        if maker.chance(0.3):
            self.orientation = spec["orientation"] = "in_out"
        self.has_bias = maker.chance(0.85)

    def choose_activations(self):
        """`self.kinds`: of each layer, `output` too."""
        maker, spec, count = self.maker, self.spec, len(self.widths)
        choose = lambda: maker.pick(["prelu", "dice"]) if maker.chance(0.2) else maker.activation()
        if maker.chance(0.4):
            given = [choose() for _ in range(count)]
            # One `dice` or `slopes` key belongs to all of one kind, which is easier to see with one activation.
            spec["activation"], kinds = given, list(given)
        else:
            spec["activation"] = choose()
            kinds = [spec["activation"]] * count
        explicit = maker.chance(0.25)
        last = maker.activation()
        if self.output is not None:
            kinds.append(last if explicit else "linear")
        elif explicit:
            kinds[-1] = last
        elif self.is_tower and not isinstance(spec["activation"], list):
            kinds[-1] = "linear"
        if explicit:
            spec["last_activation"] = last
        self.kinds = kinds

    def pick_inside(self):
        if self.style != "sequential":
            return None
        return self.maker.pick([None, "batch_norm", "layer_norm"])

    # -------------------------------------------------------------------------------- tensors
    def later(self, name, make):
        self.plan.append((name, make))

    def named(self, part):
        return f"{self.base}{self.separator}{part}"

    def add_layers(self):
        maker, inputs = self.maker, self.inputs
        number = maker.between(0, 1)
        self.numbers, patterns = [], []
        for k, width in enumerate(self.widths):
            self.numbers.append(number)
            if self.style == "list":
                pattern = self.named(maker.pick(["fc", "dense", "hidden"]) + f"_{'abcdefgh'[k]}")
                patterns.append(pattern)
                weight, bias = pattern + self.weight, pattern + self.bias
            elif self.style == "suffix":
                pattern = self.named("stack")
                weight, bias = (pattern + part.replace("{layer}", str(number)) for part in (self.weight, self.bias))
            else:
                pattern = self.named("net" if self.style == "separate" else "seq")
                weight, bias = (f"{pattern}.{number}{part}" for part in (self.weight, self.bias))
            self.later_layer(weight, bias, width, inputs)
            inputs = width
            number += maker.between(3, 4) if self.style == "sequential" else 1
        self.spec["layers"] = {
            "list": patterns,
            "suffix": self.named("stack"),
            "separate": self.named("net.{layer}"),
            "sequential": self.named("seq.{layer}"),
        }[self.style]
        self.inputs = inputs

    def later_layer(self, weight, bias, width, inputs):
        maker, orientation = self.maker, self.orientation
        self.later(weight, lambda: maker.matrix(width, inputs, orientation))
        if self.has_bias:
            self.later(bias, lambda: maker.array(width, scale=0.4))

    def add_output(self):
        maker, spec = self.maker, self.spec
        pattern = spec["output"] = self.named("out")
        weight, bias = self.weight, self.bias
        if self.style == "suffix" or maker.chance(0.2):
            weight = spec["output_weight"] = ".last"
        if self.style == "suffix":
            # The layers' suffix of the bias has a number that the output has not.
            self.later(pattern + weight, lambda w=self.output, i=self.inputs: maker.matrix(w, i, self.orientation))
            return
        if maker.chance(0.2):
            bias_name = spec["output_bias"] = self.named("out_bias")
            self.later(pattern + weight, lambda w=self.output, i=self.inputs: maker.matrix(w, i, self.orientation))
            self.later(bias_name, lambda: maker.array(self.output, scale=0.4))
            return
        self.later_layer(pattern + weight, pattern + bias, self.output, self.inputs)

    def add_norms(self):
        if self.input_norm:
            self.add_input_norm()
        for kind, wanted in self.norms.items():
            if wanted:
                (self.add_batch_norms if kind == "batch_norm" else self.add_layer_norms)()

    def add_input_norm(self):
        maker, module = self.maker, self.named("input_bn")
        self.spec["input_batch_norm"] = module
        suffixes = {"gamma": ".weight", "beta": ".bias", "mean": ".running_mean", "variance": ".running_var"}
        if maker.chance(0.3):
            self.spec["input_batch_norm_tensors"] = {"gamma": "/gamma", "beta": "/beta"}
            suffixes.update(gamma="/gamma", beta="/beta")
        if maker.chance(0.4):
            self.spec["input_batch_norm_epsilon"] = maker.pick([1e-3, 0.01])
        self.later_norm(module, suffixes, self.first_inputs, maker.chance(0.2))

    def norm_places(self, kind, pattern_name):
        """(pattern, [(number, width)]): behind which layers the norms stand."""
        count = len(self.widths)
        if self.inside == kind:
            chosen = [k for k in range(count) if self.maker.chance(0.7)] or [count - 1]
            places = [(self.numbers[k] + 1, self.widths[k]) for k in chosen]
            if kind == "batch_norm" and self.numbers[0] > 0 and not self.input_norm and self.maker.chance(0.5):
                places.insert(0, (self.numbers[0] - 1, self.first_inputs))
            return self.spec["layers"], places
        covered = self.maker.between(1, count)
        return self.named(pattern_name + ".{layer}"), [(k, self.widths[k]) for k in range(covered)]

    def add_batch_norms(self):
        maker, spec = self.maker, self.spec
        pattern, places = self.norm_places("batch_norm", "bn")
        spec["batch_norm"] = pattern
        suffixes = {"gamma": ".weight", "beta": ".bias", "mean": ".running_mean", "variance": ".running_var"}
        if maker.chance(0.3) and self.inside != "batch_norm":
            suffixes = {"gamma": "/gamma", "beta": "/beta", "mean": "/moving_mean", "variance": "/moving_variance"}
            spec["batch_norm_tensors"] = suffixes
        if maker.chance(0.4):
            spec["batch_norm_epsilon"] = maker.pick([1e-3, 1e-6, 0.01])
        if maker.chance(0.4):
            spec["batch_norm_position"] = maker.pick(["before_activation", "after_activation"])
        plain = maker.chance(0.2)  # without gamma and beta
        for number, width in places:
            self.later_norm(pattern.replace("{layer}", str(number)), suffixes, width, plain)

    def later_norm(self, module, suffixes, width, plain):
        maker = self.maker
        if not plain:
            self.later(module + suffixes["gamma"], lambda: maker.array(width, scale=0.4) + np.float32(1))
            self.later(module + suffixes["beta"], lambda: maker.array(width, scale=0.4))
        if "mean" in suffixes:
            self.later(module + suffixes["mean"], lambda: maker.array(width, scale=0.5))
            self.later(module + suffixes["variance"], lambda: maker.rng.uniform(0.1, 2, width).astype(np.float32))

    def add_layer_norms(self):
        maker, spec = self.maker, self.spec
        if maker.chance(0.4):
            spec["layer_norm_position"] = maker.pick(["before_activation", "after_activation"])
        if maker.chance(0.4):
            spec["layer_norm_epsilon"] = maker.pick([1e-3, 1e-6, 0.01])
        if maker.chance(0.2):
            spec["layer_norm"] = True
            return
        pattern, places = self.norm_places("layer_norm", "ln")
        spec["layer_norm"] = pattern
        suffixes = {"gamma": ".weight", "beta": ".bias"}
        if self.inside != "layer_norm" and maker.chance(0.3):
            suffixes = spec["layer_norm_tensors"] = {"gamma": "/gamma", "beta": "/beta"}
        for number, width in places:
            self.later_norm(pattern.replace("{layer}", str(number)), suffixes, width, False)

    def add_slopes(self):
        maker = self.maker
        widths = self.widths + ([self.output] if self.output is not None else [])
        prelus = [width for width, kind in zip(widths, self.kinds) if kind == "prelu"]
        dices = [width for width, kind in zip(widths, self.kinds) if kind == "dice"]
        if prelus:
            self.spec["slopes"] = self.slopes("slope", prelus)
        if not dices:
            return
        dice = self.spec["dice"] = {"alpha": self.slopes("alpha", dices, is_module=False)}
        if maker.chance(0.5):
            dice["batch_norm"] = self.named("dice_bn.{layer}")
            suffixes = {"gamma": ".weight", "beta": ".bias", "mean": ".running_mean", "variance": ".running_var"}
            plain = maker.chance(0.5)
            for k, width in enumerate(dices):
                self.later_norm(dice["batch_norm"].replace("{layer}", str(k)), suffixes, width, plain)
        elif maker.chance(0.4):
            dice["divide_by"] = "deviation"
        if maker.chance(0.4):
            dice["epsilon"] = maker.pick([1e-3, 1e-4, 0.01])

    def slopes(self, name, widths, is_module=True):
        """The pattern of the slopes of layers of these widths: of tensors, or of modules whose .weight they are."""
        maker = self.maker
        suffix = maker.pick(["", ".weight"]) if is_module else ""
        make = lambda width: lambda: maker.rng.uniform(-0.3, 0.5, width).astype(np.float32)
        if maker.chance(0.2):
            self.later(self.named(name) + suffix, make(1))
            return self.named(name)
        pattern = self.named(name + ".{layer}")
        for k, width in enumerate(widths):
            self.later(pattern.replace("{layer}", str(k)) + suffix, make(width if maker.chance(0.7) else 1))
        return pattern

    # -------------------------------------------------------------------------------- of one expert, tower, gate
    def instantiate(self, values):
        for name, make in self.plan:
            for key, value in values.items():
                name = name.replace("{" + key + "}", str(value))
            self.maker.add(name, make())
