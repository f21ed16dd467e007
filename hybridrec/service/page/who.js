// "For whom?": a known user, or a taste made of items.

import { askOnce, query } from "./api.js";
import { byId, el, keepingFocus } from "./dom.js";
import { picker } from "./picker.js";
import { idText } from "./state.js";
import * as words from "./words.js";

const LIMIT = 8;
const FEW = 5;
const MOST = 500;
const LARGEST_RATING = 10;

const titles = new Map(); // of items, as far as answers told

/** Remember what items are called. */
export function learnTitles(entries) {
  for (const entry of entries) titles.set(entry.item, words.title(entry));
}

const titleOf = (item) => titles.get(item) ?? `Item ${item}`;

/** The ratings that a model's users give, the best first; empty if they do not rate. */
export function ratingsOf({ weights }) {
  if (!weights || weights.smallest === weights.largest || weights.largest > LARGEST_RATING) return [];
  const step = Number.isInteger(weights.smallest) ? 1 : 0.5;
  const found = [];
  for (let one = weights.largest; one >= weights.smallest && one > 0; one -= step) found.push(one);
  return found;
}

/** How much an item counts that was just liked. */
export const usualWeight = (model) => ratingsOf(model)[0] ?? model.weights?.usual ?? 1;

export class Who {
  #app;
  #shown = ""; // what the field searches in
  #told = ""; // whose history is shown

  constructor(app) {
    this.#app = app;
    for (const radio of document.querySelectorAll('input[name="mode"]')) {
      radio.addEventListener("change", () => app.change({ mode: radio.value, open: null }));
    }
  }

  render() {
    const { state } = this.#app;
    for (const radio of document.querySelectorAll('input[name="mode"]')) radio.checked = radio.value === state.mode;
    const wanted = `${state.mode} ${this.#app.model.name}`;
    if (wanted !== this.#shown) byId("picker").replaceChildren(state.mode === "user" ? this.#users() : this.#items());
    this.#shown = wanted;
    if (state.mode === "user") this.#renderUser();
    else this.#renderTaste();
  }

  #users() {
    const model = this.#app.model.name;
    return picker({
      label: "Find a user", hint: "Type an id", focus: "find",
      address: (text) => `/users${query({ query: text, limit: LIMIT, model })}`,
      entries: (answer) =>
        answer.users.map(({ user, items }) => ({ value: user, title: `User ${user}`, detail: words.items(items) })),
      choose: ({ value }) => {
        this.#app.change({ user: value, open: null });
        if (matchMedia("(max-width: 900px)").matches) byId("title").scrollIntoView(); // the list is below
      },
    });
  }

  #items() {
    const model = this.#app.model.name;
    return picker({
      label: "Add items you like", hint: "Type a title", focus: "find",
      address: (text) => `/items${query({ query: text, limit: LIMIT, model })}`,
      entries: (answer) =>
        answer.items.map((entry) => ({
          value: entry.item, title: words.title(entry), detail: `${words.count(entry.users)} ${entry.users === 1 ? "user" : "users"}`,
        })),
      choose: (entry) => {
        titles.set(entry.value, entry.title);
        this.#app.like(entry.value);
      },
    });
  }

  async #renderUser() {
    const { user } = this.#app.state;
    const path = user === null ? "" : `/users/${encodeURIComponent(user)}${query({ model: this.#app.model.name })}`;
    if (path === this.#told) return;
    this.#told = path;
    let body = el("p", { class: "hint" }, "Choose one to see what they have, and what fits them.");
    if (user !== null) {
      try {
        const answer = await askOnce(path);
        learnTitles(answer.items);
        body = this.#history(answer);
      } catch {
        body = ""; // the list tells what is wrong
      }
    }
    if (path === this.#told) byId("has").replaceChildren(body);
  }

  #history({ user, items }) {
    const rated = ratingsOf(this.#app.model).length > 0;
    const line = (one) =>
      el("li", {}, el("span", {}, words.title(one)), rated ? rating(one.weight) : null);
    const list = el("ol", { class: "past" }, items.slice(0, FEW).map(line));
    const more = items.length > FEW && el("button", {
      type: "button", class: "quiet", "data-focus": "all-past",
      onclick: () => {
        list.replaceChildren(...items.slice(0, MOST).map(line));
        if (items.length > MOST) list.append(el("li", {}, `and ${words.items(items.length - MOST)} more`));
        list.classList.add("long");
        list.tabIndex = 0;
        list.setAttribute("aria-label", `What user ${user} has`);
        more.remove();
        list.focus();
      },
    }, `Show all ${words.count(items.length)}`);
    return el("div", {}, el("h3", {}, `User ${user} has ${words.items(items.length)}`), list, more || null);
  }

  #renderTaste() {
    this.#told = "taste";
    const { taste } = this.#app.state;
    const body = taste.length
      ? [el("ul", { class: "taste", "aria-label": "Your taste" }, taste.map((one) => this.#liked(one))),
        el("button", { type: "button", class: "quiet", onclick: () => this.#app.change({ taste: [], open: null }) }, "Start again")]
      : [el("p", { class: "hint" }, "Search here, or press Like in the list. Every like changes it.")];
    keepingFocus(() => byId("has").replaceChildren(...body), () => byId("picker").querySelector("input"));
    this.#learnMissing(taste);
  }

  #liked({ item, weight }) {
    const title = titleOf(item);
    const { taste } = this.#app.state;
    const ratings = ratingsOf(this.#app.model);
    const choice = ratings.length > 0 && el("select", {
      "aria-label": `Your rating of ${title}`, "data-focus": `rate:${idText(item)}`,
      onchange: ({ target }) => this.#app.change({
        taste: taste.map((one) => (one.item === item ? { item, weight: Number(target.value) } : one)),
      }),
    }, [...new Set([...ratings, weight])].sort((a, b) => b - a).map((one) =>
      el("option", { value: one, selected: one === weight }, `${words.cell(one)} ★`)));
    return el("li", {}, el("span", {}, title), choice || null, el("button", {
      type: "button", class: "icon", "aria-label": `Remove ${title}`, "data-focus": `remove:${idText(item)}`,
      onclick: () => this.#app.change({ taste: taste.filter((one) => one.item !== item), open: null }),
    }, "×"));
  }

  /** Ask for titles of a taste that came with the address. */
  async #learnMissing(taste) {
    const model = this.#app.model.name;
    const missing = taste.filter(({ item }) => !titles.has(item));
    if (!missing.length) return;
    for (const { item } of missing) titles.set(item, `Item ${item}`);
    await Promise.allSettled(missing.map(async ({ item }) => {
      learnTitles([await askOnce(`/items/${encodeURIComponent(item)}${query({ model })}`)]);
    }));
    if (this.#app.state.mode === "taste") this.#renderTaste();
  }
}

function rating(weight) {
  return el("small", {}, el("span", { class: "hidden" }, "rated "), `${words.cell(weight)} ★`);
}
