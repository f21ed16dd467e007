// The small part of the knowledge graph behind a recommendation, as a picture.
//
// Past items, the entities between and the recommended item are layers: side by side where there is
// room, else one under the other. Every path has a row of its own, so that nothing overlaps.

import { el, freshId, svg } from "./dom.js";
import * as words from "./words.js";

const SIZE = { label: 13, caption: 11.5 };
const LINE = { label: 17, caption: 15 };
const PAD = { x: 11, y: 8 };
const BETWEEN = 14;
const LINES = 4;
const ROOM = 165; // that a layer needs beside others
const GAP = { plain: 46, told: 92 };
const STACKED = { plain: 34, told: 50 };

const canvas = document.createElement("canvas").getContext("2d");

function widthOf(text, role) {
  canvas.font = `${role === "label" ? 600 : 400} ${SIZE[role]}px ${getComputedStyle(document.body).fontFamily}`;
  return canvas.measureText(text).width;
}

/** Break a text into lines that are not wider than `width`. */
function wrapped(text, width, role) {
  const lines = [""];
  for (let word of text.split(/\s+/)) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (widthOf(longer, role) <= width) {
      lines[lines.length - 1] = longer;
      continue;
    }
    if (lines.at(-1)) lines.push("");
    while (widthOf(word, role) > width && word.length > 1) {
      let fits = word.length - 1;
      while (fits > 1 && widthOf(word.slice(0, fits), role) > width) fits -= 1;
      lines[lines.length - 1] = word.slice(0, fits);
      lines.push("");
      word = word.slice(fits);
    }
    lines[lines.length - 1] = word;
  }
  if (lines.length <= LINES) return lines;
  return [...lines.slice(0, LINES - 1), `${lines[LINES - 1]}…`];
}

const isShared = ({ steps: [one, two, ...rest] }) =>
  Boolean(two) && !rest.length && one.relation === two.relation && one.direction === "forward" && two.direction === "backward";

/** Nodes by layer and edges between them, of the paths of an explanation. */
function graphOf(paths, target) {
  const depth = Math.max(1, ...paths.map((path) => path.steps.length));
  const nodes = new Map();
  const edges = [];
  const node = (key, layer, row, more) => {
    if (!nodes.has(key)) nodes.set(key, { layer, rows: [], caption: "", ...more });
    nodes.get(key).rows.push(row);
    return nodes.get(key);
  };
  paths.forEach((path, row) => {
    let from = node(`past ${path.item}`, 0, row, { kind: "past", name: words.title(path) });
    const shared = isShared(path);
    path.steps.slice(0, -1).forEach((step, place) => {
      const said = words.relation(step.relation);
      const both = path.text.startsWith("same ") ? path.text.split(" as ")[0] : said;
      const look = step.label === null
        ? { name: shared ? both : "unnamed", caption: "" }
        : { name: step.label, caption: shared ? said : "" };
      const to = node(`fact ${place} ${step.entity} ${shared ? said : ""}`, place + 1, row, { kind: "fact", ...look });
      edges.push({ from, to, row, said: shared ? "" : said, forward: step.direction === "forward" });
      from = to;
    });
    const to = node("target", depth, row, { kind: "target", name: target });
    const end = path.steps.at(-1);
    edges.push({
      from, to, row, said: shared ? "" : end ? words.relation(end.relation) : "the same", forward: end?.direction !== "backward",
    });
  });
  const layers = Array.from({ length: depth + 1 }, (_, layer) => [...nodes.values()].filter((one) => one.layer === layer));
  return { layers, edges: edges.filter((edge, at) => !edges.slice(0, at).some((one) => one.from === edge.from && one.to === edge.to)) };
}

/** Give a node its lines and its size. */
function measure(node, width) {
  const inner = width - 2 * PAD.x;
  node.lines = [
    ...(node.caption ? wrapped(node.caption, inner, "caption").map((text) => ({ text, role: "caption" })) : []),
    ...wrapped(node.name, inner, "label").map((text) => ({ text, role: "label" })),
  ];
  node.width = Math.ceil(Math.max(...node.lines.map(({ text, role }) => widthOf(text, role))) + 2 * PAD.x);
  node.height = node.lines.reduce((sum, { role }) => sum + LINE[role], 2 * PAD.y);
}

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** Layers side by side; returns the height. */
function placeBeside({ layers, edges }, width) {
  const gap = edges.some(({ said }) => said) ? GAP.told : GAP.plain;
  const column = (width - gap * (layers.length - 1)) / layers.length;
  layers.flat().forEach((node) => measure(node, column));
  const rows = 1 + Math.max(...edges.map(({ row }) => row));
  const heights = Array.from({ length: rows }, (_, row) =>
    Math.max(...layers.flat().filter((one) => one.rows.includes(row) && one.kind !== "target").map(({ height }) => height)));
  const centres = heights.map((height, row) => heights.slice(0, row).reduce((sum, one) => sum + one + BETWEEN, 0) + height / 2);
  let bottom = 0;
  layers.forEach((layer, number) => {
    let free = 0;
    for (const node of layer.sort((a, b) => mean(a.rows) - mean(b.rows))) {
      node.x = number === 0 ? 0 : number === layers.length - 1 ? width - node.width : number * (column + gap) + (column - node.width) / 2;
      node.y = Math.max(free, mean(node.rows.map((row) => centres[row])) - node.height / 2);
      free = node.y + node.height + BETWEEN;
    }
    bottom = Math.max(bottom, free - BETWEEN);
  });
  const out = (node) => [node.x + node.width, node.y + node.height / 2];
  const into = (node) => [node.x, node.y + node.height / 2];
  for (const edge of edges) {
    const [x1, y1] = out(edge.from);
    const [x2, y2] = into(edge.to);
    const straight = edge.to.layer - edge.from.layer > 1 ? x2 - gap : x1; // past the layers between, in its own row
    const middle = (straight + x2) / 2;
    edge.line = `M${x1} ${y1}H${straight}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
    edge.middle = [middle, (y1 + y2) / 2];
    edge.ends = [[x1, y1, 180], [x2, y2, 0]];
    edge.room = gap - 14;
  }
  return bottom;
}

/** Layers one under the other; returns the height. */
function placeStacked({ layers, edges }, width) {
  const gap = edges.some(({ said }) => said) ? STACKED.told : STACKED.plain;
  let y = 0;
  for (const layer of layers) {
    const slot = width / layer.length;
    layer.forEach((node) => measure(node, slot - 10));
    const tallest = Math.max(...layer.map(({ height }) => height));
    layer.forEach((node, at) => {
      node.x = (at + 0.5) * slot - node.width / 2;
      node.y = y + (tallest - node.height) / 2;
    });
    y += tallest + gap;
  }
  for (const edge of edges) {
    const [x1, y1] = [edge.from.x + edge.from.width / 2, edge.from.y + edge.from.height];
    const [x2, y2] = [edge.to.x + edge.to.width / 2, edge.to.y];
    const middle = (y1 + y2) / 2;
    edge.line = `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
    edge.middle = [(x1 + x2) / 2, middle];
    edge.ends = [[x1, y1, -90], [x2, y2, 90]];
    edge.room = width / Math.max(...layers.map((layer) => layer.length)) - 14;
  }
  return y - gap;
}

function drawNode(node) {
  let y = node.y + PAD.y;
  const texts = node.lines.map(({ text, role }) => {
    y += LINE[role];
    return svg("text", { class: role, x: node.x + node.width / 2, y: y - LINE[role] * 0.27, "text-anchor": "middle" }, text);
  });
  const round = node.kind === "fact" ? Math.min(node.height / 2, 18) : 7;
  return svg("g", { class: node.kind },
    svg("rect", { x: node.x, y: node.y, width: node.width, height: node.height, rx: round }), texts);
}

function drawEdge(edge) {
  if (!edge.said) return [svg("path", { class: "edge", d: edge.line })];
  const [x, y, turn] = edge.ends[edge.forward ? 1 : 0];
  return [
    svg("path", { class: "edge", d: edge.line }),
    svg("path", { class: "arrow", d: "M0 0L-7 -4V4Z", transform: `translate(${x} ${y}) rotate(${turn})` }),
  ];
}

function drawSaid({ said, middle: [x, y], room }) {
  if (!said) return [];
  const lines = wrapped(said, room, "caption");
  const top = y - (lines.length * LINE.caption) / 2;
  return lines.map((text, at) =>
    svg("text", { class: "said", x, y: top + LINE.caption * (at + 0.75), "text-anchor": "middle" }, text));
}

function draw(paths, target, width, label) {
  const graph = graphOf(paths, target);
  const beside = width / graph.layers.length >= ROOM;
  const height = beside ? placeBeside(graph, width) : placeStacked(graph, width);
  return svg("svg", { role: "img", "aria-labelledby": label, viewBox: `-1 -1 ${width + 2} ${height + 2}`, width: width + 2, height: height + 2 },
    graph.edges.flatMap(drawEdge), graph.layers.flat().map(drawNode), graph.edges.flatMap(drawSaid));
}

/** A picture of the paths to an item; drawn anew when its width changes. */
export function picture(paths, target) {
  const label = freshId("picture");
  const texts = paths.map(({ text }) => words.sentence(text)).join(". ");
  const frame = el("div", { class: "picture" });
  let drawn = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width) - 2;
    if (width < 100 || width === drawn) return;
    drawn = width;
    frame.replaceChildren(draw(paths, target, width, label));
  }).observe(frame);
  return el("figure", {}, frame, el("figcaption", { id: label, class: "hidden" }, `How known facts lead to ${target}: ${texts}.`));
}
