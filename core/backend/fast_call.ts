/**
 * A kernel's call as text, written from its description: the tests of `boundary.ts` in a straight line, with the
 * arguments by name, so that a call allocates nothing and costs little more than what it calls. Where a test fails, the
 * boundary looks again and says what is wrong.
 *
 * @module
 */
import { apart, type Boundary, primitives } from "./boundary.ts";
import { MAX_RANK } from "./boundary_plan.ts";
import { rowPositions } from "./draw.ts";
import type { AnyFunction } from "./kernel.ts";
import type { BlockParameter, BoxParameter, DrawParameter, Length } from "./parameters.ts";

/** What a call does when the tests have been made. */
export interface Calls {
  /** What computes float32 now. */
  readonly implementation: () => AnyFunction;
  /** Grows whenever another implementation is to be asked for. */
  readonly generation: () => number;
  /** Runs the call with the boundary's own check. */
  readonly slow: AnyFunction;
}

const wholeNumber = (value: string, min: number, max: number) =>
  `Number.isSafeInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}`;

/** Writes the text of one kernel's call. */
class Writer {
  readonly lines: string[] = [];
  /** Functions that the text calls, by their names in it. */
  readonly given: Record<string, unknown> = { apart, ...primitives };
  readonly #boundary: Boundary;
  /** The variable that holds a size. */
  readonly #variables = new Map<string, string>();
  /** Variables of the buffers that have been looked at. */
  readonly #buffers = new Set<number>();

  constructor(boundary: Boundary) {
    this.#boundary = boundary;
    const { parameters, measuredFrom, arrays, pairs } = boundary;
    this.lines.push("const turn = ++boundary.turn;");
    parameters.forEach((parameter, at) => {
      const value = `a${at}`;
      switch (parameter.kind) {
        case "whole":
          if (parameter.among === undefined) this.#demand(wholeNumber(value, parameter.min, parameter.max));
          else this.#demand(parameter.among.map((number) => `${value} === ${number}`).join(" || "));
          this.#setSize(parameter.name, value);
          break;
        case "number":
          this.#demand(`typeof ${value} === "number"`);
          break;
        case "flag":
          this.#demand(`typeof ${value} === "boolean"`);
          break;
        case "code": {
          const numbers = parameter.names.map((name, i) => `${value} === ${JSON.stringify(name)} ? ${i} : `).join("");
          this.lines.push(`const code${at} = ${numbers}-1;`);
          this.#demand(`code${at} >= 0`);
          this.lines.push(`codes[${at}] = code${at};`);
          break;
        }
        case "block":
          this.#readBlock(parameter, at);
          break;
        case "box":
          this.#readBox(parameter, at);
          break;
      }
    });
    for (const { size, at } of measuredFrom) {
      const type = parameters[at].kind === "ints" ? "Int32Array" : "Float32Array";
      this.#demand(`typeOf.call(a${at}) === "${type}"`);
      this.#setSize(size, `lengthOf.call(a${at})`);
    }
    parameters.forEach((parameter, at) => {
      if (parameter.kind === "draw") this.#readDraw(parameter, at);
    });
    // What is left runs nobody else's code: from here on nothing changes any more.
    this.#demand("boundary.turn === turn");
    for (const { at, nullable, length, ints, exact } of arrays) {
      this.lines.push(`let buffer${at} = null;`);
      if (nullable) this.lines.push(`if (a${at} !== null) {`);
      if (measuredFrom.every((measured) => measured.at !== at)) {
        const needed = this.#lengthOf(length);
        this.#demand(`typeOf.call(a${at}) === "${ints ? "Int32Array" : "Float32Array"}"`);
        this.#demand(`lengthOf.call(a${at}) ${exact ? "===" : ">="} ${needed}`);
      }
      this.lines.push(`buffer${at} = bufferOf.call(a${at});`);
      this.#demand(`buffer${at} instanceof ArrayBuffer && !resizableOf.call(buffer${at})`);
      if (nullable) this.lines.push("}");
      this.#buffers.add(at);
    }
    for (const { a, b, same } of pairs) {
      const one = same ? `a${a} === a${b} || ` : "";
      this.#demand(`${one}buffer${a} !== buffer${b} || buffer${a} === null || apart(a${a}, a${b}, ${same})`);
    }
  }

  #demand(condition: string): void {
    this.lines.push(`if (!(${condition})) break test;`);
  }

  #setSize(name: string, value: string): void {
    const variable = `size${this.#variables.size}`;
    this.#variables.set(name, variable);
    this.lines.push(`const ${variable} = sizes[${JSON.stringify(name)}] = ${value};`);
  }

  #lengthOf(length: Length): string {
    if (typeof length !== "function") {
      return length.map((name) => this.#variables.get(name)!).join(" * ") || "1";
    }
    const name = `length${Object.keys(this.given).length}`;
    this.given[name] = length;
    return `${name}(sizes)`;
  }

  #readBlock({ fields, refuse }: BlockParameter, at: number): void {
    const numbers = `block${at}`;
    this.#demand(`typeof a${at} === "object" && a${at} !== null`);
    let next = 0;
    for (const [name, field] of Object.entries(fields)) {
      const value = `field${at}_${next}`;
      this.lines.push(`const ${value} = a${at}[${JSON.stringify(name)}];`);
      switch (field.kind) {
        case "whole":
          if (field.among === undefined) this.#demand(wholeNumber(value, field.min, field.max));
          else this.#demand(field.among.map((number) => `${value} === ${number}`).join(" || "));
          this.#setSize(name, `${numbers}[${next++}] = ${value}`);
          break;
        case "number":
          this.#demand(`typeof ${value} === "number"`);
          this.lines.push(`${numbers}[${next++}] = ${value};`);
          break;
        case "flag":
          this.#demand(`typeof ${value} === "boolean"`);
          this.#setSize(name, `${numbers}[${next++}] = ${value} ? 1 : 0`);
          break;
        case "optional":
          this.#demand(`${value} === null || Number.isSafeInteger(${value})`);
          this.lines.push(`${numbers}[${next++}] = ${value} === null ? 0 : 1;`);
          this.lines.push(`${numbers}[${next++}] = ${value} === null ? 0 : ${value};`);
          break;
        case "triple": {
          this.#demand(`Array.isArray(${value}) && ${value}.length === 3`);
          const parts = [0, 1, 2].map((axis) => `${value}_${axis}`);
          parts.forEach((part, axis) => {
            this.lines.push(`const ${part} = ${value}[${axis}];`);
            this.#demand(wholeNumber(part, field.min, 2 ** 48));
            this.lines.push(`${numbers}[${next++}] = ${part};`);
          });
          this.#setSize(name, parts.join(" * "));
          break;
        }
      }
    }
    if (refuse !== undefined) {
      this.given[`refuse${at}`] = refuse;
      this.#demand(`refuse${at}(sizes, ${numbers}) === undefined`);
    }
  }

  #readBox({ name, operands }: BoxParameter, at: number): void {
    const [numbers, rank, elements] = [`block${at}`, `rank${at}`, `elements${at}`];
    this.#demand(`typeof a${at} === "object" && a${at} !== null`);
    this.lines.push(`const dims${at} = a${at}.dims;`);
    this.#demand(`Array.isArray(dims${at}) && dims${at}.length <= ${MAX_RANK}`);
    this.lines.push(`const ${rank} = ${numbers}[0] = dims${at}.length;`, `let ${elements} = 1;`);
    this.lines.push(`for (let axis = 0; axis < ${rank}; axis++) {`, `const extent = dims${at}[axis];`);
    this.#demand(wholeNumber("extent", 0, 2 ** 48));
    this.lines.push(`${numbers}[1 + axis] = extent;`, `${elements} *= extent;`, "}");
    this.#setSize(name, elements);
    operands.forEach((operand, i) => {
      const [strides, reach] = [`strides${at}_${i}`, `reach${at}_${i}`];
      this.lines.push(`const ${strides} = a${at}[${JSON.stringify(operand)}];`, `let ${reach} = 1;`);
      this.#demand(`Array.isArray(${strides}) && ${strides}.length === ${rank}`);
      this.lines.push(`for (let axis = 0; axis < ${rank}; axis++) {`, `const stride = ${strides}[axis];`);
      this.#demand(wholeNumber("stride", 0, 2 ** 48));
      this.lines.push(`${numbers}[1 + ${rank} * ${1 + i} + axis] = stride;`);
      this.lines.push(`${reach} += (${numbers}[1 + axis] - 1) * stride;`, "}");
      this.#setSize(operand, `${elements} === 0 ? 0 : ${reach}`);
    });
  }

  #readDraw({ rows, cols, decision }: DrawParameter<unknown>, at: number): void {
    const size = (name: string) => this.#variables.get(name)!;
    this.#demand(`typeof a${at} === "object" && a${at} !== null`);
    this.lines.push(`const header = a${at}.header, table = a${at}.table, offset = a${at}.offset;`);
    this.#demand(`typeOf.call(header) === "Uint32Array" && lengthOf.call(header) >= 3`);
    this.#demand(`typeOf.call(table) === "Uint32Array" && lengthOf.call(table) >= 3 * ${size(rows)}`);
    let positions = `${rowPositions(32)}`;
    if (decision !== undefined) {
      const short = `${size(decision.bits)} === 16`;
      this.#demand(`${size(decision.threshold)} <= (${short} ? ${2 ** 16 - 1} : ${2 ** 32 - 1})`);
      positions = `(${short} ? ${rowPositions(16)} : ${positions})`;
    }
    this.#demand(`Number.isSafeInteger(offset) && offset >= 0 && offset <= ${positions} - ${this.#lengthOf(cols)}`);
    this.lines.push("boundary.header = header;", "boundary.table = table;", "boundary.offset = offset;");
  }

  /** The function that the text makes. */
  make({ implementation, generation, slow }: Calls): AnyFunction {
    const { blocks, sizes, codes, parameters } = this.#boundary;
    const names = parameters.map((_, at) => `a${at}`).join(", ");
    const given = {
      ...this.given,
      ...Object.fromEntries(blocks.map((block, at) => [`block${at}`, block])),
      ...{ boundary: this.#boundary, sizes, codes, implementation, generation, slow },
    };
    const text = `let seen = -1, run;
      return (${names}) => {
        test: {
          ${this.lines.join("\n")}
          const now = generation();
          if (now !== seen) {
            run = implementation();
            seen = now;
          }
          run(${names});
          return;
        }
        slow(${names});
      };`;
    return new Function(...Object.keys(given), text)(...Object.values(given));
  }
}

/**
 * The function that checks and calls, for float32 arrays; what it does not know it hands to `slow`. Undefined where a
 * program may not make functions from text.
 */
export function fastCall(boundary: Boundary, calls: Calls): AnyFunction | undefined {
  try {
    return new Writer(boundary).make(calls);
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
