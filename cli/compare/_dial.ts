/** The option of a variant by which its strength is tuned, and the values of it that are tried. @module */
import { type AnyDefinition, OptionError } from "../../mod.ts";
import { type JsonSchema, optionSchemas } from "../configuration/json_schema.ts";

/** An option that is tuned. */
export interface Dial {
  /** Its name. */
  readonly option: string;
  /** The values that are tried, the first of them where tuning begins. */
  readonly values: readonly number[];
}

/** From one value to the next, a probability's odds, and any other number above 0, change by this factor. */
const FACTOR = 3;

/** The bounds that a schema sets. */
interface Range {
  readonly least: number;
  readonly most: number;
  has(value: number): boolean;
}

/** The part of an option's schema that is about a number that need not be whole; undefined where there is none. */
function numberIn(schema: JsonSchema): JsonSchema | undefined {
  if (schema.type === "number") return schema;
  // A number that may also be a schedule.
  return (schema.anyOf as JsonSchema[] | undefined)?.find(({ type }) => type === "number");
}

function rangeOf(schema: JsonSchema): Range {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = numberIn(schema) as Record<string, number>;
  const least = minimum ?? exclusiveMinimum ?? -Infinity;
  const most = maximum ?? exclusiveMaximum ?? Infinity;
  return {
    least,
    most,
    has: (value) =>
      (minimum === undefined ? value > least : value >= least) &&
      (maximum === undefined ? value < most : value <= most),
  };
}

/** `center` moved by some steps, on the scale that suits the range. */
function moved(center: number, steps: number, { least, most }: Range): number {
  if (least >= 0 && most <= 1) {
    const odds = center / (1 - center) * FACTOR ** steps;
    return odds / (1 + odds);
  }
  return center > 0 ? center * FACTOR ** steps : center + steps;
}

/**
 * The dial of a variant: its option `rate`, or else the first of its options that is a number with a default. What is given for
 * it is its only value. Otherwise the values lie around the default: probabilities by odds of which each is 3 times the one
 * before, numbers between two other bounds evenly, and others by factors of 3; all within the range that the option has.
 *
 * @param definition the variant
 * @param given the options that are given
 * @param count how many values are wanted, at least 1; there are fewer where the range has no room for them
 * @param center where to begin, in place of the default
 * @returns undefined for a variant without such an option
 * @throws {OptionError} where a schedule is given in place of a number
 */
export function dialOf(
  definition: AnyDefinition,
  given: Readonly<Record<string, unknown>>,
  count: number,
  center?: number,
): Dial | undefined {
  const { properties } = optionSchemas(definition);
  const numbers = Object.entries(properties)
    .filter(([, schema]) => numberIn(schema) !== undefined && typeof schema.default === "number");
  const [option, schema] = numbers.find(([name]) => name === "rate") ?? numbers[0] ?? [];
  if (option === undefined) return undefined;
  if (option in given) {
    const value = given[option];
    if (typeof value !== "number") throw new OptionError(`--variants: ${definition.name}.${option}`, "a number", value);
    return { option, values: [value] };
  }
  const range = rangeOf(schema!);
  const start = center !== undefined && range.has(center) ? center : schema!.default as number;
  return { option, values: valuesIn(range, start, count) };
}

function valuesIn(range: Range, start: number, count: number): number[] {
  const values = [start];
  const take = (value: number) => {
    const short = Number(value.toPrecision(2));
    if (values.length < count && Number.isFinite(short) && range.has(short) && !values.includes(short)) {
      values.push(short);
    }
  };
  const width = range.most - range.least;
  if (Number.isFinite(width) && !(range.least >= 0 && range.most <= 1)) {
    const even = Array.from({ length: count }, (_, i) => range.least + width * (i + 0.5) / count);
    const nearest = even.reduce((best, value) => Math.abs(value - start) < Math.abs(best - start) ? value : best);
    for (const value of even) if (value !== nearest) take(value);
    return values;
  }
  // A probability of 0 or 1 has no odds to move.
  const center = range.least >= 0 && range.most <= 1 && (start <= 0 || start >= 1) ? 0.5 : start;
  for (let steps = 1; steps <= 2 * count; steps++) {
    take(moved(center, -steps, range));
    take(moved(center, steps, range));
  }
  return values;
}
