// Models: where they come from, what they say, what is refused.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { BUILDS, Model, assertSame, census, censusPath, isError, mmoe } from "./support.mjs";

test("a model is loaded from bytes, an ArrayBuffer, a Blob and a file's URL", async () => {
  const buffer = census.buffer.slice(census.byteOffset, census.byteOffset + census.length);
  const inMiddle = new Uint8Array(census.length + 3);
  inMiddle.set(census, 1);
  const sources = [census, buffer, new Blob([census]), pathToFileURL(censusPath), inMiddle.subarray(1, -2)];
  for (const source of sources) {
    const model = await Model.load(source, { verifyChecksums: true });
    assert.equal(model.name, "census-group1");
    assert.equal(model.sizeBytes, census.length);
  }
});

test("a model is loaded over HTTP, and what the server refuses is an error", async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/census.mmoe" ? 200 : 404;
    response.end(request.url === "/census.mmoe" ? census : "no");
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address();
  const url = (path) => new URL(path, `http://127.0.0.1:${port}`);
  try {
    assert.equal((await Model.load(url("census.mmoe"))).name, "census-group1");
    await assert.rejects(Model.load(url("none.mmoe")), isError("IO", /404/));
  } finally {
    server.closeAllConnections?.();
    server.close();
  }
  await assert.rejects(Model.load(url("census.mmoe")), isError("IO", /fetch failed/));
});

test("what a model says of itself", async () => {
  const model = await Model.load(census);
  assert.equal(model.architecture, "MMoE");
  assert.deepEqual(model.tasks, ["income_over_50k", "never_married"]);
  const last = model.features.reduce((a, b) => (a.column > b.column ? a : b));
  assert.equal(last.column + last.width, model.inputDim);
  const age = model.features[0];
  assert.deepEqual([age.name, age.kind, age.side, age.source, age.width], ["age", "dense", "user", "age", 1]);
  const worker = model.features.find(({ name }) => name === "class_of_worker");
  assert.equal(worker.kind, "sparse");
  assert.ok(worker.stringValues && !worker.refusesUnknown);
  assert.equal(model.categories("class_of_worker").length, worker.numValues);
  assert.equal(model.categories("class_of_worker")[4], "Private");
  assert.deepEqual(model.categories("detailed_industry").slice(0, 12), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12]);
  assert.deepEqual(model.categories("age"), []);
  const [low, high] = model.range("age");
  assert.ok(low < high);
  assert.equal(model.range("class_of_worker"), null);
  assert.throws(() => model.categories("agee"), isError("INVALID_ARGUMENT", /no feature "agee"/));
  assert.match(mmoe.version, /^\d+\.\d+\.\d+$/);
});

test("golden rows have their bits, in every model at hand, with and without SIMD", async () => {
  const folder = dirname(censusPath);
  const names = readdirSync(folder).filter((name) => name.endsWith(".mmoe"));
  assert.ok(names.includes("census.mmoe"));
  for (const { simd, kernelSet } of BUILDS) {
    for (const name of names) {
      const model = await Model.load(readFileSync(join(folder, name)), { simd });
      const session = model.session({ maxRows: 4 });
      assert.equal(session.kernelSet, kernelSet);
      const report = session.replayGolden();
      assert.ok(session.isExact && report.exact && report.numScores > 0, name);
      assert.equal(report.numWrong, 0, `${name}, ${kernelSet}`);
      const { scores, numRows } = model.goldenRows;
      assert.equal(scores.length, numRows * model.tasks.length);
    }
  }
});

test("an engine without SIMD gets the plain module", async () => {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    assert.equal((await Model.load(census)).session().kernelSet, "fpu");
  } finally {
    WebAssembly.validate = validate;
  }
  assert.equal((await Model.load(census)).session().kernelSet, "simd128");
});

test("golden rows that are x give their scores", async () => {
  const plain = readFileSync(join(dirname(censusPath), "mixed.mmoe"));
  const model = await Model.load(plain);
  const { hasFeatures, numRows, numValues, values, scores } = model.goldenRows;
  assert.ok(!hasFeatures && numValues === model.inputDim);
  assertSame(model.session({ maxRows: numRows }).score(values), scores);
});

test("files that are no model, or a damaged one", async () => {
  await assert.rejects(Model.load(new Uint8Array(0)), isError("NOT_A_MODEL", /./));
  await assert.rejects(Model.load(new Uint8Array(4096)), isError("NOT_A_MODEL", /./));
  await assert.rejects(Model.load(census.subarray(0, census.length - 1)), isError("DAMAGED", /./));
  const damagedHeader = Uint8Array.from(census);
  damagedHeader[200] ^= 1;
  await assert.rejects(Model.load(damagedHeader), isError("CHECKSUM", /header/));
  const damagedWeight = Uint8Array.from(census);
  damagedWeight[census.length - 200] ^= 1;
  const model = await Model.load(damagedWeight);
  assert.throws(() => model.verifyChecksums(), isError("CHECKSUM", /./));
  await assert.rejects(Model.load(damagedWeight, { verifyChecksums: true }), isError("CHECKSUM", /./));
  (await Model.load(census)).verifyChecksums();
});

test("sources that are none", async () => {
  for (const source of [undefined, null, 7, "census.mmoe", {}]) {
    await assert.rejects(Model.load(source), isError("INVALID_ARGUMENT", /^source: expected/));
  }
  await assert.rejects(Model.load(new URL("file:///no/such/file.mmoe")), isError("IO", /no such file/));
  assert.throws(() => new Model(), isError("INVALID_ARGUMENT", /Model.load/));
});

test("a closed model", async () => {
  const model = await Model.load(census);
  const session = model.session();
  model.close();
  model.close();
  const closed = isError("INVALID_ARGUMENT", /^the model is closed$/);
  assert.throws(() => model.session(), closed);
  assert.throws(() => model.goldenRows, closed);
  assert.throws(() => model.features, closed);
  assert.throws(() => session.score(new Float32Array(model.inputDim)), closed);
  session.close();
});
