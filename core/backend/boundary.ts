/**
 * The one place where the arguments of kernels are checked: element types, lengths against sizes, overlaps, detached and
 * resizable buffers. What passes can be handed to C as it is; objects of numbers are read once, into blocks, and those
 * are handed over, so that nothing changes between the check and the use.
 *
 * @module
 */
import { BackendError, show } from "../errors.ts";
import { type ArrayCheck, type ArrayPair, MAX_RANK, measureOf, planOf } from "./boundary_plan.ts";
import { rowPositions } from "./draw.ts";
import type { BlockParameter, BoxParameter, DrawParameter, IntsParameter, Parameter, Sizes } from "./parameters.ts";

// The getters that V8 has made, which no subclass or own property can stand in for.
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (name: string | symbol): () => unknown => Object.getOwnPropertyDescriptor(typedArray, name)!.get!;
const typeOf = getter(Symbol.toStringTag);
const lengthOf = getter("length") as () => number;
const bufferOf = getter("buffer") as () => ArrayBuffer;
const offsetOf = getter("byteOffset") as () => number;
const bytesOf = getter("byteLength") as () => number;
const resizableOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable")?.get as () => boolean;

/** What reads arrays, whatever they say of themselves. */
export const primitives = { typeOf, lengthOf, bufferOf, resizableOf };

/** Whether two arrays on one buffer have no element in common, or all of them where `same` allows it. */
export function apart(x: unknown, y: unknown, same: boolean): boolean {
  const from = offsetOf.call(x);
  const other = offsetOf.call(y);
  return (same && from === other) || from + bytesOf.call(x) <= other || other + bytesOf.call(y) <= from;
}

/** Whether a buffer is a SharedArrayBuffer, which has no such getter. */
function isShared(buffer: unknown): boolean {
  return !(buffer instanceof ArrayBuffer);
}

function isIndices(parameter: IntsParameter<unknown>): boolean {
  return parameter.access === "input" && parameter.bound !== undefined;
}

/** The checks of one kernel's arguments. */
export class Boundary {
  /** The sizes of the last call that was checked. */
  readonly sizes: Sizes = {};
  /** For each parameter that travels as a block: its numbers, as the last call gave them. */
  readonly blocks: readonly (Float64Array<ArrayBuffer> | null)[];
  /** For each parameter that is a code: its number in the last call. */
  readonly codes: Int32Array<ArrayBuffer>;
  /** The last call's draw, if there is one: header, table, offset. */
  header: Uint32Array<ArrayBuffer> | null = null;
  /** Its table of rows; see {@linkcode Boundary.header}. */
  table: Uint32Array<ArrayBuffer> | null = null;
  /** Its first row in the table; see {@linkcode Boundary.header}. */
  offset: number = 0;
  /** Sizes that are measured, in the order in which C receives them. */
  readonly measured: readonly string[];
  /** Calls so far. One that begins while another reads its arguments has overwritten what that one read. */
  turn = 0;
  /** The meaning of each argument. */
  readonly parameters: readonly Parameter[];
  /** The arguments that are arrays. */
  readonly arrays: readonly ArrayCheck[];
  /** Arrays of which one is written. */
  readonly pairs: readonly ArrayPair[];
  /** Where the measured sizes come from. */
  readonly measuredFrom: readonly { readonly size: string; readonly at: number }[];
  readonly #name: string;
  readonly #draw: number;
  readonly #cols: readonly ((sizes: Sizes) => number)[];

  /**
   * The checks that follow from a kernel's description.
   *
   * @param name the kernel's name, for messages
   * @param parameters the meaning of each argument
   */
  constructor(name: string, parameters: readonly Parameter[]) {
    this.#name = name;
    this.parameters = parameters;
    this.#draw = parameters.findIndex(({ kind }) => kind === "draw");
    this.codes = new Int32Array(parameters.length);
    const { blocks, arrays, measuredFrom, pairs } = planOf(name, parameters);
    this.blocks = blocks;
    this.#cols = parameters.map((parameter) => measureOf(parameter.kind === "draw" ? parameter.cols : []));
    this.arrays = arrays;
    this.measuredFrom = measuredFrom;
    this.measured = measuredFrom.map(({ size }) => size);
    this.pairs = pairs;
  }

  /**
   * Checks the arguments of one call and reads their numbers.
   *
   * @returns whether the arrays are float64
   * @throws {BackendError} naming the argument, what was expected and what was found
   */
  check(args: readonly unknown[]): boolean {
    const parameters = this.parameters;
    const sizes = this.sizes;
    const turn = ++this.turn;
    for (let i = 0; i < parameters.length; i++) {
      const parameter = parameters[i];
      const value = args[i];
      switch (parameter.kind) {
        case "whole":
          if (
            !Number.isSafeInteger(value) || (value as number) < parameter.min || (value as number) > parameter.max ||
            (parameter.among !== undefined && !parameter.among.includes(value as number))
          ) {
            const { among, min, max } = parameter;
            const expected = among?.join(" or ") ?? `a whole number in [${min}, ${max}]`;
            this.#refuse(parameter.name, expected, value);
          }
          sizes[parameter.name] = value as number;
          break;
        case "number":
          if (typeof value !== "number") this.#refuse(parameter.name, "a number", value);
          break;
        case "flag":
          if (typeof value !== "boolean") this.#refuse(parameter.name, "true or false", value);
          break;
        case "code": {
          const number = parameter.names.indexOf(value as string);
          if (number < 0) this.#refuse(parameter.name, `one of ${parameter.names.join(", ")}`, value);
          this.codes[i] = number;
          break;
        }
        case "block":
          this.#readBlock(parameter, i, value);
          break;
        case "box":
          this.#readBox(parameter, i, value);
          break;
      }
    }
    for (let i = 0; i < this.measuredFrom.length; i++) {
      const { size, at } = this.measuredFrom[i];
      sizes[size] = typeOf.call(args[at]) === undefined ? NaN : lengthOf.call(args[at]);
    }
    if (this.#draw >= 0) this.#readDraw(this.#draw, args[this.#draw]);
    // From here on nobody else's code runs.
    if (this.turn !== turn) this.#refuse("the call", "over before the next one begins", "one inside of an argument");
    const double = this.#checkArrays(args);
    for (let i = 0; i < this.pairs.length; i++) {
      const { a, b, same } = this.pairs[i];
      const x = args[a];
      const y = args[b];
      if (x !== null && y !== null && !(same && x === y)) this.#checkApart(a, b, x, y, same);
    }
    return double;
  }

  /** Whether an argument holds indices. */
  get hasIndices(): boolean {
    return this.parameters.some((parameter) => parameter.kind === "ints" && isIndices(parameter));
  }

  /** Refuses an index out of bounds, after {@linkcode check} has passed the same arguments. */
  checkIndices(args: readonly unknown[]): void {
    this.parameters.forEach((parameter, at) => {
      if (parameter.kind !== "ints" || !isIndices(parameter)) return;
      const bound = measureOf(parameter.bound!)(this.sizes);
      const bad = (args[at] as Int32Array).find((index) => index < 0 || index >= bound);
      if (bad !== undefined) this.#refuse(parameter.name, `indices in [0, ${bound})`, bad);
    });
  }

  #checkArrays(args: readonly unknown[]): boolean {
    let type: string | undefined;
    for (let i = 0; i < this.arrays.length; i++) {
      const { at, name, nullable, measure, ints, exact } = this.arrays[i];
      const array = args[at];
      if (array === null && nullable) continue;
      const found = typeOf.call(array) as string | undefined;
      if (ints) {
        if (found !== "Int32Array") this.#refuse(name, "an Int32Array", array);
      } else if (type === undefined) {
        if (found !== "Float32Array" && found !== "Float64Array") this.#refuse(name, "a float array", array);
        type = found;
      } else if (found !== type) {
        this.#refuse(name, `a ${type} like the others`, found ?? array);
      }
      const needed = measure(this.sizes);
      const length = lengthOf.call(array);
      // Written so that a length that is not a number is refused.
      if (!(needed <= length) || (exact && needed !== length)) {
        const buffer = bufferOf.call(array) as ArrayBuffer & { detached?: boolean };
        const state = buffer.detached ? "one whose buffer was transferred" : `${length}`;
        throw new BackendError(`The kernel ${this.#name}: expected ${name} with ${needed} numbers, found ${state}.`);
      }
      if (length > 0) this.#checkFixed(name, bufferOf.call(array));
    }
    return type === "Float64Array";
  }

  #checkFixed(name: string, buffer: ArrayBuffer): void {
    if (isShared(buffer) || resizableOf.call(buffer)) {
      this.#refuse(name, "an array on a buffer of fixed size", "one on a shared or resizable buffer");
    }
  }

  #checkApart(a: number, b: number, x: unknown, y: unknown, same: boolean): void {
    if (bufferOf.call(x) !== bufferOf.call(y)) return;
    if (apart(x, y, same)) return;
    const [name, second] = [this.parameters[a].name, this.parameters[b].name];
    throw new BackendError(
      `The kernel ${this.#name}: expected ${name} and ${second} apart${
        same ? " or at one place" : ""
      }, found arrays that overlap.`,
    );
  }

  #readDraw(at: number, value: unknown): void {
    const parameter = this.parameters[at] as DrawParameter;
    if (typeof value !== "object" || value === null) this.#refuse(parameter.name, "the address of a draw", value);
    const { header, table, offset } = value as { header: unknown; table: unknown; offset: unknown };
    this.#checkWords(`${parameter.name}.header`, header, 3);
    this.#checkWords(`${parameter.name}.table`, table, 3 * this.sizes[parameter.rows]);
    const { decision } = parameter;
    const bits = decision === undefined ? 32 : this.sizes[decision.bits];
    if (decision !== undefined && !(this.sizes[decision.threshold] < 2 ** bits)) {
      const expected = `a whole number in [0, ${2 ** bits - 1}] for ${bits} bits`;
      this.#refuse(decision.threshold, expected, this.sizes[decision.threshold]);
    }
    const positions = rowPositions(bits);
    const last = positions - this.#cols[at](this.sizes);
    if (!Number.isSafeInteger(offset) || (offset as number) < 0 || !((offset as number) <= last)) {
      this.#refuse(`${parameter.name}.offset`, `a whole number in [0, ${last}], since a row has ${positions}`, offset);
    }
    this.header = header as Uint32Array<ArrayBuffer>;
    this.table = table as Uint32Array<ArrayBuffer>;
    this.offset = offset as number;
  }

  #checkWords(name: string, words: unknown, least: number): void {
    const type = typeOf.call(words);
    if (type !== "Uint32Array" || !(least <= lengthOf.call(words))) {
      const found = type === "Uint32Array" ? lengthOf.call(words) : words;
      this.#refuse(name, `a Uint32Array of ${least} words`, found);
    }
  }

  #readBlock(parameter: BlockParameter, at: number, value: unknown): void {
    if (typeof value !== "object" || value === null) this.#refuse(parameter.name, "an object", value);
    const values = value as Record<string, unknown>;
    const numbers = this.blocks[at]!;
    let next = 0;
    for (const name in parameter.fields) {
      const field = parameter.fields[name];
      const found = values[name];
      switch (field.kind) {
        case "whole":
          if (!isWhole(found, field.min) || found > field.max || field.among?.includes(found) === false) {
            const expected = field.among?.join(" or ") ?? `a whole number in [${field.min}, ${field.max}]`;
            this.#refuse(`${parameter.name}.${name}`, expected, found);
          }
          this.sizes[name] = numbers[next++] = found;
          break;
        case "number":
          if (typeof found !== "number") this.#refuse(`${parameter.name}.${name}`, "a number", found);
          numbers[next++] = found as number;
          break;
        case "flag":
          if (typeof found !== "boolean") this.#refuse(`${parameter.name}.${name}`, "true or false", found);
          this.sizes[name] = numbers[next++] = Number(found);
          break;
        case "optional":
          if (found !== null && !Number.isSafeInteger(found)) {
            this.#refuse(`${parameter.name}.${name}`, "a whole number or null", found);
          }
          numbers[next++] = Number(found !== null);
          numbers[next++] = Number(found);
          break;
        case "triple": {
          const triple = found as readonly unknown[];
          if (!Array.isArray(triple) || triple.length !== 3) {
            this.#refuse(`${parameter.name}.${name}`, "three whole numbers", found);
          }
          let product = 1;
          for (let axis = 0; axis < 3; axis++) {
            const extent = triple[axis];
            if (!isWhole(extent, field.min)) {
              this.#refuse(`${parameter.name}.${name}`, `three whole numbers of at least ${field.min}`, found);
            }
            numbers[next++] = extent as number;
            product *= extent as number;
          }
          this.sizes[name] = product;
          break;
        }
      }
    }
    const problem = parameter.refuse?.(this.sizes, numbers);
    if (problem !== undefined) throw new BackendError(`The kernel ${this.#name}: ${problem}.`);
  }

  #readBox(parameter: BoxParameter, at: number, value: unknown): void {
    const box = value as Record<string, readonly unknown[]> | null | undefined;
    const dims = box?.dims;
    if (!Array.isArray(dims) || dims.length > MAX_RANK) {
      this.#refuse(`${parameter.name}.dims`, `at most ${MAX_RANK} extents`, dims);
    }
    const extents = dims as readonly unknown[];
    const numbers = this.blocks[at]!;
    const rank = extents.length;
    numbers[0] = rank;
    let elements = 1;
    for (let axis = 0; axis < rank; axis++) {
      const extent = extents[axis];
      if (!isWhole(extent, 0)) this.#refuse(`${parameter.name}.dims`, "whole numbers from 0", dims);
      numbers[1 + axis] = extent as number;
      elements *= extent as number;
    }
    this.sizes[parameter.name] = elements;
    for (let operand = 0; operand < parameter.operands.length; operand++) {
      const name = parameter.operands[operand];
      const strides = box![name];
      if (!Array.isArray(strides) || strides.length !== rank) {
        this.#refuse(`${parameter.name}.${name}`, `${rank} strides`, strides);
      }
      let reach = 1;
      for (let axis = 0; axis < rank; axis++) {
        const stride = strides[axis];
        if (!isWhole(stride, 0)) this.#refuse(`${parameter.name}.${name}`, "whole numbers from 0", strides);
        numbers[1 + rank * (1 + operand) + axis] = stride as number;
        reach += (numbers[1 + axis] - 1) * (stride as number);
      }
      this.sizes[name] = elements === 0 ? 0 : reach;
    }
  }

  #refuse(argument: string, expected: string, found: unknown): never {
    const text = ArrayBuffer.isView(found) ? `a ${typeOf.call(found) ?? "DataView"}` : show(found);
    throw new BackendError(`The kernel ${this.#name}: expected ${argument} to be ${expected}, found ${text}.`);
  }
}

function isWhole(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= 2 ** 48;
}
