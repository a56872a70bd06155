/// <reference lib="dom" />
/** Sliders, choices and switches of the page, each with its label. @module */

/** How a slider is made. */
export interface SliderOptions {
  readonly label: string;
  readonly range: readonly [least: number, most: number, step: number];
  readonly value: number;
  /** Whether its places are powers of ten: `range` and `value` are numbers all the same. */
  readonly logarithmic?: boolean;
  /** How a value is written; default with the digits of the step. */
  readonly format?: (value: number) => string;
  /** What it means, for who points at it. */
  readonly meaning?: string;
  /** Its identifier. */
  readonly id?: string;
  /** Called with each new value. */
  readonly set: (value: number) => void;
}

/** A slider, and how its value is shown without it being told. */
export interface Slider {
  readonly element: HTMLElement;
  /** A line below it. */
  readonly note: HTMLElement;
  show(value: number): void;
}

/** An element with some properties. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The element of an identifier, which the page has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** A slider with its label and its value. */
export function slider({ label, range, value, logarithmic, meaning, id, set, ...how }: SliderOptions): Slider {
  const [least, most, step] = range;
  const format = how.format ?? ((value: number) => value.toFixed(step >= 1 ? 0 : 2));
  const place = (value: number) => logarithmic ? Math.log10(value) : value;
  const input = element("input", { type: "range", title: meaning ?? "" });
  if (id !== undefined) input.id = id;
  input.min = String(place(least));
  input.max = String(place(most));
  input.step = logarithmic ? "0.01" : String(step);
  const output = element("output");
  const note = element("small");
  const write = (value: number) => {
    output.value = format(value);
    input.setAttribute("aria-valuetext", output.value);
    const share = (place(value) - place(least)) / Math.max(1e-9, place(most) - place(least));
    input.style.setProperty("--filled", `${100 * share}%`);
  };
  const show = (value: number) => {
    input.value = String(place(value));
    write(value);
  };
  input.oninput = () => {
    const found = logarithmic ? Number((10 ** input.valueAsNumber).toPrecision(2)) : input.valueAsNumber;
    const within = Math.min(most, Math.max(least, found));
    write(within);
    set(within);
  };
  show(value);
  return { element: element("label", { className: "slider" }, label, output, input, note), note, show };
}

/** A list of which one is chosen. */
export function choice(
  label: string,
  choices: readonly (readonly [value: string, text: string])[],
  value: string,
  set: (value: string) => void,
): HTMLElement {
  const list = element("select");
  fill(list, choices, value);
  list.onchange = () => set(list.value);
  return element("label", { className: "field" }, label, list);
}

/** Fills a list with choices. */
export function fill(
  list: HTMLSelectElement,
  choices: readonly (readonly [value: string, text: string])[],
  value: string,
): void {
  list.replaceChildren(...choices.map(([value, text]) => element("option", { value, textContent: text })));
  list.value = value;
}

/** A switch. */
export function check(label: string, value: boolean, set: (value: boolean) => void): HTMLElement {
  const input = element("input", { type: "checkbox", checked: value });
  input.onchange = () => set(input.checked);
  return element("label", { className: "check" }, input, label);
}

/** Choices that stand side by side, of which one holds. */
export function chips(
  into: HTMLElement,
  name: string,
  choices: readonly (readonly [value: string, text: string])[],
  value: string,
  set: (value: string) => void,
): void {
  into.replaceChildren(...choices.map(([choice, text]) => {
    const input = element("input", { type: "radio", name, value: choice, checked: choice === value });
    input.onchange = () => set(choice);
    return element("label", {}, input, text);
  }));
}
