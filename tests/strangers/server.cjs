// A server with the `ws` package that speaks the text dialect. Prints its port.
const { WebSocketServer } = require("ws");

const users = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  let uid = null;
  socket.on("message", (data) => {
    const text = data.toString();
    if (uid === null) {
      uid = text;
      users.set(uid, socket);
      return socket.send(`login success, your uid is ${uid}`);
    }
    const [to, message] = text.split(":");
    if (to === "all") for (const user of users.values()) user.send(message);
    else if (users.has(to)) users.get(to).send(message);
    else socket.send(`error: ${to} is not online`);
  });
  socket.on("close", () => users.delete(uid));
});
