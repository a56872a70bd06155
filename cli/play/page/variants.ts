/** Which variants of dropout fit a small dense net, found by building one with each, and what their options take. @module */
import {
  type AnyFactory,
  buildModel,
  type LayerPlugin,
  type Plugin,
  Registry,
  rolesOf,
  Tensor,
} from "../../../core/mod.ts";
import { builtins } from "../../../plugins/builtins.ts";
import { dense, relu, sequential } from "../../../plugins/mod.ts";
import { describeDefinition, type OptionTold } from "../../configuration/describe_definition.ts";
import type { JsonSchema } from "../../configuration/json_schema.ts";
import type { OptionValue } from "./scene.ts";

/** All plugins, by name. */
export const registry: Registry = new Registry(builtins);

/** An option that a page can set. */
export interface VariantOption {
  /** Its name. */
  readonly name: string;
  /** What it means. */
  readonly meaning: string;
  /** What it is where nothing is said. */
  readonly default: OptionValue;
  /** Its least and greatest value and the step between them, for numbers: what the plugin allows, or a range around the default. */
  readonly range?: readonly [least: number, most: number, step: number];
  /** What it may be, for words. */
  readonly choices?: readonly string[];
}

/** A variant that fits. */
export interface Variant {
  /** The plugin's name. */
  readonly name: string;
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Where it stands: behind units, or at the weights that lead into them. */
  readonly at: "units" | "weights";
  /** Authors and year, and where to read. */
  readonly paper: { readonly cited: string; readonly title: string; readonly url: string | undefined } | undefined;
  /** The option that is set at each site by itself, such as `rate`. */
  readonly main: VariantOption;
  /** Whether a main option of 0 is as if the variant were not there. */
  readonly neutral: boolean;
  /** Whether what it draws depends on what it is given. */
  readonly adaptive: boolean;
  /** Whether it can stand behind the two inputs. */
  readonly inputs: boolean;
  /** The others. */
  readonly options: readonly VariantOption[];
}

/** Whether a step of training goes through. */
function trains(root: LayerPlugin): boolean {
  try {
    const model = buildModel(root, { inputShape: [2] });
    const progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1, examples: 4 };
    model.forward(Tensor.from(Float32Array.of(0.5, 1, -1, 2, 0.3, -0.2, 1, 1), [4, 2]), { mode: "train", progress });
    return true;
  } catch {
    return false; // it asks for channels, a sequence, options that have no default
  }
}

/** A net of one hidden layer with a variant in it. */
function netWith(variant: Plugin, at: Variant["at"]): LayerPlugin {
  return at === "weights"
    ? sequential([dense(16, { weight: variant as Plugin<"weight"> }), relu(), dense(2)])
    : sequential([dense(16), relu(), variant as LayerPlugin, dense(2)]);
}

/** Whether a variant draws nothing in training. */
function isNeutral(variant: Plugin, at: Variant["at"]): boolean {
  const model = buildModel(netWith(variant, at), { inputShape: [2] });
  const x = Tensor.ones([4, 2]);
  const progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1, examples: 4 };
  const [trained, evaluated] = [model.forward(x, { mode: "train", progress }), model.forward(x)];
  return trained.floats.every((value, i) => value === evaluated.floats[i]);
}

/** The first part of a schema that is no list and no plugin: of a number that may be a schedule, the number. */
function plain(schema: JsonSchema): JsonSchema {
  const parts = schema.anyOf as JsonSchema[] | undefined;
  return parts === undefined ? schema : parts.find(({ type }) => type === "number" || type === "integer") ?? schema;
}

/** An option as a page sets it; undefined for what it cannot. */
function settable({ name, schema, default: value, description: meaning }: OptionTold): VariantOption | undefined {
  const { type, enum: choices, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = plain(schema) as
    & { type?: string; enum?: string[] }
    & Partial<Record<"minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", number>>;
  if (choices !== undefined && typeof value === "string") return { name, meaning, default: value, choices };
  if (type === "boolean" && typeof value === "boolean") return { name, meaning, default: value };
  if ((type !== "number" && type !== "integer") || typeof value !== "number") return undefined;
  const step = type === "integer" ? 1 : 0.01;
  const reach = type === "integer" ? Math.max(8, 2 * value) : Math.max(1, 4 * Math.abs(value));
  const least = minimum ?? (exclusiveMinimum === undefined ? -reach : exclusiveMinimum + step);
  const most = maximum ?? (exclusiveMaximum === undefined ? reach : exclusiveMaximum - step);
  return { name, meaning, default: value, range: [least, Math.min(most, Math.max(reach, least)), step] };
}

function variantOf({ definition }: AnyFactory): Variant | undefined {
  const roles = rolesOf(definition);
  const ways = [
    ...(roles.includes("activation") ? ["units" as const] : []),
    ...(roles.includes("product") || roles.includes("weight") ? ["weights" as const] : []),
  ];
  if (roles.includes("layer") || roles.includes("embedding") || definition.paper === undefined) return undefined;
  const make = (options: Record<string, unknown> = {}) => registry.create({ plugin: definition.name, ...options }, "");
  if (!definition.options.safeParse({}).success) return undefined;
  const at = ways.find((at) => trains(netWith(make(), at)));
  if (at === undefined) return undefined;
  const { name, summary, paper, claims, options } = describeDefinition(definition);
  const told = options.map(settable).filter((option) => option !== undefined);
  const main = told.find(({ range }) => range !== undefined);
  if (main === undefined) return undefined;
  const [first] = paper!.authors.split(",");
  const zero = main.range![0] <= 0;
  return {
    name,
    summary,
    at,
    paper: {
      cited: `${first}${paper!.authors.includes(",") ? " et al." : ""}, ${paper!.year}`,
      title: paper!.title,
      url: paper!.url,
    },
    main,
    neutral: zero && isNeutral(make({ [main.name]: 0 }), at),
    adaptive: claims?.adaptive === true,
    inputs: at === "units" && trains(sequential([make() as LayerPlugin, dense(2)])),
    options: told.filter((option) => option !== main),
  };
}

/**
 * The variants of dropout that a dense net of two inputs can be trained with: those with a paper behind them that stand at
 * units or weights and take a batch of vectors, by name. Each is tried.
 */
export function fittingVariants(): Variant[] {
  return registry.list().map(variantOf).filter((variant) => variant !== undefined);
}
