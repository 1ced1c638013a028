// A client with the `ws` package.
const WebSocket = require("ws");

const socket = new WebSocket(process.argv[2]);
const replies = {
  "login success, your uid is stranger": ["friend:here I am"],
  "hi all": ["nobody:x"],
  "error: nobody is not online": ["friend:over to you"],
};
socket.on("open", () => socket.send("stranger"));
socket.on("message", (data) => {
  console.log(data.toString());
  for (const reply of replies[data.toString()] ?? []) socket.send(reply);
});
socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`));
socket.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
