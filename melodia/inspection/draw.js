"use strict";
// What is drawn, from the data beside it: see page.py for how the numbers travel.
const data = JSON.parse(document.getElementById("data").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const edges = new Float32Array(bytes(data.edges).buffer);
const begin = edges[0], end = edges[edges.length - 1];
const darkness = matchMedia("(prefers-color-scheme: dark)");
const view = { from: begin, to: end };
const unpacked = new Map(); // base64 -> bytes, once each
const boxOfStep = new Map(data.boxes.map((box) => [box[0], box]));

function values(text) {
  if (!unpacked.has(text)) unpacked.set(text, bytes(text));
  return unpacked.get(text);
}

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function colours(name) { // 256 colours as [r, g, b, r, g, b ...]
  const hex = data.maps[name][darkness.matches ? 1 : 0];
  return Uint8Array.from({ length: 768 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function shade(map, place) {
  const i = 3 * Math.max(0, Math.min(255, Math.round(place * 255)));
  return `rgb(${map[i]},${map[i + 1]},${map[i + 2]})`;
}

function ramp(name) { // a map as a gradient for legends
  const map = colours(name);
  return `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((place) => shade(map, place)).join(",")})`;
}

function stepAt(time) { // the step that is drawn at a time
  let low = 0, high = data.steps - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= time) low = middle; else high = middle - 1;
  }
  return low;
}

function surface(canvas, height) { // a canvas of so many pixels, cleared, with its width
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height, x: (time) => ((time - view.from) / (view.to - view.from)) * width };
}

function drawTicks({ pen, width, height, x }, colour, labelled) {
  pen.fillStyle = colour;
  const spacing = (width * (end - begin)) / (view.to - view.from) / Math.max(data.ticks.length, 1);
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(28 / spacing)));
  data.ticks.forEach(([time, label], i) => {
    const place = x(time);
    if (place < -1 || place > width) return;
    if (spacing > 12 || i % every === 0) pen.fillRect(Math.round(place), 0, 1, height);
    if (!labelled || i % every) return;
    pen.fillStyle = style("--faded");
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(label, Math.round(place) + 3, 10);
    pen.fillStyle = colour;
  });
}

function drawMap(canvas) { // all of it, small, with the part in view
  const { pen, width, height } = surface(canvas, 30);
  const x = (time) => ((time - begin) / (end - begin)) * width;
  const map = colours("surprise"), bins = Math.max(1, Math.floor(width / 2));
  const sums = new Float64Array(bins), counts = new Float64Array(bins);
  for (const box of data.boxes) {
    const bin = Math.min(bins - 1, Math.floor((x(edges[box[0]]) / width) * bins));
    sums[bin] += box[5];
    counts[bin] += 1;
  }
  for (let bin = 0; bin < bins; bin++) {
    if (!counts[bin]) continue;
    const mean = sums[bin] / counts[bin] / data.brightest, tall = Math.max(2, Math.min(1, mean) * (height - 6));
    pen.fillStyle = shade(map, mean);
    pen.fillRect((bin * width) / bins, height - 2 - tall, Math.max(1, width / bins - 0.5), tall);
  }
  pen.fillStyle = style("--ink");
  pen.globalAlpha = 0.09;
  pen.fillRect(x(view.from), 0, x(view.to) - x(view.from), height);
  pen.globalAlpha = 1;
  pen.fillRect(x(view.from), height - 1, x(view.to) - x(view.from), 1);
}

function drawSurprise(canvas) {
  const place = surface(canvas, 72), { pen, width, height, x } = place;
  const highest = data.boxes.reduce((most, box) => Math.max(most, box[5]), 1), scale = (height - 16) / highest;
  drawTicks(place, style("--line"), true);
  for (const box of data.boxes) {
    const left = x(edges[box[0]]), right = x(edges[box[0] + 1]);
    if (right < 0 || left > width) continue;
    let base = height;
    (box[6].length ? box[6] : [box[5]]).forEach((share, i) => {
      pen.fillStyle = data.colours[i % data.colours.length];
      pen.fillRect(left, base - share * scale, Math.max(1, Math.min((right - left) * 0.82, 7)), share * scale);
      base -= share * scale;
    });
  }
  const marks = [5, 10, 20, 40].filter((mark) => mark < highest);
  return marks.map((mark) => [height - mark * scale, String(mark)]);
}

function drawRoll(canvas, chosen) {
  const total = data.lanes.length ? data.lanes[data.lanes.length - 1][2] : 1;
  const height = Math.round(Math.max(48, Math.min(total * 2.6, window.innerHeight * 0.3)));
  const place = surface(canvas, height), { pen, width, x } = place, y = (value) => (value / total) * height;
  drawTicks(place, style("--line"), false);
  pen.fillStyle = style("--line");
  data.lanes.slice(1).forEach((lane) => pen.fillRect(0, y(lane[1]), width, 1));
  const map = colours("surprise");
  for (const box of data.boxes) {
    const left = x(box[1]), right = x(box[2]);
    if (right < 0 || left > width) continue;
    pen.fillStyle = shade(map, box[5] / data.brightest);
    pen.fillRect(left, y(box[3]), Math.max(3, right - left - 0.7), Math.max(1.6, y(box[4]) - y(box[3])));
    if (box[0] !== chosen) continue;
    pen.strokeStyle = style("--ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(left - 1.5, y(box[3]) - 1.5, Math.max(2, right - left) + 2, Math.max(2, y(box[4]) - y(box[3])) + 3);
  }
  return data.lanes.map((lane) => [y((lane[1] + lane[2]) / 2), lane[0]]);
}

function drawStrips({ pen, width, x }, rows, map, top, rowHeight) { // rows of bytes as colours; 0 of signed is nothing
  const ratio = window.devicePixelRatio || 1, columns = Math.max(1, Math.round(width * ratio));
  const image = new ImageData(columns, rows.length);
  for (let column = 0; column < columns; column++) {
    const step = stepAt(view.from + ((column + 0.5) / columns) * (view.to - view.from));
    rows.forEach((row, i) => {
      const from = 3 * row[step], to = 4 * (i * columns + column);
      image.data[to] = map[from];
      image.data[to + 1] = map[from + 1];
      image.data[to + 2] = map[from + 2];
      image.data[to + 3] = 255;
    });
  }
  const small = Object.assign(document.createElement("canvas"), { width: columns, height: rows.length });
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  rows.forEach((_, i) => pen.drawImage(small, 0, i, columns, 1, 0, top + i * rowHeight, width, rowHeight - 1));
}

function drawHeat(canvas, rows, name, rowHeight) {
  const place = surface(canvas, rows.length * rowHeight);
  drawStrips(place, rows, colours(name), 0, rowHeight);
  drawTicks(place, darkness.matches ? "rgba(0,0,0,.45)" : "rgba(255,255,255,.6)", false);
}

function drawUnit(canvas, unit, memory, gates, fit) { // its memory as a line over what it follows, its gates as strips
  const strip = 13, line = 104, place = surface(canvas, line + 6 + gates.length * strip), { pen, width, x } = place;
  const row = values(unit[memory]), seen = [...row, ...(fit ? fit : [])].filter((value) => value > 0);
  const low = seen.reduce((a, b) => Math.min(a, b), 255), high = Math.max(low + 1, seen.reduce((a, b) => Math.max(a, b), 0));
  const y = (value) => 4 + ((high - value) / (high - low)) * (line - 8);
  const first = stepAt(view.from), last = stepAt(view.to);
  drawTicks(place, style("--line"), false);
  pen.fillStyle = style("--fit");
  for (let step = first; fit && step <= last; step++) {
    if (fit[step]) pen.fillRect(x(edges[step]), y(fit[step]), x(edges[step + 1]) - x(edges[step]) + 0.4, line - 4 - y(fit[step]));
  }
  if (low < 128 && high > 128) {
    pen.fillStyle = style("--faded");
    pen.fillRect(0, y(128), width, 0.6);
  }
  pen.beginPath();
  for (let step = first; step <= last; step++) {
    pen.lineTo(x(edges[step]), y(row[step]));
    pen.lineTo(x(edges[step + 1]), y(row[step]));
  }
  pen.strokeStyle = style(unit.layer % 2 ? "--second" : "--strong");
  pen.lineWidth = 1.4;
  pen.lineJoin = "round";
  pen.stroke();
  if (gates.length) drawStrips(place, gates.map((gate) => values(unit[gate])), colours("gate"), line + 6, strip);
  const number = (value) => (((value - 128) / 127) * unit.most).toPrecision(2).replace("-", "−");
  const marks = [[y(high) + 4, number(high)], [y(low) - 4, number(low)]];
  return marks.concat(gates.map((gate, i) => [line + 6 + (i + 0.5) * strip, `${gate} gate`]));
}
