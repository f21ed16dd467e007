// An opened recommendation: what its score is made of, the facts behind it, and what is like it.

import { askOnce, query } from "./api.js";
import { el } from "./dom.js";
import { picture } from "./picture.js";
import * as words from "./words.js";

const MOST = 8; // parts shown one by one
const TINY = 0.01; // of the largest part: not worth a line
const ALIKE = 6;

/** The largest parts, the largest first, and what all others add up to. */
function largest(parts) {
  const order = [...parts].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const tiny = TINY * Math.abs(order[0].value);
  const found = order.filter(({ value }, place) => place < MOST && Math.abs(value) >= tiny);
  const rest = order.slice(found.length);
  if (rest.length < 2) return order;
  const sum = rest.reduce((total, { value }) => total + value, 0);
  return [...found, { name: `${words.count(rest.length)} smaller ones`, value: sum }];
}

/** What a part is called: "Award won: m.01" of the feature "film.film.award_won = m.01". */
function nameOf({ kind, name, item }) {
  if (item !== undefined) return name;
  const [of, value] = kind === "feature" ? name.split(" = ", 2) : [name];
  return words.sentence(value === undefined ? of : `${words.relation(of)}: ${value}`);
}

/** Parts as bars, each beginning where the one above ends, so that the last ends at the score. */
function chart(title, parts, score) {
  const rows = largest(parts);
  const ends = rows.reduce((sums, { value }) => [...sums, sums.at(-1) + value], [0]);
  const low = Math.min(...ends, score);
  const span = Math.max(...ends, score) - low || 1;
  const at = (value) => `${(100 * (value - low)) / span}%`;
  const signed = words.written([score], "exceptZero");
  const bar = (from, to, kind) => {
    const line = el("i", { class: kind });
    line.style.left = at(Math.min(from, to));
    line.style.width = `${(100 * Math.abs(to - from)) / span}%`;
    const zero = el("b");
    zero.style.left = at(0);
    return el("td", { class: "bar" }, el("div", { "aria-hidden": "true" }, zero, line));
  };
  const row = (one, place) => el("tr", {},
    el("th", { scope: "row" }, nameOf(one)),
    bar(ends[place], ends[place + 1], one.value < 0 ? "minus" : "plus"),
    el("td", { class: "number" }, signed(one.value)));
  return el("table", { class: "parts" }, el("caption", {}, title), el("tbody", {}, rows.map(row)),
    el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, "Score"), bar(0, score, "sum"),
      el("td", { class: "number" }, words.written([score])(score)))));
}

function charts({ parts, features, score }) {
  const found = [];
  if (parts.length) found.push(chart(features.length ? "By what is in the history" : "What adds up to the score", parts, score));
  if (features.length) found.push(chart("By what is known of the item", features, score));
  return found;
}

function alike(app, model, entry) {
  const list = el("ul", { class: "alike" }, Array.from({ length: ALIKE }, () => el("li", { "aria-hidden": "true" }, "\u00a0")));
  const line = (one) => {
    const title = words.title(one);
    if (app.state.mode === "user") return el("li", {}, title);
    if (app.state.taste.some((liked) => liked.item === one.item)) return el("li", {}, title, el("small", {}, "liked"));
    return el("li", {}, title, el("button", {
      type: "button", class: "like", "aria-label": `Like ${title}`, onclick: () => app.like(one.item, title),
    }, "Like"));
  };
  askOnce(`/similar${query({ item: entry.item, k: ALIKE, model: model.name })}`).then(
    ({ items }) => list.replaceChildren(...(items.length ? items.map(line) : [el("li", {}, "Nothing that this model knows of.")])),
    (problem) => list.replaceChildren(el("li", {}, problem.message)),
  );
  return list;
}

/** What opens under an entry of a list. */
export function explanationOf(app, model, entry) {
  const explanation = entry.explanation;
  const title = words.title(entry);
  const block = (heading, ...content) => el("section", {}, el("h4", {}, heading), ...content);
  const found = [];
  const bars = explanation && explanation.score !== null ? charts(explanation) : [];
  if (bars.length) found.push(block("Why this score", bars));
  if (explanation?.paths.length) found.push(block("The facts behind it", picture(explanation.paths, title)));
  found.push(block(`Similar to ${title}`, alike(app, model, entry)));
  found.push(el("button", {
    type: "button", class: "quiet", onclick: () => app.change({ hidden: [...app.state.hidden, entry.item], open: null }),
  }, "Hide this item"));
  return found;
}
