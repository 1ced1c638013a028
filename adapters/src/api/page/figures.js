// The server in figures: rates from two readings of its counters, and what is the case now.

import { Chart, format } from "./chart.js";
import { element, find } from "./dom.js";

const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** A time in its two largest units. */
function duration(seconds) {
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  let rest = Math.floor(seconds);
  const parts = UNITS.slice(largest).map(([unit, size]) => {
    const value = Math.floor(rest / size);
    rest -= value * size;
    const style = { style: "unit", unit, unitDisplay: "narrow" };
    return new Intl.NumberFormat(undefined, style).format(value);
  });
  return parts.slice(0, 2).join(" ");
}

/** The least seconds that a rate is taken over. */
const LEAST = 0.5;

export class Figures {
  #messages;
  #deliveries;
  #online;
  #facts = find("facts");
  #closes = find("closes");
  #last = null;

  constructor() {
    const charts = find("charts");
    this.#online = new Chart("People online", "", charts);
    this.#messages = new Chart("Messages in", " /s", charts);
    this.#deliveries = new Chart("Deliveries", " /s", charts);
  }

  /** Shows what `GET /v1/stats` said. */
  show(stats) {
    const now = performance.now();
    this.#online.add(now, stats.users);
    const last = this.#last;
    const seconds = last && stats.uptime_seconds - last.uptime_seconds;
    if (seconds >= LEAST) {
      const rate = (name) => Math.max(0, stats.messages[name] - last.messages[name]) / seconds;
      this.#messages.add(now, rate("accepted"));
      this.#deliveries.add(now, rate("delivered"));
    }
    // Less uptime than before is another server, which counts from zero.
    if (last === null || seconds >= LEAST || seconds < 0) this.#last = stats;
    list(this.#facts, [
      ["Connections", format(stats.connections)],
      ["Logged in", format(stats.logged_in)],
      ["Missed", format(stats.messages.missed)],
      ["Up", duration(stats.uptime_seconds)],
    ]);
    const closes = Object.entries(stats.closed).filter(([, count]) => count > 0);
    const sum = closes.reduce((sum, [, count]) => sum + count, 0);
    find("closed").textContent = format(sum);
    list(this.#closes, closes.map(([why, count]) => [why.replaceAll("_", " "), format(count)]));
  }
}

/** Shows names and values, in the rows that are there if they are as many. */
function list(parent, facts) {
  if (parent.children.length !== facts.length) {
    const row = () => element("div", {}, element("dt"), element("dd"));
    parent.replaceChildren(...facts.map(row));
  }
  facts.forEach(([name, value], index) => {
    const [term, definition] = parent.children[index].children;
    term.textContent = name;
    definition.textContent = value;
  });
}
