// How long to wait before the next attempt: exponential backoff with full jitter, so that the many
// clients of a server that restarts do not come back all at once.

const FIRST = 500;
const MOST = 30_000;

export class Backoff {
  #attempts = 0;
  #random;

  /** `random` gives numbers from 0 to 1, like `Math.random`. */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The milliseconds to wait this time. */
  next() {
    const limit = Math.min(MOST, FIRST * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.#random() * limit;
  }

  /** It went well: the next wait is a short one again. */
  reset() {
    this.#attempts = 0;
  }
}
