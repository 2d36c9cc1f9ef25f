// A verified model file, in memory of its own.
import { MmoeError } from "./errors.mjs";
import { Native } from "./native.mjs";
import { Session } from "./session.mjs";
import { STRUCTS } from "./structs.mjs";

const ALIGNMENT = 64; // MMOE_ALIGNMENT
const KINDS = ["dense", "sparse", "sequence"];
const SIDES = ["context", "user", "item"];

async function bytesOf(source) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof URL) return source.protocol === "file:" && globalThis.process?.versions?.node
    ? readFile(source)
    : download(source);
  throw new MmoeError("source: expected the bytes of a .mmoe file, a Blob or a URL");
}

async function readFile(url) {
  const { readFile: read } = await import("node:fs/promises");
  return read(url).catch((error) => {
    throw new MmoeError(error.message, "IO");
  });
}

async function download(url) {
  const response = await fetch(url).catch((error) => {
    throw new MmoeError(`${url}: ${error.message}`, "IO");
  });
  if (!response.ok) throw new MmoeError(`${url}: ${response.status} ${response.statusText}`, "IO");
  return new Uint8Array(await response.arrayBuffer());
}

export class Model {
  #native;
  #features;

  static async load(source, { verifyChecksums = false, simd = true } = {}) {
    const bytes = await bytesOf(source);
    return new Model(await Native.create(simd), bytes, verifyChecksums);
  }

  // load() makes models.
  constructor(native, bytes, verifyChecksums) {
    if (!(native instanceof Native)) throw new MmoeError("a model is made by Model.load()");
    this.#native = native;
    const c = native.exports;
    const data = Math.ceil(native.allocate(bytes.length + ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
    native.bytes.set(bytes, data);
    const options = STRUCTS.load_options.write(native, native.scratch, { verify_checksums: verifyChecksums ? 1 : 0 });
    this.handle = native.handle((at) => c.mmoe_model_from_bytes(data, bytes.length, options, at));
    this.#describe(bytes.length);
  }

  #describe(sizeBytes) {
    const native = this.#native;
    const c = native.exports;
    const model = this.handle;
    this.name = native.sizedText((size) => c.mmoe_model_name(model, size));
    this.architecture = native.sizedText((size) => c.mmoe_model_architecture(model, size));
    this.inputDim = c.mmoe_model_input_dim(model);
    this.userDim = c.mmoe_model_user_dim(model);
    this.candidateDim = c.mmoe_model_candidate_dim(model);
    this.sizeBytes = sizeBytes;
    this.tasks = Array.from({ length: c.mmoe_model_num_tasks(model) }, (_, task) =>
      native.sizedText((size) => c.mmoe_model_task_name(model, task, size)),
    );
  }

  // Throws where close() was called.
  open() {
    if (this.handle === 0) throw new MmoeError("the model is closed");
    return this.#native;
  }

  get features() {
    const native = this.open();
    this.#features ??= Array.from({ length: native.exports.mmoe_model_num_features(this.handle) }, (_, index) =>
      this.#feature(index),
    );
    return this.#features;
  }

  #feature(index) {
    const native = this.#native;
    const c = native.exports;
    const info = STRUCTS.feature_info.filled(native, (at) => c.mmoe_model_feature(this.handle, index, at));
    const text = (name) => native.text(info[name], info[`${name}_size`]);
    const crossed = Array.from({ length: info.num_parts > 1 ? info.num_parts : 0 }, (_, part) =>
      native.sizedText((size) => c.mmoe_model_crossed_column(this.handle, index, part, size)),
    );
    return Object.freeze({
      name: text("name"),
      kind: KINDS[info.kind],
      side: SIDES[info.side],
      source: text("source"),
      column: info.column,
      width: info.width,
      length: info.length,
      numValues: info.num_values,
      numIds: info.num_ids,
      stringValues: info.string_values !== 0,
      numberValues: info.number_values !== 0,
      hashed: info.hashed !== 0,
      refusesUnknown: info.refuses_unknown !== 0,
      refusesMissing: info.refuses_missing !== 0,
      crossed,
      weights: text("weights"),
    });
  }

  numCategories(name) {
    return this.open().exports.mmoe_model_num_categories(this.handle, this.#indexOf(name));
  }

  category(name, place) {
    const native = this.open();
    const index = this.#indexOf(name);
    if (!Number.isSafeInteger(place) || place < 0) throw new MmoeError(`place: ${place}, expected a whole number`);
    const { text, text_size, integer, is_unsigned, id } = STRUCTS.category.filled(native, (at) =>
      native.exports.mmoe_model_category(this.handle, index, Math.min(place, 2 ** 32 - 1), at),
    );
    return {
      value: this.features[index].stringValues ? native.text(text, text_size) : numberOf(integer, is_unsigned),
      id: id < 0 ? null : id,
    };
  }

  categories(name) {
    const found = Array.from({ length: this.numCategories(name) }, (_, place) => this.category(name, place));
    return found.sort((a, b) => a.id - b.id).map(({ value }) => value);
  }

  expertReads(level, expert, gate) {
    if (![level, expert, gate].every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)) return false;
    return this.open().exports.mmoe_model_expert_reads(this.handle, level, expert, gate) !== 0;
  }

  // Of the golden rows.
  range(name) {
    const index = this.#indexOf(name);
    const { numRows, numValues, values, hasFeatures } = this.goldenRows;
    if (!hasFeatures || numRows === 0 || this.features[index].kind !== "dense") return null;
    const first = this.features.slice(0, index).reduce((sum, feature) => sum + valuesOf(feature), 0);
    const found = [];
    for (let row = 0; row < numRows; ++row) {
      const from = row * numValues + first;
      found.push(...values.subarray(from, from + valuesOf(this.features[index])));
    }
    const numbers = found.filter(Number.isFinite);
    return numbers.length > 0 ? [Math.min(...numbers), Math.max(...numbers)] : null;
  }

  #indexOf(name) {
    const index = this.features.findIndex((feature) => feature.name === name);
    if (index < 0) throw new MmoeError(`the model has no feature "${name}"`);
    return index;
  }

  get goldenRows() {
    const native = this.open();
    const golden = STRUCTS.golden_rows.filled(native, (at) =>
      native.exports.mmoe_model_golden_rows(this.handle, at),
    );
    const copied = (Type, at, columns) => new Type(native.buffer, at, golden.num_rows * columns).slice();
    return {
      numRows: golden.num_rows,
      numValues: golden.num_values,
      numIds: golden.num_ids,
      values: copied(Float32Array, golden.values, golden.num_values),
      ids: copied(Int32Array, golden.ids, golden.num_ids),
      scores: copied(Float32Array, golden.scores, this.tasks.length),
      hasFeatures: golden.has_features !== 0,
    };
  }

  verifyChecksums() {
    const native = this.open();
    native.check(native.exports.mmoe_model_verify_checksums(this.handle));
  }

  session(options) {
    return new Session(this, this.open(), options);
  }

  close() {
    this.handle = 0;
    this.#native = null; // and with it the memory, as soon as no view of it is left
  }
}

// A number, unless it is too large for one.
function numberOf(integer, isUnsigned) {
  const value = isUnsigned ? BigInt.asUintN(64, integer) : integer;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

// Columns of the golden rows' values.
function valuesOf({ kind, width, length, weights }) {
  if (kind === "dense") return width;
  return weights ? length : 0;
}
