// The HTTP API, with a key if there is one.

import * as store from "./store.js";

/** The server wants a key, or another one. */
export class Locked extends Error {
  constructor(status, detail, hadKey) {
    super(detail);
    this.status = status;
    this.hadKey = hadKey;
  }
}

const PATIENCE = 10_000;

export class Api {
  #key = store.get("session", "key");

  get hasKey() {
    return this.#key !== null;
  }

  /** Kept for as long as the tab, or forgotten with `null`. */
  setKey(key) {
    this.#key = key;
    store.set("session", "key", key);
  }

  /** Gets JSON. Throws `Locked` on 401 and 403. */
  async get(path) {
    const key = this.#key;
    const response = await fetch(path, {
      headers: key === null ? {} : { Authorization: `Bearer ${key}` },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => ({}));
    const detail = problem.detail ?? `status ${response.status}`;
    if (response.status === 401 || response.status === 403) {
      throw new Locked(response.status, detail, key !== null);
    }
    throw new Error(detail);
  }
}
