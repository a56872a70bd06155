/**
 * What an argument of a kernel can mean. Lengths are given in terms of the sizes: as names whose product counts
 * (`["rows", "cols"]`), or as a function of them. A name that no other argument gives is measured: it is the length of
 * the first array that names it alone.
 *
 * @module
 */
import type { Floats, Ints } from "./arrays.ts";
import type { DrawAddress } from "./draw.ts";

/** Sizes by name, as the arguments of one call give them. */
export type Sizes = Record<string, number>;

/** The least length of an array: a product of sizes, or a function of them. */
export type Length = readonly string[] | ((sizes: Readonly<Sizes>) => number);

/** What all arguments have. `T` is the type in TypeScript. */
export interface CommonParameter<T> {
  /** The argument's name, for messages and lengths. */
  readonly name: string;
  /** Only a type; never there. */
  readonly type?: T;
}

/** What a kernel does with an array. */
export type Access = "input" | "output" | "inout";

/** An array of float32 or float64 numbers; all of one call have one element type. */
export interface FloatsParameter<T = Floats> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "floats";
  /** What the kernel does with it. */
  readonly access: Access;
  /** Its least length. */
  readonly length: Length;
  /** Whether null may stand in its place. */
  readonly nullable: boolean;
  /** Arrays that this output may coincide with, element for element. With any other it must not overlap. */
  readonly mayBe: readonly string[];
}

/** An array of int32 numbers: labels, indices into something, or bits. */
export interface IntsParameter<T = Ints> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "ints";
  /** What the kernel does with it. */
  readonly access: Access;
  /** Its least length. */
  readonly length: Length;
  /** Whether null may stand in its place. */
  readonly nullable: boolean;
  /** Every entry lies in [0, bound); undefined for labels and bits, of which nothing is asked. */
  readonly bound?: Length;
  /** Whether each entry is larger than the one before. */
  readonly rising?: boolean;
}

/** A whole number: a size, an extent, a count, a threshold. */
export interface WholeParameter<T = number> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "whole";
  /** The least value. */
  readonly min: number;
  /** The largest value. */
  readonly max: number;
  /** The only values, if not all between the bounds. */
  readonly among?: readonly number[];
}

/** Any number. */
export interface NumberParameter<T = number> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "number";
}

/** True or false; 1 or 0 in C. */
export interface FlagParameter<T = boolean> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "flag";
}

/** One of some names; its place among them in C. */
export interface CodeParameter<T = string> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "code";
  /** The names. */
  readonly names: readonly string[];
}

/** Names of the sizes that say how elements are dropped. */
export interface Decision {
  /** Bits that a decision takes, 16 or 32. */
  readonly bits: string;
  /** An element is dropped iff its bits are below this, which must fit into them. */
  readonly threshold: string;
}

/** Where random numbers lie: three arguments in C, `header`, `table` and `offset`. */
export interface DrawParameter<T = DrawAddress> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "draw";
  /** Name of the size that counts the rows. */
  readonly rows: string;
  /** Elements of a row. */
  readonly cols: Length;
  /** How elements are dropped; without it a draw takes 32 bits an element. */
  readonly decision: Decision | undefined;
}

/** One number of a block. */
export type Field =
  | { readonly kind: "whole"; readonly min: number; readonly max: number; readonly among?: readonly number[] }
  | { readonly kind: "number" }
  | { readonly kind: "flag" }
  /** A whole number or null: two numbers in C, whether it is there and which. */
  | { readonly kind: "optional" }
  /** Three whole numbers, for depth, height and width. Its size is their product. */
  | { readonly kind: "triple"; readonly min: number };

/** An object of numbers: a block of doubles in C, in the order of the fields. */
export interface BlockParameter<T = unknown> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "block";
  /** Its numbers, by name. */
  readonly fields: Readonly<Record<string, Field>>;
  /** Further conditions on the sizes and the numbers as they lie in the block: what is wrong, or undefined. */
  readonly refuse?: (sizes: Readonly<Sizes>, numbers: ArrayLike<number>) => string | undefined;
}

/** Extents and, for each operand, strides: `{ dims, [operand]: strides }`. In C: rank, extents, all strides. */
export interface BoxParameter<T = unknown> extends CommonParameter<T> {
  /** Tells the meanings apart. */
  readonly kind: "box";
  /** Names of the operands; each is also a size, the elements from its start to the last one that is reached. */
  readonly operands: readonly string[];
}

/** The meaning of one argument. */
export type Parameter<T = unknown> =
  | FloatsParameter<T>
  | IntsParameter<T>
  | WholeParameter<T>
  | NumberParameter<T>
  | FlagParameter<T>
  | CodeParameter<T>
  | DrawParameter<T>
  | BlockParameter<T>
  | BoxParameter<T>;

/** The types of a kernel's arguments. */
export type ArgumentsOf<P extends readonly Parameter[]> = {
  -readonly [I in keyof P]: P[I] extends { readonly type?: infer T } ? Exclude<T, undefined> : never;
};

/** An array that is only read. */
export function input(name: string, length: Length): FloatsParameter {
  return { kind: "floats", name, access: "input", length, nullable: false, mayBe: [] };
}

/** An array that is only read, or null. */
export function optionalInput(name: string, length: Length): FloatsParameter<Floats | null> {
  return { kind: "floats", name, access: "input", length, nullable: true, mayBe: [] };
}

/** An array that is written. It may be one of the arrays in `mayBe`. */
export function output(name: string, length: Length, options: { mayBe?: readonly string[] } = {}): FloatsParameter {
  return { kind: "floats", name, access: "output", length, nullable: false, mayBe: options.mayBe ?? [] };
}

/** An array that is written, or null. */
export function optionalOutput(name: string, length: Length): FloatsParameter<Floats | null> {
  return { kind: "floats", name, access: "output", length, nullable: true, mayBe: [] };
}

/** An array that is read and written. */
export function inout(name: string, length: Length): FloatsParameter {
  return { kind: "floats", name, access: "inout", length, nullable: false, mayBe: [] };
}

/** An array that is read and written, or null. */
export function optionalInout(name: string, length: Length): FloatsParameter<Floats | null> {
  return { kind: "floats", name, access: "inout", length, nullable: true, mayBe: [] };
}

/** Labels that are read; the kernel takes any. */
export function labels(name: string, length: Length): IntsParameter {
  return { kind: "ints", name, access: "input", length, nullable: false };
}

/** Indices that are read, each in [0, bound). C looks at each one when it uses it. */
export function indices(name: string, length: Length, bound: Length): IntsParameter {
  return { kind: "ints", name, access: "input", length, nullable: false, bound };
}

/** Indices that are read, each in [0, bound) and larger than the one before; C looks at them. */
export function list(name: string, length: Length, bound: Length): IntsParameter {
  return { kind: "ints", name, access: "input", length, nullable: false, bound, rising: true };
}

/** Whole numbers that are written, each in [0, bound). */
export function places(name: string, length: Length, bound: Length): IntsParameter {
  return { kind: "ints", name, access: "output", length, nullable: false, bound };
}

/** Bits, 32 to a word, which say what they like. */
export function bits(name: string, length: Length, access: "input" | "output"): IntsParameter {
  return { kind: "ints", name, access, length, nullable: false };
}

/** A size: a whole number from 0, below 2^48 unless said otherwise. */
export function size(name: string, { min = 0, max = 2 ** 48 } = {}): WholeParameter {
  return { kind: "whole", name, min, max };
}

/** One of some whole numbers. */
export function oneOf<const N extends number>(name: string, among: readonly N[]): WholeParameter<N> {
  return { kind: "whole", name, min: Math.min(...among), max: Math.max(...among), among };
}

/** Any number. */
export function number(name: string): NumberParameter {
  return { kind: "number", name };
}

/** True or false. */
export function flag(name: string): FlagParameter {
  return { kind: "flag", name };
}

/** One of some names. */
export function code<const N extends string>(name: string, names: readonly N[]): CodeParameter<N> {
  return { kind: "code", name, names };
}

/** Where random numbers for `[rows, cols]` lie. */
export function draw(name: string, rows: string, cols: Length, decision?: Decision): DrawParameter {
  return { kind: "draw", name, rows, cols, decision };
}

/** An object of numbers. */
export function block<T>(
  name: string,
  fields: Readonly<Record<keyof T & string, Field>>,
  refuse?: (sizes: Readonly<Sizes>, numbers: ArrayLike<number>) => string | undefined,
): BlockParameter<T> {
  return { kind: "block", name, fields, refuse };
}

/** Extents, with strides for each operand. */
export function box<const O extends string>(
  name: string,
  operands: readonly O[],
): BoxParameter<{ readonly dims: readonly number[] } & { readonly [K in O]: readonly number[] }> {
  return { kind: "box", name, operands };
}

/** Fields of a block. */
export const field = {
  /** A size from `min` (0). */
  size: (min = 0, max: number = 2 ** 48): Field => ({ kind: "whole", min, max }),
  /** One of some whole numbers. */
  oneOf: (among: readonly number[]): Field => ({
    kind: "whole",
    min: Math.min(...among),
    max: Math.max(...among),
    among,
  }),
  /** Any number. */
  number: { kind: "number" } as Field,
  /** True or false. */
  flag: { kind: "flag" } as Field,
  /** A whole number or null. */
  optional: { kind: "optional" } as Field,
  /** Depth, height and width, each from `min` (0). */
  triple: (min = 0): Field => ({ kind: "triple", min }),
};
