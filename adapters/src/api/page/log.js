// What came and what went. Only the latest is kept, and what comes in a rush is shown together.

import { element } from "./dom.js";

const MOST = 500;
/** Milliseconds for which lines are gathered. There are no animation frames in hidden tabs. */
const RUSH = 30;
/** Characters that are shown of a message at first. */
const LONG = 2000;
/** Pixels from the end that still count as the end. */
const NEAR = 40;

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const both = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export class Log {
  #list;
  #latest;
  #pending = [];
  #unseen = 0;
  /** Whether the end is what the user wants to see. */
  #follows = true;
  #day = new Date().toDateString();

  /** A list, and the button that leads to its end. */
  constructor(list, latest) {
    this.#list = list;
    this.#latest = latest;
    latest.addEventListener("click", () => {
      this.#toEnd();
      list.focus();
    });
    list.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = list;
      this.#follows = scrollHeight - scrollTop - clientHeight < NEAR;
      if (this.#follows) this.#seen();
    });
    // A list that changes its size, as when a phone's keyboard comes up, stays at its end.
    new ResizeObserver(() => this.#follows && this.#toEnd()).observe(list);
  }

  /** Adds a line: `in`, `sent`, `error` or `note`. */
  add(kind, text, caption = "") {
    const at = new Date();
    const day = at.toDateString();
    if (day !== this.#day) this.#push({ kind: "note", text: date.format(at), at });
    this.#day = day;
    this.#push({ kind, text, caption, at });
  }

  clear() {
    this.#pending = [];
    this.#list.replaceChildren();
    this.#toEnd();
  }

  #push(line) {
    if (this.#pending.push(line) === 1) setTimeout(() => this.#flush(), RUSH);
    if (this.#pending.length > MOST) this.#pending.shift();
  }

  #flush() {
    const lines = this.#pending.splice(0);
    const isOwn = lines.some(({ kind }) => kind === "sent");
    this.#list.append(...lines.map(row));
    while (this.#list.children.length > MOST) this.#list.firstElementChild.remove();
    if (this.#follows || isOwn) return this.#toEnd();
    this.#unseen += lines.length;
    this.#latest.hidden = false;
    this.#latest.textContent = this.#unseen === 1 ? "1 new line" : `${this.#unseen} new lines`;
  }

  #toEnd() {
    this.#follows = true;
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#seen();
  }

  #seen() {
    this.#unseen = 0;
    this.#latest.hidden = true;
  }
}

function row({ kind, text, caption, at }) {
  const when = element("time", { dateTime: at.toISOString(), title: both.format(at) });
  when.textContent = time.format(at);
  const words = element("p", { dir: "auto" }, text.slice(0, LONG));
  const head = element("div", { className: "head" });
  if (caption) head.append(element("span", {}, caption), " ");
  head.append(when);
  const item = element("div", { className: `line ${kind}` }, head, words);
  if (text.length > LONG) item.append(rest(text, words));
  return item;
}

function rest(text, words) {
  const label = `Show all ${text.length.toLocaleString()} characters`;
  const button = element("button", { type: "button", className: "quiet" }, label);
  button.addEventListener("click", () => {
    words.textContent = text;
    button.remove();
  });
  return button;
}
