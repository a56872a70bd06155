/** Which options of a plugin are probabilities of dropping, and setting them. @module */
import type { AnyDefinition, Claims } from "../core/mod.ts";
import type { z } from "zod";

/** Options by name. */
export type Options = Readonly<Record<string, unknown>>;

/** Whether a name says that the option is a probability of keeping. */
const keeps = /keep|kept|retain|survival/i;

/** Whether a name says that the option is a probability. */
const named = /rate|probability|keep|retain|survival/i;

/** Names of the options that are probabilities: those that claims name, else those that look like it. */
export function rateNames(definition: AnyDefinition, claims: Claims): readonly string[] {
  if (claims.rates !== undefined) return claims.rates;
  const shape = definition.options.shape as Record<string, z.ZodType>;
  return Object.keys(shape).filter((name) => {
    const accepts = (value: unknown) => shape[name].safeParse(value).success;
    if (!accepts(0.25) || !accepts(0.5) || !accepts(0.75)) return false;
    return named.test(name) || (!accepts(-0.25) && !accepts(1.25));
  });
}

/** The options by which each of the named probabilities drops at a rate. */
export function atRate(names: readonly string[], rate: number): Options {
  return Object.fromEntries(names.map((name) => [name, keeps.test(name) ? 1 - rate : rate]));
}
