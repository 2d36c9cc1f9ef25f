// What goes wrong, with the texts of the C interface.

const CODES = [
  "OK", "IO", "NOT_A_MODEL", "NEWER_VERSION", "DAMAGED", "UNSUPPORTED", "MISALIGNED", "CHECKSUM", "INVALID_ARGUMENT",
  "ARENA_TOO_SMALL", "OUT_OF_MEMORY", "NON_FINITE", "UNKNOWN_CATEGORY", "LIMIT_EXCEEDED",
];

export class MmoeError extends Error {
  // `code`: as in <mmoe/mmoe.h>, without its prefix; or the number that is its status there.
  constructor(message, code = "INVALID_ARGUMENT") {
    super(message);
    this.name = "MmoeError";
    this.code = typeof code === "number" ? (CODES[code] ?? String(code)) : code;
  }
}
