// What the tests of the package share. They are started by ctest, which says where things are.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const source = new URL("../../", import.meta.url);
export const packageFolder = process.env.MMOE_JS_PACKAGE;
export const mmoe = await import(pathToFileURL(join(packageFolder, "mmoe.mjs")));
export const { Model, MmoeError } = mmoe;

// What npm packs, and how large it may be.
export const FILES = ["LICENSE", "README.md", "mmoe.d.ts", "mmoe.mjs", "package.json"];
export const MOST_BYTES = 120_000;

export const censusPath = process.env.MMOE_CENSUS_MODEL;
export const census = readFileSync(censusPath);

// Of tests/vectors/make_vectors.py, and persons_scores.csv.
const vectors = process.env.MMOE_VECTORS;
export const noVectors = existsSync(join(vectors, "vectors.tsv")) ? false : "there are no test vectors";
export const vectorFile = (name) => readFileSync(join(vectors, name));

const floats = (words) => new Float32Array(Uint32Array.from(words, (word) => parseInt(word, 16)).buffer);

// What vectors.tsv has of a model: arrays of floats by their words, and rows with values by column.
export function vectorsOf(file) {
  const found = { rows: [] };
  let model;
  const set = (row, values) => Object.assign((found.rows[row] ??= {}), values);
  const lines = vectorFile("vectors.tsv").toString().trimEnd().split("\n");
  for (const [word, ...words] of lines.map((line) => line.split("\t"))) {
    if (word === "model") model = words[0];
    if (model !== file || word === "model") continue;
    if (["x", "gates", "scores", "candidates"].includes(word)) {
      found[word] = floats(words);
      continue;
    }
    const [row, feature, ...values] = words;
    if (feature === "city x hour") set(row, { city: values[0], hour: Number(values[1]) });
    else if (word === "weights") set(row, { counts: values.map(Number) });
    else if (word === "missing") set(row, { [feature]: null });
    else if (word === "text") set(row, { [feature]: values[0] });
    else if (word === "texts") set(row, { [feature]: values });
    else if (word === "number" || word === "integer") set(row, { [feature]: Number(values[0]) });
    else if (word === "numbers" || word === "integers") set(row, { [feature]: values.map(Number) });
    else assert.fail(`vectors.tsv: ${word}`);
  }
  assert.ok(found.scores.length > 0);
  return found;
}

// Both modules of the package.
export const BUILDS = [{ simd: true, kernelSet: "simd128" }, { simd: false, kernelSet: "fpu" }];

// The same bits.
export function assertSame(found, expected) {
  const bits = (floats) => [...new Uint32Array(Float32Array.from(floats).buffer)];
  assert.deepEqual(bits(found), bits(expected));
}

export const isError = (code, message) => (error) => {
  assert.ok(error instanceof MmoeError, String(error.stack));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

// Rows of a CSV file without quotes.
export function readCsv(text) {
  const [header, ...lines] = text.trim().split("\n").map((line) => line.split(","));
  return lines.map((line) => {
    assert.equal(line.length, header.length);
    return Object.fromEntries(header.map((name, i) => [name, line[i]]));
  });
}

// The people of examples/census, as a program has them.
export function persons(model) {
  return readCsv(readFileSync(new URL("examples/census/persons.csv", source), "utf8")).map((texts) => {
    const isText = (name) => model.features.some((feature) => feature.source === name && feature.stringValues);
    return Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, isText(name) || name === "person" ? text : Number(text)]),
    );
  });
}

// Some numbers.
export function someX(count, seed = 1) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
