// The structs as the package writes them have the fields of <mmoe/mmoe.h>, in its order. layout.cpp compares sizes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { STRUCTS } from "../../runtime/js/src/structs.mjs";
import { source } from "./support.mjs";

const header = readFileSync(new URL("runtime/include/mmoe/mmoe.h", source), "utf8").replace(/\/\*[^]*?\*\//g, "");
const NESTED = { mmoe_executor: "executor", mmoe_columns: "columns" };
const TYPES = { float: "f32", double: "f64", uint64_t: "u64", int64_t: "i64" };

// [name, type] of each field; a function's pointer is a word.
function fieldsOf(struct) {
  const body = new RegExp(`typedef struct ${struct} \\{([^]*?)\\n\\} ${struct};`).exec(header)[1];
  return body.split(";").map((text) => text.trim()).filter(Boolean).flatMap((text) => {
    const callback = /\(\*(\w+)\)/.exec(text);
    if (callback) return [[callback[1], "word"]];
    const [, type, pointer, name] = /^(?:const )?(\w+)(\*?) (\w+)$/.exec(text);
    if (NESTED[type] && !pointer) return fieldsOf(type).map(([inner, kind]) => [`${name}.${inner}`, kind]);
    return [[name, pointer ? "word" : TYPES[type] ?? "word"]];
  });
}

for (const [name, struct] of Object.entries(STRUCTS)) {
  test(`mmoe_${name}`, () => {
    const isWord = (type) => type === "u32" || type === "i32";
    const ours = struct.fields.map(({ name: field, type }) => [field, isWord(type) ? "word" : type]);
    assert.deepEqual(ours, fieldsOf(`mmoe_${name}`));
  });
}
