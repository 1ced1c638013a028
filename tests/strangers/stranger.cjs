// A client with the `ws` package: `stranger.cjs URL UID REPLIES`.
//
// Prints what it hears. REPLIES is an object: what to send when what is heard, or `null` to close.
const WebSocket = require("ws");

const [url, uid, replies] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.on("open", () => socket.send(uid));
socket.on("message", (data) => {
  console.log(data.toString());
  const reply = JSON.parse(replies)[data.toString()];
  if (reply === null) socket.close();
  else if (reply !== undefined) socket.send(reply);
});
socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trim()));
socket.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
