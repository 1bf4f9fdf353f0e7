// Pointing, dragging, typing; and the beginning.
function listen(canvas) {
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, from: view.from, to: view.to, moved: false };
    if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const by = held ? event.clientX - held.x : 0;
    if (held && (held.moved || Math.abs(by) > 4)) {
      held.moved = true;
      const time = (by / canvas.clientWidth) * (held.to - held.from);
      look(held.from - time, held.to - time);
    } else {
      pointAt(canvas, event);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (held && !held.moved && name === "pointerup") pointAt(canvas, event);
      held = null;
    });
  }
  canvas.addEventListener("wheel", (event) => {
    const about = view.from + (event.offsetX / canvas.clientWidth) * (view.to - view.from);
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(event.deltaY / 300), about);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) shift(event.deltaX / canvas.clientWidth);
    else return;
    event.preventDefault();
  }, { passive: false });
}

function pointAt(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const time = view.from + ((event.clientX - box.left) / box.width) * (view.to - view.from);
  let step = stepAt(Math.max(begin, Math.min(end, time)));
  if (canvas.id === "roll" && data.lanes.length) { // the very box under the pointer, if there is one
    const y = ((event.clientY - box.top) / box.height) * data.lanes[data.lanes.length - 1][2], room = 0.6;
    const under = data.boxes.findLast((one) => one[1] <= time && time < one[2] && one[3] - room <= y && y <= one[4] + room);
    if (under) step = under[0];
  }
  if (step === state.step) return;
  state.step = step;
  drawRoll($("roll"), step);
  point();
}

function point() { // a line through all panels, and in words what is there
  const cross = $("cross"), roll = $("roll"), step = state.step;
  const place = step === null ? -1 : ((edges[step] + edges[step + 1]) / 2 - view.from) / (view.to - view.from);
  cross.hidden = place < 0 || place > 1;
  if (step === null) {
    $("readout").textContent = `Point at the music to read a ${data.words.unit}; drag to move, ← → and + − to look around.`;
    return;
  }
  cross.style.left = `${roll.offsetLeft + place * roll.clientWidth}px`;
  const box = boxOfStep.get(step), parts = [make("b", tickAt(edges[step] + 1e-4)), " · "];
  if (box) {
    parts.push(make("b", box[7]), ` · ${number(box[5])} nats`);
    if (box[6].length) parts.push(` (${data.shares.map((share, i) => `${share} ${number(box[6][i])}`).join(", ")})`);
    if (box[8]) parts.push(`; likelier: ${box[8]}`);
  } else {
    parts.push(`no ${data.words.unit}: the ${data.words.tick} line`);
  }
  const unit = state.unit;
  if (unit) {
    const trace = data.traces[unit.layer], at = (name) => values(unit[name])[step];
    const memory = `${trace.memory} ${number(((at(trace.memory) - 128) / 127) * unit.most)}`;
    const gates = trace.gates.map((gate) => `${gate} ${number(at(gate) / 255)}`);
    parts.push(make("br"), `layer ${unit.layer + 1}, unit ${unit.unit} after it: ${[memory, ...gates].join(", ")}`);
  }
  $("readout").replaceChildren(...parts);
}

function start() {
  makeHead();
  makeTable();
  makeNames();
  if (data.layers.length) pickLayer(data.layers[0].layer);
  const clearest = [...data.names].sort((a, b) => Math.abs(b.best[0][2]) - b.chance - Math.abs(a.best[0][2]) + a.chance)[0];
  if (clearest) choose(clearest.name, clearest.best[0][0], clearest.best[0][1]);
  else if (data.layers.length) choose(null, data.layers[0].layer, data.layers[0].rows[0][0]);
  for (const id of ["surprise", "roll", "unit"]) listen($(id));
  const steps = Math.max(60, $("roll").clientWidth / 4), part = Math.min(1, steps / data.steps);
  const stop = data.ticks.map((tick) => tick[0]).find((time) => time >= begin + part * (end - begin));
  look(begin, part < 0.6 && stop ? stop : end);
  const buttons = { in: () => zoom(0.6), out: () => zoom(1 / 0.6), earlier: () => shift(-0.5), later: () => shift(0.5), whole: () => look(begin, end) };
  for (const [id, act] of Object.entries(buttons)) $(id).onclick = act;
  const keys = { ArrowLeft: buttons.earlier, ArrowRight: buttons.later, "+": buttons.in, "=": buttons.in, "-": buttons.out };
  document.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]();
    event.preventDefault();
  });
  const map = $("map"), centre = (event) => {
    const time = begin + (event.offsetX / map.clientWidth) * (end - begin), half = (view.to - view.from) / 2;
    look(time - half, time + half);
  };
  map.addEventListener("pointerdown", (event) => (map.setPointerCapture(event.pointerId), centre(event)));
  map.addEventListener("pointermove", (event) => event.buttons && centre(event));
  new ResizeObserver(() => draw()).observe($("roll").parentElement);
  darkness.addEventListener("change", () => { makeHeats(); mark(); draw(); });
}

start();
