/** Elements of the page, made in one expression each. @module */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** What an element may hold; nothing for what is left out. */
export type Child = Node | string | undefined | false;

/** Attributes; one that is undefined or false is left out, true stands without a value. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes an element with attributes and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== false));
  return made;
}

/** Makes a button that does something. */
export function button(text: string, act: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", act);
  return made;
}

/** A line to copy, with a button that does it. */
export function copyable(line: string, label: string): HTMLElement {
  const copy = button("Copy", async () => {
    const done = await write(line);
    copy.textContent = done ? "Copied" : "Select it and press Ctrl-C";
    setTimeout(() => copy.textContent = "Copy", 2000);
  }, { "aria-label": label, class: "copy" });
  return element("div", { class: "copyable" }, element("code", { tabindex: 0 }, line), copy);
}

/** Writes to the clipboard: by its interface, or where a page may not, by a selection. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A table; cells that hold numbers stand on the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
  options: { readonly caption: string; readonly numbersFrom?: number },
): HTMLElement {
  const { caption, numbersFrom = 1 } = options;
  const side = (i: number) => i >= numbersFrom ? "number" : undefined;
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element(
        "thead",
        {},
        element("tr", {}, ...head.map((text, i) => element("th", { scope: "col", class: side(i) }, text))),
      ),
      element(
        "tbody",
        {},
        ...rows.map((row) =>
          element(
            "tr",
            {},
            ...row.map((cell, i) =>
              i === 0 ? element("th", { scope: "row" }, cell) : element("td", { class: side(i) }, cell)
            ),
          )
        ),
      ),
    ),
  );
}
