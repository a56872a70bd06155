/** Putting a variant into a model, in the place of the dropout that is there. @module */
import { type AnyDefinition, PluginError, type Registry, type Role, rolesOf } from "../../mod.ts";
import type { Config } from "../configuration/config.ts";
import { type OptionSpot, type Part, type Places, placesOf } from "./_places.ts";

/** A variant with all options by which it is placed. */
export interface Placed {
  /** What it is called. */
  readonly label: string;
  /** Its plugin. */
  readonly plugin: string;
  /** The options that are the same everywhere. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The option that is tuned, and its value; absent where there is none. */
  readonly tuned?: { readonly option: string; readonly value: number };
  /** At which of the model's layer positions it stands, where it does not fit all of them: the others keep what they have. */
  readonly positions?: readonly number[];
}

/** In which role a variant is placed, if it has several: the first that the model has a place for. */
const order: readonly Role[] = ["embedding", "attention", "branch", "recurrent", "activation", "weight", "product"];

/** What a model needs for a role, in words. */
const needs: Readonly<Partial<Record<Role, string>>> = {
  activation:
    'a variant at a layer position to take the place of, such as { "plugin": "dropout" } behind a hidden layer',
  weight: "a dense layer, convolution or recurrent layer with dropout somewhere behind it",
  product: "a dense layer or convolution with dropout somewhere behind it",
  recurrent: "a recurrent layer: rnn, lstm or gru",
  branch: "a residual branch: residual, bypass, encoder-block or decoder-block",
  attention: "attention: multi-head-attention, encoder-block or decoder-block",
  embedding: "an embedding",
};

/** The same place, so that what stands behind keeps its number and with it its first weights, and nothing dropped. */
function identity(part: Part): Part {
  return { plugin: "dropout", ...(part.name === undefined ? {} : { name: part.name }), rate: 0 };
}

/** The numbers that the rates of variants at layer positions are of the largest: 1 for those that have none. */
function proportions(positions: Places["positions"]): Map<Part, number> {
  const rate = ({ rate }: Part) => typeof rate === "number" ? rate : undefined;
  const largest = Math.max(0, ...positions.map(({ part }) => rate(part) ?? 0));
  return new Map(positions.map(({ part }) => {
    const own = rate(part);
    return [part, own === undefined || largest === 0 ? 1 : own / largest];
  }));
}

/** The largest rate that a plugin has in a model; undefined where it has none. */
export function rateIn(model: Config["model"], plugin: string, registry: Registry): number | undefined {
  const { positions, options } = placesOf(model, registry);
  const rates = [...positions, ...options].flatMap(({ part }) =>
    part?.plugin === plugin && typeof part.rate === "number" && part.rate > 0 ? [part.rate] : []
  );
  return rates.length === 0 ? undefined : Math.max(...rates);
}

/** A model without dropout: a copy in which every variant is gone, and each layer has the place that it had. */
export function withoutVariants(model: Config["model"], registry: Registry): Config["model"] {
  const places = placesOf(model, registry);
  clear(places);
  return places.model;
}

function clear({ positions, options }: Places): void {
  for (const { holder, key, part } of positions) holder[key] = identity(part);
  for (const { layer, option } of options) delete layer[option];
}

/** The role in which a variant is placed in a model: the first that there is a place for; undefined when there is none. */
export function roleIn(places: Places, definition: AnyDefinition): Role | undefined {
  return order.find((role) => rolesOf(definition).includes(role) && spotsFor(role, places, definition) > 0);
}

/**
 * A model with one variant in the place of all dropout that it has: a variant of activations where those stand, one of weights
 * at the weight of the layer before each of those, and where there was one; others wherever a layer has a place for them. A
 * tuned `rate` is that of the place where the model's own rate is largest; the others keep their proportions.
 *
 * @throws {PluginError} when the model has no place for it, saying what it would need
 */
export function withVariant(model: Config["model"], placed: Placed, registry: Registry): Config["model"] {
  const definition = registry.get(placed.plugin)!.definition;
  const places = placesOf(model, registry);
  const role = roleIn(places, definition);
  if (role === undefined) {
    const needed = order.filter((role) => rolesOf(definition).includes(role)).map((role) => needs[role]).join(", or ");
    throw new PluginError(`--variants: ${placed.label}: expected a model with ${needed}; found one without.`);
  }
  if (role === "activation") {
    const taken = places.positions.filter((_, i) => placed.positions?.includes(i) ?? true);
    const factors = proportions(taken);
    clear({ ...places, positions: taken });
    for (const { holder, key, part } of taken) holder[key] = variant(placed, factors.get(part)!, part);
    return places.model;
  }
  const spots = role === "weight" || role === "product"
    ? weightSpots(places, definition)
    : new Map(places.options.filter(({ roles }) => roles.includes(role)).map((spot) => [spot, 1]));
  const wanted = [...spots].map(([spot, factor]) => [spot, variant(placed, factor, spot.part)] as const);
  clear(places);
  for (const [{ layer, option }, part] of wanted) if (part.plugin === placed.plugin) layer[option] = part;
  return places.model;
}

/** How many places there are for a role. */
function spotsFor(role: Role, places: Places, definition: AnyDefinition): number {
  if (role === "activation") return places.positions.length;
  if (role === "weight" || role === "product") return weightSpots(places, definition).size;
  return places.options.filter(({ roles }) => roles.includes(role)).length;
}

/** The weights for a variant, with the proportion of each: those that had one, and those whose units were dropped. */
function weightSpots(places: Places, definition: AnyDefinition): Map<OptionSpot, number> {
  const served = rolesOf(definition);
  const takes = ({ roles }: OptionSpot) => roles.some((role) => served.includes(role));
  const ofWeights = places.options.filter(({ roles }) => roles.includes("weight"));
  const spots = new Map<OptionSpot, number>();
  for (const spot of ofWeights) if (spot.part !== undefined && takes(spot)) spots.set(spot, 1);
  const factors = proportions(places.positions);
  for (const { behind, part } of places.positions) {
    const own = ofWeights.filter(({ layer }) => layer === behind).filter(takes);
    // Of a recurrent layer, the weight of the state rather than that of the input.
    const spot = own.find(({ option }) => option === "weight") ?? own[0];
    if (spot !== undefined) spots.set(spot, Math.max(spots.get(spot) ?? 0, factors.get(part)!));
  }
  return spots;
}

/** The variant for one place; the identity where the model's own rate is 0. */
function variant({ plugin, options, tuned }: Placed, factor: number, before: Part | undefined): Part {
  // What else the model's own says of itself, such as which axes share a draw, still holds for the same plugin.
  const own = before?.plugin === plugin
    ? before
    : { plugin, ...(before?.name === undefined ? {} : { name: before.name }) };
  const scaled = tuned?.option === "rate" ? factor : 1;
  if (scaled === 0) return identity(own);
  return { ...own, ...options, ...(tuned && { [tuned.option]: Number((tuned.value * scaled).toPrecision(12)) }) };
}
