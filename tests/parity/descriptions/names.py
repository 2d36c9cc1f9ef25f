"""Tensors by the patterns of a description, as converter/DESCRIPTION.md says it under "Patterns and layers" and
"Derived tensors". Written from that text alone, without a look at the converter."""

import re

import numpy as np

PLACEHOLDERS = ("expert", "layer", "level", "task", "part")
WRAPPERS = ("module.", "model.", "_orig_mod.")


def substitute(pattern, values):
    for name, value in values.items():
        pattern = pattern.replace("{" + name + "}", str(value))
    return pattern


def without_prefixes(tensors):
    while tensors:
        prefix = next((p for p in WRAPPERS if all(name.startswith(p) for name in tensors)), None)
        if prefix is None:
            break
        tensors = {name[len(prefix) :]: array for name, array in tensors.items()}
    return tensors


def regex_of(pattern, fixed):
    """What matches the whole name; one group for each placeholder that has no value yet."""
    text = re.escape(substitute(pattern, fixed)).replace(r"\{", "{").replace(r"\}", "}")
    for name in PLACEHOLDERS:
        text = text.replace("{" + name + "}", f"(?P<{name}>[0-9]+)" if name != "task" else "(?P<task>.+?)", 1)
    return re.compile(text)


class Names:
    def __init__(self, tensors, derived, task_names):
        self.tensors = without_prefixes(dict(tensors))
        self.task_names = task_names  # of tasks with a tower
        for entry in derived:
            self.derive(entry)

    def get(self, pattern, fixed):
        return self.tensors.get(substitute(pattern, fixed))

    def find(self, pattern, fixed):
        """[(values of the placeholders that were open, tensor)]"""
        regex = regex_of(pattern, fixed)
        found = []
        for name, array in self.tensors.items():
            match = regex.fullmatch(name)
            if match:
                found.append((match.groupdict(), array))
        return found

    def numbers(self, pattern, fixed, placeholder, accept=lambda array: True):
        """The numbers that the placeholder has, ascending."""
        return sorted({int(values[placeholder]) for values, array in self.find(pattern, fixed) if accept(array)})

    def task_values(self, pattern, fixed):
        """What stands for each task: its name where every task's is found, else its number, from 0 or 1."""
        values = {found["task"] for found, _ in self.find(pattern, fixed)}
        if set(self.task_names) <= values:
            return self.task_names
        numbers = sorted(int(value) for value in values if value.isdecimal())
        return [str(number) for number in numbers][: len(self.task_names)]

    # -------------------------------------------------------------------------------- derived tensors
    def derive(self, entry):
        if "product" in entry or "sum" in entry:
            made, consumed = self.combined(entry)
        elif "stack" in entry:
            numbered = {int(next(value for value in values.values() if value is not None)): array
                        for values, array in self.find(entry["stack"], {})}
            made = {entry["name"]: np.stack([numbered[number] for number in sorted(numbered)])}
            consumed = [re.sub(r"{\w+}", str(number), entry["stack"]) for number in numbered]
        elif "tucker" in entry:
            made = self.tucker(entry)
            consumed = [entry["tucker"]["core"], *entry["tucker"]["factors"]]
        else:
            kind = next(key for key in ("split", "chunks", "slice") if key in entry)
            made, consumed = {}, []
            for values, array in self.find(entry[kind], {}):
                for index, part in enumerate(self.parts(kind, entry, array)):
                    made[self.part_name(entry["name"], values, index)] = part
                consumed.append(substitute(entry[kind], values))
        if "slice" not in entry:  # several slices may be taken of one tensor
            for name in consumed:
                self.tensors.pop(name, None)
        self.tensors.update(made)

    @staticmethod
    def parts(kind, entry, array):
        axis = entry.get("axis", 0)
        if kind == "split":
            return [np.take(array, index, axis) for index in range(array.shape[axis])]
        if kind == "chunks":
            return np.split(array, entry["count"], axis)
        first = entry.get("first", 0)
        count = entry.get("count", array.shape[axis] - first)
        return [np.take(array, range(first, first + count), axis)]

    @staticmethod
    def part_name(pattern, values, index):
        name = substitute(pattern, {key: value for key, value in values.items() if value is not None})
        for placeholder in PLACEHOLDERS:
            name = name.replace("{" + placeholder + "}", str(index))
        return name

    def combined(self, entry):
        """The operand with the most placeholders says which there are."""
        names = entry.get("product", entry.get("sum"))
        made, consumed = {}, []
        for values, _ in self.find(max(names, key=lambda name: name.count("{")), {}):
            values = {key: value for key, value in values.items() if value is not None}
            operands = [substitute(name, values) for name in names]
            arrays = [self.tensors[name] for name in operands]
            made[substitute(entry["name"], values)] = np.prod(arrays, 0) if "product" in entry else sum(arrays)
            consumed += operands
        return made, consumed

    def tucker(self, entry):
        core, (u, v, w) = self.tensors[entry["tucker"]["core"]], (self.tensors[n] for n in entry["tucker"]["factors"])
        whole = np.einsum("abc,ia,jb,tc->tij", *(array.astype(np.float64) for array in (core, u, v, w)))
        return {self.part_name(entry["name"], {}, index): matrix for index, matrix in enumerate(whole)}
