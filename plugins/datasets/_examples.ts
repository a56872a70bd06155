/** Inputs and targets as a program has them, and from files. @module */
import {
  channelsFirst,
  DataError,
  decodeSafetensors,
  type NumberData,
  type NumericArray,
  readNumbers,
  type Shape,
  showShape,
  sizeOf,
} from "../../core/mod.ts";
import type { TargetData } from "./_array_targets.ts";
import { readIfThere } from "./_files.ts";

/** Inputs and targets, example by example; or a file that holds them. */
export type Examples = readonly [inputs: NumberData, targets: TargetData] | string;

/** How the axes of an example are to be understood. */
export type ExampleLayout = "channels-first" | "channels-last" | "no-channels";

/** Inputs of some examples. */
export interface Inputs {
  /** Number of examples. */
  readonly count: number;
  /** Shape of one, channels first. */
  readonly shape: Shape;
  /** The numbers: perhaps an array of the caller's, which must not be written to. */
  readonly numbers: NumericArray;
}

/** Reads the examples of a file: JSON `[inputs, targets]`, or safetensors with the tensors `x` and `y`. */
export async function readExamples(
  path: string,
): Promise<readonly [inputs: NumberData, targets: TargetData]> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) throw new DataError(`${path}: expected a file, found none.`);
  if (!path.endsWith(".json")) {
    const { tensors } = decodeSafetensors(bytes, path);
    const [x, y] = [tensors.get("x"), tensors.get("y")];
    if (x !== undefined && y !== undefined) return [x, y];
    throw new DataError(`${path}: expected tensors x and y, found ${[...tensors.keys()].join(", ") || "none"}.`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new DataError(`${path}: expected JSON, found other text (${(error as Error).message}).`, { cause: error });
  }
  if (Array.isArray(json) && json.length === 2) return json as [NumberData, TargetData];
  throw new DataError(`${path}: expected inputs and targets as [x, y], found other JSON.`);
}

/**
 * The inputs of a part, in the shape that a model takes.
 *
 * @param data the numbers, example by example
 * @param where what they are, for errors
 * @param layout how their axes are to be understood
 * @param wanted shape of an example as it is given, where it is not that of the arrays
 */
export function readInputs(
  data: NumberData,
  where: string,
  layout: ExampleLayout,
  wanted: Shape | undefined,
): Inputs {
  const { numbers, shape: given } = readNumbers(data, where);
  const example = wanted ?? (given.length === 1 ? [1] : given.slice(1));
  const count = numbers.length === 0 ? 0 : numbers.length / sizeOf(example);
  if (!Number.isInteger(count) || (given.length > 1 && given[0] !== count)) {
    throw new DataError(
      `${where}: expected examples of shape ${showShape(example)}, found ${showShape(given)} in all.`,
    );
  }
  if (layout === "channels-first") return { count, shape: example, numbers };
  if (layout === "no-channels") return { count, shape: [1, ...example], numbers };
  const channels = example.at(-1)!;
  const shape = [channels, ...example.slice(0, -1)];
  const turned = channelsFirst(numbers, shape);
  return { count, shape, numbers: isBytes(numbers) ? Uint8Array.from(turned) : turned };
}

/** Whether numbers are bytes, which a data set keeps as they are. */
export function isBytes(numbers: NumericArray): numbers is Uint8Array | Uint8ClampedArray {
  return numbers instanceof Uint8Array || numbers instanceof Uint8ClampedArray;
}

/** Copies of some rows of `size` numbers. */
export function pickRows<T extends NumericArray>(numbers: T, size: number, rows: Uint32Array): T {
  const picked = new (numbers.constructor as new (length: number) => T)(rows.length * size);
  rows.forEach((row, at) => picked.set(numbers.subarray(row * size, (row + 1) * size), at * size));
  return picked;
}
