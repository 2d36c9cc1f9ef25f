// The picture of a model: its input, the experts and gates of each level, and its tasks.
import { cut, svg } from "./elements.mjs";

const WIDTH = 184, HEIGHT = 26, GAP = 8, BETWEEN = 96, TOP = 34;

const colour = (tasks, all) => (tasks.length === 1 ? `t${all.indexOf(tasks[0]) % 6}` : "several");

// Boxes of a column, centred on the picture's height.
function columnOf(title, labels, classes = []) {
  return { title, labels, classes, at: [] };
}

// Experts of a level that its gates name.
const expertsOf = (gates) => [...new Set(gates.flatMap(({ experts }) => experts))].sort((a, b) => a - b);

function gatesByLevel(gates) {
  const levels = new Map();
  for (const gate of gates) levels.set(gate.level, [...(levels.get(gate.level) ?? []), gate]);
  return levels;
}

function columnsOf(model, session, levels) {
  const columns = [columnOf("input", [`x: ${model.inputDim} columns`])];
  for (const gates of levels) {
    const level = levels.length > 1 ? ` of level ${gates[0].level + 1}` : "";
    columns.push(columnOf(`experts${level}`, expertsOf(gates).map((expert) => `expert ${expert}`)));
    columns.push(columnOf(`gates${level}`, gates.map(({ name, place }) => name || `gate ${place}`),
      gates.map(({ tasks }) => colour(tasks, model.tasks))));
  }
  if (levels.length === 0) columns.push(columnOf("layers", [`${session.steps.length} steps`]));
  columns.push(columnOf("tasks", session.tasks, session.tasks.map((task) => colour([task], model.tasks))));
  return columns;
}

function place(columns) {
  const most = Math.max(...columns.map(({ labels }) => labels.length));
  columns.forEach((column, index) => {
    const free = (most - column.labels.length) * (HEIGHT + GAP);
    column.x = 1 + index * (WIDTH + BETWEEN);
    column.at = column.labels.map((_, row) => TOP + free / 2 + row * (HEIGHT + GAP));
  });
  return [columns.length * (WIDTH + BETWEEN) - BETWEEN + 2, TOP + most * (HEIGHT + GAP)];
}

function draw(column) {
  const boxes = column.labels.map((label, row) => {
    const [x, y] = [column.x, column.at[row]];
    const text = svg("text", { x: x + 10, y: y + 17, class: "value" }, cut(label, 25));
    const mark = column.classes[row] && svg("rect", { x, y, width: 4, height: HEIGHT, class: column.classes[row] });
    const box = svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 5, class: "box" });
    return svg("g", {}, svg("title", {}, label), box, ...(mark ? [mark] : []), text);
  });
  return [svg("text", { x: column.x, y: 18 }, column.title), ...boxes];
}

// From a box to one of the next column.
function line(from, row, to, target, classes) {
  const [x1, y1] = [from.x + WIDTH, from.at[row] + HEIGHT / 2];
  const [x2, y2] = [to.x, to.at[target] + HEIGHT / 2];
  const middle = (x1 + x2) / 2;
  return svg("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, class: classes });
}

const all = (from, to) => from.at.flatMap((_, row) => to.at.map((__, target) => line(from, row, to, target, "plain")));

// A line for each weight, which show() makes as thick as it is large.
function weightLines(gates, experts, to, tasks) {
  const places = expertsOf(gates);
  return gates.flatMap((gate, target) => gate.experts.map((expert, i) => ({
    column: gate.column + i,
    path: line(experts, places.indexOf(expert), to, target, `mix ${colour(gate.tasks, tasks)}`),
  })));
}

// From the gates of a level to the experts of the next that read them.
function readLines(model, from, to, gates, next) {
  return expertsOf(next).flatMap((expert, target) => gates.flatMap((gate, row) => {
    if (!model.expertReads(next[0].level, expert, gate.place) || next[0].level !== gate.level + 1) return [];
    const path = line(from, row, to, target, "plain");
    path.dataset.reads = `${expert} < ${gate.name}`;
    return [path];
  }));
}

function lastLines(from, to, gates, session) {
  return gates.flatMap((gate, row) => session.tasks.flatMap((task, target) =>
    gate.tasks.includes(task) ? [line(from, row, to, target, "plain")] : []));
}

// { picture, show(weights of one row) }
export function structureOf(model, session) {
  const levels = [...gatesByLevel(session.gates).values()];
  const columns = columnsOf(model, session, levels);
  const [width, height] = place(columns);
  const plain = [], weighted = [];
  for (let i = 0; i + 1 < columns.length; ++i) {
    const gates = i > 0 ? levels[Math.ceil(i / 2) - 1] : undefined;
    const [from, to] = [columns[i], columns[i + 1]];
    if (!gates) plain.push(...all(from, to));
    else if (i % 2 === 1) weighted.push(...weightLines(gates, from, to, model.tasks));
    else if (i + 2 < columns.length) plain.push(...readLines(model, from, to, gates, levels[i / 2]));
    else plain.push(...lastLines(from, to, gates, session));
  }
  const label = `${model.architecture}: ${columns.map(({ title, labels }) => `${labels.length} ${title}`).join(", ")}`;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...plain, ...weighted.map(({ path }) => path), ...columns.flatMap(draw));
  picture.style.maxWidth = `${width}px`;
  picture.style.minWidth = `${Math.round(0.75 * width)}px`; // letters stay readable: what is wider is scrolled
  return { picture, show: (weights) => weighted.forEach((entry) => showWeight(entry, weights[entry.column])) };
}

function showWeight({ path }, weight) {
  const share = Number.isFinite(weight) ? Math.min(Math.abs(weight), 1) : 0;
  path.style.strokeWidth = `${0.4 + 6 * share}px`;
  path.style.strokeOpacity = weight === 0 ? "0" : `${0.15 + 0.75 * share}`;
}
