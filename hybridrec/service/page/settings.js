// Models, rules and diversity: what is asked beside "for whom".

import { byId, debounced, el, freshId, inUse, keepingFocus } from "./dom.js";
import * as words from "./words.js";

const PAUSE = 300;
const FEW = 9;
const QUOTAS = [1, 2, 3, 5];
const HALF = 0.3;

const select = (label, options, chosen, change, focus) => {
  const id = freshId("select");
  return el("div", { class: "field" }, el("label", { for: id }, label),
    el("select", { id, "data-focus": focus, onchange: ({ target }) => change(target.value) },
      options.map(([value, text]) => el("option", { value, selected: value === chosen }, text))));
};

const named = ({ name, kind }) => (name === kind ? name : `${name} (${kind})`);

export function renderModels(app) {
  const { models, model, against } = app;
  byId("models-count").textContent = against ? `${model.name}, ${against.name}` : model.name;
  const others = models.filter((one) => one !== model);
  const fields = [select("Show", models.map((one) => [one.name, named(one)]), model.name, (name) =>
    app.change({ model: name, against: app.state.against === name ? model.name : app.state.against }), "model")];
  if (others.length) {
    fields.push(select("Compare with", [["", "nothing"], ...others.map((one) => [one.name, named(one)])],
      against?.name ?? "", (name) => app.change({ against: name || null }), "against"));
  }
  keepingFocus(() => byId("models-body").replaceChildren(...fields), () => null);
}

/** The columns that rules can be about. */
export function columnsForRules(model) {
  return model.columns.filter(({ name, kind, values, smallest }) =>
    !words.isTitle(name) && (kind === "number" ? smallest !== null : values.length > 0 && kind !== "other"));
}

const without = (record, name) => Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));

/** The rules in force, each in words and with what takes it away. */
export function rulesInForce(state) {
  const found = [];
  for (const [name, { from, to }] of Object.entries(state.ranges)) {
    const [low, high] = [from, to].map((end) => end !== undefined && words.cell(end));
    const text = low && high ? `${low} to ${high}` : low ? `from ${low}` : `up to ${high}`;
    found.push({ text: `${words.sentence(name)} ${text}`, remove: { ranges: without(state.ranges, name) } });
  }
  for (const [name, values] of Object.entries(state.values)) {
    found.push({ text: `${words.sentence(name)}: ${values.join(", ")}`, remove: { values: without(state.values, name) } });
  }
  for (const [name, most] of Object.entries(state.quota)) {
    found.push({ text: `At most ${most} with the same ${name}`, remove: { quota: without(state.quota, name) } });
  }
  if (state.hidden.length) found.push({ text: `${words.items(state.hidden.length)} hidden`, remove: { hidden: [] } });
  return found;
}

export const NO_RULES = { ranges: {}, values: {}, quota: {}, hidden: [] };

export function renderRules(app, afresh = false) {
  const active = rulesInForce(app.state);
  byId("rules-count").textContent = active.length ? `${words.count(active.length)} in force` : "none";
  renderActive(app, active);
  if (inUse(byId("rules")) && !afresh) return;
  const columns = columnsForRules(app.model);
  const body = columns.length
    ? columns.map((column) => (column.kind === "number" ? rangeOf(app, column) : valuesOf(app, column)))
    : [el("p", { class: "hint" }, "This model was given no facts about items to make rules of.")];
  keepingFocus(() => byId("rules-body").replaceChildren(...body), () => byId("rules").querySelector("summary"));
}

function renderActive(app, active) {
  const chips = active.map(({ text, remove }) => el("li", {}, el("button", {
    type: "button", class: "chip", "aria-label": `Remove the rule ${text}`, "data-focus": `rule:${text}`,
    onclick: () => app.change(remove),
  }, text, el("span", { "aria-hidden": "true" }, "×"))));
  keepingFocus(() => byId("active").replaceChildren(...chips), () => byId("title"));
  byId("active").hidden = chips.length === 0;
}

function rangeOf(app, { name, smallest, largest }) {
  const now = app.state.ranges[name] ?? {};
  const told = el("p", { class: "told", role: "alert" });
  const field = (end, hint) => el("input", {
    id: freshId(end), type: "number", inputmode: "decimal", step: "any", placeholder: words.cell(hint), value: now[end] ?? "",
    "aria-label": `${words.sentence(name)} ${end}`, "data-focus": `${end}:${name}`, oninput: () => change(),
  });
  const fields = { from: field("from", smallest), to: field("to", largest) };
  const change = debounced(() => {
    const range = {};
    for (const [end, { value }] of Object.entries(fields)) if (value !== "") range[end] = Number(value);
    const unclear = Object.values(fields).some(({ validity }) => validity.badInput);
    told.textContent = unclear ? "This is not a number." : range.from > range.to ? "“From” is larger than “to”." : "";
    if (told.textContent) return;
    const rest = without(app.state.ranges, name);
    app.change({ ranges: Object.keys(range).length ? { ...rest, [name]: range } : rest });
  }, PAUSE);
  const labelled = (label, input) => el("div", {}, el("label", { for: input.id }, label), input);
  return el("fieldset", {}, el("legend", {}, words.sentence(name)),
    el("div", { class: "pair" }, labelled("From", fields.from), labelled("To", fields.to)), told);
}

function valuesOf(app, { name, kind, values }) {
  const chosen = app.state.values[name] ?? [];
  const toggle = (value, on) => {
    const next = on ? [...chosen, value] : chosen.filter((one) => one !== value);
    const rest = without(app.state.values, name);
    app.change({ values: next.length ? { ...rest, [name]: next } : rest });
  };
  const box = (value) => el("label", { class: "toggle" }, el("input", {
    type: "checkbox", checked: chosen.includes(value), "data-focus": `with:${name}:${value}`,
    onchange: ({ target }) => toggle(value, target.checked),
  }), el("span", {}, value));
  const first = values.slice(0, FEW);
  const rest = values.slice(FEW);
  const open = app.unfolded.has(name) || rest.some((value) => chosen.includes(value));
  const more = rest.length > 0 && el("button", {
    type: "button", class: "quiet", "aria-expanded": String(open), "data-focus": `more:${name}`,
    onclick: () => {
      app.unfolded[open ? "delete" : "add"](name);
      renderRules(app);
    },
  }, open ? "Fewer" : `${words.count(rest.length)} more`);
  const most = select(`At most this many with the same ${name}`, [["", "no limit"], ...QUOTAS.map((one) => [String(one), String(one)])],
    String(app.state.quota[name] ?? ""), (text) => {
      const others = without(app.state.quota, name);
      app.change({ quota: text ? { ...others, [name]: Number(text) } : others });
    }, `most:${name}`);
  return el("fieldset", {}, el("legend", {}, words.sentence(name), el("small", {}, kind === "list" ? "all of those chosen" : "one of those chosen")),
    el("div", { class: "toggles" }, (open ? values : first).map(box), more || null), most);
}

/** The ways of re-ranking that can be used with a model, in words. */
function ordersOf(app) {
  const groups = columnsForRules(app.model).filter(({ kind }) => kind !== "number").map(({ name }) => name);
  return app.model.rerankers
    .filter(({ name }) => name !== "calibrated" || groups.length)
    .map(({ name, parameters }) => {
      const [label, text] = words.ORDERS[name] ?? [words.sentence(name.replaceAll("-", " ")), ""];
      const counted = "strength" in parameters ? "strength" : "weight";
      const by = "column" in parameters ? [...(name === "calibrated" ? [] : [["", "how popular they are"]]), ...groups.map((one) => [one, one])] : [];
      return { name, label, text, counted, usual: parameters[counted] ?? HALF, largest: counted === "strength" ? 0.5 : 1, by };
    });
}

export function renderOrder(app, afresh = false) {
  const { state } = app;
  const orders = ordersOf(app);
  const now = orders.find(({ name }) => name === state.order);
  byId("order-count").textContent = now ? now.label : "as scored";
  if (inUse(byId("order")) && !afresh) return;
  const choice = (name, label, text) => el("label", { class: "choice" },
    el("input", {
      type: "radio", name: "order", value: name, checked: name === (now?.name ?? ""), "data-focus": `order:${name}`,
      onchange: () => {
        const order = orders.find((one) => one.name === name);
        app.change({ order: order ? name : null, strength: null, by: order?.by[0]?.[0] || null });
      },
    }), el("span", {}, label, el("small", {}, text)));
  const body = [choice("", "As the model scores them", "The best score first."), ...orders.map(({ name, label, text }) => choice(name, label, text))];
  if (now) body.push(...tuning(app, now));
  keepingFocus(() => byId("order-body").replaceChildren(...body), () => byId("order").querySelector("summary"));
}

function tuning(app, { usual, largest, by }) {
  const id = freshId("strength");
  const value = app.state.strength ?? usual;
  const shown = el("output", { for: id }, words.share(value / largest));
  const later = debounced((strength) => app.change({ strength }), PAUSE);
  const slider = el("input", {
    id, type: "range", min: 0, max: largest, step: largest / 20, value, "data-focus": "strength",
    "aria-valuetext": words.share(value / largest),
    oninput: ({ target }) => {
      shown.textContent = words.share(target.value / largest);
      target.setAttribute("aria-valuetext", shown.textContent);
      later(Number(target.value));
    },
  });
  const found = [el("div", { class: "field slider" }, el("label", { for: id }, "How strongly"), shown, slider)];
  if (by.length > 1) found.unshift(select("By", by, app.state.by ?? "", (text) => app.change({ by: text || null }), "by"));
  return found;
}
