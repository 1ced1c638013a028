// A client in headless Chromium, a page whose script opens a WebSocket: `browser.cjs URL UID REPLIES`.
//
// Prints what it hears. REPLIES is an object: what to send when what is heard, or `null` to close.
const { chromium } = require("playwright-core");

async function main(url, uid, replies) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-sync",
      // The tests' certificate is vouched for by nobody.
      "--ignore-certificate-errors",
    ],
  });
  try {
    const page = await browser.newPage();
    // Chromium keeps about:blank away from servers on this machine, unlike a page of this machine.
    await page.goto("chrome://version");
    page.on("console", (line) => console.log(line.text()));
    await page.evaluate(
      ([url, uid, replies]) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => socket.send(uid);
          socket.onmessage = ({ data }) => {
            console.log(data);
            if (replies[data] === null) socket.close();
            else if (data in replies) socket.send(replies[data]);
          };
          socket.onclose = ({ code, reason }) => {
            console.log(`closed ${code} ${reason}`.trim());
            resolve();
          };
        }),
      [url, uid, JSON.parse(replies)],
    );
  } finally {
    await browser.close();
  }
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
