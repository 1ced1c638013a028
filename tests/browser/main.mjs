// Plays a scene with examples/browser in headless Chromium: `main.mjs FOLDER`, and a path for a
// screenshot if one is wanted.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";

// Unlike `import`, this finds what is in NODE_PATH.
const { chromium } = createRequire(import.meta.url)("playwright-core");

const [folder, screenshot] = process.argv.slice(2);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

const hub = new WebAssembly.Module(await readFile(join(folder, "hub.wasm")));
assert.deepEqual(WebAssembly.Module.imports(hub), [], "what the module imports");

const server = createServer(async (request, response) => {
  const path = request.url === "/" ? "/index.html" : request.url;
  const file = await readFile(join(folder, path)).catch(() => null);
  if (file === null) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(path)] }).end(file);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

async function play(tab) {
  const wrong = [];
  tab.on("pageerror", (error) => wrong.push(String(error)));
  tab.on("websocket", (socket) => wrong.push(`connects to ${socket.url()}`));
  tab.on("console", (line) => {
    // Chromium asks for /favicon.ico.
    if (line.type() === "error" && !line.location().url.endsWith(".ico")) wrong.push(line.text());
  });
  // Time limits come when the test says so.
  await tab.clock.install();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  const [one, two] = [1, 2].map((number) => new Pane(tab, number));

  await one.say("alice");
  await one.sees("heard", "login success, your uid is alice");
  await one.say("bob:too early");
  await one.sees("heard", "error: bob is not online");
  await two.say("bob");
  await two.sees("heard", "login success, your uid is bob");
  await one.say("bob:hello");
  await two.sees("heard", "hello");
  await two.say("alice:<b>å: 你好</b>");
  await one.sees("heard", "<b>å: 你好</b>");
  await two.say("all:everybody");
  await one.sees("heard", "everybody");
  await two.sees("heard", "everybody");
  if (screenshot) await tab.screenshot({ path: screenshot });

  // A second alice takes the place of the first.
  await two.leave();
  await two.say("alice");
  await two.sees("heard", "login success, your uid is alice");
  await one.sees("closed", /^closed with 4001: /);

  // Who does not log in has ten seconds.
  await one.say("all");
  await one.sees("heard", "error: the uid all is reserved for everybody");
  const before = await one.lines();
  await tab.clock.fastForward(9_000);
  assert.equal(await one.lines(), before);
  await tab.clock.fastForward(1_001);
  await one.sees("closed", /^closed with 1008: /);
  assert.deepEqual(wrong, []);
}

class Pane {
  #pane;

  constructor(tab, number) {
    this.#pane = tab.getByRole("region", { name: `Pane ${number}` });
  }

  async say(text) {
    await this.#pane.getByRole("textbox").fill(text);
    await this.#pane.getByRole("button", { name: "Send" }).click();
  }

  async leave() {
    await this.#pane.getByRole("button", { name: "Leave" }).click();
  }

  lines() {
    return this.#pane.locator("li").count();
  }

  /** The last line is this one. */
  async sees(kind, text) {
    const line = this.#pane.locator("li").last();
    await line.and(this.#pane.locator(`.${kind}`)).filter({ hasText: text }).waitFor();
    const said = await line.textContent();
    if (typeof text === "string") assert.equal(said, text);
  }
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
});
try {
  await play(await browser.newPage());
} finally {
  await browser.close();
  server.close();
}
