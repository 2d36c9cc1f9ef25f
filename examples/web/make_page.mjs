// Makes the page, one file that opens from a disk: node make_page.mjs MMOE.mjs STYLE.h PAGE.html
//
// Browsers load no module from a file, so all are inside: the package by an import map, the page's own joined in one
// scope. STYLE.h is runtime/tools/page/page_style.h, so that reports and this page look the same.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const [mmoe, style, page] = process.argv.slice(2);
const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");

const css = /R"css\(([^]*?)\)css"/.exec(readFileSync(style, "utf8"))[1] + read("page.css");
const joined = (text) => text.replace(/^import .* from "\.\/.*";\n/gm, "").replace(/^export (?=const|function)/gm, "");
const script = ["elements", "structure", "controls", "app"].map((name) => joined(read(`${name}.mjs`))).join("\n");
const packed = `data:text/javascript;base64,${readFileSync(mmoe).toString("base64")}`;

const parts = { "/*STYLE*/": css, "/*MMOE*/": packed, "/*SCRIPT*/": script };
const result = Object.entries(parts).reduce((text, [mark, part]) => text.replace(mark, () => part), read("page.html"));
mkdirSync(dirname(page), { recursive: true });
writeFileSync(page, result);
