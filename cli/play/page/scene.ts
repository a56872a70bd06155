/** A scene of the playground: everything that a page shows follows from it, and it fits into an address. @module */

/** What is no scene, in one sentence. */
export class SceneError extends Error {}

/** The patterns that points can be drawn from, and `own`, those that a person has set. */
export const patterns = ["moons", "circles", "spirals", "xor", "blobs", "own"] as const;

/** A name of {@linkcode patterns}. */
export type Pattern = typeof patterns[number];

/** What uncertainty is shown as: each is explained on the page. */
export const doubts = ["boundaries", "entropy", "information", "deviation"] as const;

/** A name of {@linkcode doubts}. */
export type Doubt = typeof doubts[number];

/** Activations that hidden units can have: names of layers. */
export const activations = ["relu", "tanh", "sigmoid", "selu", "gelu", "silu"] as const;

/** A name of {@linkcode activations}. */
export type Activation = typeof activations[number];

/** What an option of a variant can be set to on the page. */
export type OptionValue = number | string | boolean;

/** A scene. */
export interface Scene {
  /** Where the points come from. */
  readonly data: Pattern;
  /** Points of a person's own: x, y and class, one after the other; coordinates in [-1.6, 1.6], classes 0 or 1. */
  readonly points: readonly number[];
  /** Standard deviation of the noise on each coordinate, in [0, 0.6]. */
  readonly noise: number;
  /** Points drawn, in [20, 600]; of those of one's own, all there are. */
  readonly count: number;
  /** Percent of the points that are trained on, in [10, 90]. */
  readonly share: number;
  /** Units of each hidden layer: one to four layers of 1 to 32. */
  readonly layers: readonly number[];
  /** What hidden units apply. */
  readonly activation: Activation;
  /** The dropout variant: a plugin's name. */
  readonly variant: string;
  /** The variant's main option at each of its sites, in their order; those that are missing are at their default. */
  readonly rates: readonly number[];
  /** Other options of the variant; those that are missing are at their default. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** Learning rate of AdamW, in [0.0001, 0.3]. */
  readonly learningRate: number;
  /** Its weight decay, in [0, 1]. */
  readonly weightDecay: number;
  /** Examples a step, in [1, 128]. */
  readonly batch: number;
  /** What points, weights and masks follow from: a whole number in [0, 2^32). */
  readonly seed: number;
  /** What of uncertainty is shown. */
  readonly doubt: Doubt;
  /** Monte Carlo passes that it is made of, in [2, 64]. */
  readonly passes: number;
}

/** The scene that the page begins with. */
export const firstScene: Scene = {
  data: "moons",
  points: [],
  noise: 0.2,
  count: 200,
  share: 40,
  layers: [8, 8],
  activation: "relu",
  variant: "dropout",
  rates: [],
  options: {},
  learningRate: 0.01,
  weightDecay: 0,
  batch: 32,
  seed: 1,
  doubt: "boundaries",
  passes: 16,
};

/** Half the width of the square that points lie in. */
export const EXTENT = 1.6;

/** Numbers of a scene with their bounds; whole where the third entry says so. */
export const bounds = {
  noise: [0, 0.6, false],
  count: [20, 600, true],
  share: [10, 90, true],
  learningRate: [0.0001, 0.3, false],
  weightDecay: [0, 1, false],
  batch: [1, 128, true],
  seed: [0, 2 ** 32 - 1, true],
  passes: [2, 64, true],
} as const satisfies Partial<Record<keyof Scene, readonly [number, number, boolean]>>;

const names = { data: patterns, doubt: doubts, activation: activations } as const;

/** Most points of one's own: what an address still holds. */
export const MOST_POINTS = 400;

/**
 * A scene as the part of an address behind `#`: what differs from {@linkcode firstScene}, readable.
 *
 * @example
 * ```ts ignore
 * writeScene({ ...firstScene, data: "xor", rates: [0, 0.3] }); // "data=xor&rates=0,0.3"
 * ```
 */
export function writeScene(scene: Scene): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(scene)) {
    if (name === "points" && scene.data !== "own") continue;
    const text = name === "points"
      ? scene.points.map((number, i) => i % 3 === 2 ? number : Math.round(number * 100)).join(",")
      : asText(value);
    if (text !== asText(firstScene[name as keyof Scene])) parts.push(`${name}=${text}`);
  }
  return parts.join("&");
}

function asText(value: Scene[keyof Scene]): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object") return encodeURIComponent(String(value));
  return Object.entries(value).map(([name, value]) =>
    `${encodeURIComponent(name)}:${encodeURIComponent(String(value))}`
  )
    .join(",");
}

/**
 * Reads what {@linkcode writeScene} wrote, or a person.
 *
 * @throws {SceneError} in one sentence, for what no scene has
 */
export function readScene(text: string): Scene {
  const found: Record<string, unknown> = { ...firstScene };
  for (const part of text.replace(/^#/, "").split("&").filter((part) => part !== "")) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    if (!Object.hasOwn(firstScene, name)) throw refused(name, `one of ${Object.keys(firstScene).join(", ")}`, name);
    found[name] = readPart(name as keyof Scene, at < 0 ? "" : part.slice(at + 1));
  }
  return found as unknown as Scene;
}

function readPart(name: keyof Scene, text: string): unknown {
  if (name in names) {
    const known: readonly string[] = names[name as keyof typeof names];
    if (!known.includes(text)) throw refused(name, `one of ${known.join(", ")}`, text);
    return text;
  }
  if (name in bounds) {
    const [least, most, whole] = bounds[name as keyof typeof bounds];
    return number(name, text, least, most, whole);
  }
  const list = text === "" ? [] : text.split(",");
  if (name === "layers") {
    if (list.length < 1 || list.length > 4) throw refused(name, "the widths of one to four layers", text);
    return list.map((entry, i) => number(`${name}.${i}`, entry, 1, 32, true));
  }
  if (name === "rates") return list.map((entry, i) => number(`${name}.${i}`, entry, -1e6, 1e6, false));
  if (name === "points") {
    if (list.length % 3 !== 0 || list.length > 3 * MOST_POINTS) {
      throw refused(name, `x, y and class of at most ${MOST_POINTS} points`, `${list.length} numbers`);
    }
    const most = 100 * EXTENT;
    return list.map((entry, i) =>
      i % 3 === 2 ? number(`${name}.${i}`, entry, 0, 1, true) : number(`${name}.${i}`, entry, -most, most, false) / 100
    );
  }
  if (name === "options") return Object.fromEntries(list.map(readOption));
  return word(text);
}

function readOption(text: string): [string, OptionValue] {
  const [name, value = ""] = text.split(":").map(word);
  if (value === "true" || value === "false") return [name, value === "true"];
  return [name, value !== "" && Number.isFinite(Number(value)) ? Number(value) : value];
}

/** A word of an address, whose letters may be written as `%20`. */
function word(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("address", "letters as encodeURIComponent writes them", text);
  }
}

function number(name: string, text: string, least: number, most: number, whole: boolean): number {
  const value = text === "" ? NaN : Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw refused(name, `a ${whole ? "whole " : ""}number in [${least}, ${most}]`, text);
  }
  return value;
}

function refused(name: string, expected: string, found: string): SceneError {
  return new SceneError(`scene: ${name}: expected ${expected}, found ${JSON.stringify(found)}.`);
}
