/**
 * From a kernel's description to its native symbol: the table entry, and the function that hands over the arguments
 * once they have been checked.
 *
 * @module
 */
import type { Kernel } from "../core/backend/kernel.ts";
import type { Parameter } from "../core/backend/parameters.ts";

/** How one argument travels. Numbers are doubles, which are exact up to 2^53. */
type NativeType = "buffer" | "f64" | "i32";

/** What a parameter becomes: types, and the expressions that give the values. */
function passed(parameter: Parameter, at: number): [type: NativeType, expression: string][] {
  switch (parameter.kind) {
    case "floats":
    case "ints":
      return [["buffer", `a${at}`]];
    case "whole":
    case "number":
      return [["f64", `a${at}`]];
    case "flag":
      return [["i32", `a${at} ? 1 : 0`]];
    case "code":
      return [["i32", `codes[${at}]`]];
    case "block":
    case "box":
      return [["buffer", `block${at}`]];
    case "draw":
      return [["buffer", "boundary.header"], ["buffer", "boundary.table"], ["f64", "boundary.offset"]];
  }
}

/** The symbol's name without its instruction set: `thinned_softmax_gradient`. */
export function symbolName(kernel: Kernel): string {
  return `thinned_${kernel.kernel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** The symbol's parameters: those of the description in their order, then the sizes that were measured. */
export function symbolParameters(kernel: Kernel): NativeType[] {
  const types = kernel.parameters.flatMap((parameter, at) => passed(parameter, at).map(([type]) => type));
  return [...types, ...kernel.boundary.measured.map((): NativeType => "f64")];
}

/**
 * The implementation of a kernel by its symbol. Its text is written for the kernel, because Deno calls a library without
 * detours only where the function that calls knows the symbol and the number of arguments.
 *
 * @param symbol the function in the library, which returns a status
 * @param check throws unless the status is 0
 */
export function marshal(
  kernel: Kernel,
  symbol: (...args: unknown[]) => number,
  check: (status: number, kernel: string) => void,
): (...args: unknown[]) => void {
  const { parameters, boundary } = kernel;
  const names = parameters.map((_, at) => `a${at}`);
  const values = parameters.flatMap((parameter, at) => passed(parameter, at).map(([, expression]) => expression));
  values.push(...boundary.measured.map((size) => `boundary.sizes[${JSON.stringify(size)}]`));
  const blocks = parameters.map((_, at) => `block${at}`);
  const body = `return (${names.join(", ")}) => {
    const status = symbol(${values.join(", ")});
    if (status !== 0) check(status, ${JSON.stringify(kernel.kernel)});
  };`;
  const given = ["symbol", "check", "boundary", "codes", ...blocks];
  let make;
  try {
    make = new Function(...given, body);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    return plainly(kernel, symbol, check); // a program that may not make functions from text
  }
  return make(symbol, check, boundary, boundary.codes, ...boundary.blocks);
}

/** The same without a text of its own. */
function plainly(
  { kernel, parameters, boundary }: Kernel,
  symbol: (...args: unknown[]) => number,
  check: (status: number, kernel: string) => void,
): (...args: unknown[]) => void {
  return (...args) => {
    const values = parameters.flatMap(({ kind }, at) => {
      if (kind === "flag") return [args[at] ? 1 : 0];
      if (kind === "code") return [boundary.codes[at]];
      if (kind === "block" || kind === "box") return [boundary.blocks[at]];
      return kind === "draw" ? [boundary.header, boundary.table, boundary.offset] : [args[at]];
    });
    check(symbol(...values, ...boundary.measured.map((size) => boundary.sizes[size])), kernel);
  };
}
