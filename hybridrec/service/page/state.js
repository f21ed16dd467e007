// What the page shows <-> its address: so it can be shared, and the back button works.

const NUMBER = /^-?\d{1,15}$/;
export const STEP = 10;

/** The text of an id; one of text that looks like a number is quoted. */
export function idText(id) {
  if (typeof id === "number") return String(id);
  return NUMBER.test(id) || id.startsWith('"') ? JSON.stringify(id) : id;
}

export function idOf(text) {
  if (NUMBER.test(text)) return Number(text);
  try {
    return text.startsWith('"') ? String(JSON.parse(text)) : text;
  } catch {
    return text;
  }
}

function positive(text, otherwise) {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}

function likeOf(text) {
  const at = text.lastIndexOf("~");
  const weight = at < 0 ? 1 : Number(text.slice(at + 1));
  return { item: idOf(at < 0 ? text : text.slice(0, at)), weight: weight > 0 ? weight : 1 };
}

function ranges(from, to) {
  const found = Object.create(null);
  for (const [end, given] of [["from", from], ["to", to]]) {
    for (const [column, text] of given) {
      if (text !== "" && Number.isFinite(Number(text))) (found[column] ??= {})[end] = Number(text);
    }
  }
  return found;
}

/** Read an address; what makes no sense there is passed over. */
export function readState(search) {
  const given = [...new URLSearchParams(search)];
  const one = (name) => given.find(([key]) => key === name)?.[1] ?? null;
  const all = (name) => given.filter(([key]) => key === name).map(([, value]) => value);
  const under = (name) =>
    given.filter(([key]) => key.startsWith(`${name}.`)).map(([key, value]) => [key.slice(name.length + 1), value]);
  const values = Object.create(null); // columns may have any name
  for (const [column, value] of under("with")) (values[column] ??= []).push(value);
  const quota = Object.create(null);
  for (const [column, value] of under("most")) if (positive(value)) quota[column] = positive(value);
  const user = one("user");
  const open = one("open");
  const strength = Number(one("strength"));
  return {
    mode: user === null ? "taste" : "user",
    user: user ? idOf(user) : null,
    taste: all("like").map(likeOf),
    model: one("model"),
    against: one("against"),
    k: positive(one("k"), STEP),
    ranges: ranges(under("from"), under("to")),
    values,
    quota,
    hidden: all("hide").map(idOf),
    order: one("order"),
    strength: one("strength") !== null && strength >= 0 ? strength : null,
    by: one("by"),
    open: open === null ? null : idOf(open),
  };
}

/** Write an address. */
export function address(state) {
  const given = [];
  if (state.mode === "user") given.push(["user", state.user === null ? "" : idText(state.user)]);
  else for (const { item, weight } of state.taste) given.push(["like", `${idText(item)}~${weight}`]);
  for (const name of ["model", "against"]) if (state[name]) given.push([name, state[name]]);
  if (state.k !== STEP) given.push(["k", state.k]);
  for (const [column, { from, to }] of Object.entries(state.ranges)) {
    if (from !== undefined) given.push([`from.${column}`, from]);
    if (to !== undefined) given.push([`to.${column}`, to]);
  }
  for (const [column, values] of Object.entries(state.values)) {
    for (const value of values) given.push([`with.${column}`, value]);
  }
  for (const [column, most] of Object.entries(state.quota)) given.push([`most.${column}`, most]);
  for (const item of state.hidden) given.push(["hide", idText(item)]);
  if (state.order) {
    given.push(["order", state.order]);
    if (state.strength !== null) given.push(["strength", state.strength]);
    if (state.by) given.push(["by", state.by]);
  }
  if (state.open !== null) given.push(["open", idText(state.open)]);
  return given.length ? `?${new URLSearchParams(given)}` : location.pathname;
}

/** The rules as the service takes them, null without any. */
export function rulesOf(state, columns) {
  const kinds = new Map(columns.map((column) => [column.name, column.kind]));
  const where = [];
  for (const [column, { from, to }] of Object.entries(state.ranges)) {
    if (from !== undefined) where.push({ column, operator: ">=", value: from });
    if (to !== undefined) where.push({ column, operator: "<=", value: to });
  }
  for (const [column, values] of Object.entries(state.values)) {
    if (kinds.get(column) === "list") where.push(...values.map((value) => ({ column, operator: "contains", value })));
    else where.push({ column, operator: "in", value: values });
  }
  const rules = {};
  if (where.length) rules.where = where;
  if (Object.keys(state.quota).length) rules.quota = state.quota;
  if (state.hidden.length) rules.deny = state.hidden;
  return Object.keys(rules).length ? rules : null;
}

/** The body of the question for a list. */
export function requestOf(state, model) {
  const known = state.mode === "user" || state.taste.length > 0; // else there is nothing to explain by
  const body = { model: model.name, k: state.k, explain: known, columns: true };
  if (state.mode === "user") body.user = state.user;
  else body.history = state.taste.map(({ item, weight }) => ({ item, weight }));
  const rules = rulesOf(state, model.columns);
  if (rules) body.rules = rules;
  if (state.order) {
    const { parameters } = model.rerankers.find((one) => one.name === state.order) ?? { parameters: {} };
    body.rerank = { name: state.order };
    const counted = "strength" in parameters ? "strength" : "weight";
    if (state.strength !== null) body.rerank[counted] = state.strength;
    if ("column" in parameters && state.by) body.rerank.column = state.by;
  }
  return body;
}
