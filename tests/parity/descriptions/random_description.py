"""Random descriptions of every shape that converter/DESCRIPTION.md allows, with random tensors and rows."""

import pathlib
import re

import numpy as np

from random_features import RandomFeatures
from random_layers import Maker, RandomLayers
from random_nodes import RandomNodes

# Prefixes that the document says may be left out.
DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "converter/DESCRIPTION.md"
PREFIXES = ["module.", "model.", "module.model."]
if "_orig_mod." in DOCUMENT.read_text(encoding="utf-8"):
    PREFIXES += ["_orig_mod.", "_orig_mod.module."]

NAMES = ["click", "like", "buy", "share", "dwell", "follow"]


class Group:
    """What a level gives: a stream per task, or one."""

    def __init__(self, name, per_task, width):
        self.name, self.per_task, self.width = name, per_task, width


class RandomDescription(RandomNodes):
    def __init__(self, seed, num_rows=12):
        self.maker = Maker(seed)
        self.json = {"mmoe_description": 1}
        self.make_tasks()
        self.make_input(num_rows)
        self.make_body()
        self.split_some()
        self.finish()

    @property
    def tensors(self):
        return self.maker.tensors

    # -------------------------------------------------------------------------------- tasks
    def make_tasks(self):
        """`self.towered`: names of tasks with a tower; `self.classes`: outputs of each tower."""
        maker, tasks = self.maker, []
        self.towered, self.classes = [], []
        for name in maker.rng.permutation(NAMES)[: maker.between(1, 4)]:
            name = str(name)
            if tasks and maker.chance(0.2):
                factors = [maker.pick(tasks)["name"] for _ in range(maker.between(2, 3))]
                tasks.append({"name": name, "link": self.link({"product": factors})})
                continue
            self.towered.append(name)
            self.classes.append(maker.between(2, 4) if maker.chance(0.3) else 1)
            tasks.append({"name": name, "link": self.tower_link(self.classes[-1])})
            if maker.chance(0.25):
                link = self.tower_link(self.classes[-1])
                link = {"activation": link} if isinstance(link, str) else link
                tasks.append({"name": name + " again", "link": dict(link, tower=name)})
        self.hide_factors(tasks)
        self.json["tasks"] = tasks

    def tower_link(self, classes):
        maker = self.maker
        if classes == 1:
            simple = maker.pick(["sigmoid", "sigmoid", "identity", "tanh", "softplus", "exp"])
            return simple if maker.chance(0.6) else self.link({"activation": simple} if simple != "identity" else {})
        source = maker.pick(["softmax_column", "log_softmax_column", "expected_value", "column"])
        if source == "expected_value":
            return self.link({source: [maker.number(-3, 5) for _ in range(classes)]})
        return self.link({source: maker.below(classes)})

    def link(self, link):
        """With random parts behind it."""
        maker = self.maker
        if "activation" not in link and maker.chance(0.2):
            link["activation"] = maker.activation()
        if maker.chance(0.25):
            link["scale"], link["shift"] = maker.number(-2, 2), maker.number(-1, 1)
        if maker.chance(0.2):
            link["clamp"] = maker.pick([[None, 0.75], [-0.25, None], [-0.25, 0.75]])
        return link or {"scale": 1}

    def hide_factors(self, tasks):
        """Some factors of products give no score of their own."""
        factors = {name for task in tasks if isinstance(task["link"], dict) for name in task["link"].get("product", [])}
        shown = [task for task in tasks if task["name"] not in factors]
        for task in tasks:
            if task["name"] in factors and shown and self.maker.chance(0.4):
                task["output"] = False

    def task_values(self):
        """What stands for {task} in one part's names."""
        first = self.maker.below(2)
        numbers = [str(first + t) for t in range(len(self.towered))]
        return self.maker.pick([self.towered, numbers])

    # -------------------------------------------------------------------------------- x and the trunk
    def make_input(self, num_rows):
        maker = self.maker
        if maker.chance(0.5):
            features = RandomFeatures(maker)
            self.json["features"], self.input_dim = features.list, features.width
            self.feature_widths = features.widths
            self.rows = features.rows(num_rows)
        else:
            self.input_dim = maker.between(1, 24)
            self.rows = maker.array(num_rows, self.input_dim)
            if maker.chance(0.3):
                self.json["shared_dim"] = maker.between(0, self.input_dim)
        if maker.chance(0.2):
            self.json["input_dim"] = self.input_dim

    def widths(self, last=None):
        widths = [self.maker.pick([1, 3, 7, 8, 15, 16, 17, 20, 33]) for _ in range(self.maker.between(1, 3))]
        if last is not None:
            widths[-1] = last
        return widths

    def make_body(self):
        maker = self.maker
        self.groups = [Group("", False, self.input_dim)]
        if maker.chance(0.25):
            widths = self.widths()
            trunk = RandomLayers(maker, "trunk", self.input_dim, widths)
            trunk.instantiate({})
            self.json["trunk"], self.groups = trunk.spec, [Group("", False, widths[-1])]
        levels = maker.pick([0, 1, 1, 1, 2, 2, 3])
        self.nodes, self.num_nodes, self.routed = [], 0, {}
        if maker.chance(0.35) and (levels or "trunk" not in self.json):
            self.json["nodes"] = self.some_nodes()
        if levels:
            self.json["levels"] = [self.level(number) for number in range(levels)]
        self.make_towers()

    def readable(self, per_task):
        """[(value of `reads`, width)]: what may be read by what belongs to a task, or to none."""
        choices = [("input", self.input_dim), self.parts_of_x(per_task), self.side_by_side(per_task)]
        choices += [
            (group.name, group.width) for group in self.groups if group.name and (per_task or not group.per_task)
        ]
        choices += self.readable_nodes(per_task)
        fitting = [group for group in self.groups if group.per_task == per_task]
        if len(self.groups) == 1 and (per_task or not self.groups[0].per_task):
            choices += [(None, self.groups[0].width)] * 3
        elif len(self.groups) > 1 and len(fitting) == 1:
            choices += [(None, fitting[0].width)] * 3
        return choices

    def parts_of_x(self, per_task):
        """(value of `reads`, width): features, or columns."""
        maker = self.maker
        if "features" in self.json:
            chosen = maker.rng.permutation(len(self.json["features"]))[: maker.between(1, len(self.json["features"]))]
            names = [self.json["features"][int(index)]["name"] for index in chosen]
            if len(names) == 1 and maker.chance(0.5):
                return names[0], self.feature_widths[int(chosen[0])]
            return names, sum(self.feature_widths[int(index)] for index in chosen)
        self.json["input_dim"] = self.input_dim
        each = self.input_dim // len(self.towered)
        if per_task and each and maker.chance(0.4):
            first = maker.between(0, self.input_dim - each * len(self.towered))
            return {"first": first, "count": each, "per": "task"}, each
        cuts = sorted(int(cut) for cut in maker.rng.choice(self.input_dim + 1, 2, replace=False))
        parts = [{"first": cuts[0], "count": cuts[1] - cuts[0]}]
        if cuts[1] < self.input_dim and maker.chance(0.6):
            first = maker.between(cuts[1], self.input_dim - 1)
            parts.insert(maker.below(2), {"first": first, "count": maker.between(1, self.input_dim - first)})
        return (parts[0] if len(parts) == 1 else parts), sum(part["count"] for part in parts)

    def side_by_side(self, per_task):
        """(value of `reads`, width): a part of x and outputs of the level before, in any order."""
        maker = self.maker
        if "features" not in self.json:
            self.json["input_dim"] = self.input_dim
        parts, width = self.parts_of_x(per_task) if maker.chance(0.7) else (["input"], self.input_dim)
        parts = parts if isinstance(parts, list) else [parts]
        for group in self.groups if maker.chance(0.8) else []:
            kind = maker.pick(["name", "tasks", "task", "none"])
            part, times = {"gates": group.name}, 1
            if kind == "none":
                continue
            if not group.name:  # x, or the trunk's output
                if "trunk" not in self.json:
                    continue
                part = "trunk"
            elif not group.per_task or (kind == "name" and per_task):
                part = group.name
            elif kind == "tasks":
                part["tasks"], times = "all", len(self.towered)
            else:
                part["task"] = maker.pick(self.towered)
            parts.insert(maker.below(len(parts) + 1), part)
            width += group.width * times
        for name, whole in self.readable_nodes(per_task):
            if maker.chance(0.7):
                continue
            first = maker.below(whole)
            count = maker.between(1, whole - first)
            part, count = maker.pick([(name, whole), ({"node": name, "first": first, "count": count}, count)])
            parts.insert(maker.below(len(parts) + 1), part)
            width += count
        return parts, width

    @staticmethod
    def reading(spec, reads):
        if reads is not None:
            spec["reads"] = reads

    # -------------------------------------------------------------------------------- levels
    def level(self, number):
        maker = self.maker
        self.level_number = number
        self.base = maker.pick([f"level{number}", "levels.{level}"])
        width = maker.pick([1, 4, 8, 15, 16, 17, 24])
        self.pools = []
        pools = [spec for k in range(maker.between(1, 3)) for spec in self.pools_of(k, width)]
        gates = [self.gates(k) for k in range(maker.between(1, 2))]
        self.groups = [Group(spec.get("name", "gates"), spec["per_task"], width) for spec in gates]
        for spec in gates:
            del spec["per_task"]
        made = {
            "experts": pools if len(pools) > 1 or maker.chance(0.3) else pools[0],
            "gates": gates if len(gates) > 1 or maker.chance(0.3) else gates[0],
        }
        if maker.chance(0.3):
            made["nodes"] = self.some_nodes()
        return made

    def instantiate(self, layers, values):
        layers.instantiate(dict(values, level=self.level_number))

    def pools_of(self, k, width):
        """The JSON of one pool, or of two that one running number counts. Remembers them for the gates."""
        maker = self.maker
        kind = maker.pick(["shared", "shared", "task", "running"])
        per_task = kind in ("task", "running")
        reads, inputs = maker.pick(self.readable(False) if kind == "running" else self.readable(per_task))
        if kind == "running" and reads is None and len(self.groups) > 1:
            reads, inputs = "input", self.input_dim
        name = "experts" if k == 0 and maker.chance(0.5) else f"pool{k}"
        count, first = maker.between(1, 3), maker.below(2)
        single = kind != "running" and count == 1 and maker.chance(0.5)
        base = f"{self.base}.{name}" + (".{task}" if kind == "task" else "") + ("" if single else ".{expert}")
        layers = RandomLayers(maker, base, inputs, self.widths(width))
        spec = dict(layers.spec)
        if name != "experts":
            spec["name"] = name
        self.reading(spec, reads)
        self.pools.append((name, per_task, count))
        if kind == "running":
            return self.running_pools(layers, spec, count, first)
        for task in self.task_values() if kind == "task" else [None]:
            for expert in range(count):
                self.instantiate(layers, {"task": task, "expert": first + expert})
        return [spec]

    def running_pools(self, layers, spec, count, first):
        """Experts of the tasks, and shared ones behind or before them."""
        maker = self.maker
        shared = maker.between(0, 2)
        for expert in range(count * len(self.towered) + shared):
            self.instantiate(layers, {"expert": first + expert})
        spec.update({"per": "task", "num_experts": count})
        if shared == 0:
            return [spec]
        other = dict(layers.spec, name="rest of " + spec.get("name", "experts"))
        self.reading(other, spec.get("reads"))
        self.pools.append((other["name"], False, shared))
        if maker.chance(0.5):
            spec["first_expert"] = shared
            other["num_experts"] = shared
        else:
            other["first_expert"] = count * len(self.towered)
        return [spec, other]

    # -------------------------------------------------------------------------------- gates
    def default_mix(self, per_task):
        """How many experts a gate mixes that says nothing."""
        tasks = len(self.towered)
        return sum(count * (1 if per_task or not owned else tasks) for _, owned, count in self.pools)

    def mix(self, per_task):
        """(mixes, number of experts)"""
        maker, tasks, mixes, total = self.maker, len(self.towered), [], 0
        for index in maker.rng.permutation(len(self.pools))[: maker.between(1, len(self.pools))]:
            name, owned, count = self.pools[int(index)]
            kind = maker.pick(["name", "object", "tasks", "task", "expert"])
            entry, number = {"pool": name}, count * (tasks if owned and not per_task else 1)
            if kind == "name":
                entry = name
            elif kind == "tasks" and owned:
                entry["tasks"], number = "all", count * tasks
            elif kind == "task" and owned:
                entry["task"], number = maker.pick(self.towered), count
            elif kind == "expert" and (per_task or not owned):
                entry["expert"], number = maker.below(count), 1
            mixes.append(entry)
            total += number
        return mixes, total

    def gates(self, k):
        maker = self.maker
        per_task = maker.chance(0.7)
        spec = {"per_task": per_task}
        name = "gates" if k == 0 and maker.chance(0.5) else f"gates{k}"
        if name != "gates":
            spec["name"] = name
        experts = self.default_mix(per_task)
        if maker.chance(0.3):
            spec["mixes"], experts = self.mix(per_task)
        if maker.chance(0.15) and self.route(spec, per_task, experts):
            return spec
        if maker.chance(0.15):
            self.constant(spec, name, per_task, experts)
            return spec
        self.softmax_gates(spec, name, per_task, experts)
        return spec

    def constant(self, spec, name, per_task, experts):
        maker, tasks = self.maker, len(self.towered)
        if per_task:
            spec["per"] = "task"
        kind = maker.pick(["list", "uniform", "tensor"])
        if kind != "tensor":
            spec["constant"] = "uniform" if kind == "uniform" else [maker.number(-1, 1) for _ in range(experts)]
            return
        spec["constant"] = f"{self.base}.{name}.constant"
        array = maker.array(tasks, experts) if per_task else maker.array(experts)
        if per_task and maker.chance(0.4):
            spec["orientation"], array = "in_out", array.T.copy()
        maker.add(spec["constant"].replace("{level}", str(self.level_number)), array)

    def softmax_gates(self, spec, name, per_task, experts):
        maker = self.maker
        reads, inputs = maker.pick(self.readable(per_task))
        self.reading(spec, reads)
        base = f"{self.base}.{name}" + (".{task}" if per_task else "")
        hidden = None
        if maker.chance(0.25):
            widths = self.widths()
            hidden = RandomLayers(maker, base + ".hidden", inputs, widths)
            spec["hidden"], inputs = hidden.spec, widths[-1]
        spec["logits"] = base + ".logits"
        orientation = maker.pick(["out_in", "out_in", "in_out"])
        weight, bias = maker.pick([(".weight", ".bias"), ("/kernel", "/offset")])
        if orientation != "out_in":
            spec["orientation"] = orientation
        if weight != ".weight":
            spec.update(weight=weight, bias=bias)
        if experts > 1 and maker.chance(0.12):
            self.smooth_steps(spec, base, experts, inputs, hidden, per_task)
            return
        if maker.chance(0.15):
            spec["activation"] = maker.pick(["sigmoid", "linear", "tanh", "relu", "softmax"])
        self.gate_options(spec, base, experts)
        has_bias, norm = maker.chance(0.6), "batch_norm" in spec
        if maker.chance(0.15):
            spec["weight_scales"] = [maker.number(-1, 2) for _ in range(experts)]
        for task in self.task_values() if per_task else [None]:
            values = {"task": task}
            if hidden is not None:
                self.instantiate(hidden, values)
            named = lambda part: base.replace("{task}", str(task)).replace("{level}", str(self.level_number)) + part
            maker.add(named(".logits" + weight), maker.matrix(experts, inputs, orientation))
            if has_bias:
                maker.add(named(".logits" + bias), maker.array(experts, scale=0.4))
            if norm:
                maker.add(named(".bn.weight"), maker.array(experts, scale=0.3) + np.float32(1))
                maker.add(named(".bn.bias"), maker.array(experts, scale=0.3))
                maker.add(named(".bn.running_mean"), maker.array(experts, scale=0.5))
                maker.add(named(".bn.running_var"), maker.rng.uniform(0.2, 2, experts).astype(np.float32))

    def smooth_steps(self, spec, base, experts, inputs, hidden, per_task):
        maker = self.maker
        selectors, bits = maker.pick([1, 2, 3]), (experts - 1).bit_length()
        spec["activation"], spec["selector_weights"] = "smooth_step", base + ".shares"
        if maker.chance(0.5):
            spec["gamma"] = maker.number(0.5, 4)
        fixed = hidden is None and maker.chance(0.3)
        if fixed:
            spec["static"] = True
            for key in ("orientation", "weight", "bias"):
                spec.pop(key, None)
        elif maker.chance(0.3):
            spec["top_k"] = maker.between(1, experts)
        weight, bias, has_bias = spec.get("weight", ".weight"), spec.get("bias", ".bias"), maker.chance(0.6)
        for task in self.task_values() if per_task else [None]:
            if hidden is not None:
                self.instantiate(hidden, {"task": task})
            named = lambda part: base.replace("{task}", str(task)).replace("{level}", str(self.level_number)) + part
            for part, outputs in ((".logits", selectors * bits), (".shares", selectors)):
                if fixed:
                    maker.add(named(part), maker.array(outputs))
                    continue
                maker.add(named(part + weight), maker.matrix(outputs, inputs, spec.get("orientation", "out_in")))
                if has_bias:
                    maker.add(named(part + bias), maker.array(outputs, scale=0.4))

    def gate_options(self, spec, base, experts):
        maker = self.maker
        if maker.chance(0.2):
            spec["batch_norm"] = base + ".bn"
            if maker.chance(0.5):
                spec["batch_norm_epsilon"] = maker.pick([1e-3, 0.02])
        if maker.chance(0.3):
            spec["temperature"] = maker.number(0.3, 3)
        if maker.chance(0.35):
            spec["top_k"] = maker.between(1, experts)
            if spec.get("activation", "softmax") == "softmax" and maker.chance(0.7):
                spec["top_k_mode"] = maker.pick(
                    ["softmax_of_top_k", "top_k_of_softmax", "top_k_of_softmax_renormalised"]
                )

    # -------------------------------------------------------------------------------- towers
    def make_towers(self):
        """Of every kind of layers, where all have as many outputs."""
        maker = self.maker
        reads, inputs = maker.pick(self.readable(True))
        widths = self.widths(max(self.classes))
        given = [name for name, width in self.readable_nodes(True) if [width] * len(self.classes) == self.classes]
        if given and maker.chance(0.5):
            self.json["towers"] = {"reads": maker.pick(given)}
            return None
        if len(set(self.classes)) > 1:
            return self.uneven_towers(reads, inputs, widths)
        layers = RandomLayers(maker, "towers.{task}", inputs, widths, is_tower=True)
        self.json["towers"] = layers.spec
        self.reading(layers.spec, reads)
        for task in self.task_values():
            layers.instantiate({"task": task})
        return None

    def uneven_towers(self, reads, inputs, widths):
        """Towers of different numbers of classes: plain layers, so that one object describes them all."""
        maker = self.maker
        spec = self.json["towers"] = {"layers": "towers.{task}.{layer}", "activation": maker.activation()}
        self.reading(spec, reads)
        for task, count in zip(self.task_values(), self.classes):
            dims = [inputs] + widths[:-1] + [count]
            for layer in range(len(widths)):
                maker.add(f"towers.{task}.{layer}.weight", maker.matrix(dims[layer + 1], dims[layer]))
                maker.add(f"towers.{task}.{layer}.bias", maker.array(dims[layer + 1], scale=0.4))

    # -------------------------------------------------------------------------------- derived, ignored, prefixes
    def split_some(self):
        """Tensors made whole, which the description takes apart again."""
        if self.maker.chance(0.3):
            self.maker.pick([self.slice_one, self.stack_one, self.join_family, self.factor_one])()

    def slice_one(self):
        maker = self.maker
        name = maker.pick([name for name, array in self.tensors.items() if array.ndim == 2 and "tables" not in name])
        array = self.tensors.pop(name)
        axis = maker.below(2)
        before = maker.array(*[3 if d == axis else array.shape[d] for d in range(2)])
        self.tensors["whole.tensor"] = np.concatenate([before, array], axis)
        entry = {"name": name, "slice": "whole.tensor", "axis": axis, "first": 3}
        if maker.chance(0.5):
            entry["count"] = array.shape[axis]
        self.json["derived"] = [entry]

    def stack_one(self):
        """A tensor whose rows are a tensor each, numbered from 0 or 1."""
        name = self.maker.pick([name for name, array in self.tensors.items() if array.ndim == 2])
        first = self.maker.below(2)
        for number, row in enumerate(self.tensors.pop(name)):
            self.tensors[f"rows.{first + number}.of"] = row
        self.json["derived"] = [{"name": name, "stack": "rows.{expert}.of"}]

    def factor_one(self):
        """A tensor that is the product or the sum of two."""
        maker = self.maker
        name = maker.pick([name for name, array in self.tensors.items() if "tables" not in name and "var" not in name])
        shape, how = self.tensors.pop(name).shape, maker.pick(["product", "sum"])
        for part in ("ours", "its"):
            maker.add(f"factors.{part}", maker.array(*shape, scale=0.7))
        self.json["derived"] = [{"name": name, how: ["factors.ours", "factors.its"]}]

    def join_family(self):
        """Tensors whose names differ in one number that counts from 0, stacked or laid side by side."""
        maker, families = self.maker, {}
        for name, array in self.tensors.items():
            for match in re.finditer(r"(?<![0-9])[0-9]+(?![0-9])", name):
                key = (name[: match.start()] + "{layer}" + name[match.end() :], array.shape)
                families.setdefault(key, []).append(int(match.group()))
        whole = [
            key
            for key, numbers in families.items()
            if sorted(numbers) == list(range(len(numbers)))
            and len(numbers) > 1
            and "tables" not in key[0]
            and "projection" not in key[0]
        ]
        if not whole:
            return
        pattern, shape = maker.pick(whole)
        count = len(families[pattern, shape])
        parts = [self.tensors.pop(pattern.replace("{layer}", str(number))) for number in range(count)]
        entry = {"name": pattern}
        if maker.chance(0.5):
            axis = maker.below(len(shape))
            self.tensors["whole.tensor"] = np.concatenate(parts, axis)
            entry.update({"chunks": "whole.tensor", "axis": axis, "count": count})
        else:
            axis = maker.below(len(shape) + 1)
            self.tensors["whole.tensor"] = np.stack(parts, axis)
            entry.update({"split": "whole.tensor", "axis": axis})
        if axis == 0 and maker.chance(0.5):
            del entry["axis"]
        self.json["derived"] = [entry]

    def finish(self):
        maker = self.maker
        if maker.chance(0.5):
            self.json["name"] = "random"
        if maker.chance(0.2):
            maker.add("optimizer.step", maker.array(1))
            maker.add("optimizer.moment", maker.array(3, 2))
            self.json.setdefault("ignore", []).append("optimizer.*")
        if maker.chance(0.25):
            prefix = maker.pick(PREFIXES)
            self.maker.tensors = {prefix + name: array for name, array in self.tensors.items()}
