// A page that scores a model: its structure, controls for a row, its scores and gates.
import { Model } from "mmoe";
import { controlsOf } from "./controls.mjs";
import { byId, bytes, cut, html, percent, shortNumber } from "./elements.mjs";
import { structureOf } from "./structure.mjs";

const QUIET = 700; // milliseconds without a change, before scores are read aloud
const TIMED = 20; // milliseconds of scoring, to say how long a row takes: a browser's clock is coarse

let shown; // the model on the page: { model, session, controls, score, structure, bars, cells }
let speaking;

function say(error) {
  byId("error").hidden = !error;
  byId("error").textContent = error?.message ?? "";
}

const classOf = (task) => `t${shown.model.tasks.indexOf(task) % 6}`;

function showTiles({ model, session }) {
  const golden = model.goldenRows.numRows > 0 ? session.replayGolden() : null;
  const right = golden?.numWrong === 0 ? `${golden.numRows} of ${golden.numRows}` : `${golden?.numWrong} wrong`;
  const tiles = [
    [model.architecture || "model", "architecture"],
    [String(model.inputDim), "columns of x"],
    [String(model.tasks.length), model.tasks.length === 1 ? "task" : "tasks"],
    [bytes(model.sizeBytes), "file"],
    [golden ? right : "none", golden?.exact ? "known rows with the same bits" : "known rows"],
    ["–", `µs per row, ${session.kernelSet}`],
  ];
  const tile = ([value, what]) => html("div", {}, html("b", {}, value), html("span", {}, what));
  byId("tiles").replaceChildren(...tiles.map(tile));
  return byId("tiles").lastChild.firstChild;
}

// Of x, without the look-ups of raw values.
function microseconds({ session, model }) {
  const x = session.input.subarray(0, model.inputDim).fill(0);
  const start = performance.now();
  let rows = 0;
  for (; performance.now() - start < TIMED; ++rows) session.score(x);
  return (1000 * (performance.now() - start)) / rows;
}

function scoreEntry(task) {
  const value = html("b", {});
  const bar = html("i", { class: classOf(task) });
  const track = html("div", { class: "track", "aria-hidden": "true" }, bar);
  byId("scores").append(html("div", { class: "score", "data-task": task }, html("span", {}, task), value, track));
  return { task, value, bar };
}

// Rows are experts, columns gates.
function gatesTable({ gates }) {
  const experts = [...new Set(gates.flatMap((gate) => gate.experts))].sort((a, b) => a - b);
  const numLevels = new Set(gates.map(({ level }) => level)).size;
  const names = gates.map(({ name, level, place }) =>
    `${numLevels > 1 ? `level ${level + 1}: ` : ""}${name || `gate ${place}`}`);
  const head = names.map((name) => html("th", { scope: "col" }, cut(name, 40)));
  const cells = [];
  const cell = (gate, expert) => {
    const place = gate.experts.indexOf(expert);
    const shade = html("span", { class: "shade" });
    if (place >= 0) cells.push({ column: gate.column + place, shade });
    return html("td", {}, shade);
  };
  const row = (expert) =>
    html("tr", {}, html("th", { scope: "row" }, String(expert)), ...gates.map((gate) => cell(gate, expert)));
  const corner = html("th", { class: "text", scope: "col" }, "expert");
  byId("gates").replaceChildren(
    html("thead", {}, html("tr", {}, corner, ...head)),
    html("tbody", {}, ...experts.map(row)),
  );
  byId("gates_part").hidden = gates.length === 0;
  return cells;
}

function stepsTable({ steps }) {
  const row = (cell, values) => html("tr", {}, ...values.map((value) => html(cell, {}, String(value))));
  byId("steps").replaceChildren(
    html("thead", {}, row("th", ["step", "columns read", "columns written"])),
    html("tbody", {}, ...steps.map(({ kind, inputs, outputs }) => row("td", [kind, inputs, outputs]))),
  );
}

function speak() {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    const scores = shown.bars.map(({ task, value }) => `${task}: ${value.textContent}`);
    byId("spoken").textContent = scores.join("; ");
  }, QUIET);
}

function showWeights(weights) {
  for (const { column, shade } of shown.cells) {
    shade.style.setProperty("--s", String(weights[column]));
    shade.textContent = percent(weights[column]);
  }
  shown.structure.show(weights);
}

// The row as it is set, scored.
function update() {
  const { session, bars } = shown;
  try {
    const scores = shown.score(session);
    bars.forEach(({ value, bar }, i) => {
      value.textContent = shortNumber(scores[i]);
      bar.style.width = `${100 * Math.min(Math.max(scores[i] || 0, 0), 1)}%`;
    });
    if (session.gateWeights) showWeights(session.gateWeights);
    say(null);
    speak();
  } catch (error) {
    bars.forEach(({ value, bar }) => {
      value.textContent = "–";
      bar.style.width = "0";
    });
    say(error);
  }
}

function each(method) {
  shown.controls.forEach((control) => control[method]());
  update();
}

function show(model) {
  const session = model.session({ maxRows: 1, gates: true });
  shown?.model.close();
  shown = { model, session, ...controlsOf(model, update) };
  byId("title").textContent = document.title = model.name || "A model without a name";
  const time = showTiles(shown);
  microseconds(shown); // the engine compiles what is used often
  time.textContent = shortNumber(Number(microseconds(shown).toPrecision(2)));
  byId("features").replaceChildren(...shown.controls.map(({ field }) => field));
  byId("filter").value = "";
  byId("scores").replaceChildren();
  shown.bars = session.tasks.map(scoreEntry);
  shown.cells = gatesTable(session);
  stepsTable(session);
  shown.structure = structureOf(model, session);
  byId("structure").replaceChildren(shown.structure.picture);
  byId("model").hidden = false;
  each("reset");
}

async function open(file) {
  try {
    show(await Model.load(file, { verifyChecksums: true }));
    performance.mark("shown");
  } catch (error) {
    say(new Error(`${file.name}: ${error.message}`));
  }
}

function filter() {
  const wanted = byId("filter").value.toLowerCase();
  for (const { column, field } of shown.controls) field.hidden = !column.toLowerCase().includes(wanted);
}

byId("file").addEventListener("change", ({ target }) => {
  if (target.files.length > 0) open(target.files[0]);
  target.value = ""; // so that the same file can be opened again
});
byId("reset").addEventListener("click", () => each("reset"));
byId("random").addEventListener("click", () => each("random"));
byId("filter").addEventListener("input", filter);
byId("features").addEventListener("submit", (event) => event.preventDefault());

let depth = 0; // of elements that a file is dragged over
const dropping = (change) => {
  depth = change === 0 ? 0 : depth + change;
  document.body.classList.toggle("dropping", depth > 0);
};
document.addEventListener("dragenter", () => dropping(1));
document.addEventListener("dragleave", () => dropping(-1));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  dropping(0);
  if (event.dataTransfer.files.length > 0) open(event.dataTransfer.files[0]);
});
performance.mark("ready");
