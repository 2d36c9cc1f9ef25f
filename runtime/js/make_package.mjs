// Makes the npm package: node make_package.mjs SIMD128.wasm PLAIN.wasm LICENSE FOLDER
//
// FOLDER/mmoe.mjs is the sources joined, in one scope: names at the top level of src/*.mjs differ. The modules of
// WebAssembly are in it, deflated, in base64.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { patched } from "./src/patch.mjs";

// Each after those that it imports.
const SOURCES = ["errors", "structs", "patch", "native", "tables", "rows", "session", "model"];
const PUBLIC = ["MmoeError", "Model", "Session"];
const SHORTEST_COPY = 12;

const [simd128, plain, license, folder] = process.argv.slice(2);
const here = fileURLToPath(new URL(".", import.meta.url));

// The longest bytes of `base` that are at `at` of `bytes`: [from, count]. `places`: where each of SHORTEST_COPY are.
function longestCopy(base, places, bytes, at) {
  let longest = [0, 0];
  for (const from of places.get(bytes.toString("latin1", at, at + SHORTEST_COPY)) ?? []) {
    let count = 0;
    while (at + count < bytes.length && bytes[at + count] === base[from + count]) ++count;
    if (count > longest[1]) longest = [from, count];
  }
  return longest;
}

function leb128(numbers) {
  const bytes = [];
  for (let number of numbers) {
    for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
    bytes.push(number);
  }
  return bytes;
}

// As patch.mjs reads it.
function patchOf(base, bytes) {
  const places = new Map();
  for (let at = 0; at + SHORTEST_COPY <= base.length; ++at) {
    const key = base.toString("latin1", at, at + SHORTEST_COPY);
    places.set(key, [...(places.get(key) ?? []), at].slice(0, 64));
  }
  const numbers = [], fresh = [];
  let end = 0, pending = 0;
  const add = (from, count) => {
    const distance = from - end;
    numbers.push(pending, count, distance < 0 ? -2 * distance - 1 : 2 * distance);
    [end, pending] = [from + count, 0];
  };
  for (let at = 0; at < bytes.length; ) {
    const [from, count] = longestCopy(base, places, bytes, at);
    if (count >= SHORTEST_COPY) {
      add(from, count);
      at += count;
    } else {
      fresh.push(bytes[at++]);
      ++pending;
    }
  }
  add(end, 0);
  const patch = Buffer.from([...leb128([numbers.length, ...numbers]), ...fresh]);
  if (!Buffer.concat(patched(base, patch)).equals(bytes)) throw new Error("the patch does not give the plain module");
  return patch;
}

const embedded = (bytes) => deflateSync(bytes, { level: 9, memLevel: 9 }).toString("base64");

function source(name) {
  return readFileSync(join(here, "src", `${name}.mjs`), "utf8")
    .replace(/^import .* from "\.\/.*";\n/gm, "")
    .replace(/^export (?=class|const|function)/gm, "");
}

const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const base = readFileSync(simd128);
const difference = patchOf(base, readFileSync(plain));
const parts = [
  `// mmoe ${version}: scores of multi-task ranking models. Made of runtime/js.\n`,
  ...SOURCES.map(source),
  `const version = "${version}";\n`,
  `export { ${PUBLIC.join(", ")}, version };\n`,
  // Last, so that a reader finds the code first; it is read when a model is loaded.
  `const MODULES = {\n  simd128: "${embedded(base)}",\n  plain: "${embedded(difference)}",\n};\n`,
];

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "mmoe.mjs"), parts.join("\n"));
copyFileSync(join(here, "src", "mmoe.d.ts"), join(folder, "mmoe.d.ts"));
for (const name of ["package.json", "README.md"]) copyFileSync(join(here, name), join(folder, name));
copyFileSync(license, join(folder, "LICENSE"));
