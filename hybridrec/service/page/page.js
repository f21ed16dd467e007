// The page: its state lies in the address; every change of it goes through `App.change`.

import { ask } from "./api.js";
import { byId, el } from "./dom.js";
import { ListView } from "./lists.js";
import { renderModels, renderOrder, renderRules } from "./settings.js";
import { address, readState } from "./state.js";
import { Who, usualWeight } from "./who.js";
import * as words from "./words.js";

const MOST = 50; // that the service explains at once
const QUIET = new Set(["open", "strength", "k"]); // changes that the back button passes over

class App {
  unfolded = new Set(); // columns all of whose values are shown
  #views = [new ListView(this), new ListView(this)];
  #said = "";

  constructor({ models, max_k: maxK }) {
    this.models = models;
    this.maxK = Math.min(maxK, MOST);
    this.who = new Who(this);
    byId("models").open = matchMedia("(min-width: 900px)").matches;
    this.#read();
    window.addEventListener("popstate", () => {
      this.#read();
      this.#render(true);
    });
    this.#render(true);
  }

  get model() {
    return this.models.find(({ name }) => name === this.state.model) ?? this.models[0];
  }

  get against() {
    return this.models.find((one) => one.name === this.state.against && one !== this.model) ?? null;
  }

  /** Change the state, the address and the page. */
  change(changes) {
    this.state = { ...this.state, ...changes };
    const quiet = Object.keys(changes).every((name) => QUIET.has(name));
    history[quiet ? "replaceState" : "pushState"](null, "", address(this.state));
    this.#render(false);
  }

  /** Take an item into the taste. */
  like(item, title) {
    const taste = this.state.taste.filter((one) => one.item !== item);
    this.#said = title ? `${title} liked. ` : "";
    this.change({ taste: [...taste, { item, weight: usualWeight(this.model) }], open: null });
  }

  /** Draw the lists once all have answered. */
  answered() {
    const [first, second] = this.#views;
    const beside = this.against ? second : null;
    if (first.busy || beside?.busy) return;
    first.render(beside);
    beside?.render(first);
    byId("status").textContent = this.#said + this.#summary(first, beside);
    this.#said = "";
  }

  #read() {
    this.state = readState(location.search);
    this.state.k = Math.min(this.state.k, this.maxK);
    const known = this.models.every(({ rerankers }) => rerankers.some(({ name }) => name === this.state.order));
    if (!known) this.state.order = null;
  }

  #render(afresh) {
    this.who.render();
    renderModels(this);
    renderRules(this, afresh);
    renderOrder(this, afresh);
    const { model, against } = this;
    byId("about").textContent = `${words.count(model.users)} users · ${words.count(model.items)} items`;
    byId("title").textContent = this.#title();
    document.title = `${this.#title()} · hybridrec`;
    const shown = against ? this.#views : this.#views.slice(0, 1);
    const lists = byId("lists");
    if (lists.childElementCount !== shown.length) lists.replaceChildren(...shown.map(({ node }) => node));
    lists.classList.toggle("two", shown.length > 1);
    this.#views[0].show(model);
    if (against) this.#views[1].show(against);
    this.answered();
  }

  #title() {
    const { mode, user, taste } = this.state;
    if (mode === "user") return user === null ? "Recommendations" : `Recommendations for user ${user}`;
    return taste.length ? "Recommendations for this taste" : "Popular, to begin with";
  }

  #summary(first, second) {
    if (!first.entries || (second && !second.entries)) return "";
    const counted = (number) => `${words.count(number)} ${number === 1 ? "recommendation" : "recommendations"}`;
    if (second) {
      const both = first.entries.filter(({ item }) => second.entries.some((one) => one.item === item)).length;
      return `${counted(first.entries.length)} from ${this.model.name}, ${words.count(second.entries.length)} from ${this.against.name}; ${words.count(both)} in both`;
    }
    const text = counted(first.entries.length);
    if (first.entries.length && first.entries.every(({ source }) => source === "popular")) {
      return `${text}: what most people have`;
    }
    return first.entries.length && first.entries.length < this.state.k ? `${text}; no other items fit` : text;
  }
}

try {
  new App(await ask("/models")); // it lives by its listeners
} catch (problem) {
  byId("status").textContent = "";
  byId("lists").replaceChildren(el("div", { class: "notice problem", role: "alert" }, el("p", {}, problem.message),
    el("button", { type: "button", class: "main", onclick: () => location.reload() }, "Try again")));
}
