// Controls for the raw values of a row: sliders for numbers, menus for categories, texts for what has no list.
import { html } from "./elements.mjs";

const MOST_CHOICES = 2000; // of a menu
const MOST_COLUMNS = 200; // of x, for a model without features
const MISSING = "–";

// A range around [low, high] whose ends are round, and 0 where that is near.
export function roundRange([low, high]) {
  if (low === high) [low, high] = [low - 1, high + 1];
  const step = 10 ** Math.floor(Math.log10((high - low) / 4));
  const from = low > 0 && low < (high - low) / 2 ? 0 : Math.floor(low / step) * step;
  return [from, Math.ceil(high / step) * step, step];
}

let numControls = 0;

// A slider and the same number to be typed; an empty one is a missing value.
function numberControl(range, label, changed) {
  const [low, high, step] = roundRange(range);
  const slider = html("input", { type: "range", min: low, max: high, step: step / 100, "aria-label": label });
  const typed = html("input", { type: "number", step: "any", "aria-label": `${label}, typed`, placeholder: "missing" });
  const set = (value) => {
    typed.value = value === null ? "" : String(Number(value.toPrecision(6)));
    slider.value = value ?? low;
  };
  slider.addEventListener("input", () => {
    typed.value = slider.value;
    changed();
  });
  typed.addEventListener("input", () => {
    if (typed.value !== "") slider.value = typed.value;
    changed();
  });
  return {
    element: html("div", {}, slider, typed),
    get: () => (typed.value === "" ? null : Number(typed.value)),
    reset: () => set(low + Math.round((high - low) / 2 / step) * step),
    random: () => set(low + Math.round(Math.random() * 100 * ((high - low) / step)) * (step / 100)),
  };
}

function severalNumbers(count, range, label, changed) {
  const all = Array.from({ length: count }, (_, i) =>
    numberControl(range, count === 1 ? label : `${label}, ${i + 1}`, changed));
  return {
    element: html("div", { class: "values" }, ...all.map(({ element }) => element)),
    get: () => (count === 1 ? all[0].get() : all.map(({ get }) => get() ?? NaN)),
    reset: () => all.forEach(({ reset }) => reset()),
    random: () => all.forEach(({ random }) => random()),
  };
}

function menu(categories, refusesUnknown, id, changed) {
  const option = (value, i) => html("option", { value: i }, String(value) || "(empty)");
  const none = refusesUnknown ? [] : [html("option", { value: "" }, `${MISSING} missing or unknown`)];
  const select = html("select", { id }, ...categories.map(option), ...none);
  select.addEventListener("input", changed);
  return {
    element: html("div", { class: "values" }, select),
    get: () => (select.value === "" ? null : categories[Number(select.value)]),
    reset: () => (select.value = "0"),
    random: () => (select.value = String(Math.floor(Math.random() * categories.length))),
  };
}

const parsed = (text, areTexts) => (areTexts || text === "" || Number.isNaN(Number(text)) ? text : Number(text));

// One value or, with commas, several.
function textControl({ isList, areTexts, values, id, hint, changed }) {
  const input = html("input", { type: "text", id, placeholder: hint });
  input.addEventListener("input", changed);
  const read = () => input.value.split(",").map((text) => text.trim()).filter((text) => text !== "");
  const choose = () => values[Math.floor(Math.random() * values.length)];
  return {
    element: html("div", { class: "values" }, input),
    get() {
      if (isList) return read().map((text) => parsed(text, areTexts));
      return input.value === "" ? null : parsed(input.value.trim(), areTexts);
    },
    reset: () => (input.value = isList || values.length === 0 ? "" : String(values[0])),
    random: () => (input.value = values.length === 0 ? "" : isList ? [choose(), choose()].join(", ") : choose()),
  };
}

function controlOf(model, feature, id, changed) {
  if (feature.kind === "dense") {
    return severalNumbers(feature.width, model.range(feature.name) ?? [0, 1], feature.source, changed);
  }
  if (feature.numberValues && feature.kind === "sparse") return severalNumbers(1, [0, 100], feature.source, changed);
  const categories = feature.numValues <= MOST_CHOICES ? model.categories(feature.name) : [];
  if (feature.kind === "sparse" && categories.length > 0) {
    return menu(categories, feature.refusesUnknown, id, changed);
  }
  const isList = feature.kind === "sequence";
  const examples = categories.slice(0, 3).join(", ");
  const hint = isList ? `up to ${feature.length}, with commas${examples && `: ${examples}`}` : "any value";
  return textControl({ isList, areTexts: feature.stringValues, values: categories, id, hint, changed });
}

function entry(column, note, control, id) {
  const hasOne = control.element.querySelector("select, input[type=text]"); // else each has a name of its own
  const name = html("label", { for: hasOne ? id : undefined }, column);
  if (note) name.append(html("small", {}, note));
  return { column, ...control, field: html("div", { class: "feature", "data-column": column }, name, control.element) };
}

// The raw columns that features read, each once.
function* rawColumns(model, changed) {
  const seen = new Set();
  for (const feature of model.features) {
    const columns = feature.crossed.length > 0 ? feature.crossed : [feature.source];
    for (const column of columns.filter((name) => !seen.has(name))) {
      seen.add(column);
      const id = `control${++numControls}`;
      const note = feature.kind === "sequence" ? "several" : "";
      yield feature.crossed.length > 0
        ? entry(column, "", textControl({ areTexts: true, values: ["0"], id, hint: "any value", changed }), id)
        : entry(column, note, controlOf(model, feature, id, changed), id);
    }
    if (!feature.weights || seen.has(feature.weights)) continue;
    seen.add(feature.weights);
    const id = `control${++numControls}`;
    const hint = `a number for each of ${feature.source}`;
    yield entry(feature.weights, "weights",
      textControl({ isList: true, areTexts: false, values: [], id, hint, changed }), id);
  }
}

// Of a model's row: [{ column, field, get, reset, random }], and how they are scored.
export function controlsOf(model, changed) {
  if (model.features.length > 0) {
    const controls = [...rawColumns(model, changed)];
    const row = () => Object.fromEntries(controls.map(({ column, get }) => [column, get()]));
    return { controls, score: (session) => session.scoreRows([row()]) };
  }
  const shown = Math.min(model.inputDim, MOST_COLUMNS);
  const controls = Array.from({ length: shown }, (_, i) =>
    entry(`x[${i}]`, "", severalNumbers(1, [-2, 2], `x[${i}]`, changed), ""));
  return {
    controls,
    score(session) {
      const input = session.input.fill(0);
      controls.forEach(({ get }, i) => (input[i] = get() ?? NaN));
      return session.score(input);
    },
  };
}
