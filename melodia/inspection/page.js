// What is chosen, and what happens when somebody points, drags or types.
const $ = (id) => document.getElementById(id);
const state = { layer: 0, name: null, unit: null, step: null };
const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
const signed = (value) => (value < 0 ? "" : "+") + number(value);
const unitOf = (layer, unit) => data.units.find((one) => one.layer === layer && one.unit === unit);
const layerOf = (layer) => data.layers.find((one) => one.layer === layer);

function make(tag, content = "", options = {}) { // an element; names come as text, never as HTML
  const made = Object.assign(document.createElement(tag), options);
  if (content !== "") made.textContent = content;
  return made;
}

function gutter(id, rows) {
  $(id).replaceChildren(...rows.map(([y, text]) => {
    const label = make("span", text, { title: text });
    label.style.top = `${y}px`;
    return label;
  }));
}

function tickAt(time) {
  let found = data.ticks[0];
  for (const tick of data.ticks) if (tick[0] <= time + 1e-4) found = tick;
  return found ? `${data.words.tick} ${found[1]}` : "";
}

function draw() {
  drawMap($("map"));
  gutter("nats", drawSurprise($("surprise")));
  gutter("lanes", drawRoll($("roll"), state.step));
  drawChosen();
  for (const panel of document.querySelectorAll("#heats canvas")) panel.draw();
  point();
}

function drawChosen() {
  const unit = state.unit, name = data.names.find((one) => one.name === state.name);
  if (!unit) return;
  const trace = data.traces[unit.layer], code = `${unit.layer}/${unit.unit}`;
  const r = name && [...name.best, ...layersBest(name.name)].find(([layer, index]) => layer === unit.layer && index === unit.unit);
  const fit = name && name.fits[code] ? values(name.fits[code]) : null;
  gutter("scale", drawUnit($("unit"), unit, trace.memory, trace.gates, fit));
  $("chosen").replaceChildren(`Layer ${unit.layer + 1}, unit ${unit.unit}`);
  const remark = r ? `follows “${name.name}”, r ${signed(r[2])}; chance reaches ${number(name.chance)}` : "";
  $("chosen").append(make("small", remark));
  const grey = fit ? "Grey: what it follows, on its scale. " : "";
  $("key").textContent = `Line: its ${trace.memory === "cell" ? "cell state" : "hidden state"} after each event. ${grey}` +
    (trace.gates.length ? "Strips: its gates, from 0 (pale) to 1." : "");
}

function layersBest(name) { // the rows of heat maps that carry a name
  return data.layers.flatMap((one) => one.rows.filter((row) => row[1] === name).map((row) => [one.layer, row[0], row[2]]));
}

function makeHeats() {
  const one = layerOf(state.layer), units = one.rows.map((row) => unitOf(one.layer, row[0]));
  const shown = one.rows.filter((_, i) => units[i]);
  const panels = [one.memory, ...one.gates].map((series) => {
    const isGate = one.gates.includes(series), heading = make("h2", isGate ? `${series} gate` : `${series} state`);
    heading.textContent = `Layer ${one.layer + 1} · ${heading.textContent}`;
    const legend = make("small"), bar = make("span", "", { className: "ramp" });
    bar.style.background = ramp(isGate ? "gate" : "signed");
    legend.append(isGate ? "closed 0" : "below 0", bar, isGate ? "1 open" : "above; each row on its own scale");
    heading.append(legend);
    const plain = (row) => values(unitOf(one.layer, row[0])[series]);
    const rows = isGate ? [values(one.means[series]), ...shown.map(plain)] : shown.map(brighter(one.layer, series));
    const panel = make("div", "", { className: "panel" }), labels = make("div", "", { className: "gutter" });
    const canvas = make("canvas"), tall = 13;
    canvas.draw = () => rows.length && drawHeat(canvas, rows, isGate ? "gate" : "signed", tall);
    if (isGate) labels.append(Object.assign(make("span", `mean of all ${one.width}`), { style: `top:${tall / 2}px` }));
    shown.forEach((row, i) => labels.append(rowButton(row, one.layer, (i + isGate + 0.5) * tall)));
    panel.append(labels, canvas);
    listen(canvas);
    return [heading, panel];
  });
  $("heats").replaceChildren(...panels.flat());
}

function brighter(layer, series) { // a row's values on the scale of its usual ones
  return ([unit, , , usual]) => values(unitOf(layer, unit)[series]).map((value) => Math.max(0, Math.min(255, 128 + (value - 128) / usual)));
}

function rowButton([unit, name, r], layer, y) {
  const button = make("button", name, { className: "row", title: r ? `${name}, r ${signed(r)}: unit ${unit}` : `unit ${unit}` });
  button.append(make("i", r ? `${signed(r)} · ${unit}` : unit));
  button.style.top = `${y}px`;
  button.onclick = () => choose(name, layer, unit);
  Object.assign(button.dataset, { layer, unit });
  return button;
}

function makeNames() {
  $("names").replaceChildren(...data.names.map((name) => {
    const [layer, unit, r] = name.best[0], item = make("li"), head = make("button", "", { className: "head" });
    const meter = make("span", "", { className: "meter" }), bar = make("u", "", { className: name.clear ? `l${layer % 2}` : "" });
    const mark = make("s", "", { title: `chance reaches ${number(name.chance)}` });
    bar.style.width = `${Math.abs(r) * 100}%`;
    mark.style.left = `calc(${name.chance * 100}% - 1px)`;
    meter.append(bar, mark);
    head.append(make("span", name.name), make("span", `${signed(r)}  layer ${layer + 1} · ${unit}`, { className: "who" }), meter);
    head.onclick = () => choose(name.name, layer, unit);
    const more = make("div", "", { className: "more" });
    const verdict = name.clear ? "" : " No unit clears it.";
    more.append(make("p", `${name.means ? name.means + ". " : ""}Chance ${number(name.chance)} over ${name.steps} events.${verdict}`));
    for (const [depth, index, strength] of name.best) {
      const button = make("button", `${depth + 1} · ${index}  ${signed(strength)}`, { disabled: !unitOf(depth, index) });
      button.onclick = () => choose(name.name, depth, index);
      Object.assign(button.dataset, { layer: depth, unit: index });
      more.append(button);
    }
    item.append(head, more);
    item.dataset.name = name.name;
    return item;
  }));
  if (data.constant.length) $("constant").textContent = `Left out, as it hardly varies or seldom applies here: ${data.constant.join(", ")}.`;
}

function choose(name, layer, unit) {
  Object.assign(state, { name, unit: unitOf(layer, unit) || state.unit });
  if (layer !== state.layer && layerOf(layer)) pickLayer(layer);
  mark();
  draw();
}

function mark() { // shows what is chosen
  for (const item of document.querySelectorAll("#names li")) {
    item.classList.toggle("open", item.dataset.name === state.name);
    item.firstChild.setAttribute("aria-pressed", item.dataset.name === state.name);
  }
  for (const button of document.querySelectorAll("button[data-unit]")) {
    const same = state.unit && Number(button.dataset.layer) === state.unit.layer && Number(button.dataset.unit) === state.unit.unit;
    button.setAttribute("aria-pressed", Boolean(same));
  }
  for (const button of $("layers").children) button.setAttribute("aria-pressed", Number(button.dataset.layer) === state.layer);
}

function pickLayer(layer) {
  state.layer = layer;
  makeHeats();
}

function makeTable() {
  const head = make("tr"), rows = [...data.boxes].sort((a, b) => b[5] - a[5]).slice(0, data.most);
  const columns = [data.words.tick, data.words.unit, "nats", ...(data.shares.length ? ["lost on"] : []), "likelier"];
  head.append(...columns.map((text) => make("th", text)));
  document.querySelector("#most thead").replaceChildren(head);
  document.querySelector("#most tbody").replaceChildren(...rows.map((box) => {
    const row = make("tr"), split = make("span", "", { className: "split" }), lost = make("td");
    box[6].forEach((share, i) => {
      const piece = make("span", "", { title: `${data.shares[i]} ${number(share)}` });
      piece.style.cssText = `flex:${share};background:${data.colours[i]}`;
      split.append(piece);
    });
    lost.append(split);
    row.append(make("td", tickAt(box[1]).split(" ").pop()), make("td", box[7]), make("td", number(box[5], 1)));
    row.append(...(data.shares.length ? [lost] : []), make("td", box[8]));
    row.onclick = () => {
      const half = (view.to - view.from) / 2;
      state.step = box[0];
      look(box[1] - half, box[1] + half);
      $("stage").scrollIntoView({ behavior: "smooth" });
    };
    return row;
  }));
}

function makeHead() {
  $("heading").append("What ", make("em", data.model), " did while it read ", make("em", data.title));
  $("facts").replaceChildren(...[...data.facts, `${number(data.mean)} nats a ${data.words.unit}`].map((fact) => make("span", fact)));
  $("count").textContent = data.widths.reduce((a, b) => a + b, 0).toLocaleString("en");
  data.shares.forEach((share, i) => {
    const swatch = make("span", "", { className: "swatch" });
    swatch.style.background = data.colours[i];
    $("legend").append(swatch, share);
  });
  const bar = make("span", "", { className: "ramp" });
  bar.style.background = ramp("surprise");
  $("legend").append(make("span", "", { className: "swatch" }), `each ${data.words.unit}: 0`, bar, `${number(data.brightest, 0)} nats and more`);
  $("layers").replaceChildren(...data.layers.map((one) => {
    const button = make("button", `layer ${one.layer + 1}`);
    button.dataset.layer = one.layer;
    button.onclick = () => (pickLayer(one.layer), mark(), draw());
    return button;
  }));
}

function look(from, to) { // the part in view, kept inside
  const least = Math.min(end - begin, Math.max((end - begin) / data.steps * 6, 1e-3));
  const span = Math.max(least, Math.min(end - begin, to - from)), middle = (from + to) / 2;
  view.from = Math.max(begin, Math.min(end - span, middle - span / 2));
  view.to = view.from + span;
  draw();
}

const zoom = (factor, about = (view.from + view.to) / 2) => look(about - (about - view.from) * factor, about + (view.to - about) * factor);
const shift = (share) => look(view.from + share * (view.to - view.from), view.to + share * (view.to - view.from));
