/** Where variants stand in a model that is written down, and where others could. @module */
import { type AnyDefinition, type Registry, type Role, rolesOf, siteRoles } from "../../mod.ts";
import { type JsonSchema, optionSchemas } from "../configuration/json_schema.ts";
import type { Config } from "../configuration/config.ts";

/** A part of a model, as it is written down. */
export interface Part {
  plugin: string;
  [option: string]: unknown;
}

/** A part in its place, which can be changed. */
export interface Spot {
  /** The object or list that holds it. */
  readonly holder: Record<string | number, unknown>;
  /** Under which key. */
  readonly key: string | number;
}

/** A variant at a layer position. */
export interface PositionSpot extends Spot {
  /** The part as it was. */
  readonly part: Part;
  /** The layer with a weight that computes what the variant acts on; undefined for the input. */
  readonly behind: Part | undefined;
}

/** An option of a layer that takes variants. */
export interface OptionSpot {
  /** The layer. */
  readonly layer: Part;
  /** The option's name. */
  readonly option: string;
  /** The roles that it takes. */
  readonly roles: readonly Role[];
  /** What stands there; undefined for nothing. */
  readonly part: Part | undefined;
}

/** The places of a model. */
export interface Places {
  /** The model, a copy of which all names of parts alone have become objects. */
  readonly model: Part[] | Part;
  /** Variants at layer positions, first to last. */
  readonly positions: readonly PositionSpot[];
  /** Options of layers that take variants of weights, recurrences and so on. */
  readonly options: readonly OptionSpot[];
}

const inner: readonly Role[] = siteRoles.filter((role) => role !== "activation");

/** The options of a plugin that take variants and nothing else. */
function optionsFor(definition: AnyDefinition): { option: string; roles: readonly Role[] }[] {
  return Object.entries(optionSchemas(definition).properties).flatMap(([option, schema]) => {
    const { roles } = schema as JsonSchema & { roles?: readonly Role[] };
    return roles !== undefined && roles.every((role) => inner.includes(role)) ? [{ option, roles }] : [];
  });
}

/** Whether a layer computes units by a weight that can be passed through a variant: no table of symbols. */
function bearsWeight(options: readonly { roles: readonly Role[] }[]): boolean {
  return options.some(({ roles }) => roles.includes("weight")) &&
    !options.some(({ roles }) => roles.includes("embedding"));
}

function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && typeof (value as { plugin?: unknown }).plugin === "string";
}

/**
 * Finds the places of a model, in a copy of it.
 *
 * @param model as a configuration has it
 * @param registry the plugins that it knows
 */
export function placesOf(model: Config["model"], registry: Registry): Places {
  const copy = structuredClone(model);
  const written = Array.isArray(copy) ? copy.map(partOf) : partOf(copy);
  const root: Record<string, unknown> = { model: written };
  const positions: PositionSpot[] = [];
  const options: OptionSpot[] = [];
  let behind: Part | undefined;
  const walk = (value: unknown, spot: Spot): void => {
    if (Array.isArray(value)) return value.forEach((entry, key) => walk(entry, { holder: value as never, key }));
    if (typeof value !== "object" || value === null) return;
    const definition = isPart(value) ? registry.get(value.plugin)?.definition : undefined;
    if (definition !== undefined && isPart(value)) {
      const roles = rolesOf(definition);
      if (roles.includes("activation") && !roles.includes("layer")) {
        positions.push({ ...spot, part: value, behind });
        return;
      }
      if (roles.includes("layer")) {
        const own = optionsFor(definition);
        for (const { option, roles } of own) {
          const there = value[option];
          options.push({ layer: value, option, roles, part: isPart(there) ? there : undefined });
        }
        if (bearsWeight(own)) behind = value;
        for (const [key, entry] of Object.entries(value)) {
          if (!own.some(({ option }) => option === key)) walk(entry, { holder: value, key });
        }
        return;
      }
    }
    for (const [key, entry] of Object.entries(value)) walk(entry, { holder: value as Record<string, unknown>, key });
  };
  walk(written, { holder: root, key: "model" });
  return { model: written, positions, options };
}

function partOf(part: string | Part): Part {
  return typeof part === "string" ? { plugin: part } : part;
}
