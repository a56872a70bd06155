/** Arguments for any kernel, made from its description: valid ones, and ones with a fault. */
import type { Kernel } from "../../core/backend/kernel.ts";
import type { Field, Length, Parameter, Sizes } from "../../core/backend/parameters.ts";
import type { Draws } from "./_draws.ts";

const extents = [0, 1, 2, 3, 5, 8, 17, 33];
const lengths = [0, 1, 3, 16, 37, 1000];
const small = [0, 1, 1, 2, 3, 4];

function measure(length: Length, sizes: Sizes): number {
  return typeof length === "function" ? length(sizes) : length.reduce((product, name) => product * sizes[name], 1);
}

function fieldValue(name: string, field: Field, draws: Draws): unknown {
  switch (field.kind) {
    case "whole":
      if (name === "threshold") return draws.pick([0, 1, 20_000, 60_000]);
      if (name.startsWith("stride")) return draws.pick([0, 7, 64, 1100]);
      return Math.max(field.min, draws.pick([0, 1, 2, 3, 5, 9]));
    case "number":
      return name === "epsilon" ? 1e-3 + draws.next() : Math.fround(draws.next());
    case "flag":
      return draws.next() < 0.5;
    case "optional":
      return draws.pick([null, -1, 2]);
    case "triple":
      return [0, 1, 2].map(() => Math.max(field.min, draws.pick(small)));
  }
}

/** Everything but arrays, and the sizes that follow. */
function scalar(parameter: Parameter, sizes: Sizes, draws: Draws): unknown {
  switch (parameter.kind) {
    case "whole": {
      const value = parameter.among !== undefined
        ? draws.pick(parameter.among)
        : parameter.name === "threshold"
        ? draws.pick([0, 1, 20_000, 60_000])
        : Math.max(parameter.min, draws.pick(extents));
      return sizes[parameter.name] = value;
    }
    case "number":
      return Math.fround(draws.next() * 2 - 0.5);
    case "flag":
      return draws.next() < 0.5;
    case "code":
      return draws.pick(parameter.names);
    case "block": {
      const entries = Object.entries(parameter.fields).map(([name, field]) => {
        const value = fieldValue(name, field, draws);
        if (Array.isArray(value)) sizes[name] = value.reduce((product, extent) => product * extent, 1);
        else if (field.kind === "whole" || field.kind === "flag") sizes[name] = Number(value);
        return [name, value];
      });
      return Object.fromEntries(entries);
    }
    case "box": {
      const dims = Array.from({ length: draws.whole(0, 4) }, () => draws.pick([0, 1, 2, 3, 9, 12]));
      sizes[parameter.name] = dims.reduce((product, extent) => product * extent, 1);
      const box: Record<string, number[]> = { dims };
      for (const operand of parameter.operands) {
        const strides = dims.map(() => draws.pick([0, 1, 2, 9, 30]));
        box[operand] = strides;
        const reach = dims.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], 1);
        sizes[operand] = sizes[parameter.name] === 0 ? 0 : reach;
      }
      return box;
    }
    default: // arrays and draws, whose lengths follow from the sizes
      return undefined;
  }
}

/** Valid arguments; undefined when what was drawn does not fit together. */
function attempt(kernel: Kernel, draws: Draws): unknown[] | undefined {
  const sizes: Sizes = {};
  const { parameters, boundary } = kernel;
  const args = parameters.map((parameter) => scalar(parameter, sizes, draws));
  for (const name of boundary.measured) sizes[name] = draws.pick(lengths);
  for (const [at, parameter] of parameters.entries()) {
    if (parameter.kind === "draw") {
      const word = () => draws.whole(0, 2 ** 32 - 1);
      const header = Uint32Array.from({ length: 3 }, word);
      const table = Uint32Array.from({ length: 3 * sizes[parameter.rows] }, word);
      for (let row = 0; row < sizes[parameter.rows]; row++) table[3 * row] &= 0xfc000000;
      args[at] = { header, table, offset: draws.whole(0, 20) };
    }
    if (parameter.kind !== "floats" && parameter.kind !== "ints") continue;
    if (parameter.nullable && draws.next() < 0.3) {
      args[at] = null;
      continue;
    }
    const needed = measure(parameter.length, sizes);
    if (!(needed <= 1e6)) return undefined;
    if (parameter.kind === "floats") {
      args[at] = draws.floats(needed);
      continue;
    }
    const bound = parameter.bound === undefined ? 6 : measure(parameter.bound, sizes);
    if (needed > 0 && !(bound >= 1)) return undefined;
    if (parameter.rising) {
      if (needed > bound) return undefined;
      const all = Array.from({ length: bound }, (_, i) => i);
      while (all.length > needed) all.splice(draws.whole(0, all.length - 1), 1);
      args[at] = Int32Array.from(all);
      continue;
    }
    const lowest = parameter.bound === undefined ? -1 : 0;
    args[at] = Int32Array.from({ length: needed }, () => draws.whole(lowest, bound - 1));
  }
  try {
    boundary.check(args);
  } catch {
    return undefined;
  }
  return args;
}

/** Valid arguments of a kernel. */
export function validArguments(kernel: Kernel, draws: Draws): unknown[] {
  for (let i = 0; i < 10_000; i++) {
    const args = attempt(kernel, draws);
    if (args !== undefined) return args;
  }
  throw new Error(`No valid arguments were found for ${kernel.kernel}.`);
}

/** Numbers that no kernel may take for a size. */
export const absurd = [-1, NaN, Infinity, -Infinity, 2 ** 60, 1e300, -(2 ** 40)];

/** Numbers that may be a size, but none that the arrays have room for. */
const large = [2 ** 31, 2 ** 40, 2 ** 48, 2 ** 53 - 1, 12_345_678, 0.5];

function spoilNumber(draws: Draws): number {
  return draws.pick([...absurd, ...large]);
}

/** Puts one fault into arguments: a size or a stride that does not fit, an array cut short, transferred or shifted. */
export function spoil(args: readonly unknown[], draws: Draws): unknown[] {
  const spoiled = [...args];
  const at = draws.whole(0, args.length - 1);
  const value = args[at];
  if (typeof value === "number") spoiled[at] = spoilNumber(draws);
  else if (value instanceof Float32Array || value instanceof Int32Array) {
    const array = value.slice();
    switch (draws.whole(0, 3)) {
      case 0:
        spoiled[at] = array.subarray(0, Math.max(0, array.length - draws.whole(1, 9)));
        break;
      case 1:
        structuredClone(array.buffer, { transfer: [array.buffer] });
        spoiled[at] = array;
        break;
      case 2:
        if (array.length > 0) array[draws.whole(0, array.length - 1)] = draws.pick([-1, 2 ** 31 - 1, -(2 ** 31), 5000]);
        spoiled[at] = array;
        break;
      default:
        spoiled[at] = args.find((other, i) => i !== at && other instanceof Float32Array) ?? null;
    }
  } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    const entries = Object.entries(value);
    const [name, part] = entries[draws.whole(0, entries.length - 1)];
    const other = Array.isArray(part)
      ? part.length === 0 ? [1] : part.with(draws.whole(0, part.length - 1), spoilNumber(draws))
      : part instanceof Uint32Array
      ? part.subarray(0, draws.whole(0, 2))
      : typeof part === "number"
      ? spoilNumber(draws)
      : draws.pick([null, undefined, -1, {}]);
    spoiled[at] = { ...value, [name]: other };
  } else spoiled[at] = draws.pick([null, undefined, {}, "x"]);
  return spoiled;
}
