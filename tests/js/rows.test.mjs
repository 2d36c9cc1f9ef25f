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

// Of rows: an array for each column.
const columnsOf = (of) =>
  Object.fromEntries(Object.keys(of[0]).map((name) => [name, of.map((row) => row[name])]));

test("columns: arrays, and typed arrays, have the bits of rows", withModels, async () => {
  for (const { simd } of BUILDS) {
    const session = (await Model.load(raw, { simd })).session();
    const columns = columnsOf(rows);
    assertSame(session.scoreRows(columns), expected);
    const ages = rows.map(({ age }) => age ?? NaN);
    const prices = rows.flatMap(({ price }) => price);
    const brands = rows.map(({ brand }) => brand);
    const typed = [
      { age: Float64Array.from(ages), price: Float64Array.from(prices), brand: BigInt64Array.from(brands.map(BigInt)) },
      { age: Float32Array.from(ages), price: Float32Array.from(prices), brand: BigUint64Array.from(brands.map(BigInt)) },
      { brand: Float64Array.from(brands), more: "left alone", history: rows.map(({ history }) => Uint8Array.from(history)) },
    ];
    for (const change of typed) assertSame(session.scoreRows({ ...columns, ...change }), expected);
  }
});

test("columns of small integers, and of texts alone", withModels, async () => {
  const session = (await Model.load(raw)).session();
  const three = [0, 1, 2].map((i) => ({ ...rows[i], age: 20 + i, brand: [3, 5, 3][i], country: ["AT", "??", "Côte"][i] }));
  const wanted = session.scoreRows(three).slice();
  const columns = columnsOf(three);
  for (const Type of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
    assertSame(session.scoreRows({ ...columns, age: Type.from(columns.age), brand: Type.from(columns.brand) }), wanted);
  }
});

test("columns: a user's candidates", withModels, async () => {
  const session = (await Model.load(raw)).session();
  session.setUser(user(rows[0]));
  assertSame(session.scoreRows(columnsOf(rows.map(item)), { candidates: true }), ofFirst);
});

for (const [change, message, code = "INVALID_ARGUMENT"] of [
  [{ age: [1, 2] }, /^rows: column "country" has 3 rows, column "age" 2$/],
  [{ price: Float32Array.of(1, 2, 3, 4) }, /^rows: column "price" has 2 rows, column "age" 3$/],
  [{ price: Float32Array.of(1, 2, 3) }, /^rows: column "price" has 3 numbers, expected 2 for each row$/],
  [{ age: 39 }, /column "age" is no array$/],
  [{ age: "old" }, /column "age" is no array$/],
  [{ counts: null }, /column "counts" is no array$/],
  [{ city: undefined }, /column "city" is no array$/],
  [{ brand: Int32Array.of(3, 5, 4) }, /brand.*row 2.*unknown category 4/, "UNKNOWN_CATEGORY"],
  [{ brand: Float32Array.of(3, 5, 3.5) }, /brand.*row 2/],
  [{ brand: ["a", "b", "c"] }, /brand/],
  [{ country: Int32Array.of(1, 2, 3) }, /country/],
  [{ age: ["a", "b", "c"] }, /age/],
]) {
  test(`refused in columns: ${Object.entries(change)}`, withModels, async () => {
    const session = (await Model.load(raw)).session();
    const columns = columnsOf(rows);
    assert.throws(() => session.scoreRows({ ...columns, ...change }), isError(code, message));
    assertSame(session.scoreRows(columns), expected);
  });
}

test("columns that are not there, none, and too many rows", withModels, async () => {
  const session = (await Model.load(raw)).session({ maxRows: 2 });
  const { city, ...rest } = columnsOf(rows.slice(0, 2));
  assert.throws(() => session.scoreRows(rest), isError("INVALID_ARGUMENT", /there is no column "city"; the rows have: age/));
  assert.throws(() => session.scoreRows({}), isError("INVALID_ARGUMENT", /there is no column "age"; the rows have: $/));
  assert.throws(() => session.scoreRows(columnsOf(rows)), isError("INVALID_ARGUMENT", /^rows: 3 rows, .*room for 2/));
  assert.equal(session.scoreRows(Object.fromEntries([...Object.keys(rest), "city"].map((name) => [name, []]))).length, 0);
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
  const names = ["age", "country", "history", "brand", "city x hour"];
  assert.deepEqual(names.map((name) => model.numCategories(name)), [0, 4, 20, 3, 0]);
  const listed = [0, 1, 2, 3].map((place) => model.category("country", place)).sort((a, b) => a.id - b.id);
  assert.deepEqual(listed, ["AT", "BR", "US", "Côte"].map((value, i) => ({ value, id: i + 1 })));
  assert.throws(() => model.category("brand", 3), isError("INVALID_ARGUMENT", /3 categories, there is no place 3/));
  assert.throws(() => model.category("brand", 2 ** 32), isError("INVALID_ARGUMENT", /no place/));
  for (const place of [-1, 0.5, "0", undefined]) {
    assert.throws(() => model.category("brand", place), isError("INVALID_ARGUMENT", /^place: /));
  }
  assert.throws(() => model.category("colour", 0), isError("INVALID_ARGUMENT", /no feature "colour"/));
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
