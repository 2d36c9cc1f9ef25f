"""What a notebook shows of a model and of its gates: SVG and tables, without any library."""

from __future__ import annotations

import html
from typing import NamedTuple

_COLOURS = ("#3b7dd8", "#d9822b", "#2e9d6a", "#a35fcf", "#c94f5c", "#4f8f9d")
_SEVERAL = "#7d8894"
_WIDTH = 720
_ROW = 84  # from one row of boxes to the next
_MOST = 16  # boxes of one row, with the one that says how many more there are


def colour(place):
    return _COLOURS[place % len(_COLOURS)]


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    text: str
    colour: str

    def svg(self):
        # A few letters fit a box; a pointer shows the whole.
        most = max(1, int(self.width / 7.2))
        shown = self.text if len(self.text) <= most else self.text[: most - 1] + "…"
        return (f'<g><title>{html.escape(self.text)}</title>'
                f'<rect x="{self.x - self.width / 2:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="26" rx="5" '
                f'fill="{self.colour}" fill-opacity=".16" stroke="{self.colour}"/>'
                f'<text x="{self.x:.1f}" y="{self.y + 17:.1f}" text-anchor="middle" font-size="12" '
                f'fill="currentColor">{html.escape(shown)}</text></g>')


def _row_of_boxes(y, texts, colours):
    """Boxes side by side; what is beyond _MOST is one box."""
    if len(texts) > _MOST:
        rest = len(texts) - (_MOST - 1)
        texts, colours = [*texts[: _MOST - 1], f"{rest} more"], [*colours[: _MOST - 1], _SEVERAL]
    pitch = _WIDTH / len(texts)
    width = min(pitch - 8, 150)
    return [_Box(pitch * (i + 0.5), y, width, text, shade) for i, (text, shade) in enumerate(zip(texts, colours))]


def _line(above, below, shade, title):
    return (f'<path d="M{above.x:.1f} {above.y + 26:.1f} L{below.x:.1f} {below.y:.1f}" stroke="{shade}" fill="none" '
            f'stroke-opacity=".6"><title>{html.escape(title)}</title></path>')


def _gates_by_level(gates):
    levels = {}
    for gate in gates:
        levels.setdefault(gate.level, []).append(gate)
    return [levels[level] for level in sorted(levels)]


def _experts_of(gates):
    return sorted({expert for gate in gates for expert in gate.experts})


def _pairs(model, gates, following):
    """(place above, place below) of experts, of which the lower one reads a gate that mixes the upper one."""
    above, level = _experts_of(gates), following[0].level
    for below, expert in enumerate(_experts_of(following)):
        for gate in gates:
            if gate.level + 1 == level and model.expert_reads(level, expert, gate.place):
                yield from ((above.index(mixed), below) for mixed in gate.experts)


def _inputs(model):
    if not model.features:
        return [f"x: {model.input_dim} columns"]
    counts = {}
    for feature in model.features:
        counts[feature.side] = counts.get(feature.side, 0) + 1
    return [f"{count} {side} feature{'s' if count > 1 else ''}" for side, count in counts.items()]


def structure(model, gates):
    """The picture as an SVG: inputs, the experts of each level that gates with computed weights mix, and the tasks.

    A line from an expert to a task means that a gate which the task depends on weighs it.
    """
    rows = [_row_of_boxes(8, _inputs(model), [_SEVERAL] * 9)]
    lines, before = [], None
    for gates_here in _gates_by_level(gates):
        experts = _experts_of(gates_here)
        boxes = _row_of_boxes(8 + _ROW * len(rows), [f"expert {expert}" for expert in experts], [_COLOURS[0]] * len(experts))
        pairs = _pairs(model, before, gates_here) if before else [(i, j) for i in range(len(rows[-1])) for j in range(len(boxes))]
        lines += [_line(rows[-1][i], boxes[j], _SEVERAL, "reads") for i, j in sorted({
            (min(i, len(rows[-1]) - 1), min(j, len(boxes) - 1)) for i, j in pairs})]
        rows.append(boxes)
        before = gates_here
    tasks = _row_of_boxes(8 + _ROW * len(rows), list(model.tasks), [colour(i) for i in range(len(model.tasks))])
    lines += _to_tasks(model, gates, rows, tasks)
    height = 8 + _ROW * len(rows) + 40
    boxes = "".join(box.svg() for row in [*rows, tasks] for box in row)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
            f'aria-label="Structure of {html.escape(model.name, quote=True)}" style="max-width:100%;height:auto">'
            f'{"".join(lines)}{boxes}</svg>')


def _to_tasks(model, gates, rows, tasks):
    levels = _gates_by_level(gates)
    if not levels:
        return [_line(above, task, _SEVERAL, "reads") for above in rows[-1] for task in tasks]
    experts = _experts_of(levels[-1])
    lines = []
    for place, name in enumerate(model.tasks[: len(tasks)]):
        own = {expert for gate in levels[-1] if name in gate.tasks for expert in gate.experts}
        title = ", ".join(gate.name for gate in levels[-1] if name in gate.tasks)
        reached = {min(experts.index(expert), len(rows[-1]) - 1) for expert in own}
        lines += [_line(rows[-1][at], tasks[place], colour(place), title) for at in sorted(reached)]
    return lines


def feature_table(model):
    if not model.features:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(feature.name)}</td><td>{feature.kind}</td><td>{feature.side}</td>"
        f"<td>{feature.width}</td><td>{feature.num_values or ''}</td></tr>" for feature in model.features)
    names = "".join(f"<th>{name}</th>" for name in ("feature", "kind", "side", "columns of x", "vocabulary"))
    return f"<details><summary>{len(model.features)} features</summary><table><tr>{names}</tr>{rows}</table></details>"


def gate_table(uses):
    """Mean weights of gates as bars."""
    parts = []
    for use in uses:
        cells = "".join(
            f'<tr><td>expert {expert}</td><td style="text-align:left;min-width:180px">'
            f'<span style="display:inline-block;height:10px;background:{colour(0)};width:{160 * mean:.1f}px"></span> '
            f"{mean:.3f}</td><td>{share:.1%}</td></tr>"
            for expert, mean, share in zip(use.gate.experts, use.mean_weights, use.largest))
        parts.append(f"<h4>{html.escape(use.gate.name)} ({html.escape(', '.join(use.gate.tasks))})</h4><table>"
                     f"<tr><th></th><th>mean weight</th><th>largest in</th></tr>{cells}</table>")
    return "".join(parts)
