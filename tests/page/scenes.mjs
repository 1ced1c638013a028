// What people do with the page. Nothing here sleeps: all waits are for what the page shows.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const { WebSocket } = createRequire(import.meta.url)("ws");
const run = promisify(execFile);

/** Chromium itself says this of failed requests. */
const FAILED = /^(Failed to load resource|WebSocket connection to)/;

/** A folder with this secret in a file; `use` is given the path. */
async function withSecret(secret, use) {
  const folder = await mkdtemp(join(tmpdir(), "page-"));
  try {
    const path = join(folder, "secret");
    await writeFile(path, secret);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function talk({ serve, come }) {
  const server = await serve();
  const alice = await come(server);
  await alice.logIn("alice");
  const bob = await come(server, "bob");
  assert.equal(await bob.focus(), "to");
  await alice.write("bob", "hello: bob");
  await alice.sees("sent", "hello: bob");
  await bob.sees("in", "hello: bob");
  await bob.front();
  await bob.button("Everyone").click();
  await bob.field("Message").fill("tea");
  await bob.field("Message").press("Enter");
  await alice.sees("in", "tea");
  await bob.sees("in", "tea");
  await alice.write("nobody", "are you there?");
  await alice.sees("error", "nobody is not online");
  // The uid ends at the first colon: this would be for somebody else.
  await alice.write("bob:x", "no");
  await alice.reads("Names have no colon.");
  // Who is online, a name to write to, and the figures.
  await alice.tab.locator("#users").getByText("bob").click();
  assert.equal(await alice.field("To").inputValue(), "bob");
  assert.equal(await alice.focus(), "text");
  await server.push({ to: "alice", message: "line\nbreak" });
  await alice.sees("in", "line\nbreak");
  await alice.tab.getByRole("img", { name: /^Messages in \/s: now [\d.]+, from/ }).waitFor();
  await alice.tab.getByRole("img", { name: /^People online: now 2, from/ }).waitFor();
  // The name is remembered, the page is not logged in by itself.
  await alice.button("Log out").click();
  await alice.tab.reload();
  assert.equal(await alice.field("Your name").inputValue(), "alice");
  await alice.is("out");
  // An address that logs in does so until somebody logs out.
  await bob.front();
  await bob.tab.reload();
  await bob.is("in");
  await bob.button("Log out").click();
  await bob.tab.reload();
  assert.equal(await bob.field("Your name").inputValue(), "alice");
  await bob.is("out");
}

/** As in the README, by three who know nothing of WebSockets. */
export async function push({ serve, come }) {
  const server = await serve();
  const alice = await come(server, "alice");
  const url = `${server.url}/v1/push`;
  await run("curl", ["-sSf", url, "-d", "to=alice", "-d", "message=from curl"]);
  await alice.sees("in", "from curl");
  const python = `
import sys, urllib.request
body = b'{"to": "all", "message": "from Python"}'
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
urllib.request.urlopen(request).read()
`;
  await run("python3", ["-c", python, url]);
  await alice.sees("in", "from Python");
  await server.push({ to: ["alice"], message: "from Node" });
  await alice.sees("in", "from Node");
  // The command that the page shows for a start.
  const bob = await come(server, "it's me & co.");
  await run("sh", ["-c", `${await bob.tab.locator("#curl").textContent()} -sSf`]);
  await bob.sees("in", "hello");
}

/** More people than are listed at once. */
export async function crowd({ serve, come }) {
  const server = await serve();
  const uids = Array.from({ length: 120 }, (_, index) => `user ${100 + index}`);
  const sockets = await Promise.all(uids.map((uid) => arrive(server, uid)));
  const alice = await come(server, "alice");
  const count = (text) => alice.tab.locator("#count").getByText(text, { exact: true }).waitFor();
  const shown = () => alice.tab.locator("#users li:visible").count();
  await count("100+");
  assert.equal(await shown(), 100);
  await alice.field("Filter names").fill("user 21");
  await alice.reads("None of those loaded.");
  await alice.button("Load more").click();
  await count("121");
  assert.equal(await shown(), 10);
  assert.equal(await alice.focus(), "filter");
  await alice.field("Filter names").press("Enter");
  assert.equal(await alice.field("To").inputValue(), "user 210");
  for (const socket of sockets.slice(50)) socket.close();
  await count("51");
  await alice.reads("Nobody of that name.");
  for (const socket of sockets) socket.close();
}

async function arrive(server, uid) {
  const socket = new WebSocket(`ws://${server.host}/`);
  socket.on("open", () => socket.send(uid));
  await once(socket, "message");
  return socket;
}

/** Where there is to be no page, there is none; clients are served. */
export async function absent({ serve }) {
  const server = await serve("--no-page");
  for (const path of ["/", "/page/app.js", "/favicon.svg"]) {
    assert.equal((await fetch(server.url + path)).status, 404, path);
  }
  assert.equal((await fetch(`${server.url}/v1/users`)).status, 200);
}

export async function refused({ serve, come }) {
  const server = await serve("--duplicate-uid", "reject");
  const alice = await come(server);
  for (const [uid, why] of [["a:b", "The uid contains a colon."], ["all", "is reserved"]]) {
    await alice.field("Your name").fill(uid);
    await alice.button("Log in").click();
    await alice.reads(why);
  }
  await alice.logIn("alice");
  const second = await come(server);
  await second.field("Your name").fill("alice");
  await second.button("Log in").click();
  await second.reads("Alice is already online.");
  await second.is("refused");
}

export async function takeover({ serve, come }) {
  const server = await serve();
  const first = await come(server, "alice");
  await first.tab.clock.install();
  const second = await come(server, "alice");
  await first.is("ended");
  await first.reads("alice is in use somewhere else.");
  // However long it waits.
  await first.tab.clock.fastForward("10:00");
  await first.is("ended");
  assert.equal(first.sockets, 1);
  await second.write("alice", "still me");
  await second.sees("in", "still me");
  await first.front();
  await first.button("Take it back").click();
  await first.is("in");
  await second.front();
  await second.is("ended");
  await second.button("Use another name").click();
  await second.logIn("bob");
  // It is another one's now.
  assert.equal(await second.tab.locator("#log .line").count(), 0);
  await second.write("alice", "keep it");
  await first.sees("in", "keep it");
}

export async function kicked({ serve, come }) {
  const server = await serve();
  const alice = await come(server, "alice");
  await alice.tab.clock.install();
  for (const query of ["", "?code=4321&reason=enough"]) {
    const sockets = alice.sockets;
    await server.call("DELETE", `/v1/users/alice${query}`);
    await alice.is("ended");
    await alice.reads("The server logged you out.");
    await alice.tab.clock.fastForward("10:00");
    assert.equal(alice.sockets, sockets);
    await alice.button("Log in again").click();
    await alice.is("in");
  }
  await alice.reads("Logged out: enough");
}

export async function restart({ serve, come }) {
  const server = await serve();
  const alice = await come(server, "alice");
  alice.forgive(FAILED);
  // By itself, in its own time.
  await server.stop();
  await alice.is("waiting");
  await server.start();
  await alice.is("in");
  await alice.reads("Connection lost: the server is stopping");
  await alice.tab.clock.install();
  await server.stop();
  await alice.is("waiting");
  await alice.reads(/^Next attempt in \d+ s\.$/);
  await alice.field("To").fill("alice");
  // The dot in the header does not move for those who want it still.
  const moving = () => alice.tab.evaluate(() => document.getAnimations().length);
  assert.notEqual(await moving(), 0);
  await alice.tab.emulateMedia({ reducedMotion: "reduce" });
  assert.equal(await moving(), 0);
  await alice.field("Message").fill("kept");
  await alice.field("Message").press("Enter");
  await alice.reads("Not connected. Your message stays here.");
  // Attempts that fail, and one that was asked for.
  const attempt = () => alice.tab.waitForEvent("websocket");
  for (const hurry of [
    () => alice.tab.clock.fastForward(30_000),
    () => alice.button("Try now").click(),
    () => alice.tab.evaluate(() => dispatchEvent(new Event("online"))),
  ]) {
    await alice.is("waiting");
    await Promise.all([attempt(), hurry()]);
  }
  await alice.is("waiting");
  await server.start();
  await alice.tab.evaluate(() => dispatchEvent(new Event("online")));
  await alice.is("in");
  await alice.field("Message").press("Enter");
  await alice.sees("in", "kept");
}

export async function backoff({ serve, come }) {
  const visitor = await come(await serve());
  const waits = await visitor.tab.evaluate(async () => {
    const { Backoff } = await import("/page/backoff.js");
    const waits = (random, count) => {
      const backoff = new Backoff(random);
      return Array.from({ length: count }, () => backoff.next());
    };
    const reset = new Backoff(() => 1);
    for (let i = 0; i < 2000; i++) reset.next();
    const late = reset.next();
    reset.reset();
    return { most: waits(() => 1, 8), half: waits(() => 0.5, 2), late, afterReset: reset.next() };
  });
  assert.deepEqual(waits, {
    most: [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    half: [250, 500],
    late: 30_000,
    afterReset: 500,
  });
}

export async function hostile({ serve, come }) {
  const server = await serve();
  const name = "<img src=x onerror=alert(1)>";
  const mallory = await come(server, name);
  const alice = await come(server, "alice");
  await alice.tab.locator("#users").getByText(name).click();
  assert.equal(await alice.field("To").inputValue(), name);
  const texts = [
    name,
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "login success, your uid is mallory",
    "\u202Egnp.exe",
    "x".repeat(5000),
  ];
  for (const text of texts) {
    await mallory.write("alice", text);
    if (text.length < 2000) await alice.sees("in", text);
  }
  await alice.front();
  await alice.button("Show all 5,000 characters").click();
  await alice.sees("in", "x".repeat(5000));
  await mallory.write(name, "to myself");
  await mallory.sees("in", "to myself");
  assert.equal(await alice.tab.locator("#log img, #log script, #log svg, #users img").count(), 0);
  assert.equal(await alice.tab.locator("#state-uid").textContent(), "alice");
  // A long talk keeps its latest 500 lines. No faster than the page reads, or the server skips some.
  for (let rush = 0; rush < 7; rush++) {
    const messages = Array.from({ length: 100 }, (_, index) => `${rush}/${index}`);
    await server.push(messages.map((message) => ({ to: "alice", message })));
    await alice.sees("in", `${rush}/99`);
  }
  assert.equal(await alice.tab.locator("#log .line").count(), 500);
}

/** Tab and Enter only, from the login to a message; each stop can be seen. */
export async function keyboard({ serve, come }) {
  const server = await serve();
  const bob = await come(server, "bob");
  const alice = await come(server);
  const { keyboard } = alice.tab;
  const tab = async (to) => {
    await keyboard.press("Tab");
    assert.equal(await alice.focus(), to);
    const isSeen = await alice.tab.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return outlineStyle !== "none" && outlineWidth !== "0px";
    });
    assert.ok(isSeen, `${to} has no visible focus`);
  };
  assert.equal(await alice.focus(), "uid");
  await keyboard.press("ControlOrMeta+A");
  await keyboard.type("alice");
  await keyboard.press("Enter");
  await alice.is("in");
  assert.equal(await alice.focus(), "to");
  await alice.tab.locator("#users").getByText("bob").waitFor();
  for (const stop of ["everyone", "text", "send", "filter"]) await tab(stop);
  await keyboard.type("bo");
  await tab("bob");
  await keyboard.press("Enter");
  assert.equal(await alice.focus(), "text");
  await keyboard.type("no mouse");
  await keyboard.press("Enter");
  await bob.sees("in", "no mouse");
  assert.equal(await alice.focus(), "text");
  // Arrows go through the names, Escape comes back.
  await alice.field("Filter names").focus();
  await keyboard.press("Escape");
  assert.equal(await alice.field("Filter names").inputValue(), "");
  await keyboard.press("ArrowDown");
  assert.equal(await alice.focus(), "alice");
  await keyboard.press("ArrowDown");
  assert.equal(await alice.focus(), "bob");
  await keyboard.press("Escape");
  assert.equal(await alice.focus(), "text");
}

export async function apiKey({ serve, come }) {
  await withSecret("a-key-that-is-long-enough\n", async (path) => {
    const server = await serve("--api-key", path);
    const alice = await come(server, "alice");
    alice.forgive(FAILED);
    await alice.reads(/^Enter an API key to see who is online/);
    await alice.reads(`curl ${server.url}/v1/push -H 'Authorization: Bearer API-KEY'`);
    await alice.write("alice", "works");
    await alice.sees("in", "works");
    await alice.field("API key").fill("no key, but a phrase");
    await alice.button("Show").click();
    await alice.reads(/^A key has neither spaces/);
    await alice.field("API key").fill("not-the-key-but-as-long");
    await alice.button("Show").click();
    await alice.reads(/^That key was not accepted/);
    await alice.field("API key").fill("a-key-that-is-long-enough");
    await alice.field("API key").press("Enter");
    await alice.tab.locator("#users").getByText("alice").waitFor();
    // Kept for this tab only.
    await alice.tab.reload();
    await alice.tab.locator("#users").getByText("alice").waitFor();
    const bob = await come(server, "bob");
    bob.forgive(FAILED);
    await bob.reads(/^Enter an API key/);
    await alice.front();
    await alice.button("Forget the API key").click();
    await alice.reads(/^Enter an API key/);
  });
}

export async function token({ serve, come }) {
  const secret = "a secret of thirty-two bytes, or more";
  await withSecret(secret, async (path) => {
    const server = await serve("--auth", "token", "--token-key", path);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const sign = (claims) => {
      const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
      return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
    };
    const now = Math.floor(Date.now() / 1000);
    const alice = await come(server);
    await alice.field("Your name").fill("alice");
    await alice.button("Log in").click();
    await alice.reads("This server wants a token.");
    await alice.field("Token").fill(sign({ sub: "alice", exp: now - 1000 }));
    await alice.field("Token").press("Enter");
    await alice.reads("The credential has expired.");
    await alice.field("Token").fill(sign({ sub: "alice", exp: now + 1000 }));
    await alice.field("Token").press("Enter");
    await alice.is("in");
    await alice.write("alice", "it is me");
    await alice.sees("in", "it is me");
  });
}

/** 360 pixels are enough for each view, and none scrolls sideways. */
export async function phone({ serve, come, browser }) {
  const server = await serve();
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true });
  const alice = await come(server, "a-rather-long-name-of-somebody@example.com", context);
  const nav = alice.tab.getByRole("navigation", { name: "Views" });
  for (const [view, shown] of [["Online", "people"], ["Live", "live"], ["Messages", "messages"]]) {
    await nav.getByRole("button", { name: view }).tap();
    await alice.tab.locator(`#${shown}`).waitFor();
    const width = await alice.tab.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 360, view);
  }
  await nav.getByRole("button", { name: "Online" }).tap();
  await alice.tab.locator("#users button").tap();
  await alice.field("Message").fill("to myself");
  await alice.button("Send").tap();
  await alice.sees("in", "to myself");
}
