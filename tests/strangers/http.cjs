// Node's HTTP client: `http.cjs URL`. Prints what it is answered, and over how many connections.
const http = require("http");

const url = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();

function ask(method, path, headers, ...parts) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + path, { method, headers, agent }, (response) => {
      let body = "";
      response.on("data", (data) => (body += data));
      response.on("end", () => resolve(`${response.statusCode} ${body}`));
    });
    request.on("socket", (socket) => sockets.add(socket));
    request.on("error", reject);
    for (const part of parts) request.write(part);
    request.end();
  });
}

async function main() {
  const headers = { authorization: "Bearer x" };
  console.log(await ask("GET", "/first", headers));
  console.log(await ask("POST", "/chunked", headers, "one ", "two"));
  // With a body that nobody reads, the connection ends.
  console.log(await ask("POST", "/", {}, "hi"));
  const large = await ask("GET", "/size/1000000", headers);
  console.log(`${large.slice(0, 3)} ${large.length - 4} bytes`);
  console.log(`${sockets.size} connections`);
  agent.destroy();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
