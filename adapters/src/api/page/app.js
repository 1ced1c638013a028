// The page at `/`: logs in, shows what comes, sends what is written, and who else is there.

import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { Composer, recipient } from "./composer.js";
import { Connection } from "./connection.js";
import { find } from "./dom.js";
import { Log } from "./log.js";
import { Login } from "./login.js";
import { Panels } from "./panels.js";

const ERROR = "error: ";
/** What has done its part once somebody is logged in. */
const LEFT = "#login, #banner, body > header, nav";
const STATES = {
  out: "Not logged in",
  refused: "Not logged in",
  connecting: "Connecting …",
  in: "Online as",
  waiting: "Reconnecting …",
  ended: "Logged out",
};

const scheme = location.protocol === "https:" ? "wss" : "ws";
const connection = new Connection(`${scheme}://${location.host}/`, { changed, heard });
const banner = new Banner(connection);
const log = new Log(find("log"), find("latest"));
const login = new Login((first) => {
  forgetAddress();
  connection.logIn(first);
});
const panels = new Panels(new Api(), { pick, locked: suggest });
const composer = new Composer({ send, isKnown: (uid) => panels.people.has(uid) });

/** Of what the log tells. */
let wasIn = false;
/** The uid whose messages the log has. */
let last = null;
/** Messages that came while nobody looked. */
let unread = 0;

function changed(state, details) {
  const focus = document.activeElement;
  const isFirst = last === null;
  find("state").dataset.state = state;
  say(find("state-text"), STATES[state]);
  say(find("state-uid"), state === "in" ? details.uid : "");
  const isTalking = connection.uid !== null;
  find("login").hidden = isTalking;
  find("talk").hidden = !isTalking;
  find("log-out").hidden = !isTalking || state === "ended";
  login.busy = state === "connecting";
  composer.ready = state === "in";
  banner.show(state, details);
  if (state === "in") arrived(details.uid);
  else if (wasIn && state !== "connecting") left(state, details);
  if (state === "waiting") panels.pause();
  else if (state !== "connecting") panels.resume();
  if (state === "out") {
    forgetAddress();
    login.focus();
  } else if (state === "refused") login.refuse(details.reason);
  else if (state === "ended" && !isTalking) login.refuse(details.reason || "logged out");
  // Whatever had the focus may be hidden now.
  else if (state === "in" && (isFirst || focus.closest(LEFT))) composer.focus();
}

function arrived(uid) {
  login.done(uid);
  panels.people.setOwn(uid);
  panels.refresh();
  say(find("own-uid"), uid);
  const second = uid === "bob" ? "alice" : "bob";
  say(find("second-uid"), second);
  find("second-tab").href = `/?uid=${second}`;
  suggest();
  // Nobody reads what was meant for somebody else.
  if (uid !== last) {
    log.clear();
    find("empty").hidden = false;
  }
  last = uid;
  if (find("log").children.length > 0) log.add("note", `Online as ${uid}`);
  wasIn = true;
}

function left(state, { reason }) {
  wasIn = false;
  panels.people.setOwn(connection.uid);
  const what = state === "waiting" ? "Connection lost" : "Logged out";
  log.add("note", reason ? `${what}: ${reason}` : what);
}

function heard(text) {
  begin();
  if (text.startsWith(ERROR)) log.add("error", text.slice(ERROR.length), "Error");
  else log.add("in", text, "Received");
  if (document.hidden) {
    unread += 1;
    document.title = `(${unread}) Switchboard`;
  }
}

function send(to, text) {
  if (!connection.send(`${to}:${text}`)) return false;
  begin();
  log.add("sent", text, `To ${recipient(to)}`);
  return true;
}

/** Leaves no `?uid=` that a reload would log in with, when it is somebody else's turn. */
function forgetAddress() {
  history.replaceState(null, "", location.pathname);
}

/** Takes the introduction away. */
function begin() {
  find("empty").hidden = true;
}

function pick(uid) {
  if (connection.uid === null) return login.focus();
  view("messages");
  composer.pick(uid);
}

/** Suggests a command that pushes a message to this user. */
function suggest() {
  const { uid } = connection;
  if (uid === null) return;
  const quoted = uid.replaceAll("'", "'\\''");
  const to = /^[\w.-]+$/.test(uid) ? `-d to=${uid}` : `--data-urlencode 'to=${quoted}'`;
  const key = panels.needsKey ? " -H 'Authorization: Bearer API-KEY'" : "";
  say(find("curl"), `curl ${location.origin}/v1/push${key} ${to} -d message=hello`);
}

/** Shows one of the views, where there is room for only one. */
function view(name) {
  document.querySelector("main").dataset.view = name;
  for (const button of document.querySelectorAll("nav button")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

document.querySelector("nav").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) view(button.dataset.view);
});
find("log-out").addEventListener("click", () => connection.logOut());
addEventListener("online", () => connection.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  document.title = "Switchboard";
  connection.hurry();
});
// Back to writing, from wherever.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || connection.uid === null) return;
  view("messages");
  composer.focus();
});

panels.start();
const asked = new URLSearchParams(location.search).get("uid")?.trim();
if (asked) {
  login.uid = asked;
  connection.logIn(asked);
} else {
  login.focus();
}
