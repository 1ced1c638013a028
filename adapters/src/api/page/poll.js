// Asks again and again, but only while somebody looks.

const MOST = 30_000;

/**
 * Calls `task` every `period` milliseconds while the page is visible, never twice at once. When it
 * throws, `failed` says whether to go on, which is then done ever more slowly.
 */
export class Poll {
  #period;
  #task;
  #failed;
  #timer;
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = true;

  constructor(period, task, failed) {
    this.#period = period;
    this.#task = task;
    this.#failed = failed;
    document.addEventListener("visibilitychange", () => this.#run());
  }

  /** Starts, or asks at once. */
  start() {
    this.#stopped = false;
    this.#failures = 0;
    this.#again = this.#running;
    this.#run();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #run() {
    clearTimeout(this.#timer);
    if (this.#running || this.#stopped || document.hidden) return;
    this.#running = true;
    try {
      await this.#task();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (!this.#failed(error)) this.#stopped = !this.#again;
    }
    this.#running = false;
    if (this.#stopped) return;
    const wait = this.#again ? 0 : Math.min(MOST, this.#period * 2 ** this.#failures);
    this.#again = false;
    this.#timer = setTimeout(() => this.#run(), wait);
  }
}
