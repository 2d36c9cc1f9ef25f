// Raw rows by name, with the bits that mmoe-score gives them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  BUILDS, Model, assertSame, census, isError, noVectors, persons, readCsv, source, vectorFile, vectorsOf,
} from "./support.mjs";

// A user with an age, a country and a history; an item with a price, a brand, weighted tags and a cross.
const { rows, scores: expected, candidates: ofFirst } = noVectors ? {} : vectorsOf("raw.mmoe");
const raw = noVectors ? undefined : vectorFile("raw.mmoe");
const userColumns = ["age", "country", "history"];
const withModels = { skip: noVectors };
const part = (row, wanted) => Object.fromEntries(Object.entries(row).filter(([name]) => wanted(name)));
const item = (row) => part(row, (name) => !userColumns.includes(name));
const user = (row) => part(row, (name) => userColumns.includes(name));

test("the people of the census have the scores of PyTorch", async () => {
  const text = readFileSync(new URL("examples/census/persons_expected.csv", source), "utf8");
  for (const { simd } of BUILDS) {
    const model = await Model.load(census, { simd });
    const found = model.session().scoreRows(persons(model));
    const wanted = readCsv(text).flatMap((row) => model.tasks.map((task) => Number(row[task])));
    assert.equal(found.length, wanted.length);
    found.forEach((score, i) => assert.ok(Math.abs(score - wanted[i]) < 2e-6, `${i}: ${score}, ${wanted[i]}`));
  }
});

test("they have the bits of mmoe-score", withModels, async () => {
  const wanted = readCsv(vectorFile("persons_scores.csv").toString());
  for (const { simd } of BUILDS) {
    const model = await Model.load(census, { simd });
    const found = model.session().scoreRows(persons(model));
    assertSame(found, wanted.flatMap((row) => model.tasks.map((task) => Number(row[task]))));
  }
});

test("x, and the weights of gates", withModels, async () => {
  const { x, scores, gates } = vectorsOf("plain.mmoe");
  for (const { simd } of BUILDS) {
    const session = (await Model.load(vectorFile("plain.mmoe"), { simd })).session({ maxRows: 200, gates: true });
    assertSame(session.score(x), scores);
    assertSame(session.gateWeights, gates);
  }
});

test("every kind of feature, in one call and row by row", withModels, async () => {
  for (const { simd } of BUILDS) {
    const session = (await Model.load(raw, { simd })).session({ gates: true, logits: true });
    assertSame(session.scoreRows(rows), expected);
    assert.equal(session.gateWeights.length, 3 * session.numGateWeights);
    assert.equal(session.logits.length, 3 * session.numLogits);
    rows.forEach((row, i) => assertSame(session.scoreRows([row]), expected.subarray(2 * i, 2 * i + 2)));
  }
});

test("other types of the same values", withModels, async () => {
  const session = (await Model.load(raw)).session();
  const typed = rows.map((row) => ({
    ...row,
    age: row.age ?? NaN,
    history: Int32Array.from(row.history),
    price: Float32Array.from(row.price),
    brand: BigInt(row.brand),
    counts: Float64Array.from(row.counts),
    hour: BigInt(row.hour),
    more: () => "left alone",
  }));
  assertSame(session.scoreRows(typed), expected);
  typed[0].history = BigInt64Array.from(rows[0].history.map(BigInt));
  typed[2].age = undefined;
  assertSame(session.scoreRows(typed), expected);
  delete typed[2].age; // of a row alone
  assertSame(session.scoreRows(typed), expected);
});

test("features, categories and crosses", withModels, async () => {
  const model = await Model.load(raw);
  const byName = Object.fromEntries(model.features.map((feature) => [feature.name, feature]));
  assert.deepEqual(Object.keys(byName), ["age", "country", "history", "price", "brand", "tags", "city x hour"]);
  assert.deepEqual(byName["city x hour"].crossed, ["city", "hour"]);
  assert.equal(byName.tags.weights, "counts");
  assert.deepEqual([byName.history.kind, byName.history.length, byName.price.width], ["sequence", 5, 2]);
  assert.ok(byName.brand.refusesUnknown && byName.brand.side === "item");
  assert.deepEqual(model.categories("country"), ["AT", "BR", "US", "Côte"]);
  assert.deepEqual(model.categories("brand"), [3, 5, 2 ** 40]);
  assert.equal(model.categories("history").length, 20);
  assert.deepEqual(model.categories("city x hour"), []);
});

test("a user's candidates have the bits of whole rows", withModels, async () => {
  for (const { simd } of BUILDS) {
    const model = await Model.load(raw, { simd });
    const session = model.session();
    assertSame(session.scoreRows(rows.map((row) => ({ ...row, ...user(rows[0]) }))), ofFirst);
    session.setUser(user(rows[0]));
    assertSame(session.scoreRows(rows.map(item), { candidates: true }), ofFirst);
    assert.equal(model.userDim + model.candidateDim, model.inputDim);
  }
});

test("a user's part of x, and candidates'", withModels, async () => {
  const model = await Model.load(raw);
  const session = model.session();
  const x = Float32Array.from({ length: 3 * model.inputDim }, (_, i) => Math.sin(i % model.inputDim));
  const sides = model.features.flatMap(({ side, width }) => Array(width).fill(side));
  const columns = (row, isItem) =>
    x.subarray(row * model.inputDim, (row + 1) * model.inputDim).filter((_, i) => (sides[i] === "item") === isItem);
  const whole = session.score(x).slice();
  session.setUser(columns(0, false));
  const items = Float32Array.from([0, 1, 2].flatMap((row) => [...columns(row, true)]));
  assertSame(session.score(items, { candidates: true }), whole);
  assert.throws(() => session.setUser(new Float32Array(3)), isError("INVALID_ARGUMENT", /x/));
  const without = model.session();
  assert.throws(() => without.score(items, { candidates: true }), isError("INVALID_ARGUMENT", /user/));
});

test("texts are whole: a zero inside, and what is not ASCII", withModels, async () => {
  const session = (await Model.load(raw)).session();
  const other = session.scoreRows([{ ...rows[0], country: "??" }]).slice();
  assertSame(session.scoreRows([{ ...rows[0], country: "AT\0" }]), other);
  assertSame(session.scoreRows([{ ...rows[0], country: "x".repeat(100000) }]), other);
  assert.notDeepEqual([...session.scoreRows([{ ...rows[0], country: "Côte" }])], [...other]);
});

for (const [change, message, code = "INVALID_ARGUMENT"] of [
  [{ brand: 4 }, /brand.*unknown category 4/, "UNKNOWN_CATEGORY"],
  [{ brand: "five" }, /brand/],
  [{ brand: 3.5 }, /brand/],
  [{ brand: 2n ** 64n }, /feature "brand", row 1: 18446744073709551616 has more than 64 bits/],
  [{ age: "old" }, /feature "age", row 1/],
  [{ age: [1, 2] }, /age/],
  [{ age: {} }, /feature "age", row 1: a value of the type object/],
  [{ country: 7 }, /country/],
  [{ history: [1, 2, 3, 4, 5, 6] }, /history/],
  [{ history: ["a"] }, /history/],
  [{ history: [null] }, /feature "history", row 1: an element is null/],
  [{ history: [-1n, 2n ** 63n] }, /integers that no type holds/],
  [{ price: [1] }, /price/],
  [{ price: 1 }, /price/],
  [{ price: ["a", "b"] }, /price/],
  [{ counts: [1, 2, 3, 4, 5] }, /tags/],
  [{ counts: "many" }, /weights are no list/],
]) {
  const text = (value) => (Array.isArray(value) ? `[${value}]` : value);
  const shown = Object.entries(change).map(([name, value]) => `${name}: ${text(value)}`);
  test(`refused: ${shown}`, withModels, async () => {
    const session = (await Model.load(raw)).session();
    assert.throws(() => session.scoreRows([rows[0], { ...rows[1], ...change }]), isError(code, message));
    assertSame(session.scoreRows(rows), expected);
  });
}

test("rows that are none", withModels, async () => {
  const session = (await Model.load(raw)).session({ maxRows: 2 });
  for (const wrong of [undefined, null, 7, "rows", { age: 3 }, [7], [null], [[1, 2]]]) {
    assert.throws(() => session.scoreRows(wrong), isError("INVALID_ARGUMENT", /^rows: expected an array of objects/));
  }
  const { city, ...rest } = rows[0];
  assert.throws(
    () => session.scoreRows([rest]),
    isError("INVALID_ARGUMENT", /"city x hour": there is no column "city"; the rows have: age, country/),
  );
  const tooMany = isError("INVALID_ARGUMENT", /^rows: 3 rows, .* room for 2 \(maxRows\)$/);
  assert.throws(() => session.scoreRows(rows), tooMany);
  assert.equal(session.scoreRows([]).length, 0);
  assert.throws(() => session.setUser([]), isError("INVALID_ARGUMENT", /rows/));
});
