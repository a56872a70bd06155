/** What is to be checked of a kernel's arguments, found out once from its description. @module */
import type { FloatsParameter, IntsParameter, Length, Parameter, Sizes } from "./parameters.ts";

/** Largest number of axes of a box. */
export const MAX_RANK = 16;

/** How an argument that is an array is checked. */
export interface ArrayCheck {
  /** Its place among the arguments. */
  readonly at: number;
  /** Its name, for messages. */
  readonly name: string;
  /** Whether it may be null. */
  readonly nullable: boolean;
  /** Its least length as the description has it. */
  readonly length: Length;
  /** Its least length. */
  readonly measure: (sizes: Sizes) => number;
  /** Whether it is an Int32Array. */
  readonly ints: boolean;
  /** Whether the length is a size that is measured: then all arrays of that length agree. */
  readonly exact: boolean;
}

/** Two arguments that must not overlap, unless they are the same array where `same` allows it. */
export interface ArrayPair {
  /** Place of the one that is written. */
  readonly a: number;
  /** Place of the other. */
  readonly b: number;
  /** Whether both may be at one place. */
  readonly same: boolean;
}

/** The checks that follow from a description. */
export interface BoundaryPlan {
  /** For each parameter that travels as a block: room for its numbers. */
  readonly blocks: readonly (Float64Array<ArrayBuffer> | null)[];
  /** The arguments that are arrays. */
  readonly arrays: readonly ArrayCheck[];
  /** Where the measured sizes come from, in the order in which C receives them. */
  readonly measuredFrom: readonly { readonly size: string; readonly at: number }[];
  /** Arrays of which one is written. */
  readonly pairs: readonly ArrayPair[];
}

/** A length as a function of the sizes. */
export function measureOf(length: Length): (sizes: Sizes) => number {
  if (typeof length === "function") return length;
  if (length.length === 1) {
    const [only] = length;
    return (sizes) => sizes[only];
  }
  return (sizes) => {
    let product = 1;
    for (let i = 0; i < length.length; i++) product *= sizes[length[i]];
    return product;
  };
}

/**
 * Finds out what is to be checked.
 *
 * @param name the kernel's name, for messages
 * @param parameters the meaning of each argument
 */
export function planOf(name: string, parameters: readonly Parameter[]): BoundaryPlan {
  const given = new Set(
    parameters.flatMap((parameter) =>
      parameter.kind === "whole"
        ? [parameter.name]
        : parameter.kind === "block"
        ? Object.keys(parameter.fields)
        : parameter.kind === "box"
        ? [parameter.name, ...parameter.operands]
        : []
    ),
  );
  const measuredFrom: { size: string; at: number }[] = [];
  const arrays: ArrayCheck[] = [];
  parameters.forEach((parameter, at) => {
    if (parameter.kind !== "floats" && parameter.kind !== "ints") return;
    const { length, nullable } = parameter;
    if (typeof length !== "function" && length.length === 1 && !given.has(length[0]) && !nullable) {
      measuredFrom.push({ size: length[0], at });
      given.add(length[0]);
    }
    const ints = parameter.kind === "ints";
    arrays.push({ at, name: parameter.name, nullable, length, measure: measureOf(length), ints, exact: false });
  });
  for (const { name: array, ...parameter } of parameters) {
    if (parameter.kind !== "floats" && parameter.kind !== "ints" || typeof parameter.length === "function") continue;
    for (const size of parameter.length) {
      if (!given.has(size)) {
        throw new Error(`The kernel ${name} gives ${array} a length by ${size}, which is no size.`);
      }
    }
  }
  const measured = new Set(measuredFrom.map(({ size }) => size));
  const checked = arrays.map((array) => {
    const { length } = parameters[array.at] as FloatsParameter | IntsParameter;
    return { ...array, exact: typeof length !== "function" && length.length === 1 && measured.has(length[0]) };
  });
  const pairs: ArrayPair[] = [];
  parameters.forEach((written, a) => {
    if (written.kind !== "floats" && written.kind !== "ints" || written.access === "input") return;
    parameters.forEach((other, b) => {
      if (other.kind !== "floats" && other.kind !== "ints" || a === b || (b < a && other.access !== "input")) return;
      const mayBe = (x: Parameter, y: Parameter) => x.kind === "floats" && x.mayBe.includes(y.name);
      pairs.push({ a, b, same: mayBe(written, other) || mayBe(other, written) });
    });
  });
  return { blocks: parameters.map(blockOf), arrays: checked, measuredFrom, pairs };
}

/** Room for the numbers of a parameter that travels as a block. */
function blockOf(parameter: Parameter): Float64Array<ArrayBuffer> | null {
  if (parameter.kind === "block") {
    return new Float64Array(Object.values(parameter.fields).reduce((n, { kind }) => n + fieldWidth(kind), 0));
  }
  return parameter.kind === "box" ? new Float64Array(1 + MAX_RANK * (1 + parameter.operands.length)) : null;
}

function fieldWidth(kind: string): number {
  return kind === "triple" ? 3 : kind === "optional" ? 2 : 1;
}
