/** Data of one's own. @module */
import { z } from "zod";
import {
  type ChannelUnits,
  DataError,
  type Dataset,
  definePlugin,
  type Factory,
  Key,
  OptionError,
  partExamples,
  type Shape,
  showShape,
  sizeOf,
  type Split,
} from "../../core/mod.ts";
import { type ClassesOption, readTargets, type Targets } from "./_array_targets.ts";
import {
  type ExampleLayout,
  type Examples,
  type Inputs,
  isBytes,
  pickRows,
  readExamples,
  readInputs,
} from "./_examples.ts";
import { standardization, standardize } from "./_standardize.ts";

/** Options of {@linkcode arrays}. */
export interface ArraysOptions {
  /** What is trained on: `[x, y]`, or the path of a file with them. */
  train: Examples;
  /** What is held back: `[x, y]`, the path of a file, or which part of the training examples, in (0, 1). */
  test: Examples | number;
  /** What settings are chosen by: `[x, y]`, or the path of a file. Default: none, and `fit` can hold back a part. */
  validation?: Examples;
  /**
   * How many classes the targets stand for, or what they are called; `false` for numbers to be predicted; "auto": words and
   * arrays of a whole-number type are classes, fractions are not, and other whole numbers are refused. Default "auto".
   */
  classes?: ClassesOption;
  /**
   * The axes of an example: "channels-first", as layers take it (or without channels in need of a name, as in a table);
   * "channels-last", such as `[height, width, channels]`, which is turned; "no-channels", such as `[height, width]`, which
   * gets one channel. Default "channels-first".
   */
  layout?: ExampleLayout;
  /** Shape of an example as it is given, for inputs that come as one flat array. Default: that of the arrays. */
  shape?: Shape;
  /** Factor on each input; 1/255 turns bytes into [0, 1]. Default 1. */
  scale?: number;
  /** Whether each column, or channel, is shifted and scaled to mean 0 and variance 1 over the training part. Default false. */
  standardize?: boolean;
  /** Which examples are held back: a whole number in [0, 2^53). Default 0. */
  seed?: number;
}

const pair = "inputs and targets, [x, y], or the path of a file with them";
const isExamples = (value: unknown) =>
  typeof value === "string" ? value !== "" && !value.includes("\0") : Array.isArray(value) && value.length === 2;
const isFraction = (value: unknown) => typeof value === "number" && value > 0 && value < 1;
const examples = () => z.custom<Examples>(isExamples, `expected ${pair}`).meta({ path: "file" });

const isClasses = (value: unknown) =>
  value === "auto" || value === false ||
  (Array.isArray(value)
    ? value.length >= 2 && new Set(value).size === value.length && value.every((name) => typeof name === "string")
    : Number.isInteger(value) && (value as number) >= 2 && (value as number) < 2 ** 31);
const classesForms = "expected a whole number in [2, 2^31), a list of at least two different names, false or auto";
const extents = "expected the shape of an example, whole numbers of at least 1";
const seedRange = "expected a whole number in [0, 2^53)";

/**
 * Data of one's own: nested arrays, typed arrays or tensors, example by example.
 *
 * Inputs `x`: `[count, ...shape]`, such as rows of a table or images; one flat array with the option `shape`. Targets `y`:
 * `[count]` or `[count, outputs]` numbers, `[count]` classes, `[count, positions]` classes of the positions of a sequence, or
 * `count` words. Bytes are kept as bytes; all else becomes float32. The arrays are copied when the data set is loaded.
 *
 * In a configuration the examples are nested arrays, or the path of a file: JSON `[x, y]`, or safetensors with the tensors
 * `x` and `y`. Typed arrays and tensors do not survive JSON.
 *
 * Loading throws `DataError` with part, row and column, both counted from 0, for what is no finite number, rows of unequal
 * length, labels outside the classes, unknown words, and parts that do not fit each other; `OptionError` where whole numbers
 * may be classes or not.
 *
 * @example
 * ```ts
 * import { arrays, dense, fit, relu, sequential, sgd } from "@thinned/dropout";
 *
 * const x = Array.from({ length: 200 }, (_, i) => [Math.cos(i), Math.sin(i)]);
 * const y = x.map(([a, b]) => a * b > 0 ? "same" : "different");
 * const run = await fit(sequential([dense(16), relu(), dense(2)]), {
 *   data: arrays({ train: [x, y], test: 0.2 }), optimizer: sgd({ learningRate: 0.5 }), epochs: 20, batchSize: 20,
 * });
 * console.log(run.testError, run.preprocessing.classNames);
 * ```
 */
export const arrays: Factory<"dataset", ArraysOptions> = definePlugin({
  name: "arrays",
  summary: "Data of one's own: arrays or tensors, or a file with them.",
  options: z.object({
    train: examples().describe("what is trained on"),
    test: z.custom<Examples | number>(
      (value) => isFraction(value) || isExamples(value),
      `expected ${pair}, or a fraction of the training examples in (0, 1)`,
    ).meta({ path: "file" }).describe("what is held back"),
    validation: z.custom<Examples>(
      isExamples,
      `expected ${pair} (the option validation of fit holds back a part of the training examples)`,
    ).meta({ path: "file" }).optional().describe("what settings are chosen by"),
    classes: z.custom<ClassesOption>(isClasses, classesForms)
      .meta({
        anyOf: [
          { const: "auto" },
          { const: false },
          { type: "integer", minimum: 2 },
          { type: "array", items: { type: "string" }, minItems: 2 },
        ],
      })
      .default("auto")
      .describe("number or names of classes; false for numbers; auto: words are classes, fractions are not"),
    layout: z.enum(
      ["channels-first", "channels-last", "no-channels"],
      "expected channels-first, channels-last or no-channels",
    )
      .default("channels-first").describe("where the channels of an example are"),
    shape: z.array(z.int(extents).min(1, extents), extents).readonly().optional()
      .describe("shape of an example, for inputs that come as one flat array"),
    scale: z.number("expected a number above 0").positive("expected a number above 0").default(1)
      .describe("factor on each input"),
    standardize: z.boolean("expected true or false").default(false)
      .describe("whether each column or channel gets mean 0 and variance 1 over the training part"),
    seed: z.int(seedRange).min(0, seedRange).default(0).describe("which examples are held back"),
  }),
  async load({ options }) {
    if (options.standardize && options.scale !== 1) {
      throw new OptionError("arrays.scale", "1, because standardize scales the inputs", options.scale);
    }
    const wholes: [part: Part, given: Examples][] = [["train", options.train]];
    if (typeof options.test !== "number") wholes.push(["test", options.test]);
    if (options.validation !== undefined) wholes.push(["validation", options.validation]);
    const given = await Promise.all(wholes.map(async ([part, examples]) => ({
      part,
      where: `arrays.${part}`,
      data: typeof examples === "string" ? await readExamples(examples) : examples,
    })));
    const inputs = given.map(({ where, data: [x] }) =>
      readInputs(x, `${where}: inputs`, options.layout, options.shape)
    );
    const targets = readTargets(
      given.map(({ where, data: [, y] }) => ({ where: `${where}: targets`, data: y })),
      options.classes,
    );
    given.forEach(({ where }, i) => checkCounts(where, inputs[i], targets.parts[i].count, inputs[0]));
    const parts = Object.fromEntries(
      given.map(({ part }, i) => [part, { ...inputs[i], ...targets.parts[i] }]),
    ) as unknown as Parts;
    if (typeof options.test === "number") Object.assign(parts, holdBackTest(parts.train, options.test, options.seed));
    return assemble(parts, targets, options);
  },
});

type Part = "train" | "test" | "validation";
type Whole = Inputs & Targets["parts"][number];
interface Parts {
  readonly train: Whole;
  readonly test: Whole;
  readonly validation?: Whole;
}

function checkCounts(where: string, { count, shape }: Inputs, targets: number, train: Inputs): void {
  if (count === 0) throw new DataError(`${where}: expected at least one example, found none.`);
  if (count !== targets) {
    throw new DataError(
      `${where}: expected a target for each input, found ${count} inputs of shape ${showShape(shape)} and ` +
        `${targets} targets; the option shape says the shape of an input in a flat array.`,
    );
  }
  if (showShape(shape) !== showShape(train.shape)) {
    throw new DataError(
      `${where}: expected inputs of shape ${showShape(train.shape)} as in arrays.train, found ${showShape(shape)}.`,
    );
  }
}

/** Parts a random piece off, by the addresses of the seed. */
function holdBackTest(all: Whole, fraction: number, seed: number): Pick<Parts, "train" | "test"> {
  const { kept, held } = partExamples(all.count, fraction, Key.seed(seed).at("arrays"), "arrays.test");
  const pick = (rows: Uint32Array): Whole => {
    const width = (array: { length: number }) => array.length / all.count;
    return {
      ...all,
      count: rows.length,
      numbers: pickRows(all.numbers, width(all.numbers), rows),
      ...(all.labels && { labels: pickRows(Int32Array.from(all.labels), width(all.labels), rows) }),
      ...(all.targets && { targets: pickRows(all.targets, width(all.targets), rows) }),
    };
  };
  return { train: pick(kept), test: pick(held) };
}

/** The data set: inputs copied, in units of the training part where that is wanted. */
function assemble(
  parts: Parts,
  { classes, outputs, classNames }: Targets,
  options: { layout: ExampleLayout; scale: number; standardize: boolean },
): Dataset {
  const { shape, numbers } = parts.train;
  const area = sizeOf(shape.slice(1));
  const units = options.standardize ? standardization(numbers, shape[0], area) : undefined;
  const split = ({ numbers, ...rest }: Whole): Split => {
    if (isBytes(numbers)) {
      return { ...rest, inputs: Uint8Array.from(numbers), scale: options.scale, ...(units && { normalize: units }) };
    }
    return {
      ...rest,
      inputs: units ? inUnits(numbers, units, area) : Float32Array.from(numbers),
      scale: options.scale,
    };
  };
  return {
    name: "arrays",
    classes,
    outputs,
    ...(classNames && { classNames }),
    ...(units && { inputUnits: units }),
    ...(options.layout === "channels-last" && { layout: options.layout }),
    train: split(parts.train),
    test: split(parts.test),
    ...(parts.validation && { validation: split(parts.validation) }),
  };
}

/** Shifted and scaled before they lose digits, so that large numbers close to each other stay apart. */
function inUnits(numbers: ArrayLike<number>, units: ChannelUnits, area: number): Float32Array<ArrayBuffer> {
  const values = Float64Array.from(numbers);
  standardize(values, units, area);
  return Float32Array.from(values);
}
