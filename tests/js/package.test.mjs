// The package: its size, its files, its types; that it asks no network for anything.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { FILES, MOST_BYTES, Model, MmoeError, census, mmoe, packageFolder } from "./support.mjs";

const text = (name) => readFileSync(join(packageFolder, name), "utf8");

test("the files deflated are below 120 kB", () => {
  const bytes = gzipSync(Buffer.concat(FILES.map((name) => readFileSync(join(packageFolder, name)))), { level: 9 });
  console.log(`${bytes.length} bytes`);
  assert.ok(bytes.length > 10_000 && bytes.length < MOST_BYTES, `${bytes.length} bytes`);
});

test("package.json names what is there", () => {
  const { name, version, type, main, types, exports, dependencies } = JSON.parse(text("package.json"));
  assert.deepEqual([name, type, dependencies], ["mmoe", "module", undefined]);
  assert.equal(version, mmoe.version);
  assert.deepEqual([main, types], ["./mmoe.mjs", "./mmoe.d.ts"]);
  assert.deepEqual(exports["."], { types: "./mmoe.d.ts", default: "./mmoe.mjs" });
  assert.deepEqual(Object.keys(mmoe).sort(), ["MmoeError", "Model", "Session", "version"]);
});

test("no network: fetch() is called with the URL of a model alone", async () => {
  const calls = text("mmoe.mjs").match(/\b(fetch|XMLHttpRequest|WebSocket|importScripts|sendBeacon)\b\(/g);
  assert.deepEqual(calls, ["fetch("]);
  const { fetch } = globalThis;
  globalThis.fetch = () => assert.fail("fetch");
  try {
    const model = await Model.load(census);
    assert.equal(model.session().replayGolden().numWrong, 0);
  } finally {
    globalThis.fetch = fetch;
  }
});

test("the types say what is there", () => {
  const types = text("mmoe.d.ts");
  const membersOf = (name) => {
    const body = new RegExp(`^export class ${name} [^]*?^}`, "m").exec(types)[0];
    const found = [...body.matchAll(/^ {2}(?:private )?(?:static )?(?:readonly )?(\w+)[(?:]/gm)];
    return found.map(([, member]) => member).filter((member) => member !== "constructor");
  };
  const members = new Set(membersOf("Model"));
  for (const member of ["load", "tasks", "features", "categories", "session", "close"]) assert.ok(members.has(member));
  for (const [name, type] of [["Model", mmoe.Model], ["Session", mmoe.Session]]) {
    const declared = membersOf(name);
    const methods = Object.getOwnPropertyNames(type.prototype);
    const undeclared = methods.filter((method) => !declared.includes(method));
    assert.deepEqual(undeclared, name === "Model" ? ["constructor", "open"] : ["constructor"]);
  }
  assert.ok(new MmoeError("x").code);
});

test("a model and a session have every declared member", async () => {
  const model = await Model.load(census);
  const session = model.session({ gates: true, logits: true });
  const types = text("mmoe.d.ts");
  for (const [name, value] of [["Model", model], ["Session", session]]) {
    const body = new RegExp(`^export class ${name} [^]*?^}`, "m").exec(types)[0];
    const declared = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map(([, member]) => member);
    assert.ok(declared.length > 10);
    for (const member of declared) assert.ok(member in value, `${name}.${member}`);
  }
});
