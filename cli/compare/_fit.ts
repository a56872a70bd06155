/** At which layer positions of a model a variant fits what goes through them. @module */
import {
  buildModel,
  type LayerPlugin,
  type Model,
  type Registry,
  type Shape,
  Tensor,
  ThinnedError,
} from "../../mod.ts";
import type { Config } from "../configuration/config.ts";
import { roleIn } from "./_place.ts";
import { placesOf } from "./_places.ts";
import type { NamedVariant } from "./_variants.ts";

/** Some of the layer positions at which a model has variants. */
export interface SomePositions {
  /** Which ones, from 0. */
  readonly at: readonly number[];
  /** Of how many. */
  readonly of: number;
}

/**
 * The positions that a variant fits, where these are some but not all: channels are dropped in images, not in the rows behind
 * them. A variant that fits nowhere is left to say what is wrong when it is tried.
 *
 * @param config whose model has the positions
 * @param without the same model without dropout, built
 */
export function positionsFor(
  { plugin, options }: NamedVariant,
  { model }: Pick<Config, "model">,
  without: Model,
  registry: Registry,
): SomePositions | undefined {
  const places = placesOf(model, registry);
  if (roleIn(places, registry.get(plugin)!.definition) !== "activation") return undefined;
  const shapes = without.summary().filter(({ site }) => site === "activation").map(({ shape }) => shape);
  const of = places.positions.length;
  if (shapes.length !== of) return undefined; // a block that is repeated
  const variant = registry.create({ plugin, ...options }, plugin) as unknown as LayerPlugin;
  const at = shapes.flatMap((shape, i) => fits(variant, shape) ? [i] : []);
  return at.length === 0 || at.length === of ? undefined : { at, of };
}

function fits(variant: LayerPlugin, inputShape: Shape): boolean {
  try {
    const model = buildModel(variant, { inputShape, seed: 0 });
    model.forward(Tensor.zeros([2, ...inputShape]), { mode: "train", step: 0 });
    return true;
  } catch (error) {
    if (error instanceof ThinnedError) return false;
    throw error;
  }
}
