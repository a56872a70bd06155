/**
 * Zod's types under names of this package, so that the contract mentions no type that its documentation cannot show.
 *
 * @module
 */

/**
 * A schema of zod: what it makes of a value, and what it takes.
 *
 * @internal
 */
export type ZodType<Output = unknown, Input = unknown> = import("zod").z.ZodType<Output, Input>;

/**
 * A schema of zod for text.
 *
 * @internal
 */
export type ZodString = import("zod").z.ZodString;
