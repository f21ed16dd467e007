// A list of recommendations of one model, beside that of another one or alone.

import { Newest } from "./api.js";
import { el, freshId, keepingFocus } from "./dom.js";
import { explanationOf } from "./explanation.js";
import { NO_RULES, rulesInForce } from "./settings.js";
import { STEP, idText, requestOf } from "./state.js";
import { learnTitles } from "./who.js";
import * as words from "./words.js";

const places = (number) => `${words.count(number)} ${number === 1 ? "place" : "places"}`;

/** Where an entry stands in the other list, in words. */
function standing(entry, other) {
  if (!other) return null;
  const there = other.entries.find(({ item }) => item === entry.item);
  if (!there) return el("p", { class: "tags" }, "Only here");
  const difference = there.rank - entry.rank;
  const text = difference === 0 ? "at the same place"
    : `${places(Math.abs(difference))} ${difference > 0 ? "higher" : "lower"} here`;
  return el("p", { class: "tags" }, el("span", { class: "tag both" }, "In both"),
    ` ${difference > 0 ? "↑ " : difference < 0 ? "↓ " : ""}${text}`);
}

/** How long the bar of a score is, 0 to 1: relative to the best of its list. */
function lengths(scores) {
  const [low, high] = [Math.min(0, ...scores), Math.max(...scores)];
  return (score) => (score === null || high === low ? 0 : Math.max((score - low) / (high - low), 0.02));
}

export class ListView {
  entries = null; // as answered; null before the first answer and after an error
  problem = null; // what went wrong with the last question
  #app;
  #newest = new Newest();
  #asked = "";
  #model = null;

  constructor(app) {
    this.#app = app;
    const id = freshId("list");
    this.heading = el("h2", { id, tabindex: "-1" });
    this.body = el("div", { class: "body" });
    this.node = el("section", { class: "list", "aria-labelledby": id }, this.heading, this.body);
    this.#waiting();
  }

  /** Whether the list still waits for its answer. */
  get busy() {
    return this.node.getAttribute("aria-busy") === "true";
  }

  /** Ask for the list if it is another one than before. */
  async show(model, again = false) {
    const { state } = this.#app;
    this.#model = model;
    this.heading.textContent = model.name;
    if (state.mode === "user" && state.user === null) {
      this.#asked = "";
      return this.#notice("Choose a user, or make a new taste.");
    }
    const body = requestOf(state, model);
    const asked = JSON.stringify(body);
    if (asked === this.#asked && !again) return undefined;
    this.#asked = asked;
    this.node.setAttribute("aria-busy", "true");
    try {
      const { items } = await this.#newest.ask("/recommend", body);
      learnTitles(items);
      this.entries = items;
      this.problem = null;
    } catch (problem) {
      if (problem.name === "AbortError") return undefined;
      this.entries = null;
      this.problem = problem;
      this.#asked = "";
    }
    this.node.setAttribute("aria-busy", "false");
    return this.#app.answered();
  }

  /** Draw what was answered, beside the other list if there is one. */
  render(other) {
    if (this.problem) return this.#failed();
    if (!this.entries) return undefined;
    if (!this.entries.length) return this.#empty();
    const { state, maxK } = this.#app;
    const scores = this.entries.map(({ score }) => score).filter((score) => score !== null);
    const meter = { length: lengths(scores), text: words.written(scores) };
    const mixed = new Set(this.entries.map(({ source }) => source)).size > 1;
    const list = el("ol", { class: "entries" }, this.entries.map((entry) =>
      this.#entry(entry, meter, other?.entries && other, mixed)));
    const more = this.entries.length === state.k && state.k < maxK && el("button", {
      type: "button", class: "more", "data-focus": `more:${this.heading.id}`,
      onclick: () => this.#app.change({ k: Math.min(state.k + STEP, maxK) }),
    }, `Show ${words.count(Math.min(STEP, maxK - state.k))} more`);
    return this.#replace(list, more || "");
  }

  #replace(...content) {
    const had = [...this.body.querySelectorAll("[data-focus]")];
    const at = had.indexOf(document.activeElement);
    keepingFocus(() => this.body.replaceChildren(...content), (key) => {
      const kind = key?.split(":")[0];
      const place = had.slice(0, at).filter((one) => one.dataset.focus.startsWith(`${kind}:`)).length;
      const alike = this.body.querySelectorAll(`[data-focus^="${kind}:"]`);
      return alike[Math.min(place, alike.length - 1)] ?? this.heading;
    });
  }

  #entry(entry, meter, other, mixed) {
    const app = this.#app;
    const title = words.title(entry);
    const open = app.state.open === entry.item;
    const key = `${this.heading.id}:${idText(entry.item)}`;
    const panel = el("div", { id: freshId("why"), class: "why", hidden: !open }, open ? explanationOf(app, this.#model, entry) : []);
    const facts = words.facts(entry.columns).join(" · ");
    const fill = el("i");
    fill.style.width = `${100 * meter.length(entry.score)}%`;
    const note = mixed || entry.source === "pinned" ? words.SOURCES[entry.source] : null;
    return el("li", { class: open ? "entry open" : "entry" },
      el("div", { class: "row" },
        el("span", { class: "rank", "aria-hidden": "true" }, words.count(entry.rank)),
        el("div", { class: "about-item" },
          el("h3", {}, el("button", {
            type: "button", class: "name", "aria-expanded": String(open), "aria-controls": panel.id, "data-focus": `open:${key}`,
            onclick: () => app.change({ open: open ? null : entry.item }),
          }, title)),
          facts ? el("p", { class: "facts" }, facts) : null,
          entry.reason ? el("p", { class: "reason" }, words.sentence(entry.reason)) : null,
          note ? el("p", { class: "tags" }, el("span", { class: "tag" }, note)) : null,
          standing(entry, other)),
        el("div", { class: "score" }, el("div", { class: "meter", "aria-hidden": "true" }, fill),
          el("span", {}, el("span", { class: "hidden" }, "Score "), meter.text(entry.score))),
        app.state.mode === "taste" ? el("button", {
          type: "button", class: "like", "aria-label": `Like ${title}`, "data-focus": `like:${key}`,
          onclick: () => app.like(entry.item, title),
        }, "Like") : null),
      panel);
  }

  #waiting() {
    this.body.replaceChildren(el("ol", { class: "entries waiting", "aria-hidden": "true" },
      Array.from({ length: STEP }, () => el("li", { class: "entry" }, el("i"), el("i")))));
  }

  #notice(text, ...more) {
    this.entries = null;
    this.#replace(el("div", { class: "notice" }, el("p", {}, text), ...more));
  }

  #empty() {
    const { state } = this.#app;
    const ruled = rulesInForce(state).length > 0;
    this.#replace(el("div", { class: "notice" },
      el("p", {}, ruled ? "No items fit these rules." : "Nothing is left: every item is in the history already."),
      ruled ? el("button", { type: "button", class: "main", "data-focus": "clear", onclick: () => this.#app.change(NO_RULES) }, "Clear the rules") : ""));
  }

  #failed() {
    const { state } = this.#app;
    const { message, status } = this.problem;
    const nobody = status === 404 && state.mode === "user";
    const text = nobody ? `Nobody is known as “${state.user}” here. Choose another user.` : words.sentence(message);
    const button = (label, action) => el("button", { type: "button", class: "main", "data-focus": "again", onclick: action }, label);
    const way = nobody ? "" : status === 422 ? button("Clear rules and diversity", () => this.#app.change({ ...NO_RULES, order: null }))
      : button("Try again", () => this.show(this.#model, true));
    this.#replace(el("div", { class: "notice problem", role: "alert" }, el("p", {}, text), way));
  }
}
