// Building the page: every text from the data goes in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Make an element; attributes that are null or false are left out, "onclick" is a listener. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for an element of a picture. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export const byId = (id) => document.getElementById(id);

let last = 0;
/** An id that no other element has. */
export const freshId = (stem) => `${stem}-${++last}`;

/** Call a function once nothing has asked for it for some milliseconds. */
export function debounced(action, pause) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), pause);
  };
}

/** Change the page; what had the focus has it afterwards, or what `instead` returns. */
export function keepingFocus(change, instead) {
  const had = document.activeElement;
  const key = had?.dataset?.focus;
  change();
  if (!had || had === document.body || had.isConnected) return;
  const again = key && document.querySelector(`[data-focus="${CSS.escape(key)}"]`);
  (again || instead(key))?.focus({ preventScroll: Boolean(again) });
}

/** Whether somebody types or drags there right now, so that it must stay as it is. */
export function inUse(node) {
  const active = document.activeElement;
  return node.contains(active) && ["number", "range"].includes(active.type);
}
