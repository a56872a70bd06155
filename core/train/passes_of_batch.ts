/** The passes over one batch as they come, and what they say when all are there. @module */
import { ShapeError, showShape } from "../errors.ts";
import type { TargetUnits } from "./data.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { type FloatType, Tensor } from "../tensor/tensor.ts";
import { ClassPasses, type ClassUncertainty } from "../uncertainty/class_passes.ts";
import { NumberPasses } from "../uncertainty/number_passes.ts";
import { mixtureQuantile, quantile } from "../uncertainty/quantiles.ts";

type Numbers = Float64Array<ArrayBuffer>;

/** What is known of all examples, gathered batch by batch. */
export class Gathered {
  readonly #count: number;
  readonly #passes: number;
  readonly #dtype: FloatType;
  readonly #fields = new Map<string, { readonly shape: Shape; readonly numbers: Numbers }>();

  constructor(count: number, passes: number, dtype: FloatType) {
    this.#count = count;
    this.#passes = passes;
    this.#dtype = dtype;
  }

  /** Puts what is known of some rows to its place: `tail` numbers for each. */
  put(name: string, tail: Shape, from: number, values: ArrayLike<number>): void {
    this.#field(name, [this.#count, ...tail]).set(values, from * sizeOf(tail));
  }

  /** Puts what each pass gives for some rows to its place. */
  putPasses(tail: Shape, from: number, passes: readonly ArrayLike<number>[]): void {
    const numbers = this.#field("passes", [this.#passes, this.#count, ...tail]);
    const width = sizeOf(tail);
    passes.forEach((values, pass) => numbers.set(values, (pass * this.#count + from) * width));
  }

  #field(name: string, shape: Shape): Numbers {
    let field = this.#fields.get(name);
    if (field === undefined) this.#fields.set(name, field = { shape, numbers: new Float64Array(sizeOf(shape)) });
    return field.numbers;
  }

  /** All of it, by name. */
  tensors(): Map<string, Tensor> {
    const made = (shape: Shape, numbers: Numbers) => Tensor.from(numbers, shape, this.#dtype).keep();
    return new Map([...this.#fields].map(([name, { shape, numbers }]) => [name, made(shape, numbers)]));
  }
}

/** How the passes over a batch are taken up. */
export interface BatchOptions {
  /** Number of examples. */
  readonly rows: number;
  /** Whether all passes are kept. */
  readonly keeps: boolean;
}

/** Passes that give classes. */
export class ClassBatch {
  readonly #options: BatchOptions;
  readonly #kept: Numbers[] = [];
  #found: ClassPasses | undefined;
  #tail: Shape = [];

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Shape of what a row gives. */
  get tail(): Shape {
    return this.#tail;
  }

  /** What the last pass gives. */
  get latest(): Numbers {
    return this.#found!.probabilities;
  }

  /** Takes up the outputs of a pass: logits. */
  add(outputs: Tensor): void {
    checkRows(outputs, this.#options.rows);
    if (outputs.rank < 2) throw new ShapeError(`predict: expected logits [batch, ..., classes], found ${outputs}.`);
    const classes = outputs.shape[outputs.rank - 1];
    this.#tail = outputs.shape.slice(1);
    this.#found ??= new ClassPasses(sizeOf(outputs.shape.slice(0, -1)), classes);
    this.#found.add(outputs.storage.array);
    if (this.#options.keeps) this.#kept.push(this.#found.probabilities.slice());
  }

  /** Says what the passes have told, for rows from a place on. */
  gather(gathered: Gathered, from: number, levels: readonly number[], keepPasses: boolean): void {
    const found = this.#found!;
    const { rows, classes } = found;
    const tail = this.#tail;
    const ofRow = tail.slice(0, -1);
    const many = ["mean", "geometricMean", "aleatoric", "epistemic", "total"] as const;
    const one = ["entropy", "expectedEntropy", "mutualInformation", "variationRatio"] as const;
    const wide = new Map(many.map((name) => [name, new Float64Array(rows * classes)]));
    const narrow = new Map(one.map((name) => [name, new Float64Array(rows)]));
    for (let row = 0; row < rows; row++) {
      const said: ClassUncertainty = found.of(row);
      for (const name of many) wide.get(name)!.set(said[name], row * classes);
      for (const name of one) narrow.get(name)![row] = said[name];
    }
    for (const [name, values] of wide) gathered.put(name, tail, from, values);
    gathered.put("variance", tail, from, wide.get("epistemic")!);
    for (const [name, values] of narrow) gathered.put(name, ofRow, from, values);
    gatherKept(gathered, this.#kept, tail, from, levels, keepPasses);
  }
}

/** How passes that give numbers are taken up. */
export interface NumberBatchOptions extends BatchOptions {
  /** Whether the softmax of the outputs is what is meant. */
  readonly softmax: boolean;
  /** What of the outputs is meant. */
  readonly read: ((outputs: Tensor) => Tensor) | undefined;
  /** Units in which they are given. */
  readonly units: TargetUnits | undefined;
  /** The variance of the noise, or what of the outputs says it. */
  readonly noise: number | ((outputs: Tensor) => Tensor) | undefined;
}

/** Passes that give numbers. */
export class NumberBatch {
  readonly #options: NumberBatchOptions;
  readonly #kept: Numbers[] = [];
  readonly #keptNoise: (Numbers | number)[] = [];
  #found: NumberPasses | undefined;
  #tail: Shape = [];
  #latest: Numbers = new Float64Array();

  constructor(options: NumberBatchOptions) {
    this.#options = options;
  }

  /** Shape of what a row gives. */
  get tail(): Shape {
    return this.#tail;
  }

  /** What the last pass gives. */
  get latest(): Numbers {
    return this.#latest;
  }

  /** Takes up the outputs of a pass. */
  add(raw: Tensor): void {
    const { rows, softmax, read, noise, units, keeps } = this.#options;
    const outputs = softmax ? raw.softmax() : raw;
    const values = read?.(outputs) ?? outputs;
    checkRows(values, rows);
    const around = typeof noise === "function" ? noise(raw) : undefined;
    if (around !== undefined && around.size !== values.size) {
      throw new ShapeError(
        `predict: expected a noise of the shape ${showShape(values.shape)} of what is averaged, found ${
          showShape(around.shape)
        }.`,
      );
    }
    this.#tail = values.shape.slice(1);
    this.#found ??= new NumberPasses(values.size);
    this.#latest = inUnits(values, units, (value, i) => value * units!.deviation[i] + units!.mean[i]);
    const variances = around === undefined
      ? noise as number ?? 0
      : inUnits(around, units, (value, i) => value * units!.deviation[i] ** 2);
    this.#found.add(this.#latest, variances);
    if (!keeps) return;
    this.#kept.push(this.#latest);
    this.#keptNoise.push(variances);
  }

  /** Says what the passes have told, for rows from a place on. */
  gather(gathered: Gathered, from: number, levels: readonly number[], keepPasses: boolean): void {
    const found = this.#found!;
    const tail = this.#tail;
    const put = (name: string, values: ArrayLike<number>) => gathered.put(name, tail, from, values);
    const epistemic = found.mean.map((_, i) => found.epistemic(i));
    put("mean", found.mean);
    put("variance", epistemic);
    gatherKept(gathered, this.#kept, tail, from, levels, keepPasses);
    if (this.#options.noise === undefined) return;
    const aleatoric = found.mean.map((_, i) => found.aleatoric(i));
    put("epistemic", epistemic);
    put("aleatoric", aleatoric);
    put("total", epistemic.map((value, i) => value + aleatoric[i]));
    levels.forEach((level, k) => {
      const at = (passes: readonly (Numbers | number)[], i: number) =>
        passes.map((pass) => typeof pass === "number" ? pass : pass[i]);
      put(
        `predictiveQuantiles.${k}`,
        found.mean.map((_, i) => mixtureQuantile(at(this.#kept, i), at(this.#keptNoise, i), level)),
      );
    });
  }
}

/** Numbers in the units that belong to the last axis. */
function inUnits(
  values: Tensor,
  units: TargetUnits | undefined,
  change: (value: number, i: number) => number,
): Numbers {
  const numbers = Float64Array.from(values.storage.array);
  if (units === undefined) return numbers;
  const width = units.mean.length;
  if (values.shape[values.rank - 1] !== width) {
    throw new ShapeError(
      `predict: expected units for the last axis of ${showShape(values.shape)}, found ${width} of them.`,
    );
  }
  for (let i = 0; i < numbers.length; i++) numbers[i] = change(numbers[i], i % width);
  return numbers;
}

function gatherKept(
  gathered: Gathered,
  kept: readonly Numbers[],
  tail: Shape,
  from: number,
  levels: readonly number[],
  keepPasses: boolean,
): void {
  if (keepPasses) gathered.putPasses(tail, from, kept);
  if (levels.length === 0) return;
  const size = kept[0].length;
  const found = levels.map(() => new Float64Array(size));
  const passes = new Float64Array(kept.length);
  for (let i = 0; i < size; i++) {
    for (let pass = 0; pass < kept.length; pass++) passes[pass] = kept[pass][i];
    passes.sort();
    levels.forEach((level, k) => found[k][i] = quantile(passes, level));
  }
  found.forEach((values, k) => gathered.put(`quantiles.${k}`, tail, from, values));
}

function checkRows(values: Tensor, rows: number): void {
  if (values.rank > 0 && values.shape[0] === rows) return;
  throw new ShapeError(`predict: expected what is averaged to have ${rows} rows, found ${values}.`);
}
