"""Random `nodes` of a description, and routes: mixed into RandomDescription."""

from random_layers import RandomLayers

KEPT = ("dot", "lower_pairs", "upper_pairs", "bi_interaction", "sum_of_groups", "sum_within_groups", "softmax")


class NamedNode:
    def __init__(self, name, per_task, width):
        self.name, self.per_task, self.width = name, per_task, width


def divisors(number, most):
    return [d for d in range(1, most + 1) if number % d == 0]


class RandomNodes:
    """Of the class that it is mixed into it uses maker, json, groups, readable, reading, task_values."""

    def some_nodes(self):
        """The list for `nodes`."""
        if "features" not in self.json:
            self.json["input_dim"] = self.input_dim
        return [node for _ in range(self.maker.between(1, 4)) for node in self.node()]

    def readable_nodes(self, per_task):
        return [(node.name, node.width) for node in self.nodes if per_task or not node.per_task]

    def node(self):
        """One node, or two where an operation needs an MLP of some width beside what there is."""
        maker, per_task = self.maker, self.maker.chance(0.4)
        kind = maker.pick(["mlp", "each", "sum", "product", "attention", "scaled_dot", "compressed", *KEPT])
        if kind == "mlp":
            return [self.mlp(per_task, self.widths()[-1])]
        if kind in ("attention", "scaled_dot"):
            return self.attention(per_task) if kind == "attention" else self.scaled_dot(per_task)
        if kind == "compressed":
            return self.compressed_interaction(per_task)
        operand, width = self.operand(per_task)
        if kind == "each":
            return [self.each(per_task, operand, width)]
        if kind in ("sum", "product"):
            return self.by_element(kind, per_task, operand, width)
        if kind == "dot":
            other = self.mlp(per_task, width)
            return [other, self.grouped(kind, [operand, other["name"]], width, per_task)]
        return [self.grouped(kind, operand, width, per_task)]

    def operand(self, per_task):
        return self.maker.pick([choice for choice in self.readable(per_task) if choice[0] is not None])

    def new_name(self, per_task):
        self.num_nodes += 1
        return ("{task}." if per_task else "") + f"node{self.num_nodes}"

    def added(self, spec, per_task, width):
        self.nodes.append(NamedNode(spec["name"], per_task, width))
        return spec

    def mlp(self, per_task, width):
        reads, inputs = self.maker.pick(self.readable(per_task))
        return self.added(self.layers(per_task, reads, inputs, width), per_task, width)

    @staticmethod
    def end_with_relu(spec):
        """So that some numbers are 0; where all layers have slopes it stays."""
        if "slopes" not in spec and "dice" not in spec:
            spec["last_activation"] = "relu"

    def each(self, per_task, operand, inputs):
        count, width = self.maker.pick(divisors(inputs, 12)), self.maker.pick([1, 3, 6, 8])
        spec = self.layers(per_task, operand, inputs // count, width)
        spec["each"] = inputs // count
        return self.added(spec, per_task, count * width)

    def layers(self, per_task, reads, inputs, width):
        maker, name = self.maker, self.new_name(per_task)
        layers = RandomLayers(maker, f"nodes.{name}", inputs, self.widths(width))
        for task in self.task_values() if per_task else [None]:
            layers.instantiate({"task": task})
        spec = dict(layers.spec, name=name)
        self.reading(spec, reads)
        return spec

    def by_element(self, kind, per_task, operand, width):
        maker = self.maker
        others = [self.mlp(per_task, maker.pick([width, width, *divisors(width, width)])) for _ in range(maker.between(0, 2))]
        operands = [operand] + [other["name"] for other in others]
        spec = {"name": self.new_name(per_task), kind: [operands[int(i)] for i in maker.rng.permutation(len(operands))]}
        if kind == "product" and maker.chance(0.4):
            spec["scale"] = maker.number(-2, 2)
        if kind == "sum" and maker.chance(0.3):
            spec["constant"] = f"constants.{self.num_nodes}"
            maker.add(spec["constant"], maker.array(width))
        if maker.chance(0.25):
            self.layer_norm(spec, width)
        return [*others, self.ended(spec, per_task, width)]

    def layer_norm(self, spec, width):
        maker = self.maker
        spec["group"] = width // maker.pick(divisors(width, 4))
        if maker.chance(0.5):
            spec["layer_norm_epsilon"] = maker.pick([1e-3, 1e-2])
        spec["layer_norm"] = maker.chance(0.2) or f"norms.{self.num_nodes}"
        if spec["layer_norm"] is not True:
            maker.add(spec["layer_norm"] + ".weight", maker.array(spec["group"], scale=0.4) + 1)
            maker.add(spec["layer_norm"] + ".bias", maker.array(spec["group"], scale=0.4))

    def ended(self, spec, per_task, width):
        if self.maker.chance(0.3):
            spec["activation"] = self.maker.activation()
        return self.added(spec, per_task, width)

    def grouped(self, kind, operand, width, per_task):
        maker, spec = self.maker, {"name": self.new_name(per_task), kind: operand}
        if kind == "softmax":
            return self.added(spec, per_task, width)
        groups = maker.pick(divisors(width, 12))
        if kind.endswith("pairs") and groups < 2:
            if width == 1:
                spec["sum_of_groups"], kind = spec.pop(kind), "sum_of_groups"
            else:
                groups = width if width <= 12 else next(d for d in range(2, width + 1) if width % d == 0)
        group = spec["group"] = width // groups
        if maker.chance(0.5):
            spec["scale"] = maker.number(-1.5, 1.5)
        result = {"dot": groups, "sum_within_groups": groups, "bi_interaction": group, "sum_of_groups": group}
        return self.ended(spec, per_task, result.get(kind, groups * (groups - 1) // 2))

    def attention(self, per_task):
        """To what an MLP gives: elements, then numbers of which some may be 0."""
        maker, length = self.maker, self.maker.between(1, 6)
        query, width = self.operand(per_task)
        sequence = self.mlp(per_task, length * (width + 1))
        if maker.chance(0.7):
            self.end_with_relu(sequence)
        name = self.new_name(per_task)
        spec = {"name": name, "attention": {"query": query, "length": length, "sequences": sequence["name"]}}
        terms, before = ["query", "element", "difference", "product"], []
        if maker.chance(0.6):
            all_terms = [*terms, "outer"] if width <= 6 else terms
            terms = [all_terms[int(i)] for i in maker.rng.permutation(len(all_terms))[: maker.between(1, 4)]]
            spec["attention"]["terms"] = terms
        for key in ("mask", "softmax"):
            if maker.chance(0.5):
                spec["attention"][key] = maker.chance(0.6)
        if maker.chance(0.3):
            key = maker.pick(["mask", "count"])
            before = [self.mlp(per_task, length if key == "mask" else 1)]
            if key == "mask":
                self.end_with_relu(before[0])
            spec["attention"].pop("mask", None)
            spec["attention"][key] = before[0]["name"]
        spec["layers"] = f"nodes.{name}" + ".{layer}"
        spec["activation"] = maker.pick(["relu", "sigmoid", "tanh", "prelu"])
        normalised = maker.chance(0.3)
        if normalised:
            spec["layer_norm"] = f"nodes.{name}.norm" + ".{layer}"
            spec["layer_norm_position"] = maker.pick(["before_activation", "after_activation"])
        if spec["activation"] == "prelu":
            spec["slopes"] = f"nodes.{name}.slopes"
        if maker.chance(0.3):
            spec["last_activation"] = "sigmoid"
        inputs = sum(width * width if term == "outer" else width for term in terms)
        for task in self.task_values() if per_task else [None]:
            named = f"nodes.{name}".replace("{task}", str(task))
            if spec["activation"] == "prelu":
                maker.add(f"{named}.slopes", maker.array(maker.pick([1, 5]), scale=0.4))
            if normalised:  # of the first layer alone
                maker.add(f"{named}.norm.0.weight", 1 + maker.array(5, scale=0.3))
                maker.add(f"{named}.norm.0.bias", maker.array(5, scale=0.3))
            for layer, (outputs, reads) in enumerate([(5, inputs), (1, 5)]):
                maker.add(f"{named}.{layer}.weight", maker.matrix(outputs, reads))
                maker.add(f"{named}.{layer}.bias", maker.array(outputs, scale=0.4))
        return [sequence, *before, self.added(spec, per_task, width)]

    def compressed_interaction(self, per_task):
        """Of what an MLP gives, in one to three layers; the next one reads all maps, or the first half."""
        maker = self.maker
        fields, group, depth = maker.between(1, 4), maker.between(1, 4), maker.between(1, 3)
        source, name = self.mlp(per_task, fields * group), self.new_name(per_task)
        spec = {"name": name, "compressed_interaction": source["name"], "group": group,
                "layers": [f"nodes.{name}.{layer}" for layer in range(depth)],
                "activation": maker.pick(["relu", "sigmoid", "linear"])}
        if maker.chance(0.6):
            spec["order"] = maker.pick(["fields", "maps"])
        shapes, width, maps = [], 0, fields
        for layer in range(depth):
            outputs = maker.between(1, 5)
            shapes.append((outputs, fields * maps))
            half = layer + 1 < depth and outputs > 1 and outputs % 2 == 0 and maker.chance(0.5)
            maps, width = (outputs // 2, width + outputs // 2) if half else (outputs, width + outputs)
        kernel, biased = maker.chance(0.4), maker.chance(0.7)
        for task in self.task_values() if per_task else [None]:
            for layer, (outputs, inputs) in enumerate(shapes):
                named = f"nodes.{name}.{layer}".replace("{task}", str(task))
                weight = maker.matrix(outputs, inputs)
                maker.add(f"{named}.weight", weight[:, :, None] if kernel else weight)
                if biased:
                    maker.add(f"{named}.bias", maker.array(outputs, scale=0.4))
        return [source, self.added(spec, per_task, width)]

    def scaled_dot(self, per_task):
        """Between what MLPs give: in one or two heads."""
        maker = self.maker
        heads, queries, keys = maker.pick([1, 1, 2, 3]), maker.between(1, 5), maker.between(1, 5)
        group, values = heads * maker.between(1, 4), heads * maker.between(1, 4)
        widths = [queries * group, keys * group, keys * values]
        nodes = [self.mlp(per_task, width) for width in widths]
        spec = {"name": self.new_name(per_task), "scaled_dot": [node["name"] for node in nodes], "group": group}
        if heads > 1:
            spec["heads"] = heads
        if maker.chance(0.5):
            spec["scale"] = maker.number(-1.5, 1.5)
        if maker.chance(0.4):
            spec["causal"] = maker.chance(0.8)
        if maker.chance(0.5):
            nodes.append(self.mlp(per_task, maker.between(1, keys)))
            self.end_with_relu(nodes[-1])
            spec["mask"] = nodes[-1]["name"]
        return [*nodes, self.added(spec, per_task, queries * values)]

    def route(self, spec, per_task, experts):
        """Whether there is something of a fitting width."""
        fitting = [choice for choice in self.readable(per_task) if choice[1] in (1, experts) and choice[0] is not None]
        if "features" not in self.json and self.input_dim >= 1:
            self.json["input_dim"] = self.input_dim
            fitting.append(({"first": self.maker.below(self.input_dim), "count": 1}, 1))
        fitting = [choice for choice in fitting if self.names_each_expert(choice[0], experts)]
        if not fitting:
            return False
        if per_task:
            spec["per"] = "task"
        spec["route"] = self.maker.pick(fitting)[0]
        return True

    def names_each_expert(self, reads, experts):
        """False for a category whose rows, in the description, miss an expert; where there are enough rows they are changed
        so that they name each."""
        name = reads[0] if isinstance(reads, list) and len(reads) == 1 else reads
        made = [feature for feature in self.json.get("features", []) if feature["name"] == name
                and feature["kind"] == "categorical" and isinstance(feature["embedding"], dict)]
        if not made or "one_hot" in made[0]["embedding"]:
            return not made or made[0]["embedding"]["one_hot"] == experts > 1
        rows = made[0]["embedding"]["rows"]
        if len(rows) < experts or (len(rows[0]) == 1 and self.routed.get(name, experts) != experts):
            return False
        self.routed[name] = experts
        for i, row in enumerate(rows):
            if len(row) == 1:
                row[0] = (3 * i + 1) % experts if experts % 3 else i % experts
            else:
                row[i % experts] = 2.0  # the others are less than 1
        return True
