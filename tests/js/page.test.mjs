// The page of examples/web in Chromium, from a file on the disk: clicks, keys, a dropped file, light and dark.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Page, startBrowser } from "./browser.mjs";
import { Model, census, censusPath, vectorFile, noVectors } from "./support.mjs";

const url = pathToFileURL(process.env.MMOE_WEB_PAGE).href;
const pictures = process.env.MMOE_WEB_PICTURES;
let browser;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await startBrowser(process.env.MMOE_CHROMIUM);
});
after(() => browser?.close());

const scoresOf = (page) =>
  page.evaluate("[...document.querySelectorAll('#scores b')].map((element) => element.textContent)");

async function openCensus() {
  const page = await Page.open(browser, url);
  await page.choose(() => page.click("label[for=file]"), censusPath);
  await page.until("!document.getElementById('model').hidden");
  return page;
}

// What a session of Node.js says of the row on the page.
async function expectedScores(page) {
  const row = await page.evaluate(`Object.fromEntries([...document.querySelectorAll('.feature')].map((feature) => {
    const [select, typed] = ['select', 'input[type=number]'].map((name) => feature.querySelector(name));
    const text = select ? select.selectedOptions[0].textContent : typed.value;
    return [feature.dataset.column, text];
  }))`);
  const model = await Model.load(census);
  for (const { source, kind, stringValues } of model.features) {
    if (kind === "dense" || !stringValues) row[source] = Number(row[source]);
  }
  return model.session().scoreRows([row]);
}

function assertShown(shown, scores) {
  assert.equal(shown.length, scores.length);
  scores.forEach((score, i) => assert.ok(Math.abs(Number(shown[i]) - score) <= 1e-5 * score, `${shown[i]}, ${score}`));
}

test("ready, and a model shown, in under a second from a file on the disk", async () => {
  const page = await Page.open(browser, url);
  const ready = await page.evaluate("performance.getEntriesByName('ready')[0].startTime");
  const start = await page.evaluate("performance.now()");
  await page.choose(() => page.click("label[for=file]"), censusPath);
  await page.until("performance.getEntriesByName('shown').length > 0");
  const shown = (await page.evaluate("performance.getEntriesByName('shown')[0].startTime")) - start;
  console.log(`ready after ${Math.round(ready)} ms, a model shown ${Math.round(shown)} ms after the click`);
  assert.ok(ready < 1000, `ready after ${ready} ms`);
  assert.deepEqual(page.errors, []);
  const others = page.requests.filter((address) => address !== url && !/^(data|blob):/.test(address));
  assert.deepEqual(others, []); // no network
});

test("what is shown of a model, and its scores", async () => {
  const page = await openCensus();
  assert.equal(await page.text("#title"), "census-group1");
  assert.match(await page.text("#tiles"), /MMoE.*122columns of x.*8 of 8known rows with the same bits/);
  assertShown(await scoresOf(page), await expectedScores(page));
  assert.equal(await page.evaluate("document.querySelectorAll('#gates thead th').length"), 3);
  assert.equal(await page.evaluate("document.querySelectorAll('#structure .mix').length"), 16);
  assert.match(await page.evaluate("document.querySelector('#structure svg').getAttribute('aria-label')"), /8 experts/);
  const cells = await page.evaluate(
    "[...document.querySelectorAll('#gates td:nth-child(2) .shade')].map((cell) => cell.textContent)");
  assert.ok(Math.abs(cells.reduce((sum, cell) => sum + parseFloat(cell), 0) - 100) < 1, cells.join());
  assert.deepEqual(page.errors, []);
});

test("a click on a slider and a drag change scores and gates", async () => {
  const page = await openCensus();
  const gates = () => page.text("#gates tbody");
  const [before, gatesBefore] = [await scoresOf(page), await gates()];
  await page.click("[data-column=age] input[type=range]", 0.9);
  const clicked = await scoresOf(page);
  assert.notDeepEqual(clicked, before);
  assert.notEqual(await gates(), gatesBefore);
  assertShown(clicked, await expectedScores(page));
  await page.drag("[data-column=age] input[type=range]", 0.9, 0.2);
  const dragged = await scoresOf(page);
  assert.notDeepEqual(dragged, clicked);
  assertShown(dragged, await expectedScores(page));
  await page.click("#random");
  assertShown(await scoresOf(page), await expectedScores(page));
  await page.click("#reset");
  assert.deepEqual(await scoresOf(page), before);
  await page.until("document.getElementById('spoken').textContent.startsWith('income_over_50k: ')");
});

test("by keyboard alone: open, find, a menu, a slider", async () => {
  const page = await Page.open(browser, url);
  await page.press("Tab", "Tab", 9);
  assert.equal(await page.evaluate("document.activeElement.id"), "file");
  await page.choose(() => page.press(" ", "Space", 32, " "), censusPath);
  await page.until("!document.getElementById('model').hidden");
  const before = await scoresOf(page);
  for (let i = 0; i < 3; ++i) await page.press("Tab", "Tab", 9);
  assert.equal(await page.evaluate("document.activeElement.id"), "filter");
  await page.type("class_of");
  const seen = "[...document.querySelectorAll('.feature')].filter((feature) => feature.offsetHeight > 0).length";
  assert.equal(await page.evaluate(seen), 1);
  await page.press("Tab", "Tab", 9);
  assert.equal(await page.evaluate("document.activeElement.tagName"), "SELECT");
  assert.equal(await page.evaluate("document.activeElement.labels[0].textContent"), "class_of_worker");
  await page.press("ArrowDown", "ArrowDown", 40);
  await page.press("ArrowDown", "ArrowDown", 40);
  const chosen = await scoresOf(page);
  assert.notDeepEqual(chosen, before);
  assertShown(chosen, await expectedScores(page));
  await page.evaluate("document.querySelector('[data-column=age]').hidden = false");
  await page.evaluate("document.querySelector('[data-column=age] input').focus()");
  for (let i = 0; i < 5; ++i) await page.press("ArrowRight", "ArrowRight", 39);
  assert.notDeepEqual(await scoresOf(page), chosen);
});

test("a dropped file, one that is no model, and the next one", async () => {
  const page = await Page.open(browser, url);
  const noModel = join(pictures, "no_model.mmoe");
  writeFileSync(noModel, "no model".repeat(100));
  await page.drop(noModel);
  await page.until("!document.getElementById('error').hidden");
  assert.match(await page.text("#error"), /^no_model\.mmoe: ./);
  assert.equal(await page.evaluate("document.getElementById('model').hidden"), true);
  await page.drop(censusPath);
  await page.until("!document.getElementById('model').hidden");
  assert.equal(await page.evaluate("document.getElementById('error').hidden"), true);
  assert.equal(await page.text("#title"), "census-group1");
});

test("every kind of feature has a control", { skip: noVectors }, async () => {
  const path = join(pictures, "raw.mmoe");
  writeFileSync(path, vectorFile("raw.mmoe"));
  const page = await Page.open(browser, url);
  await page.drop(path);
  await page.until("!document.getElementById('model').hidden");
  const columns = await page.evaluate("[...document.querySelectorAll('.feature')].map((f) => f.dataset.column)");
  assert.deepEqual(columns, ["age", "country", "history", "price", "brand", "tags", "counts", "city", "hour"]);
  assert.equal(await page.text("#error"), "");
  await page.click("[data-column=history] input");
  const before = await scoresOf(page);
  await page.type("3, 7");
  assert.notDeepEqual(await scoresOf(page), before);
  await page.type(", 99999");
  assert.match(await page.text("#error"), /feature "history", row 0: unknown category 99999/);
  assert.deepEqual(await scoresOf(page), ["–", "–"]);
  await page.screenshot(join(pictures, "kinds.png"), true);
});

// Of three levels, each with two experts for each of two tasks, and three shared ones.
test("lines between levels: a task's experts read its own gate, shared ones the shared gate", { skip: noVectors }, async () => {
  const path = join(pictures, "ple.mmoe");
  writeFileSync(path, vectorFile("pages/ple.mmoe"));
  const page = await Page.open(browser, url, { width: 2400, height: 1000 });
  await page.drop(path);
  await page.until("!document.getElementById('model').hidden");
  const lines = await page.evaluate("[...document.querySelectorAll('#structure [data-reads]')].map((e) => e.dataset.reads)");
  const gateOf = (expert) => ["task.click", "task.click", "task.like", "task.like"][expert] ?? "shared";
  const level = [0, 1, 2, 3, 4, 5, 6].map((expert) => `${expert} < ${gateOf(expert)}`);
  assert.deepEqual(lines, [...level, ...level]);
  for (const scheme of ["light", "dark"]) {
    await page.colours(scheme);
    await page.screenshot(join(pictures, `ple-${scheme}.png`), true);
  }
});

test("names are shown as text, and every control has a name", async () => {
  const page = await openCensus();
  const unnamed = await page.evaluate(`[...document.querySelectorAll('input, select, button')].filter((element) =>
    !element.ariaLabel && !element.textContent.trim() && !(element.labels?.length > 0)).map((e) => e.outerHTML)`);
  assert.deepEqual(unnamed, []);
});

test("pictures: light, dark, narrow", async () => {
  const page = await openCensus();
  for (const scheme of ["light", "dark"]) {
    await page.colours(scheme);
    await page.screenshot(join(pictures, `${scheme}.png`), true);
    const [text, ground] = await page.evaluate(
      "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]");
    const brightness = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
    assert.ok(Math.abs(brightness(text) - brightness(ground)) > 150, `${text} on ${ground}`);
    assert.equal(brightness(ground) < 128, scheme === "dark");
  }
  await page.resize({ width: 390, height: 800 });
  await page.colours("light");
  await page.screenshot(join(pictures, "narrow.png"), true);
  const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  assert.ok(wide <= 0, `${wide} pixels beyond the window`);
});
