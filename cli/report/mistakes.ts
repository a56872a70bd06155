/** The examples that a model gets most wrong, as pictures or rows. @module */
import type { Dataset } from "../../mod.ts";
import { imageShape } from "./features.ts";
import { imageUrl } from "./images.ts";
import { classNamesOf, placeOfLargest } from "./names.ts";
import type { MistakeReport } from "./report_data.ts";

/** How many are kept. */
const MOST = 16;

/** Values of a row that are shown. */
const MOST_VALUES = 12;

interface Mistake {
  readonly example: number;
  readonly loss: number;
  readonly said: readonly number[];
}

/** Gathers what is wrong with the test examples, and keeps the worst. */
export class Mistakes {
  readonly #dataset: Dataset;
  #worst: Mistake[] = [];

  constructor(dataset: Dataset) {
    this.#dataset = dataset;
  }

  /**
   * Takes up an example.
   *
   * @param said the probabilities of the classes, or the numbers in the targets' own units
   */
  add(example: number, said: ArrayLike<number>): void {
    const { classes, test } = this.#dataset;
    let loss = 0;
    if (classes > 0) {
      const label = test.labels![example];
      if (placeOfLargest(said) === label) return;
      loss = -Math.log(said[label]);
    } else {
      this.#targets(example).forEach((target, i) => loss += (said[i] - target) ** 2);
    }
    // What is no number is worst of all.
    const size = Number.isNaN(loss) ? Infinity : loss;
    if (this.#worst.length === MOST && !(size > this.#worst[MOST - 1].loss)) return;
    const at = this.#worst.findIndex((other) => other.loss < size);
    this.#worst.splice(at < 0 ? this.#worst.length : at, 0, { example, loss: size, said: Array.from(said) });
    this.#worst.length = Math.min(MOST, this.#worst.length);
  }

  /** The targets of an example in their own units. */
  #targets(example: number): number[] {
    const { test, outputs, targetUnits } = this.#dataset;
    const targets = Array.from(test.targets!.subarray(example * outputs, (example + 1) * outputs));
    return targets.map((value, i) => value * (targetUnits?.deviation[i] ?? 1) + (targetUnits?.mean[i] ?? 0));
  }

  /** The worst of them, the very worst first. */
  worst(): MistakeReport[] {
    const { classes, test } = this.#dataset;
    const names = classNamesOf(this.#dataset);
    return this.#worst.map(({ example, loss, said }) => {
      const shown = { example, ...this.#shown(example), loss: Number.isFinite(loss) ? loss : null };
      if (classes === 0) {
        const text = (values: readonly number[]) => values.map((value) => short(value)).join(", ");
        return { ...shown, truth: text(this.#targets(example)), said: text(said) };
      }
      const [truth, best] = [test.labels![example], placeOfLargest(said)];
      return {
        ...shown,
        truth: names[truth],
        said: names[best],
        probability: said[best],
        truthProbability: said[truth],
      };
    });
  }

  /** An example as an image, or its first values by name. */
  #shown(example: number): Pick<MistakeReport, "image" | "size" | "row"> {
    const { test, inputUnits, rows } = this.#dataset;
    const { inputs, scale } = test;
    const size = inputs.length / test.count;
    const image = imageShape(this.#dataset);
    const raw = inputs.subarray(example * size, (example + 1) * size);
    const channels = inputUnits?.mean.length ?? 1;
    const values = Float64Array.from(raw, (value, i) => {
      const channel = Math.floor(i / (size / channels));
      const given = inputUnits?.deviation[channel] ?? 1;
      const deviation = Number.isFinite(given) ? given : 1; // a column that was constant has become 0
      const restored = value * scale * deviation + (inputUnits?.mean[channel] ?? 0);
      return Math.abs(restored) < 1e-6 * deviation ? 0 : restored; // what float32 rounds off
    });
    if (image !== undefined) {
      const [channels, height, width] = image;
      const [least, most] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [0, 1]);
      return { image: imageUrl({ values, channels, height, width }, least, most), size: [width, height] };
    }
    return { row: rowOf(values, rows).slice(0, MOST_VALUES) };
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A column of a table, as its data set keeps it to read new rows. */
interface Column {
  readonly name?: string;
  readonly index: number;
  readonly encoding: string;
  readonly categories?: readonly string[];
  readonly unknown?: boolean;
}

/** The inputs of an example by the columns that they come from; by their numbers where these are not known. */
function rowOf(values: ArrayLike<number>, rows: Dataset["rows"]): [string, string][] {
  const columns = rows?.columns as readonly Column[] | undefined;
  if (!Array.isArray(columns)) return Array.from(values, (value, i) => [`input ${i}`, short(value)]);
  let at = 0;
  return columns.map(({ name, index, encoding, categories = [], unknown }: Column): [string, string] => {
    const title = name ?? `column ${index}`;
    if (encoding === "number") return [title, short(values[at++])];
    if (encoding === "index") return [title, categories[Math.round(values[at++])] ?? "other"];
    const from = at;
    at += categories.length + (unknown ? 1 : 0);
    return [title, categories[placeOfLargest(values, from, at)] ?? "other"];
  });
}
