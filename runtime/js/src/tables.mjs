// Raw rows as a caller has them: an array of objects, or an object of columns. Both have numRows, names (a Set),
// value(row, column) and column(name), which is all of a column's values, or undefined.
import { MmoeError } from "./errors.mjs";

export const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
const isTable = (value) => typeof value === "object" && value !== null && !ArrayBuffer.isView(value);

class TableOfRows {
  names = new Set();

  constructor(rows) {
    for (const row of rows) {
      if (!isTable(row) || isList(row)) {
        throw new MmoeError("rows: expected an array of objects, each with a value for every column");
      }
      Object.keys(row).forEach((name) => this.names.add(name));
    }
    this.rows = rows;
    this.numRows = rows.length;
  }

  // As everywhere in mmoe: a column that no row has is a mistake, not a missing value. Without rows there are no names.
  get isNamed() {
    return this.numRows > 0;
  }

  value(row, name) {
    return this.rows[row][name];
  }

  column() {}
}

class TableOfColumns {
  isNamed = true;

  constructor(columns, features) {
    this.names = new Set(Object.keys(columns));
    this.columns = columns;
    this.numRows = 0;
    let first;
    for (const { name, width } of features.flatMap(columnsOf).filter(({ name }) => this.names.has(name))) {
      const rows = this.#rowsOf(name, width);
      first ??= { name, rows };
      if (rows === first.rows) continue;
      throw new MmoeError(`rows: column "${name}" has ${rows} rows, column "${first.name}" ${first.rows}`);
    }
    this.numRows = first?.rows ?? 0;
  }

  // A typed array of a feature that is wider than 1 has its numbers row after row.
  #rowsOf(name, width) {
    const column = this.columns[name];
    if (!isList(column)) {
      throw new MmoeError(`rows: expected an array of objects, or an object of arrays; column "${name}" is no array`);
    }
    const rows = Array.isArray(column) ? column.length : column.length / width;
    if (Number.isSafeInteger(rows)) return rows;
    throw new MmoeError(`rows: column "${name}" has ${column.length} numbers, expected ${width} for each row`);
  }

  value(row, name) {
    return this.columns[name][row];
  }

  column(name) {
    return this.columns[name];
  }
}

// The columns of raw data that a feature reads, and their numbers per row.
export function columnsOf({ kind, source, crossed, weights, width }) {
  const names = crossed.length > 0 ? crossed : [source];
  return [...names, ...(weights ? [weights] : [])].map((name) => ({ name, width: kind === "dense" ? width : 1 }));
}

export function tableOf(rows, features) {
  if (Array.isArray(rows)) return new TableOfRows(rows);
  if (isTable(rows)) return new TableOfColumns(rows, features);
  throw new MmoeError("rows: expected an array of objects, or an object of arrays");
}
