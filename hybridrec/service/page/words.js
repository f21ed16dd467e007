// Numbers, ids and facts in words.

const COUNT = new Intl.NumberFormat();
const SHARE = new Intl.NumberFormat(undefined, { style: "percent" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:/;
const LONGEST = 60; // of a text under a title
const PLAIN = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2, useGrouping: false });

export const count = (number) => COUNT.format(number);

/** How to write numbers of which the largest gets three digits; null is a dash. */
export function written(numbers, signDisplay = "auto") {
  const largest = Math.max(...numbers.map(Math.abs), 1e-9);
  const digits = Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 8);
  const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay });
  return (number) => (number === null ? "–" : format.format(number));
}

export const share = (number) => SHARE.format(number);
export const items = (number) => `${count(number)} ${number === 1 ? "item" : "items"}`;
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const title = (entry) => entry.title ?? `Item ${entry.item}`;

/** "Drama, Crime" of a cell of the item table; a number without groups (1995, not 1,995). */
export function cell(value) {
  if (Array.isArray(value)) return value.slice(0, 3).map(cell).join(", ") + (value.length > 3 ? ", …" : "");
  return typeof value === "number" ? PLAIN.format(value) : String(value);
}

/** Whether a column only repeats the title that stands above it anyway. */
export const isTitle = (name) => /^(title|name|label)$/i.test(name);

/** One fact in words, null for what is not worth a place: 1995, "price 12.5", "in stock". */
function fact(name, value) {
  if (value === null || value === false || value.length === 0 || value.length > LONGEST) return null;
  if (value === true) return name;
  if (typeof value === "number") return Number.isInteger(value) && value > 999 && value < 3000 ? cell(value) : `${name} ${cell(value)}`;
  return MOMENT.test(value) ? DAY.format(new Date(value)) : cell(value);
}

/** The facts that stand under a title. */
export function facts(columns) {
  return Object.entries(columns ?? {})
    .map(([name, value]) => (isTitle(name) ? null : fact(name, value)))
    .filter((text) => text !== null)
    .slice(0, 3);
}

/** "directed by" of "film.film.directed_by". */
export function relation(name) {
  const parts = String(name).replace(/[./#:]+$/, "").split(/[./#:]/);
  const spaced = parts[parts.length - 1].replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ");
  return spaced.replace(/[_\s-]+/g, " ").trim().toLowerCase() || String(name);
}

/** What stands beside an item that the model did not find in the usual way. */
export const SOURCES = {
  features: "New item, found by its facts alone",
  popular: "Popular with everybody",
  pinned: "Put here by a rule",
};

/** Plain words for the ways of re-ranking. */
export const ORDERS = {
  mmr: ["Fewer look-alikes", "An item much like one above it moves down."],
  dpp: ["A varied whole", "Picks items that go in different directions together."],
  calibrated: ["Mirror the taste", "Keeps the mix that the history has."],
  "popularity-damping": ["Less of the popular", "Items that many people have move down."],
  "fair-exposure": ["Fair shares", "Every group gets its share of the top places."],
};
