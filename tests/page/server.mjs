// The server as a process, which can be stopped and started again on the same port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class Server {
  #program;
  #options;
  #child;
  host = "127.0.0.1:0";

  constructor(program, options = []) {
    this.#program = program;
    this.#options = options;
  }

  /** Starts it, and waits for the line in which it tells its address. */
  async start() {
    this.#child = spawn(this.#program, [...this.#options, "--listen", this.host], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface(this.#child.stdout), "line");
    this.host = line.trim().split("://").at(-1);
  }

  async stop() {
    if (this.#child?.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }

  get url() {
    return `http://${this.host}`;
  }

  push(body) {
    const headers = { "Content-Type": "application/json" };
    return this.call("POST", "/v1/push", { headers, body: JSON.stringify(body) });
  }

  /** A request to the API. */
  async call(method, path, options = {}) {
    const response = await fetch(this.url + path, { method, ...options });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  }
}
