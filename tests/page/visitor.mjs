// Somebody with the page open in a tab, who notices all that pages should not do.

import assert from "node:assert/strict";

export class Visitor {
  /** WebSockets that were opened. */
  sockets = 0;
  #wrong = [];
  #forgiven = [];

  constructor(tab, host) {
    this.tab = tab;
    const foreign = (url) => new URL(url).host !== host && this.#wrong.push(`asked for ${url}`);
    tab.on("request", (request) => foreign(request.url()));
    tab.on("websocket", (socket) => {
      this.sockets += 1;
      foreign(socket.url());
    });
    tab.on("pageerror", (error) => this.#wrong.push(String(error)));
    tab.on("dialog", (dialog) => {
      this.#wrong.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    // Violations of the content security policy come here, too.
    tab.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) this.#wrong.push(line.text());
    });
  }

  /** Opens the page, with a uid in its address or without one. */
  static async come(context, server, uid) {
    const visitor = new Visitor(await context.newPage(), server.host);
    const query = uid === undefined ? "" : `?uid=${encodeURIComponent(uid)}`;
    await visitor.tab.goto(`${server.url}/${query}`);
    if (uid !== undefined) await visitor.is("in");
    return visitor;
  }

  /** The browser itself complains of these in the console. */
  forgive(pattern) {
    this.#forgiven.push(pattern);
  }

  /** Checks that nothing went wrong. */
  check() {
    const isForgiven = (line) => this.#forgiven.some((pattern) => pattern.test(line));
    assert.deepEqual(this.#wrong.filter((line) => !isForgiven(line)), []);
  }

  /** Turns to this tab; in others, clicks take their time. */
  async front() {
    await this.tab.bringToFront();
  }

  button(name) {
    return this.tab.getByRole("button", { name, exact: true });
  }

  field(label) {
    return this.tab.getByLabel(label, { exact: true });
  }

  async logIn(uid) {
    await this.front();
    await this.field("Your name").fill(uid);
    await this.button("Log in").click();
    await this.is("in");
  }

  async write(to, text) {
    await this.front();
    await this.field("To").fill(to);
    await this.field("Message").fill(text);
    await this.button("Send").click();
  }

  /** Waits for the state of the connection. */
  async is(state) {
    await this.tab.locator(`#state[data-state="${state}"]`).waitFor();
  }

  /** Waits for the last line of this kind, and this text. */
  async sees(kind, text) {
    const last = this.tab.locator(`#log .line.${kind} p`).last();
    await last.filter({ hasText: text }).waitFor();
    assert.equal(await last.textContent(), text);
  }

  /** Waits for text that is shown somewhere. */
  async reads(text) {
    await this.tab.getByText(text).first().waitFor();
  }

  /** The id or the name of what has the focus. */
  focus() {
    return this.tab.evaluate(() => {
      const focus = document.activeElement;
      return focus.id || focus.dataset.uid || focus.textContent.trim();
    });
  }
}
