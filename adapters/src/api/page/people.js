// Who is online. Rows stay where they are while the list is refreshed, so that neither focus nor the
// pointer loses them.

import { element, find } from "./dom.js";

const PAGE = 100;
/** The most that the API gives at once. */
const LIMIT = 1000;

export class People {
  #api;
  #rows = new Map();
  #wanted = PAGE;
  #hasMore = false;
  #own = null;
  #list = find("users");
  #filter = find("filter");
  #more = find("more");

  /** `pick(uid)` hears who was chosen. */
  constructor(api, { pick, refresh }) {
    this.#api = api;
    this.#filter.addEventListener("input", () => this.#show());
    this.#filter.addEventListener("keydown", (event) => {
      const first = this.#visible()[0];
      if (event.key === "Enter" && first) pick(first.dataset.uid);
      if (event.key === "ArrowDown" && first) first.focus();
      if (event.key === "Enter" || event.key === "ArrowDown") event.preventDefault();
      if (event.key === "Escape" && this.#filter.value !== "") {
        event.stopPropagation();
        event.preventDefault();
        this.#filter.value = "";
        this.#show();
      }
    });
    this.#list.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) pick(button.dataset.uid);
    });
    this.#list.addEventListener("keydown", (event) => this.#move(event));
    this.#more.addEventListener("click", () => {
      this.#wanted += PAGE;
      refresh();
    });
  }

  has(uid) {
    return this.#rows.has(uid);
  }

  /** Whose page this is. */
  setOwn(uid) {
    this.#own = uid;
    for (const row of this.#rows.values()) this.#label(row);
  }

  async refresh() {
    const users = [];
    let next = null;
    do {
      const query = new URLSearchParams({ limit: Math.min(LIMIT, this.#wanted - users.length) });
      if (next !== null) query.set("cursor", next);
      const page = await this.#api.get(`/v1/users?${query}`);
      users.push(...page.users);
      next = page.next;
    } while (next !== null && users.length < this.#wanted);
    this.#hasMore = next !== null;
    this.#update(users);
  }

  #update(users) {
    const online = new Set(users.map(({ uid }) => uid));
    for (const [uid, row] of this.#rows) {
      if (online.has(uid)) continue;
      row.remove();
      this.#rows.delete(uid);
    }
    // Both are in the server's order: what stays is never moved.
    let place = this.#list.firstElementChild;
    for (const { uid, connections } of users) {
      let row = this.#rows.get(uid);
      if (row) {
        place = row.nextElementSibling;
      } else {
        row = this.#row(uid);
        this.#rows.set(uid, row);
        this.#list.insertBefore(row, place);
      }
      row.dataset.connections = connections;
      this.#label(row);
    }
    this.#show();
  }

  #row(uid) {
    const name = element("bdi", {}, uid);
    const title = `Write to ${uid}`;
    const properties = { type: "button", title, tabIndex: -1 };
    const button = element("button", properties, name, element("span"));
    button.dataset.uid = uid;
    return element("li", {}, button);
  }

  #label(row) {
    const button = row.firstElementChild;
    const count = Number(row.dataset.connections);
    const notes = button.dataset.uid === this.#own ? ["you"] : [];
    if (count > 1) notes.push(`${count} connections`);
    const note = notes.join(", ");
    if (button.lastElementChild.textContent !== note) button.lastElementChild.textContent = note;
  }

  /** Shows what the filter lets through. */
  #show() {
    const filter = this.#filter.value.trim().toLowerCase();
    for (const [uid, row] of this.#rows) row.hidden = !uid.toLowerCase().includes(filter);
    const visible = this.#visible();
    // One stop for Tab, however many there are; arrows go on from there.
    if (!visible.some((button) => button.tabIndex === 0)) this.#stop(visible[0]);
    const count = `${this.#rows.size}${this.#hasMore ? "+" : ""}`;
    find("count").textContent = count;
    find("nav-count").textContent = count;
    if (!this.#hasMore && document.activeElement === this.#more) this.#filter.focus();
    this.#more.hidden = !this.#hasMore;
    let hint = "";
    if (this.#rows.size === 0) hint = "Nobody yet.";
    else if (visible.length === 0 && this.#hasMore) hint = "None of those loaded.";
    else if (visible.length === 0) hint = "Nobody of that name.";
    if (find("people-hint").textContent !== hint) find("people-hint").textContent = hint;
  }

  #visible() {
    return [...this.#list.querySelectorAll("li:not([hidden]) button")];
  }

  #stop(button) {
    for (const other of this.#list.querySelectorAll("button")) other.tabIndex = -1;
    if (button) button.tabIndex = 0;
  }

  #move(event) {
    const buttons = this.#visible();
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) return this.#filter.focus();
    if (!buttons[to]) return;
    this.#stop(buttons[to]);
    buttons[to].focus();
  }
}
