// Two panes, each a client of the hub that runs in this page. abi.rs says what the module takes.

const { instance } = await WebAssembly.instantiateStreaming(fetch("hub.wasm"));
const hub = instance.exports;
const handle = hub.hub_start(crypto.getRandomValues(new BigUint64Array(1))[0]);

const panes = [0, 1].map((number) => {
  const pane = document.querySelector("template").content.cloneNode(true).firstElementChild;
  const input = pane.querySelector("input");
  pane.querySelector("h2").textContent = `Pane ${number + 1}`;
  pane.setAttribute("aria-label", `Pane ${number + 1}`);
  input.setAttribute("aria-label", `What to send from pane ${number + 1}`);
  pane.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    show(number, "sent", input.value);
    const bytes = new TextEncoder().encode(input.value);
    new Uint8Array(hub.memory.buffer, hub.hub_room(handle, bytes.length), bytes.length).set(bytes);
    hub.hub_say(handle, performance.now(), number);
    input.value = "";
    turn();
  });
  pane.querySelector("[value=leave]").addEventListener("click", () => {
    hub.hub_leave(handle, performance.now(), number);
    show(number, "closed", "you left");
    turn();
  });
  document.querySelector("main").append(pane);
  return pane;
});

function show(number, kind, text) {
  const line = document.createElement("li");
  line.className = kind;
  line.textContent = text;
  const log = panes[number].querySelector("ol");
  log.append(line);
  log.scrollTop = log.scrollHeight;
}

/** Shows what the hub has, and comes again when its next time limit is due. */
let timer;
function turn() {
  for (let at; (at = hub.hub_poll(handle, performance.now())); ) {
    const [pane, code, text, size] = new Uint32Array(hub.memory.buffer, at, 4);
    const said = new TextDecoder().decode(new Uint8Array(hub.memory.buffer, text, size));
    show(pane, code ? "closed" : "heard", code ? `closed with ${code}: ${said}` : said);
  }
  clearTimeout(timer);
  const wait = hub.hub_wait(handle, performance.now());
  if (wait >= 0) timer = setTimeout(turn, Math.min(wait, 2 ** 31 - 1));
}
