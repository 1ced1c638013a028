// A client in headless Chromium: a page whose script opens a WebSocket.
const { chromium } = require("playwright-core");

async function main(url) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });
  try {
    const page = await browser.newPage();
    const heard = await page.evaluate((url) => {
      const replies = {
        "login success, your uid is stranger": "friend:here I am",
        "hi all": "nobody:x",
        "error: nobody is not online": "friend:over to you",
      };
      return new Promise((resolve) => {
        const heard = [];
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send("stranger");
        socket.onmessage = ({ data }) => {
          heard.push(data);
          if (data in replies) socket.send(replies[data]);
        };
        socket.onclose = ({ code, reason }) => {
          heard.push(`closed ${code} ${reason}`);
          resolve(heard);
        };
      });
    }, url);
    for (const line of heard) console.log(line);
  } finally {
    await browser.close();
  }
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
