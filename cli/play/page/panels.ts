/// <reference lib="dom" />
/** The parts of the page by which a scene is changed. @module */
import { byId, check, chips, choice, element, fill, type Slider, slider } from "./controls.ts";
import {
  activations,
  bounds,
  type Doubt,
  doubts,
  type OptionValue,
  type Pattern,
  patterns,
  type Scene,
} from "./scene.ts";
import { firstRate, siteLayers } from "./site_layers.ts";
import type { Variant, VariantOption } from "./variants.ts";

/** Changes some parts of a scene. */
export type Change = (parts: Partial<Scene>) => void;

const patternNames: Readonly<Record<Pattern, string>> = {
  moons: "Moons",
  circles: "Circles",
  spirals: "Spirals",
  xor: "XOR",
  blobs: "Blobs",
  own: "Your own",
};

const doubtNames: Readonly<Record<Doubt, string>> = {
  boundaries: "The boundary of each thinned net",
  entropy: "Entropy of their mean",
  information: "Mutual information: where they disagree",
  deviation: "Deviation of their probabilities",
};

/** A slider for one number of a scene. */
function numberSlider(
  name: keyof typeof bounds,
  label: string,
  scene: Scene,
  change: Change,
  more: {
    step?: number;
    logarithmic?: boolean;
    format?: (value: number) => string;
    range?: readonly [number, number];
  } = {},
): Slider {
  const [least, most, whole] = bounds[name];
  const { step = whole ? 1 : 0.01, range = [least, most], ...rest } = more;
  return slider({
    id: `${name}-slider`,
    label,
    range: [...range, step],
    value: scene[name],
    set: (value) => change({ [name]: value }),
    ...rest,
  });
}

/** Data: pattern, noise, number of points and which are trained on. */
export function dataPanel(scene: Scene, change: Change, pen: (label: 0 | 1) => void): void {
  const own = scene.data === "own";
  chips(
    byId("patterns"),
    "pattern",
    patterns.map((name) => [name, patternNames[name]] as const),
    scene.data,
    (data) => {
      // Of few points most are needed to learn from.
      change({ data: data as Pattern, ...(data === "own" && scene.points.length === 0 ? { share: 75 } : {}) });
    },
  );
  byId("own").hidden = !own;
  chips(byId("pen"), "pen", [["0", "Set blue points"], ["1", "Set orange points"]], "0", (label) => {
    pen(Number(label) as 0 | 1);
  });
  pen(0);
  const drawn = own ? [] : [
    numberSlider("noise", "Noise", scene, change),
    numberSlider("count", "Points", scene, change, { step: 10 }),
  ];
  byId("data-controls").replaceChildren(
    ...drawn.map(({ element }) => element),
    numberSlider("share", "Trained on", scene, change, { format: (value) => `${value} %` }).element,
  );
}

/** The sliders of a variant's main option, one for each site. Returns them, in the order of the sites. */
export function variantPanel(
  scene: Scene,
  variants: readonly Variant[],
  variant: Variant,
  about: string,
  change: Change,
): Slider[] {
  const list = byId<HTMLSelectElement>("variants");
  const groups = (["units", "weights"] as const).map((at) => {
    const group = element("optgroup", { label: at === "units" ? "On units" : "On weights" });
    const own = variants.filter((one) => one.at === at);
    group.append(...own.map(({ name }) => element("option", { value: name, textContent: titled(name) })));
    return group;
  });
  list.replaceChildren(...groups);
  list.value = variant.name;
  list.onchange = () => change({ variant: list.value, rates: [], options: {} });
  const hidden = scene.layers.length;
  const layers = siteLayers(variant, hidden);
  const rates = layers.map((layer, i) => scene.rates[i] ?? firstRate(variant, layer, hidden));
  const sliders = layers.map((layer, i) =>
    slider({
      id: `rate-${i}`,
      label: `${titled(variant.main.name)}: ${placeOf(variant, layer, hidden)}`,
      range: variant.main.range!,
      value: rates[i],
      meaning: variant.main.meaning,
      set: (value) => {
        rates[i] = value;
        change({ rates: [...rates] });
      },
    })
  );
  byId("rates").replaceChildren(...sliders.map(({ element }) => element));
  const set = (name: string, value: OptionValue) => change({ options: { ...scene.options, [name]: value } });
  byId("options").replaceChildren(...variant.options.map((option) => {
    const value = scene.options[option.name] ?? option.default;
    return optionControl(option, value, (value) => set(option.name, value));
  }));
  byId("more").hidden = variant.options.length === 0;
  const { paper } = variant;
  byId("about").replaceChildren(
    element("p", {}, variant.summary),
    ...advice(about),
    ...(paper === undefined ? [] : [
      element(
        "p",
        {},
        paper.url === undefined
          ? paper.title
          : element("a", { href: paper.url, textContent: paper.title, target: "_blank", rel: "noopener" }),
        ` (${paper.cited})`,
      ),
    ]),
  );
  return sliders;
}

/** When a variant is to be used: its first sentence, and the rest for who asks. */
function advice(text: string): HTMLElement[] {
  if (text === "") return [];
  const end = text.search(/\. (?=[A-Z])/) + 1;
  const [first, rest] = end === 0 ? [text, ""] : [text.slice(0, end), text.slice(end).trim()];
  const said = element("p", {}, element("b", { textContent: "When: " }), first);
  return rest === ""
    ? [said]
    : [said, element("details", {}, element("summary", { textContent: "More" }), element("p", {}, rest))];
}

/** Where a site is, in words. */
export function placeOf({ at }: Variant, layer: number, hidden: number): string {
  if (layer === 0) return "inputs";
  const name = layer > hidden ? "output" : `layer ${layer}`;
  return at === "weights" ? `weights into ${name}` : name;
}

/** `drop-connect` as `Drop connect`, `klWeight` as `Kl weight`. */
function titled(name: string): string {
  const words = name.replaceAll("-", " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0].toUpperCase() + words.slice(1);
}

function optionControl(
  { name, meaning, range, choices }: VariantOption,
  value: OptionValue,
  set: (value: OptionValue) => void,
) {
  if (choices !== undefined) return choice(titled(name), choices.map((one) => [one, one]), String(value), set);
  if (range === undefined) return check(`${titled(name)}: ${meaning}`, value === true, set);
  return slider({ label: titled(name), range, value: Number(value), meaning, set }).element;
}

/** Layers and how they are trained. */
export function netPanel(scene: Scene, change: Change): void {
  const { layers } = scene;
  const resize = (next: number[]) => change({ layers: next, rates: [] });
  const widths = layers.map((units, i) =>
    slider({
      id: `width-${i}`,
      label: `Units of layer ${i + 1}`,
      range: [1, 32, 1],
      value: units,
      set: (value) => change({ layers: layers.map((width, j) => j === i ? value : width) }),
    }).element
  );
  const [more, fewer] = [
    element("button", { textContent: "Add a layer" }),
    element("button", { textContent: "Remove one" }),
  ];
  more.disabled = layers.length === 4;
  fewer.disabled = layers.length === 1;
  more.onclick = () => resize([...layers, 8]);
  fewer.onclick = () => resize(layers.slice(0, -1));
  byId("layers").replaceChildren(...widths, element("div", { className: "pair" }, more, fewer));
  byId("training").replaceChildren(
    choice("Activation", activations.map((name) => [name, name] as const), scene.activation, (activation) => {
      change({ activation: activation as Scene["activation"] });
    }),
    numberSlider("learningRate", "Learning rate", scene, change, { logarithmic: true, format: String }).element,
    numberSlider("weightDecay", "Weight decay", scene, change).element,
    numberSlider("batch", "Examples a step", scene, change).element,
    numberSlider("seed", "Seed", scene, change, { range: [0, Math.max(99, scene.seed)] }).element,
  );
}

/** What is shown of uncertainty. */
export function doubtPanel(scene: Scene, change: Change): void {
  const list = byId<HTMLSelectElement>("doubt");
  fill(list, doubts.map((name) => [name, doubtNames[name]] as const), scene.doubt);
  list.onchange = () => change({ doubt: list.value as Doubt });
  byId("doubt-controls").replaceChildren(numberSlider("passes", "Monte Carlo passes", scene, change).element);
}
