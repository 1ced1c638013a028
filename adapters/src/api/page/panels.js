// Who is online and the figures, which the server may show to callers with an API key only.

import { Locked } from "./api.js";
import { find } from "./dom.js";
import { Figures } from "./figures.js";
import { People } from "./people.js";
import { Poll } from "./poll.js";

/** What can stand in a header. */
const PLAIN = /^[\x21-\x7e]+$/;

export class Panels {
  #api;
  #polls;
  #isPaused = false;
  #isLocked = false;
  #locked;

  /** `pick(uid)` hears who was chosen; `locked()`, whenever `needsKey` may be another. */
  constructor(api, { pick, locked }) {
    this.#api = api;
    this.#locked = locked;
    this.people = new People(api, { pick, refresh: () => this.start() });
    const figures = new Figures();
    this.#polls = [
      this.#poll(2000, "people", () => this.people.refresh()),
      this.#poll(1000, "live", async () => figures.show(await api.get("/v1/stats"))),
    ];
    find("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = find("key").value.trim();
      if (key === "") return find("key").focus();
      if (!PLAIN.test(key)) return this.#say("A key has neither spaces nor special characters.");
      this.#say("Asking …");
      api.setKey(key);
      this.start();
    });
    find("forget-key").addEventListener("click", () => {
      api.setKey(null);
      this.start();
    });
  }

  /** Whether the API is for callers with a key, as far as that is known. */
  get needsKey() {
    return this.#isLocked || this.#api.hasKey;
  }

  start() {
    this.#isPaused = false;
    for (const poll of this.#polls) poll.start();
  }

  /** Does not wait for the next time. */
  refresh() {
    if (!this.#isLocked) this.start();
  }

  /** Until `resume`: the server is not there. */
  pause() {
    this.#isPaused = true;
    for (const poll of this.#polls) poll.stop();
    for (const id of ["people", "live"]) find(id).classList.add("stale");
  }

  resume() {
    if (this.#isPaused) this.start();
  }

  #poll(period, id, task) {
    const say = (hint) => {
      find(id).classList.toggle("stale", hint !== "");
      if (id === "live") find("live-hint").textContent = hint;
    };
    const attempt = async () => {
      await task();
      this.#unlock();
      say("");
    };
    return new Poll(period, attempt, (error) => {
      if (error instanceof Locked) return this.#lock(error);
      say("No answer; these are the last figures.");
      if (this.#isLocked) this.#say("No answer yet. Trying again …");
      return true;
    });
  }

  #unlock() {
    this.#isLocked = false;
    this.#locked();
    if (find("key-form").contains(document.activeElement)) find("filter").focus();
    find("key-form").hidden = true;
    find("people").hidden = false;
    find("live").hidden = false;
    find("forget-key").hidden = !this.#api.hasKey;
    find("key").value = "";
  }

  /** Asks for a key, and for nothing more until there is one. */
  #lock({ status, message, hadKey }) {
    this.#isLocked = true;
    let text = "Enter an API key to see who is online, and what the server does.";
    if (hadKey) text = "That key was not accepted. Enter another one.";
    if (status === 403) text = `The server does not tell: ${message}.`;
    this.#say(text);
    if (hadKey) this.#api.setKey(null);
    this.#locked();
    find("key-form").hidden = false;
    find("people").hidden = true;
    find("live").hidden = true;
    find("nav-count").textContent = "";
    return false;
  }

  #say(text) {
    if (find("key-text").textContent !== text) find("key-text").textContent = text;
  }
}
