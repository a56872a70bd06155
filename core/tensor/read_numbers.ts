/** Numbers in whatever form a program has them. @module */
import { DataError, show, showShape } from "../errors.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** An array of numbers of one type. */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Numbers: nested arrays, whose innermost rows may be typed arrays; a typed array; or a tensor. */
export type NumberData = NumericArray | Tensor | readonly number[] | readonly NumberData[];

/** Numbers in row-major order, with their shape. */
export interface NumberGrid {
  /** How they were nested. */
  readonly shape: Shape;
  /** The numbers: the caller's own array where one was given, which must not be written to. */
  readonly numbers: NumericArray;
}

/** Deeper nesting is taken for a mistake, such as an array that holds itself. */
const MOST_AXES = 8;

/**
 * Where an entry stands, in words: `row 3, column 1`, counted from 0.
 *
 * @param index place in row-major order
 * @param shape of the whole
 */
export function placeOf(index: number, shape: Shape): string {
  const places: number[] = [];
  for (const extent of shape.toReversed()) {
    places.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  const [row, ...rest] = places;
  if (rest.length === 0) return `row ${row}`;
  return rest.length === 1 ? `row ${row}, column ${rest[0]}` : `row ${row}, place ${showShape(rest)}`;
}

/**
 * Reads numbers and refuses what is none: holes, texts, NaN, infinities, and what is beyond the range of float32.
 *
 * @param data the numbers
 * @param where what they are, for errors, such as `arrays.train: inputs`
 * @throws {DataError} saying in which row and column, counted from 0, what was expected and found
 *
 * @example
 * ```ts
 * import { DataError, readNumbers } from "@thinned/dropout";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(readNumbers([[1, 2, 3], [4, 5, 6]], "table").shape, [2, 3]);
 * assertThrows(() => readNumbers([[1, 2], [3, NaN]], "table"), DataError, "row 1, column 1, found NaN");
 * ```
 */
export function readNumbers(data: NumberData, where: string): NumberGrid {
  const grid = data instanceof Tensor ? { shape: data.shape, numbers: data.storage.array } : nested(data, where);
  const { numbers, shape } = grid;
  if (numbers instanceof Float32Array || numbers instanceof Float64Array) {
    for (let i = 0; i < numbers.length; i++) {
      if (!Number.isFinite(Math.fround(numbers[i]))) refuse("a finite number", numbers[i], i, shape, where);
    }
  }
  return grid;
}

/** Whether a value is a typed array of numbers. */
export function isNumericArray(value: unknown): value is NumericArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array);
}

function refuse(expected: string, found: unknown, index: number, shape: Shape, where: string): never {
  throw new DataError(`${where}: expected ${expected} in ${placeOf(index, shape)}, found ${show(found)}.`);
}

function nested(data: Exclude<NumberData, Tensor>, where: string): NumberGrid {
  if (isNumericArray(data)) return { shape: [data.length], numbers: data };
  if (!Array.isArray(data)) {
    throw new DataError(`${where}: expected numbers in arrays, a typed array or a tensor, found ${show(data)}.`);
  }
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level) || isNumericArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > MOST_AXES) {
      throw new DataError(`${where}: expected arrays nested at most ${MOST_AXES} deep, found more.`);
    }
  }
  const numbers = new Float64Array(shape.reduce((size, extent) => size * extent, 1));
  const copy = (value: unknown, axis: number, at: number, size: number): void => {
    if (axis === shape.length) {
      if (typeof value !== "number") refuse("a number", value, at, shape, where);
      numbers[at] = value;
      return;
    }
    const row = Array.isArray(value) || isNumericArray(value) ? value : undefined;
    if (row === undefined || row.length !== shape[axis]) {
      const what = axis === 0 ? "an array" : placeOf(at / size, shape.slice(0, axis));
      throw new DataError(
        `${where}: expected ${shape[axis]} entries in ${what} as in the first one, ` +
          `found ${row === undefined ? show(value) : row.length}.`,
      );
    }
    if (axis === shape.length - 1 && isNumericArray(row)) return numbers.set(row, at);
    const step = size / shape[axis];
    for (let i = 0; i < row.length; i++) copy(row[i], axis + 1, at + i * step, step);
  };
  copy(data, 0, 0, numbers.length);
  return { shape, numbers };
}
