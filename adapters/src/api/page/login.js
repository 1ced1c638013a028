// The form to log in with.

import { find } from "./dom.js";
import * as store from "./store.js";

export class Login {
  #uid = find("uid");
  #token = find("token");
  #tokenPart = find("token-part");
  #error = find("login-error");
  /** What the form was sent with, unlike what stands in the page's address. */
  #sent = null;

  /** `logIn(first)` is given what the first message is to be. */
  constructor(logIn) {
    this.#uid.value = store.get("local", "uid") ?? "";
    find("login").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = this.#field();
      const first = field.value.trim();
      if (first === "") return this.refuse(`enter a ${field === this.#uid ? "name" : "token"}`);
      this.#say("");
      this.#sent = first;
      logIn(first);
    });
    this.#tokenPart.addEventListener("toggle", () => {
      find("uid-field").hidden = this.#tokenPart.open;
      if (this.#tokenPart.open) this.#token.focus();
    });
    this.#tokenPart.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#tokenPart.open) return;
      this.#tokenPart.open = false;
      this.#tokenPart.querySelector("summary").focus();
    });
  }

  /** Fills in a uid. */
  set uid(uid) {
    this.#uid.value = uid;
  }

  focus() {
    this.#field().focus();
  }

  /** Whether an attempt is under way. */
  set busy(busy) {
    find("log-in").textContent = busy ? "Logging in …" : "Log in";
  }

  /** Says why not. */
  refuse(reason) {
    if (reason.includes("credential") && !this.#tokenPart.open) {
      // So that is what the server wants.
      this.#tokenPart.open = true;
      return this.#say("This server wants a token.");
    }
    this.#say(`${reason[0].toUpperCase()}${reason.slice(1)}.`);
    this.focus();
  }

  /** It worked: a name that was typed is remembered, a token is not. */
  done(uid) {
    this.#say("");
    this.#token.value = "";
    if (uid === this.#sent) store.set("local", "uid", uid);
  }

  #field() {
    return this.#tokenPart.open ? this.#token : this.#uid;
  }

  #say(error) {
    this.#error.textContent = error;
    this.#field().setAttribute("aria-invalid", String(error !== ""));
  }
}
