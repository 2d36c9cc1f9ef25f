// The types, by the compiler of TypeScript.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packageFolder } from "./support.mjs";

const PROGRAM = `
import { Model, MmoeError, type Category, type Columns, type Row } from "mmoe";
const model: Model = await Model.load(new Uint8Array(3), { simd: false });
const rows: Row[] = [{ age: 39, country: null, history: [1, 2], price: new Float32Array(2), id: 7n }];
const scores: Float32Array = model.session({ maxRows: 8, topK: 2, gates: true }).scoreRows(rows, { candidates: false });
const columns: Columns = { age: Float32Array.of(39), country: [null], history: [[1, 2]], price: [new Float32Array(2)] };
model.session().scoreRows(columns);
const category: Category = model.category("country", model.numCategories("country") - 1);
const code: string = new MmoeError("x").code;
// @ts-expect-error: no such option
model.session({ maxBatch: 8 });
// @ts-expect-error: made by load()
new Model();
// @ts-expect-error: a row alone
model.session().scoreRows({ age: 39 });
// @ts-expect-error: not an array of numbers
model.session().score([1, 2]);
export { category, code, scores };
`;

test("a program of TypeScript", () => {
  const folder = mkdtempSync(join(tmpdir(), "mmoe-types-"));
  try {
    writeFileSync(join(folder, "program.mts"), PROGRAM);
    const options = {
      strict: true, noEmit: true, target: "es2022", module: "esnext", moduleResolution: "node", lib: ["es2022", "dom"],
      types: [], baseUrl: ".", paths: { mmoe: [join(packageFolder, "mmoe")] },
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["program.mts"] }));
    const { status, stdout } = spawnSync("tsc", ["--project", folder], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
