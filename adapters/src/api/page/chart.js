// A small chart of one figure over time, in SVG, with its current value as text.

import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [240, 44];

/** Milliseconds that are shown; a longer time without a sample is shown as a gap. */
const SPAN = 120_000;
const GAP = 5_000;

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export function format(value) {
  if (value >= 10_000) return compact.format(value);
  return (value < 10 ? short : whole).format(value);
}

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

export class Chart {
  #name;
  #samples = [];
  #value = element("span", { className: "value" }, "–");
  #peak = element("span", { className: "peak" });
  #picture = shape("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
  });
  #area = shape("path", { class: "area" });
  #line = shape("path", { class: "line" });

  constructor(name, unit, parent) {
    this.#name = `${name}${unit}`;
    const label = element("figcaption", {}, element("span", {}, name));
    const value = element("span", {}, this.#value, element("span", { className: "unit" }, unit));
    label.append(value, this.#peak);
    this.#picture.append(this.#area, this.#line);
    this.#picture.setAttribute("aria-label", `${this.#name}: no figures yet`);
    parent.append(element("figure", {}, label, this.#picture));
  }

  /** Adds what was the case at a time, in milliseconds, and draws. */
  add(time, value) {
    this.#samples.push([time, value]);
    while (this.#samples[0][0] < time - SPAN) this.#samples.shift();
    this.#draw(time, value);
  }

  #draw(now, value) {
    const values = this.#samples.map(([, value]) => value);
    const peak = Math.max(...values);
    const top = Math.max(1, peak) * 1.08;
    const x = (time) => (WIDTH * (1 - (now - time) / SPAN)).toFixed(1);
    const y = (value) => (HEIGHT - 1 - (HEIGHT - 2) * (value / top)).toFixed(1);
    let [line, area] = ["", ""];
    for (const run of runs(this.#samples)) {
      const points = run.map(([time, value]) => `${x(time)} ${y(value)}`).join("L");
      line += `M${points}`;
      area += `M${x(run[0][0])} ${HEIGHT}L${points}L${x(run.at(-1)[0])} ${HEIGHT}Z`;
    }
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", area);
    this.#value.textContent = format(value);
    this.#peak.textContent = `peak ${format(peak)}`;
    const range = `from ${format(Math.min(...values))} to ${format(peak)}`;
    const label = `${this.#name}: now ${format(value)}, ${range} in the last 2 minutes`;
    this.#picture.setAttribute("aria-label", label);
  }
}

/** Samples, cut where there is a gap. */
function runs(samples) {
  const runs = [];
  let last = -Infinity;
  for (const sample of samples) {
    if (sample[0] - last > GAP) runs.push([]);
    runs.at(-1).push(sample);
    last = sample[0];
  }
  return runs;
}
