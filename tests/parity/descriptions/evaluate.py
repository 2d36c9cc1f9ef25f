"""A description's scores by NumPy, in double or single precision, from converter/DESCRIPTION.md alone."""

import numpy as np

import features
import nodes
from layers import FUNCTIONS, Reader, activate, batch_norm, forward, kind_of, parameters_of
from names import Names, substitute


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def top_k_weights(logits, k, mode):
    if k == 0 or k >= logits.shape[1]:
        return softmax(logits)
    chosen = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    mask = np.zeros(logits.shape, bool)
    np.put_along_axis(mask, chosen, True, 1)
    if mode == "top_k_of_softmax":
        return np.where(mask, softmax(logits), 0).astype(logits.dtype)
    return softmax(np.where(mask, logits, -np.inf)).astype(logits.dtype)


def keep_largest(weights, k):
    """As they are."""
    if k == 0 or k >= weights.shape[1]:
        return weights
    chosen = np.argsort(-weights, axis=1, kind="stable")[:, :k]
    kept = np.zeros(weights.shape, weights.dtype)
    np.put_along_axis(kept, chosen, np.take_along_axis(weights, chosen, 1), 1)
    return kept


def smooth_step_weights(numbers, shares, gamma, experts):
    """numbers: [rows, selectors * bits]; shares: [rows, selectors]."""
    selectors, bits = shares.shape[1], (experts - 1).bit_length()
    t = numbers.reshape(len(numbers), selectors, 1, bits)
    step = np.where(t <= -gamma / 2, 0, np.where(t >= gamma / 2, 1, -2 * t**3 / gamma**3 + 3 * t / (2 * gamma) + 0.5))
    codes = np.array([[int(bit) for bit in format(e, f"0{bits}b")] for e in range(experts)])
    products = np.where(codes == 1, step, 1 - step).prod(3)
    return np.einsum("rs,rse->re", softmax(shares), products).astype(numbers.dtype)


def has_tower(task):
    link = task.get("link", "sigmoid")
    return not (isinstance(link, dict) and ("product" in link or "tower" in link))


def as_list(value):
    return value if isinstance(value, list) else [value]


class Group:
    """Output streams of a gates group: one per task, or one for all."""

    def __init__(self, name, per_task, streams):
        self.name, self.per_task, self.streams = name, per_task, streams


class Evaluator:
    def __init__(self, description, tensors, dtype):
        self.description, self.dtype = description, dtype
        self.towered = [task["name"] for task in description["tasks"] if has_tower(task)]
        self.names = Names(tensors, description.get("derived", []), self.towered)
        self.reader = Reader(self.names, dtype)
        self.blocks, self.nodes = {}, {}

    def scores(self, rows):
        """`rows`: dicts of text with `features`, else an array [rows, input_dim] of x. [rows, tasks]"""
        description = self.description
        if "features" in description:
            self.blocks = features.blocks_of(description, rows, self.names, self.dtype)
            x = np.concatenate(list(self.blocks.values()), 1)
        else:
            x = rows.astype(self.dtype)
        stream = forward(self.reader.read(description["trunk"], {}), x) if "trunk" in description else x
        groups = [Group("", False, [stream])]
        self.add_nodes(description, groups, x)
        for number, level in enumerate(description.get("levels", [])):
            groups = self.level(level, {"level": number}, groups, x)
            self.add_nodes(level, groups, x)
        return self.links(self.towers(groups, x))

    def add_nodes(self, spec, groups, x):
        for node in spec.get("nodes", []):
            by_task = "{task}" in node["name"]
            for task in range(len(self.towered)) if by_task else [None]:
                fixed = {}
                if by_task and "layers" in node:
                    first = node["layers"] if isinstance(node["layers"], str) else node["layers"][0]
                    fixed["task"] = self.names.task_values(first + node.get("weight", ".weight"), {})[task]
                read = lambda reads: self.stream(groups, reads, task, x)
                name = substitute(node["name"], {"task": self.towered[task]} if by_task else {})
                self.nodes[name] = nodes.node(node, self.reader, fixed, read)

    def node_named(self, name, task):
        return self.nodes.get(name if task is None else substitute(name, {"task": self.towered[task]}))

    # -------------------------------------------------------------------------------- streams
    def parts(self, groups, reads, task, x):
        """Parts of x and outputs of the level before side by side, in the order of the list."""
        blocks = []
        for part in as_list(reads):
            if isinstance(part, str) and part in self.blocks:
                blocks.append(self.blocks[part])
            elif isinstance(part, str) and self.node_named(part, task) is not None:
                blocks.append(self.node_named(part, task))
            elif isinstance(part, dict) and "node" in part:
                columns = slice(part["first"], part["first"] + part["count"])
                blocks.append(self.node_named(part["node"], task)[:, columns])
            elif isinstance(part, str):
                blocks.append(groups[0].streams[0] if part == "trunk" else self.stream(groups, part, task, x))
            elif "gates" in part:
                streams = next(group for group in groups if group.name == part["gates"]).streams
                blocks += streams if "tasks" in part else [streams[self.towered.index(part["task"])]]
            else:
                first = part["first"] + (task * part["count"] if "per" in part else 0)
                blocks.append(x[:, first : first + part["count"]])
        return np.concatenate(blocks, 1)

    def stream(self, groups, reads, task, x):
        """What belongs to `task` (None: shared) reads."""
        if reads == "input":
            return x
        if isinstance(reads, str) and (reads in self.blocks or self.node_named(reads, task) is not None):
            return self.parts(groups, reads, task, x)
        if isinstance(reads, (list, dict)):
            return self.parts(groups, reads, task, x)
        if reads is not None:
            group = next(group for group in groups if group.name == reads)
        elif len(groups) == 1:
            group = groups[0]
        else:
            group = [group for group in groups if group.per_task == (task is not None)]
            assert len(group) == 1, "reads must say which"
            group = group[0]
        return group.streams[task] if group.per_task else group.streams[0]

    # -------------------------------------------------------------------------------- levels
    def level(self, level, fixed, groups, x):
        pools = [self.pool(pool, fixed, groups, x) for pool in as_list(level["experts"])]
        return [self.gates(gates, fixed, groups, x, pools) for gates in as_list(level["gates"])]

    def pool(self, pool, fixed, groups, x):
        """{name, per_task, experts: outputs of the experts, by task or in a list of one}"""
        pattern = pool["layers"] if isinstance(pool["layers"], str) else pool["layers"][0]
        suffix = pool.get("weight", ".weight")
        probe = pattern + suffix
        by_task = "{task}" in probe
        tasks = self.names.task_values(probe, fixed) if by_task else [None]
        numbers = lambda f: self.names.numbers(probe, f, "expert") if "{expert}" in probe else [None]
        run = lambda f, task: forward(self.reader.read(pool, f), self.stream(groups, pool.get("reads"), task, x))
        named = lambda number, f: f if number is None else dict(f, expert=number)
        if pool.get("per") == "task" and not by_task:
            count, every = pool["num_experts"], numbers(fixed)[pool.get("first_expert", 0) :]
            experts = [
                [run(named(n, fixed), t) for n in every[t * count : (t + 1) * count]] for t in range(len(self.towered))
            ]
            return {"name": pool.get("name", "experts"), "per_task": True, "experts": experts}
        experts = []
        for index, task in enumerate(tasks):
            f = dict(fixed, task=task) if by_task else fixed
            first = pool.get("first_expert", 0)
            mine = numbers(f)[first:]
            mine = mine[: pool.get("num_experts", len(mine))]
            experts.append([run(named(n, f), index if by_task else None) for n in mine])
        return {"name": pool.get("name", "experts"), "per_task": by_task, "experts": experts}

    def mixed(self, gates, pools, task):
        """Outputs of the experts in the order of the gate's logits."""
        result = []
        for entry in gates.get("mixes", [pool["name"] for pool in pools]):
            entry = {"pool": entry} if isinstance(entry, str) else entry
            pool = next(pool for pool in pools if pool["name"] == entry["pool"])
            if not pool["per_task"]:
                experts = pool["experts"][0]
            elif "task" in entry:
                experts = pool["experts"][self.towered.index(entry["task"])]
            elif entry.get("tasks") == "all" or task is None:
                experts = [expert for mine in pool["experts"] for expert in mine]
            else:
                experts = pool["experts"][task]
            result += [experts[entry["expert"]]] if "expert" in entry else experts
        return result

    def gates(self, gates, fixed, groups, x, pools):
        if "route" in gates:
            per_task = gates.get("per") == "task"
        elif "constant" in gates:
            per_task = gates.get("per") == "task"
            weights = self.constant_weights(gates, fixed, per_task)
        else:
            suffix = "" if gates.get("static") else gates.get("weight", ".weight")
            per_task = "{task}" in gates["logits"] + suffix
        streams = []
        for task in range(len(self.towered)) if per_task else [None]:
            experts = self.mixed(gates, pools, task)
            if "route" in gates:
                chosen = self.routes(self.stream(groups, gates["route"], task, x), len(experts))
                streams.append(np.stack(experts, 1)[np.arange(len(x)), chosen])
                continue
            if "constant" in gates:
                mine = (
                    weights[task or 0]
                    if weights is not None
                    else [self.dtype(1) / self.dtype(len(experts))] * len(experts)
                )
                streams.append(sum(weight * expert for weight, expert in zip(mine, experts)))
                continue
            f = fixed
            if per_task:
                f = dict(fixed, task=self.names.task_values(gates["logits"] + suffix, fixed)[task])
            weights = self.gate_weights(gates, f, self.stream(groups, gates.get("reads"), task, x), len(experts))
            streams.append(sum(weights[:, e : e + 1] * expert for e, expert in enumerate(experts)))
        return Group(gates.get("name", "gates"), per_task, streams)

    @staticmethod
    def routes(numbers, experts):
        if numbers.shape[1] == experts:
            return numbers.argmax(1)
        return np.abs(numbers - np.arange(experts)).argmin(1)

    def constant_weights(self, gates, fixed, per_task):
        given = gates["constant"]
        if isinstance(given, list):
            return [np.array(given, self.dtype)] * (len(self.towered) if per_task else 1)
        if given == "uniform":
            return None
        array = self.names.get(given, fixed).astype(self.dtype)
        if not per_task:
            return [array]
        return list(array.T if gates.get("orientation") == "in_out" else array)

    def linear(self, gates, key, fixed, stream):
        weight = self.names.get(gates[key] + gates.get("weight", ".weight"), fixed)
        outputs = stream @ self.reader.matrix(weight, gates.get("orientation")).T
        bias = self.names.get(gates[key] + gates.get("bias", ".bias"), fixed)
        return outputs if bias is None else outputs + bias.astype(self.dtype)

    def smooth_steps(self, gates, fixed, stream, experts):
        if gates.get("static"):
            read = lambda key: self.names.get(gates[key], fixed).astype(self.dtype).reshape(1, -1)
        else:
            read = lambda key: self.linear(gates, key, fixed, stream)
        gamma = self.dtype(gates.get("gamma", 1))
        weights = smooth_step_weights(read("logits"), read("selector_weights"), gamma, experts)
        return np.broadcast_to(weights, (len(stream), experts))

    def gate_weights(self, gates, fixed, stream, experts):
        weights = self.computed_weights(gates, fixed, stream, experts)
        scales = gates.get("weight_scales")
        if scales is None:
            return weights
        return weights * (
            np.array(scales, self.dtype)
            if isinstance(scales, list)
            else self.names.get(scales, fixed).astype(self.dtype)
        )

    def computed_weights(self, gates, fixed, stream, experts):
        if "hidden" in gates:
            stream = forward(self.reader.read(gates["hidden"], fixed), stream)
        activation = gates.get("activation", "softmax")
        if activation == "smooth_step":
            return keep_largest(self.smooth_steps(gates, fixed, stream, experts), gates.get("top_k", 0))
        logits = self.linear(gates, "logits", fixed, stream)
        if "batch_norm" in gates:
            logits = batch_norm(logits, self.reader.batch_norm_of(gates, gates["batch_norm"], fixed))
        logits = logits / self.dtype(gates.get("temperature", 1))
        if activation != "softmax":
            return keep_largest(activate(logits, {"activation": activation}), gates.get("top_k", 0))
        return top_k_weights(logits, gates.get("top_k", 0), gates.get("top_k_mode", "softmax_of_top_k"))

    # -------------------------------------------------------------------------------- towers and links
    def towers(self, groups, x):
        spec = self.description["towers"]
        if "layers" not in spec:
            return [self.stream(groups, spec["reads"], task, x) for task in range(len(self.towered))]
        first = spec["layers"] if isinstance(spec["layers"], str) else spec["layers"][0]
        values = self.names.task_values(first + spec.get("weight", ".weight"), {})
        return [
            forward(self.reader.read(spec, {"task": value}, True), self.stream(groups, spec.get("reads"), task, x))
            for task, value in enumerate(values)
        ]

    def links(self, logits):
        """[rows, tasks that are outputs]"""
        scores, outputs, own = {}, [], 0
        for task in self.description["tasks"]:
            link = task.get("link", "sigmoid")
            link = {"activation": link} if isinstance(link, str) else link
            tower = None
            if has_tower(task):
                tower, own = own, own + 1
            elif "tower" in link:
                tower = self.tower_of(link["tower"])
            number = self.link_source(link, None if tower is None else logits[tower], scores)
            score = self.link_score(link, number)
            scores[task["name"]] = score
            if task.get("output", True):
                outputs.append(score)
        return np.stack(outputs, 1)

    def tower_of(self, name):
        """Of that earlier task, which may itself read another's."""
        task = next(task for task in self.description["tasks"] if task["name"] == name)
        return self.towered.index(name) if has_tower(task) else self.tower_of(task["link"]["tower"])

    def link_source(self, link, logits, scores):
        if "product" in link:
            return np.prod([scores[name] for name in link["product"]], 0)
        if "softmax_column" in link:
            return softmax(logits)[:, link["softmax_column"]]
        if "log_softmax_column" in link:
            shifted = logits - logits.max(-1, keepdims=True)
            return (shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))[:, link["log_softmax_column"]]
        if "expected_value" in link:
            return softmax(logits) @ np.array(link["expected_value"], self.dtype)
        return logits[:, link.get("column", 0)]

    def link_score(self, link, number):
        activation = link.get("activation", "linear")
        if kind_of(activation) != "identity":
            number = FUNCTIONS[kind_of(activation)](number, parameters_of(activation)).astype(self.dtype)
        number = number * self.dtype(link.get("scale", 1)) + self.dtype(link.get("shift", 0))
        lower, upper = link.get("clamp", [None, None])
        number = number if lower is None else np.maximum(number, self.dtype(lower))
        return number if upper is None else np.minimum(number, self.dtype(upper))


def evaluate(description, tensors, rows, dtype):
    with np.errstate(over="ignore", under="ignore"):
        return Evaluator(description, tensors, dtype).scores(rows)
