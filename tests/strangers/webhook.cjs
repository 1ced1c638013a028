// A receiver of webhooks with the `standardwebhooks` package: `webhook.cjs SECRET`.
//
// Prints its port, and then of each event whether its request was signed with the secret.
const http = require("http");
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.argv[2]);
const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces).toString();
    let verdict = "verified";
    try {
      webhook.verify(body, request.headers);
    } catch {
      verdict = "refused";
    }
    for (const event of JSON.parse(body).events) {
      console.log(`${verdict} ${event.type} ${event.uid}`);
    }
    response.writeHead(verdict === "verified" ? 204 : 401).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
