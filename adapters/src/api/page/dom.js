// Elements, found and made. Text gets in as text and never as HTML.

export const find = (id) => document.getElementById(id);

/** Makes an element with these properties and children. */
export function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}
