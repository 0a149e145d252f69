// Elements and numbers. Whatever comes from a run is set as text, never as markup: a model may answer anything.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (functions are listeners) and children (texts or elements; null is nothing). */
function make(name, attributes = {}, ...children) {
  return dress(document.createElement(name), attributes, children);
}

function makeSvg(name, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, name), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A box that scrolls by itself where its table is too wide, also by keyboard. */
function scrolling(label, table) {
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label }, table);
}

/** A details element whose content is made when it is first opened. */
function onDemand(title, content, open = false) {
  const details = make("details", { open }, make("summary", {}, title));
  const fill = () => {
    if (details.open && details.childElementCount === 1) details.append(...[content()].flat());
  };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

/** A small square in the colour that the figures give to a group. */
function swatch(colour) {
  return coloured(make("span", { class: "swatch", "aria-hidden": "true" }), colour);
}

/** The colour that the figures give to a group, which the style sheet makes lighter in the dark. */
function coloured(element, colour) {
  element.style.setProperty("--group", colour);
  return element;
}

const MISSING = "n/a";

function decimal(value, digits = 1) {
  if (value === null || value === undefined) return MISSING;
  const text = value.toFixed(digits);
  // -0.04 with one digit is "-0.0", which reads as a loss.
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

function whole(value) {
  return Math.round(value).toLocaleString("en");
}

function duration(seconds) {
  if (seconds < 60) return `${decimal(seconds)} s`;
  if (seconds < 3600) return `${decimal(seconds / 60)} min`;
  return `${decimal(seconds / 3600)} h`;
}

function percent(share) {
  return `${decimal(100 * share, 0)} %`;
}
