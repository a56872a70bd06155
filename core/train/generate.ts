/**
 * Going on with a sequence of tokens, by a model that was trained to predict each from those before it.
 *
 * @module
 */
import { OptionError, PluginError, refuseUnknown, showShape } from "../errors.ts";
import { buildModel, Model } from "../plugin/model.ts";
import type { Progress } from "../plugin/plugin.ts";
import { Key } from "../random/key.ts";
import { Rows } from "../random/rows.ts";
import { noGrad } from "../tensor/autograd.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { ClassPasses } from "../uncertainty/class_passes.ts";
import type { Member } from "./predictor.ts";
import { wholeNumber } from "./whole_number.ts";

/** Options of {@linkcode generate}. */
export interface GenerateOptions {
  /** How many tokens to add, at least 0. */
  length: number;
  /**
   * How freely they are drawn, at least 0: logits are divided by it. 1, the default, draws as the model predicts; towards 0
   * the most probable token is preferred, and at 0 it is always taken.
   */
  temperature?: number;
  /** Draw among the this many most probable tokens only, at least 1. Default: among all. */
  topK?: number;
  /** Which tokens are drawn, and which masks: a whole number in [0, 2^32). Default 0. */
  seed?: number;
  /**
   * Number of Monte Carlo passes whose probabilities are averaged at each step, from 1 to 16384; 0, the default, for one
   * without dropout. Each pass keeps its masks from step to step: it is one thinned net that reads all of the text.
   */
  samples?: number;
  /** Which places draw: see `sites` of {@linkcode PredictOptions}. Default: all that do. */
  sites?: readonly string[];
  /** Tokens that are never added, such as the one that stands for all unknown ones. Default none. */
  exclude?: readonly number[];
  /** How far training has come, for options that are schedules. Default: its beginning. */
  progress?: Progress;
}

const optionNames: readonly (keyof GenerateOptions)[] = [
  "length",
  "temperature",
  "topK",
  "seed",
  "samples",
  "sites",
  "exclude",
  "progress",
];

/** Most tokens of a prompt that a recurrent net reads at a time. */
const PIECE = 256;

/**
 * Goes on with a sequence, token by token. A net whose layers carry their state reads each token once; any other reads the
 * last tokens again at each step, as many as it was trained on: its window slides.
 *
 * @param of gives `[batch, time, classes]` logits from `[batch, time]` token numbers, each of the tokens up to its own
 *   place; or the members of an ensemble, whose probabilities are averaged, each at its moment of training where that is given
 * @param prompt the numbers of the tokens to go on from, at least one
 * @returns the numbers of the new tokens, as they are drawn
 * @throws {PluginError} for a model that is no such one, and one that looks at tokens to come
 * @throws {OptionError} for an option out of range, a token that is no class, or a prompt that is too short
 *
 * @example
 * ```ts
 * import { adam, dense, embedding, fit, generate, loadDataset, lstm, sequential, text } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".txt" });
 * await Deno.writeTextFile(path, "abcd".repeat(200));
 * const data = await loadDataset(text({ path, length: 10 }));
 * const net = sequential([embedding(data.classes, 8), lstm(16), dense(data.classes)]);
 * const { model } = await fit(net, { data, optimizer: adam({ learningRate: 0.03 }), epochs: 10, batchSize: 10 });
 * const prompt = [data.classNames!.indexOf("b")];
 * const added = [...generate(model, prompt, { length: 6, temperature: 0 })];
 * assertEquals(added.map((token) => data.classNames![token]).join(""), "cdabcd");
 * ```
 */
export function* generate(
  of: Model | readonly (Model | Member)[],
  prompt: ArrayLike<number>,
  options: GenerateOptions,
): Generator<number> {
  refuseUnknown(options, optionNames, "generate");
  const length = wholeNumber(options.length, 0, "generate: length");
  const seed = wholeNumber(options.seed ?? 0, 0, "generate: seed");
  const samples = wholeNumber(options.samples ?? 0, 0, "generate: samples");
  const topK = options.topK === undefined ? Infinity : wholeNumber(options.topK, 1, "generate: topK");
  const { temperature = 1, exclude = [] } = options;
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new OptionError("generate: temperature", "a number of at least 0", temperature);
  }
  const nets = readersOf(of, { ...options, seed, samples });
  const [{ classes }] = nets;
  const least = Math.max(...nets.map(({ least }) => least));
  const tokens = Array.from(prompt);
  tokens.forEach((token, i) => {
    if (Number.isInteger(token) && token >= 0 && token < classes) return;
    throw new OptionError(`generate: prompt.${i}`, `a token's number in [0, ${classes})`, token);
  });
  if (tokens.length < least) throw new OptionError("generate: prompt", `at least ${least} tokens`, tokens.length);
  const key = Key.seed(seed).at("generate");
  const next = (tokens: readonly number[]) => {
    const passes = new ClassPasses(1, classes);
    for (const { read } of nets) read(tokens, (outputs) => passes.add(outputs.floats.slice(outputs.size - classes)));
    return Float64Array.from(passes.of(0).mean, Math.log);
  };
  let logits = next(tokens);
  for (let i = 0; i < length; i++) {
    for (const token of exclude) logits[token] = -Infinity;
    // Where a token's number lies depends on its place in the text alone.
    const at = key.withRows(Rows.range({ step: i }));
    const token = drawn(logits, temperature, topK, () => noGrad(() => Tensor.uniform([1, 1], at, "float64").item()));
    yield token;
    tokens.push(token);
    if (i + 1 < length) logits = next(tokens);
  }
}

/** The token that a number in (0, 1) stands for. */
function drawn(logits: Float64Array, temperature: number, topK: number, uniform: () => number): number {
  const order = Array.from(logits, (_, token) => token).sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return order[0];
  const kept = order.slice(0, topK).filter((token) => logits[token] > -Infinity);
  const weights = kept.map((token) => Math.exp((logits[token] - logits[kept[0]]) / temperature));
  let left = uniform() * weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < kept.length; i++) {
    left -= weights[i];
    if (left < 0) return kept[i];
  }
  return kept.at(-1)!;
}

/** A model that predicts tokens, and how it can be run. */
export interface LanguageModel {
  /** Number of tokens that it knows. */
  readonly classes: number;
  /** Tokens that it was trained on at a time. */
  readonly window: number;
  /** Fewest tokens that it takes at a time. */
  readonly least: number;
  /** Whether its layers carry all that it knows of earlier tokens. */
  readonly carries: boolean;
  /** The same model for any number of tokens; the model itself where there is none. */
  readonly model: Model;
}

const tolerance = 1e-3;

/**
 * Finds out how a language model can be run: whether it takes sequences of any length, and whether its layers carry their
 * state.
 *
 * @throws {PluginError} for a model that is no language model: of other shapes, or one that looks at tokens to come
 */
export function languageModel(model: Model, progress?: Progress): LanguageModel {
  const [window] = model.inputShape;
  const output = model.outputShape;
  if (model.inputShapes.length !== 1 || model.inputShape.length !== 1 || output.length !== 2) {
    throw new PluginError(
      "expected a language model, which gives [time, classes] for the token numbers [time] of an example, found one " +
        `that gives ${showShape(output)} for ${model.inputShapes.map(showShape).join(" and ")}.`,
    );
  }
  const classes = output[1];
  const any = window === -1 ? model : takingAnyLength(model);
  const length = any === undefined ? window : Math.min(window === -1 ? 8 : window, 8);
  const net = any ?? model;
  const run = (tokens: readonly number[], carry?: Map<string, Tensor>) =>
    noGrad(() => net.forward(batchOf(net, tokens), { mode: "eval", progress, carry }).floats.slice());
  const tokens = Array.from({ length }, (_, i) => (7 * i + 1) % classes);
  const whole = recycling(() => run(tokens));
  const before = (length - 1) * classes;
  const other = recycling(() => run([...tokens.slice(0, -1), (tokens[length - 1] + 1) % classes]));
  if (!near(whole.subarray(0, before), other.subarray(0, before))) {
    throw new PluginError("expected a language model, found one whose outputs depend on tokens to come.");
  }
  let carries = false;
  if (any !== undefined) {
    const carry = new Map<string, Tensor>();
    const steps = tokens.flatMap((token) => [...recycling(() => run([token], carry))]);
    carries = carry.size > 0 && near(whole, steps);
  }
  return {
    classes,
    window: window === -1 ? Infinity : window,
    least: any === undefined ? window : 1,
    carries,
    model: net,
  };
}

function near(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return Array.prototype.every.call(a, (value, i) => Math.abs(value - b[i]) <= tolerance * (1 + Math.abs(value)));
}

/** The model for sequences of any length, with the same parameters; undefined where its layers need one length. */
function takingAnyLength(model: Model): Model | undefined {
  try {
    const any = buildModel(model.root, { ...model.built, inputShape: [-1] });
    const tensors = new Map(model.parameters().map(({ name, tensor }) => [`model/${name}`, tensor]));
    for (const [name, tensor] of model.state()) tensors.set(`state/${name}`, tensor);
    const mine = any.plugins();
    for (const [path, plugin] of model.plugins()) {
      // What was configured since the model was built.
      const built = mine.get(path)!.options;
      const changed = Object.entries(plugin.options)
        .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(built[name]));
      if (changed.length > 0) any.configure(path, Object.fromEntries(changed));
    }
    any.load(tensors);
    return any;
  } catch {
    return undefined;
  }
}

/** Tokens as a batch of one sequence. */
function batchOf(model: Model, tokens: readonly number[]): Tensor {
  const { inputType } = model.built;
  const type = typeof inputType === "string" ? inputType : inputType[0] ?? model.dtype;
  return Tensor.from(tokens, [1, tokens.length], type);
}

/** A language model that reads a text as it grows. */
interface Reader {
  readonly classes: number;
  readonly least: number;
  /** Reads tokens, of which the first are those of the last time, and gives the outputs of each pass, whose last are of the next. */
  read(tokens: readonly number[], take: (outputs: Tensor) => void): void;
}

/** The members, which are to know the same tokens. */
function readersOf(of: Model | readonly (Model | Member)[], options: GenerateOptions): Reader[] {
  const given = of instanceof Model ? [of] : of;
  const members = given.map((one): Member => one instanceof Model ? { model: one, progress: options.progress } : one);
  if (members.length === 0) throw new OptionError("generate: models", "at least one", members);
  const readers = members.map((member) => readerOf(member, options));
  const { classes } = readers[0];
  const other = readers.find((reader) => reader.classes !== classes);
  if (other === undefined) return readers;
  throw new OptionError("generate: models", `models of the same ${classes} tokens`, `one of ${other.classes}`);
}

function readerOf({ model: given, progress }: Member, { samples = 0, seed = 0, sites }: GenerateOptions): Reader {
  const { model, carries, window, classes, least } = languageModel(given, progress);
  const rows = Rows.range({ step: seed });
  if (!carries) {
    return {
      classes,
      least,
      read: (tokens, take) =>
        recycling(() => {
          const inputs = batchOf(model, tokens.slice(-Math.min(window, tokens.length)));
          if (samples > 0) model.sample(inputs, { passes: samples, rows, progress, sites }, take);
          else take(noGrad(() => model.forward(inputs, { mode: "eval", progress })));
        }),
    };
  }
  const states = Array.from({ length: Math.max(1, samples) }, () => new Map<string, Tensor>());
  let done = 0;
  return {
    classes,
    least,
    read: (tokens, take) => {
      states.forEach((carry, pass) => {
        const run = samples > 0
          ? { mode: "sample", rows: rows.atPass(pass), carry, progress, sites } as const
          : { mode: "eval", carry, progress } as const;
        for (let from = done; from < tokens.length; from += PIECE) {
          const to = Math.min(from + PIECE, tokens.length);
          recycling(() => {
            const outputs = noGrad(() => model.forward(batchOf(model, tokens.slice(from, to)), run));
            if (to === tokens.length) take(outputs);
          });
        }
      });
      done = tokens.length;
    },
  };
}
