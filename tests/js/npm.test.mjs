// What npm packs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { FILES, MOST_BYTES, packageFolder } from "./support.mjs";

test("what npm packs is below 120 kB", () => {
  const packed = spawnSync("npm", ["pack", "--dry-run", "--json", "--offline"], { cwd: packageFolder });
  const answer = JSON.parse(packed.stdout);
  const { size, files } = Array.isArray(answer) ? answer[0] : Object.values(answer)[0];
  console.log(`${size} bytes`);
  assert.ok(size > 10_000 && size < MOST_BYTES, `${size} bytes`);
  assert.deepEqual(files.map(({ path }) => path).sort(), FILES);
});
