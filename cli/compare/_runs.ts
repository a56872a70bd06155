/** The trainings of a comparison as runs of configurations. @module */
import type { Registry } from "../../mod.ts";
import type { Config } from "../configuration/config.ts";
import type { SomePositions } from "./_fit.ts";
import { rateIn, withoutVariants, withVariant } from "./_place.ts";
import { type NamedVariant, NONE } from "./_variants.ts";
import { type Dial, dialOf } from "./_dial.ts";

/** A net of a comparison: a variant with one of its settings, or the one without dropout. */
export interface Net {
  /** Name of the variant. */
  readonly variant: string;
  /** Which of its settings, from 0. */
  readonly setting: number;
}

/** What is compared, as far as its models follow from it. */
export interface Compared {
  readonly config: Config;
  readonly variants: readonly (NamedVariant & { readonly dial?: Dial; readonly positions?: SomePositions })[];
  readonly seeds: readonly number[];
}

/** How many settings a variant has. */
export function settingsOf({ dial }: { readonly dial?: Dial }): number {
  return dial?.values.length ?? 1;
}

/** The options of a variant's setting, those that were given and the tuned one. */
export function optionsOf({ options, dial }: Compared["variants"][number], setting: number): Record<string, unknown> {
  return { ...options, ...(dial && { [dial.option]: dial.values[setting] }) };
}

/** What is tuned of a variant: around the rate that the configuration itself has for it, or else around its default. */
export function dialIn(
  variant: NamedVariant,
  { model }: Pick<Config, "model">,
  registry: Registry,
  count: number,
): Dial | undefined {
  const { definition } = registry.get(variant.plugin)!;
  return dialOf(definition, variant.options, count, rateIn(model, variant.plugin, registry));
}

/** The model of a net. */
export function modelOf(
  { config, variants }: Compared,
  { variant, setting }: Net,
  registry: Registry,
): Config["model"] {
  if (variant === NONE) return withoutVariants(config.model, registry);
  const named = variants.find(({ name }) => name === variant)!;
  const { label, plugin, options, dial, positions } = named;
  const tuned = dial && { option: dial.option, value: dial.values[setting] };
  return withVariant(config.model, { label, plugin, options, tuned, positions: positions?.at }, registry);
}

/**
 * The configuration of nets as runs side by side, each with all seeds. A run is the same one, bit for bit, whichever others
 * are beside it.
 */
export function configOf(compared: Compared, nets: readonly Net[], registry: Registry): Config {
  return {
    ...compared.config,
    seed: compared.seeds[0],
    seeds: compared.seeds.length,
    runs: nets.map((net) => ({ name: net.variant, set: { model: modelOf(compared, net, registry) } })),
  };
}

/** The name of a net's run with a seed, and of its folder in the end. */
export function runName(variant: string, seed: number): string {
  return `${variant}-seed-${seed}`;
}
