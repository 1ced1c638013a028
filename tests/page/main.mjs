// Plays a scene with the page in headless Chromium: `main.mjs SERVER SCENE`.

import { createRequire } from "node:module";

import { Server } from "./server.mjs";
import * as scenes from "./scenes.mjs";
import { Visitor } from "./visitor.mjs";

// Unlike `import`, this finds what is in NODE_PATH.
const { chromium } = createRequire(import.meta.url)("playwright-core");

const [program, name] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
});
try {
  for (const runtime of ["smol", "blocking"]) await play(runtime);
} finally {
  await browser.close();
}

async function play(runtime) {
  console.error(runtime);
  const servers = [];
  const visitors = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const world = {
    browser,
    /** Starts a server with these options. */
    async serve(...options) {
      const server = new Server(program, ["--runtime", runtime, "--log", "warn", ...options]);
      servers.push(server);
      await server.start();
      return server;
    },
    /** Opens the page. */
    async come(server, uid, where = context) {
      const visitor = await Visitor.come(where, server, uid);
      visitors.push(visitor);
      return visitor;
    },
  };
  try {
    await scenes[name](world);
    for (const visitor of visitors) visitor.check();
  } catch (error) {
    for (const { tab } of visitors) console.error(await tab.locator("body").ariaSnapshot());
    throw error;
  } finally {
    await context.close();
    for (const server of servers) await server.stop();
  }
}
