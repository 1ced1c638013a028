// Where messages are written.

import { find } from "./dom.js";

const EVERYONE = "all";

export class Composer {
  #to = find("to");
  #text = find("text");
  #hint = find("composer-hint");
  #everyone = find("everyone");
  /** Whom `Everyone` took the place of. */
  #before = "";

  /** `send(to, text)` tells whether it was sent; `isKnown(uid)`, whether somebody has that name. */
  constructor({ send, isKnown }) {
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      // Some names begin or end with spaces; but usually a phone's keyboard put them there.
      const to = isKnown(this.#to.value) ? this.#to.value : this.#to.value.trim();
      const text = this.#text.value;
      if (to === "") return this.#ask(this.#to, "To whom? Enter a name, or choose Everyone.");
      if (to.includes(":")) return this.#ask(this.#to, "Names have no colon.");
      if (text === "") return this.#ask(this.#text, "");
      if (!send(to, text)) return this.#ask(this.#text, "Not connected. Your message stays here.");
      this.#text.value = "";
      this.#ask(this.#text, "");
    });
    this.#text.addEventListener("keydown", (event) => {
      // Enter also ends a composition, as of Japanese.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      find("composer").requestSubmit();
    });
    this.#to.addEventListener("input", () => this.#toggled());
    this.#everyone.addEventListener("click", () => {
      const isAll = this.#to.value === EVERYONE;
      if (!isAll) this.#before = this.#to.value;
      this.#to.value = isAll ? this.#before : EVERYONE;
      this.#toggled();
      (this.#to.value === "" ? this.#to : this.#text).focus();
    });
  }

  /** Writes to somebody. */
  pick(uid) {
    this.#to.value = uid;
    this.#toggled();
    this.#text.focus();
  }

  focus() {
    (this.#to.value === "" ? this.#to : this.#text).focus();
  }

  /** Whether anything can be sent. */
  set ready(ready) {
    find("send").setAttribute("aria-disabled", String(!ready));
    if (ready) this.#hint.textContent = "";
  }

  #ask(field, hint) {
    this.#hint.textContent = hint;
    field.focus();
  }

  #toggled() {
    this.#everyone.setAttribute("aria-pressed", String(this.#to.value === EVERYONE));
    this.#hint.textContent = "";
  }
}

/** A recipient in words. */
export const recipient = (to) => (to === EVERYONE ? "everyone" : to);
