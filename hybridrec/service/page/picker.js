// A field to search in, with a list to choose from (the combobox pattern of ARIA).

import { Newest } from "./api.js";
import { debounced, el, freshId } from "./dom.js";

const PAUSE = 150;

/**
 * Make a field with a list under it.
 *
 * @param label what stands above it
 * @param hint what stands in it
 * @param address text -> where to ask
 * @param entries answer -> [{ value, title, detail }]
 * @param choose called with the entry that was chosen
 */
export function picker({ label, hint, address, entries, choose, focus }) {
  const newest = new Newest();
  const id = freshId("picker");
  const list = el("ul", { id: `${id}-list`, role: "listbox", "aria-label": label, class: "options", hidden: true });
  const told = el("p", { class: "told", role: "status" });
  const input = el("input", {
    id, type: "text", role: "combobox", placeholder: hint, autocomplete: "off", spellcheck: "false",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, "data-focus": focus,
  });
  let found = [];
  let at = -1;

  function point(to) {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = to;
    const option = list.children[at];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    return input.setAttribute("aria-activedescendant", option.id);
  }

  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) point(-1);
  }

  function take(entry) {
    input.value = "";
    told.textContent = "";
    show(false);
    choose(entry);
  }

  function render() {
    point(-1);
    list.replaceChildren(
      ...found.map((entry, number) =>
        el("li", { id: `${id}-${number}`, role: "option", "aria-selected": "false", onclick: () => take(entry) },
          el("span", {}, entry.title), " ", el("small", {}, entry.detail)),
      ),
    );
    told.textContent = found.length ? "" : "Nothing found by these letters.";
    show(found.length > 0);
  }

  async function search() {
    try {
      const answer = await newest.ask(address(input.value.trim()));
      if (document.activeElement !== input) return;
      found = entries(answer);
      render();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      show(false);
      told.textContent = problem.message;
    }
  }

  const later = debounced(search, PAUSE);
  const move = (step) => {
    if (list.hidden) search();
    else point((at + step + found.length + (at < 0 && step < 0 ? 1 : 0)) % found.length);
  };
  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => !list.hidden && take(found[Math.max(at, 0)]),
    Escape: () => {
      if (list.hidden) input.value = "";
      show(false);
      told.textContent = "";
    },
  };
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.isComposing) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener("input", later);
  input.addEventListener("click", () => list.hidden && search());
  input.addEventListener("blur", () => {
    show(false);
    told.textContent = "";
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  return el("div", { class: "picker" }, el("label", { for: id }, label), input, list, told);
}
