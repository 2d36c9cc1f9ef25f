// Elements of the page, and numbers as they are shown.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// html("a", { href: "#" }, "text", other). Texts stay texts: a name in a file is no markup.
export const html = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);
export const byId = (id) => document.getElementById(id);

export const percent = (share) => `${(100 * share).toFixed(1)} %`;
export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function shortNumber(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  return size < 1e-4 || size >= 1e7 ? number.toExponential(3) : number.toPrecision(6).replace(/\.?0+$/, "");
}

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; ++unit) count /= 1000;
  return `${unit === 0 ? count : count.toPrecision(3)} ${units[unit]}`;
}
