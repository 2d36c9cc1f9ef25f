// Sessions: bits, views, memory, options, and what is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { BUILDS, Model, assertSame, census, censusPath, isError, someX } from "./support.mjs";

const mixed = readFileSync(join(dirname(censusPath), "mixed.mmoe"));

test("both builds give the same bits, for any number of rows", async () => {
  const results = [];
  for (const { simd } of BUILDS) {
    const model = await Model.load(mixed, { simd });
    const session = model.session({ maxRows: 33, gates: true, logits: true });
    const x = someX(33 * model.inputDim);
    const scores = session.score(x).slice();
    results.push([scores, session.gateWeights.slice(), session.logits.slice()]);
    const one = model.session({ maxRows: 1 });
    const numTasks = model.tasks.length;
    for (let row = 0; row < 33; ++row) {
      const scored = one.score(x.subarray(row * model.inputDim, (row + 1) * model.inputDim));
      assertSame(scored, scores.subarray(row * numTasks, (row + 1) * numTasks));
    }
  }
  results[0].forEach((floats, i) => assertSame(results[1][i], floats));
  assert.ok(results[0][0].every((score) => Number.isFinite(score)));
});

test("the input is scored where it lies, and results are views", async () => {
  const model = await Model.load(mixed);
  const session = model.session({ maxRows: 2 });
  const x = someX(2 * model.inputDim);
  const expected = session.score(x).slice();
  const { input } = session;
  assert.equal(input.length, 2 * model.inputDim);
  input.set(x);
  const scores = session.score(session.input);
  assertSame(scores, expected);
  assert.equal(scores.buffer, input.buffer);
  const before = scores[0];
  input[0] += 1;
  session.score(input.subarray(0, model.inputDim));
  assert.notEqual(scores[0], before); // the same memory
  assert.equal(session.scores.length, model.tasks.length);
});

test("memory that grows: views are detached, fresh ones go on", async () => {
  const model = await Model.load(mixed);
  const session = model.session({ maxRows: 4 });
  const x = someX(4 * model.inputDim);
  const expected = session.score(x).slice();
  session.input.set(x);
  const stale = session.input;
  const scores = session.score(stale);
  const large = model.session({ maxRows: 100000 });
  assert.equal(stale.length, 0);
  assert.equal(scores.length, 0);
  assert.throws(() => session.score(stale), isError("INVALID_ARGUMENT", /memory that has grown/));
  assertSame(session.scores, expected);
  assertSame(session.score(session.input), expected);
  assertSame(large.score(x), expected);
});

test("x of a wrong length or type", async () => {
  const model = await Model.load(mixed);
  const session = model.session({ maxRows: 2 });
  assert.throws(() => session.score(new Float32Array(model.inputDim - 1)), isError("INVALID_ARGUMENT", /x/));
  assert.throws(() => session.score(new Float32Array(model.inputDim + 1)), isError("INVALID_ARGUMENT", /x/));
  assert.throws(() => session.score(new Float32Array(3 * model.inputDim)), isError("INVALID_ARGUMENT", /room for 2/));
  for (const x of [undefined, null, [1, 2], new Float64Array(model.inputDim), "x"]) {
    assert.throws(() => session.score(x), isError("INVALID_ARGUMENT", /Float32Array/));
  }
  assert.equal(session.score(new Float32Array(0)).length, 0);
  assert.throws(() => session.scoreRows([{ a: 1 }]), isError("INVALID_ARGUMENT", /no raw features/));
});

test("NaN is a NaN row, or an error", async () => {
  const model = await Model.load(mixed);
  const x = someX(2 * model.inputDim);
  const expected = model.session().score(x).slice();
  x[0] = NaN;
  const scores = model.session().score(x);
  assert.ok(Number.isNaN(scores[0]));
  assertSame(scores.subarray(model.tasks.length), expected.subarray(model.tasks.length));
  const strict = model.session({ nonFinite: "error" });
  assert.throws(() => strict.score(x), isError("NON_FINITE", /row 0/));
  assert.equal(strict.scores.length, 0);
});

test("tasks, top-k and gates", async () => {
  const model = await Model.load(census);
  const x = someX(3 * model.inputDim);
  const all = model.session({ gates: true });
  const scores = all.score(x).slice();
  assert.equal(all.gates.length, 2);
  for (const gate of all.gates) {
    assert.equal(gate.level, 0);
    assert.deepEqual(gate.experts, [0, 1, 2, 3, 4, 5, 6, 7]);
    for (let row = 0; row < 3; ++row) {
      const from = row * all.numGateWeights + gate.column;
      const weights = all.gateWeights.subarray(from, from + gate.experts.length);
      assert.ok(Math.abs(weights.reduce((a, b) => a + b) - 1) < 1e-5);
    }
  }
  assert.deepEqual(all.gates.map(({ tasks }) => tasks), [["income_over_50k"], ["never_married"]]);
  const second = model.session({ tasks: ["never_married"] });
  assert.deepEqual(second.tasks, ["never_married"]);
  assertSame(second.score(x), [scores[1], scores[3], scores[5]]);
  assert.ok(second.multiplyAddsPerRow < all.multiplyAddsPerRow);
  const swapped = model.session({ tasks: [...model.tasks].reverse() });
  assertSame(swapped.score(x.subarray(0, model.inputDim)), [scores[1], scores[0]]);
  const sparse = model.session({ topK: 2, gates: true });
  sparse.score(x);
  assert.equal(sparse.gateWeights.filter((weight) => weight !== 0).length, 2 * 2 * 3);
  assert.equal(model.session().gateWeights, null);
  assert.ok(all.steps.some(({ kind }) => kind === "dense") && all.steps.every(({ outputs }) => outputs > 0));
});

test("options that are wrong", async () => {
  const model = await Model.load(census);
  const refused = (options, message, code = "INVALID_ARGUMENT") =>
    assert.throws(() => model.session(options), isError(code, message));
  refused({ maxBatch: 3 }, /maxBatch: no option/);
  refused({ maxRows: 0 }, /maxRows/);
  refused({ maxRows: 1.5 }, /maxRows/);
  refused({ maxRows: -1 }, /maxRows/);
  refused({ tasks: ["income"] }, /no task "income"/);
  refused({ tasks: [] }, /tasks/);
  refused({ topK: -1 }, /topK/);
  refused({ minGateWeight: 2 }, /min_gate_weight/);
  refused({ nonFinite: "ignore" }, /nonFinite: "ignore", expected one of: nan, error/);
  refused({ skipExperts: "toString" }, /skipExperts/);
  refused({ maxMultiplyAdds: 10 }, /./, "LIMIT_EXCEEDED");
});

test("no memory is an error, after which the model goes on", async () => {
  const model = await Model.load(census);
  for (const maxRows of [4_390_000, 2 ** 24]) { // whose inputs have 2.14 and 8 GB, of 2.147
    const session = model.session({ maxRows });
    assert.throws(() => session.input, isError("OUT_OF_MEMORY", /no memory for \d+ bytes/));
    session.close();
  }
  assert.equal(model.session({ maxRows: 1 }).score(new Float32Array(model.inputDim)).length, 2);
});

test("a closed session", async () => {
  const model = await Model.load(census);
  const session = model.session();
  assert.equal(session.closed, false);
  session.close();
  session.close();
  assert.equal(session.closed, true);
  const closed = isError("INVALID_ARGUMENT", /^the session is closed$/);
  assert.throws(() => session.score(new Float32Array(model.inputDim)), closed);
  assert.throws(() => session.input, closed);
  assert.throws(() => session.scores, closed);
  assert.throws(() => session.setUser({}), closed);
  assert.throws(() => session.replayGolden(), closed);
});

test("closed sessions give their memory back", async () => {
  const model = await Model.load(census);
  const open = () => {
    const session = model.session({ maxRows: 2000, gates: true });
    assert.equal(session.input.length, 2000 * model.inputDim);
    return session;
  };
  open().close();
  const bytes = open().scores.buffer.byteLength;
  for (let i = 0; i < 100; ++i) open().close(); // each has 1 MB
  assert.ok(open().scores.buffer.byteLength <= bytes + 2 ** 23);
});

const withCollection = { skip: !globalThis.gc && "needs --expose-gc" };

test("sessions that are collected give their memory back", withCollection, async () => {
  const model = await Model.load(census);
  const size = () => {
    const session = model.session();
    const bytes = session.scores.buffer.byteLength;
    session.close();
    return bytes;
  };
  const open = () => assert.equal(model.session({ maxRows: 4000 }).input.length, 4000 * model.inputDim); // 2 MB
  for (let i = 0; i < 60; ++i) {
    open();
    if (i % 10 !== 9) continue;
    globalThis.gc();
    await setTimeout(5);
  }
  assert.ok(size() < 60 * 4000 * 4 * model.inputDim / 2, `${size()} bytes`);
});
