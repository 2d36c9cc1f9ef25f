// Rows by name, as the C interface's row builder takes them.
import { MmoeError } from "./errors.mjs";
import { STRUCTS } from "./structs.mjs";
import { columnsOf, isList, tableOf } from "./tables.mjs";

const PARTS = { whole: 0, user: 1, candidates: 2 };
const SIDES_OF = { whole: ["context", "user", "item"], user: ["context", "user"], candidates: ["item"] };

// Types of mmoe_values, and the arrays that have them.
const DOUBLES = 2, INT32S = 3, INT64S = 4, PACKED_TEXTS = 6, UINT64S = 7;
const TYPES = new Map([
  [Float32Array, 1], [Float64Array, DOUBLES], [Int32Array, INT32S], [BigInt64Array, INT64S], [BigUint64Array, UINT64S],
]);

const MOST_SIGNED = 2n ** 63n - 1n;

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

  // Of an array of objects, or an object of columns.
  table(rows) {
    return tableOf(rows, this.features);
  }

  // Throws the first error.
  fill(table) {
    this.#checkColumns(table);
    this.native.check(this.native.exports.mmoe_rows_clear(this.handle, table.numRows));
    const others = this.features.filter((feature) => !this.#fillColumn(feature, table.column(feature.source)));
    for (let row = 0; row < table.numRows; ++row) {
      others.forEach((feature) => this.#fillFeature(table, row, feature));
    }
  }

  #checkColumns({ names, isNamed }) {
    for (const feature of isNamed ? this.features : []) {
      const missing = columnsOf(feature).find(({ name }) => !names.has(name));
      if (missing === undefined) continue;
      const shown = [...names].slice(0, 20).join(", ") + (names.size > 20 ? ", ..." : "");
      throw new MmoeError(`feature "${feature.name}": there is no column "${missing.name}"; the rows have: ${shown}`);
    }
  }

  // In one call, whether it can be: numbers or integers of one type, or texts alone.
  #fillColumn(feature, column) {
    if (column === undefined || feature.crossed.length > 0 || feature.kind === "sequence") return false;
    const { native, handle } = this;
    const given = Array.isArray(column) ? this.#putColumnOfTexts(column) : this.#putColumn(feature, column);
    if (!given) return false;
    const values = STRUCTS.values.write(native, native.scratch, given);
    native.check(native.exports.mmoe_rows_set_column_at(handle, feature.index, values, 0, 0));
    return true;
  }

  #putColumnOfTexts(column) {
    return column.every((value) => typeof value === "string") ? this.#putTexts(column).values : null;
  }

  #putColumn(feature, column) {
    const areFloats = column instanceof Float32Array || column instanceof Float64Array;
    if (areFloats && !takesNumbers(feature)) return null; // whole numbers may be integers: value by value
    const type = TYPES.get(column.constructor);
    if (type) return this.#putNumbers(column.constructor, type, column);
    return takesNumbers(feature)
      ? this.#putNumbers(Float64Array, DOUBLES, column)
      : this.#putNumbers(BigInt64Array, INT64S, Array.from(column, BigInt));
  }

  #fillFeature(table, row, feature) {
    if (feature.crossed.length > 0) {
      const parts = feature.crossed.map((column) => table.value(row, column));
      return this.#fill(row, feature, parts.some(isMissing) ? null : parts);
    }
    this.#fill(row, feature, table.value(row, feature.source));
    const weights = feature.weights ? table.value(row, feature.weights) : null;
    if (!isMissing(weights)) this.#fillList(row, feature, weights, true);
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
