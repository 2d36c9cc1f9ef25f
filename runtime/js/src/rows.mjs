// Rows by name, as the C interface's row builder takes them.
import { MmoeError } from "./errors.mjs";
import { STRUCTS } from "./structs.mjs";

const PARTS = { whole: 0, user: 1, candidates: 2 };
const SIDES_OF = { whole: ["context", "user", "item"], user: ["context", "user"], candidates: ["item"] };

// Types of mmoe_values, and the arrays that have them.
const DOUBLES = 2, INT64S = 4, PACKED_TEXTS = 6, UINT64S = 7;

const MOST_SIGNED = 2n ** 63n - 1n;

const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
const isMissing = (value) => value === undefined || value === null;
const isFloat = (value) => typeof value === "number" && !Number.isSafeInteger(value);
const takesNumbers = (feature) => feature.kind === "dense" || feature.numberValues;

export class Rows {
  constructor(model, native, part, maxRows) {
    this.native = native;
    this.part = part;
    this.maxRows = maxRows;
    this.features = model.features
      .map((feature, index) => ({ ...feature, index }))
      .filter(({ side }) => SIDES_OF[part].includes(side));
    const options = STRUCTS.rows_options.write(native, native.scratch, { max_rows: maxRows, part: PARTS[part] });
    this.handle = native.handle((at) => native.exports.mmoe_rows_create(model.handle, options, at));
  }

  // Objects with a value for each column. Throws the first error.
  fill(rows) {
    this.#checkColumns(rows);
    this.native.check(this.native.exports.mmoe_rows_clear(this.handle, rows.length));
    rows.forEach((row, index) => this.features.forEach((feature) => this.#fillFeature(row, index, feature)));
  }

  // As everywhere in mmoe: a column that no row has is a mistake, not a missing value.
  #checkColumns(rows) {
    const names = new Set();
    for (const row of rows) {
      if (typeof row !== "object" || row === null || isList(row)) {
        throw new MmoeError("rows: expected an array of objects, each with a value for every column");
      }
      Object.keys(row).forEach((name) => names.add(name));
    }
    for (const { name, source, crossed, weights } of rows.length > 0 ? this.features : []) {
      const missing = [...(crossed.length > 0 ? crossed : [source]), ...(weights ? [weights] : [])].find(
        (column) => !names.has(column),
      );
      if (missing === undefined) continue;
      const shown = [...names].slice(0, 20).join(", ") + (names.size > 20 ? ", ..." : "");
      throw new MmoeError(`feature "${name}": there is no column "${missing}"; the rows have: ${shown}`);
    }
  }

  #fillFeature(row, index, feature) {
    if (feature.crossed.length > 0) {
      const parts = feature.crossed.map((column) => row[column]);
      return this.#fill(index, feature, parts.some(isMissing) ? null : parts);
    }
    this.#fill(index, feature, row[feature.source]);
    const weights = row[feature.weights];
    if (feature.weights && !isMissing(weights)) this.#fillList(index, feature, weights, true);
  }

  #fill(row, feature, value) {
    const c = this.native.exports;
    const [rows, index] = [this.handle, feature.index];
    if (isList(value)) return this.#fillList(row, feature, value, false);
    let status;
    if (isMissing(value) || (Number.isNaN(value) && !takesNumbers(feature))) {
      status = c.mmoe_rows_set_missing_at(rows, row, index);
    } else if (typeof value === "string") {
      const { at, size } = this.#putTexts([value]);
      status = c.mmoe_rows_set_text_n_at(rows, row, index, at, size);
    } else if (typeof value === "bigint") {
      this.#checkInteger(row, feature, value);
      status = value > MOST_SIGNED
        ? c.mmoe_rows_set_unsigned_at(rows, row, index, value)
        : c.mmoe_rows_set_integer_at(rows, row, index, value);
    } else if (typeof value === "boolean" || (typeof value === "number" && !isFloat(value) && !takesNumbers(feature))) {
      status = c.mmoe_rows_set_integer_at(rows, row, index, BigInt(value));
    } else if (typeof value === "number") {
      status = c.mmoe_rows_set_number_at(rows, row, index, value);
    } else {
      this.#refuse(row, feature, `a value of the type ${typeof value}`);
    }
    this.native.check(status);
  }

  #fillList(row, feature, list, areWeights) {
    const { native, handle } = this;
    const c = native.exports;
    if (!isList(list)) this.#refuse(row, feature, "its weights are no list");
    const values = STRUCTS.values.write(native, native.scratch, this.#put(row, feature, Array.from(list), areWeights));
    native.check(
      areWeights
        ? c.mmoe_rows_set_weights_at(handle, row, feature.index, values)
        : c.mmoe_rows_set_list_at(handle, row, feature.index, values),
    );
  }

  // Elements of one type, in memory of a call, as mmoe_values says it.
  #put(row, feature, list, areWeights) {
    const areNumbers = areWeights || takesNumbers(feature);
    for (const value of list) {
      const known = ["string", "number", "bigint", "boolean"].includes(typeof value);
      if (!known && !(areNumbers && isMissing(value))) this.#refuse(row, feature, `an element is ${value}`);
      if (typeof value === "bigint") this.#checkInteger(row, feature, value);
    }
    if (list.some((value) => typeof value === "string")) return this.#putTexts(list.map(String)).values;
    if (areNumbers || list.some(isFloat)) {
      return this.#putNumbers(Float64Array, DOUBLES, list.map((value) => (isMissing(value) ? NaN : Number(value))));
    }
    const integers = list.map(BigInt);
    const areLarge = integers.some((value) => value > MOST_SIGNED);
    if (areLarge && integers.some((value) => value < 0n)) this.#refuse(row, feature, "integers that no type holds");
    return areLarge
      ? this.#putNumbers(BigUint64Array, UINT64S, integers)
      : this.#putNumbers(BigInt64Array, INT64S, integers);
  }

  #putNumbers(Type, type, numbers) {
    const data = this.native.temporary(8 * numbers.length + 8);
    new Type(this.native.buffer, data, numbers.length).set(numbers);
    return { data, size: numbers.length, type };
  }

  // Offsets, and behind them the texts in UTF-8.
  #putTexts(texts) {
    const encoded = texts.map((text) => new TextEncoder().encode(text));
    const size = encoded.reduce((sum, { length }) => sum + length, 0);
    const data = this.native.temporary(4 * (texts.length + 1) + size + 1);
    const at = data + 4 * (texts.length + 1);
    const offsets = new Int32Array(this.native.buffer, data, texts.length + 1);
    offsets[0] = 0;
    encoded.forEach((text, i) => {
      this.native.bytes.set(text, at + offsets[i]);
      offsets[i + 1] = offsets[i] + text.length;
    });
    return { at, size, values: { data, size: texts.length, bytes: at, num_bytes: size, type: PACKED_TEXTS } };
  }

  #checkInteger(row, feature, value) {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) this.#refuse(row, feature, `${value} has more than 64 bits`);
  }

  #refuse(row, feature, what) {
    throw new MmoeError(`feature "${feature.name}", row ${row}: ${what}`);
  }
}
