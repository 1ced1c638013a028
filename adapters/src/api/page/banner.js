// Says why there is no connection, and what can be done about it. Screen readers hear of it from the
// state in the header and from the log, which are always there.

import { find } from "./dom.js";

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "");

export class Banner {
  #connection;
  #banner = find("banner");
  #countdown = find("countdown");
  #tick;

  constructor(connection) {
    this.#connection = connection;
    find("again").addEventListener("click", () => connection.resume());
    find("other").addEventListener("click", () => connection.logOut());
  }

  show(state, { code, reason }) {
    clearInterval(this.#tick);
    if (state === "waiting") this.#wait(reason);
    else if (state === "ended" && this.#connection.uid !== null) this.#end(code, reason);
    else if (state === "connecting") this.#countdown.textContent = "Connecting …";
    else this.#banner.hidden = true;
  }

  #wait(reason) {
    const title = this.#connection.uid === null ? "The server cannot be reached." : "Connection lost.";
    this.#say("lost", title, sentence(reason), "Try now");
    this.#count();
    this.#tick = setInterval(() => this.#count(), 250);
  }

  #count() {
    const seconds = Math.max(0, Math.ceil((this.#connection.due - Date.now()) / 1000));
    this.#countdown.textContent = `Next attempt in ${seconds} s.`;
  }

  #end(code, reason) {
    this.#countdown.textContent = "";
    if (code === 4001) {
      const title = `${this.#connection.uid} is in use somewhere else.`;
      const text = "A newer login took the name over: another tab of yours, perhaps.";
      return this.#say("ended", title, text, "Take it back");
    }
    const why = reason === "kicked" ? "" : sentence(reason);
    this.#say("ended", "The server logged you out.", why, "Log in again");
  }

  #say(kind, title, text, again) {
    this.#banner.dataset.kind = kind;
    find("banner-title").textContent = title;
    find("banner-text").textContent = text;
    find("again").textContent = again;
    find("other").hidden = this.#connection.uid === null;
    this.#banner.hidden = false;
  }
}
