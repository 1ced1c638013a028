// What the browser remembers. Where that is forbidden it throws; then nothing is remembered.

const PREFIX = "switchboard.";

const storage = (kind) => (kind === "session" ? sessionStorage : localStorage);

export function get(kind, name) {
  try {
    return storage(kind).getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** `null` forgets. */
export function set(kind, name, value) {
  try {
    if (value === null) storage(kind).removeItem(PREFIX + name);
    else storage(kind).setItem(PREFIX + name, value);
  } catch {
    // As said.
  }
}
