// The WebSocket: logs in with its first message, and comes back by itself when it was lost.
//
//   out --> connecting --> in --> waiting --> connecting ..
//                |         |
//                v         v
//             refused    ended: taken over, kicked, ..: only the user decides to come back

import { Backoff } from "./backoff.js";

const SUCCESS = "login success, your uid is ";
const ERROR = "error: ";

/** For connecting and the login together. */
const PATIENCE = 10_000;

/** After so long a connection counts as a good one. */
const STABLE = 10_000;

/** Codes of the server's own with which a connection was lost, and not its right to be here. */
const LOST = [4002, 4003];

/** Trying again would not help. */
const HOPELESS = /^(the credential (is not valid|has expired)|access denied)$/;

/** Whether a close means: do not come back by yourself. */
function isFinal(code) {
  // 4001 is a takeover: two that both came back would push each other out for ever. What else an
  // application closes with is a kick.
  return code === 1000 || code === 1008 || (code >= 3000 && !LOST.includes(code));
}

export class Connection {
  #url;
  #changed;
  #heard;
  #socket = null;
  #first = "";
  #backoff;
  #timer;
  #stable;
  /** Of the last login, and whether it is to be resumed. */
  uid = null;
  state = "out";
  /** When the next attempt is due, in the time of `Date.now()`. */
  due = 0;

  /** `changed(state, details)` hears of each state, `heard(text)` of each message. */
  constructor(url, { changed, heard, backoff = new Backoff() }) {
    this.#url = url;
    this.#changed = changed;
    this.#heard = heard;
    this.#backoff = backoff;
  }

  /** Logs in with a uid or a token, whichever the server wants. */
  logIn(first) {
    this.#first = first;
    this.uid = null;
    this.#backoff.reset();
    this.#open();
  }

  logOut() {
    this.uid = null;
    this.#drop();
    this.#enter("out");
  }

  /** Comes back after an end. */
  resume() {
    if (this.state === "ended" || this.state === "waiting") this.#open();
  }

  /** Does not wait any longer. */
  hurry() {
    if (this.state === "waiting") this.#open();
  }

  /** Whether it was handed to the socket: the text dialect acknowledges nothing. */
  send(text) {
    if (this.state !== "in" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #open() {
    this.#drop();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const isCurrent = () => socket === this.#socket;
    socket.onopen = () => isCurrent() && socket.send(this.#first);
    socket.onmessage = ({ data }) => isCurrent() && this.#receive(data);
    socket.onclose = ({ code, reason }) => isCurrent() && this.#closed(code, reason);
    this.#timer = setTimeout(() => this.#wait({ reason: "no answer" }), PATIENCE);
    this.#enter("connecting");
  }

  #receive(text) {
    if (this.state === "in") return this.#heard(text);
    if (text.startsWith(SUCCESS)) {
      clearTimeout(this.#timer);
      this.#stable = setTimeout(() => this.#backoff.reset(), STABLE);
      this.uid = text.slice(SUCCESS.length);
      this.#enter("in", { uid: this.uid });
    } else if (text.startsWith(ERROR)) {
      const reason = text.slice(ERROR.length);
      // Somebody who was in before waits for what may pass, such as the server still taking the
      // lost connection for alive.
      if (this.uid !== null && !HOPELESS.test(reason)) return this.#wait({ reason });
      this.uid = null;
      this.#drop();
      this.#enter("refused", { reason });
    }
  }

  #closed(code, reason) {
    if (!isFinal(code)) return this.#wait({ code, reason });
    this.#drop();
    this.#enter("ended", { code, reason });
  }

  #wait(details) {
    this.#drop();
    const wait = this.#backoff.next();
    this.due = Date.now() + wait;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#enter("waiting", details);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#stable);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #enter(state, details = {}) {
    this.state = state;
    this.#changed(state, details);
  }
}
