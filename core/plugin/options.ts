/**
 * Options of plugins: schemas that many share, complaints with the path of the wrong value, and schedules in the place of
 * numbers.
 *
 * @module
 */
import type { ZodType } from "./zod_types.ts";
import { z } from "zod";
import { isPlugin } from "./is_plugin.ts";
import { didYouMean } from "../did_you_mean.ts";
import { OptionError } from "../errors.ts";
import type { LayerPlugin, Plugin, Progress, Role } from "./plugin.ts";
import { type Scheduled, type ScheduleMemory, withoutSchedules } from "./schedule_memory.ts";

/** Parses options and turns the first complaint into an {@linkcode OptionError} with the path of the wrong value. */
export function parseOptions(schema: ZodType, input: unknown, path: string): unknown {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw complaint(result.error.issues[0], input, path, schema);
}

function complaint(issue: z.core.$ZodIssue, input: unknown, path: string, schema: ZodType): OptionError {
  const at = [path, ...issue.path.map(String)].filter((part) => part !== "").join(".");
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    const listed = known.length === 0 ? "no such option" : `one of the options ${known.join(", ")}`;
    const where = [at, issue.keys[0]].filter((part) => part !== "").join(".");
    return new OptionError(where, listed, issue.keys[0], didYouMean(issue.keys[0], known));
  }
  let found: unknown = input;
  for (const part of issue.path) found = (found as Record<PropertyKey, unknown> | undefined)?.[part];
  const message = issue.message.replace(/^.*?expected /, "").replace(/, received .*$/, "").replace(
    /^Invalid .*?: /,
    "",
  );
  const words = issue.code === "invalid_value" ? issue.values.filter((value) => typeof value === "string") : [];
  return new OptionError(at, message, found, typeof found === "string" ? didYouMean(found, words) : "");
}

/** The keys that a schema knows at a path into it; none where they are not told by names. */
function keysAt(schema: ZodType, path: readonly PropertyKey[]): string[] {
  let inner: unknown = schema;
  for (let i = 0; inner instanceof z.ZodType;) {
    const { innerType } = inner.def as { innerType?: unknown }; // of what is optional or has a default
    if (innerType !== undefined) inner = innerType;
    else if (i === path.length) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
    else if (inner instanceof z.ZodObject) inner = inner.shape[path[i++] as string];
    else if (inner instanceof z.ZodArray) [inner, i] = [inner.element, i + 1];
    else return [];
  }
  return [];
}

/** A rate: a number in [0, 1]. */
export const rateSchema: ZodType<number, number> = z.number("expected a number in [0, 1]")
  .min(0, "expected a number in [0, 1]").max(1, "expected a number in [0, 1]");

/** An option that is itself a plugin of one of the given roles. */
export function part<R extends Role>(...wanted: readonly R[]): ZodType<Plugin<R>, Plugin<R>> {
  const article = /^[aeiou]/.test(wanted[0]) ? "an" : "a";
  return z.custom<Plugin<R>>((value) => isPlugin(value, ...wanted), {
    error: (issue) => {
      const found = isPlugin(issue.input) ? `; ${issue.input.plugin} serves ${Object.keys(issue.input.serves)}` : "";
      return `expected ${article} ${wanted.join(" or ")} plugin${found}`;
    },
  }).meta({ roles: wanted });
}

/** An option that fits a layer position: a layer, or a variant that serves activations. */
export function layerPart(): ZodType<LayerPlugin, LayerPlugin> {
  return part("layer", "activation") as unknown as ZodType<LayerPlugin, LayerPlugin>;
}

/**
 * A number option that may also be a schedule. The plugin's methods see the number of the moment, checked again.
 *
 * @param schema what the number must satisfy
 */
export function scheduled(schema: ZodType<number, number>): ZodType<number, Scheduled> {
  return z.custom<Scheduled>((value) => isPlugin(value, "schedule") || schema.safeParse(value).success, {
    error: (issue) => {
      const result = schema.safeParse(issue.input);
      const wanted = result.success ? "a number" : result.error.issues[0].message;
      return `${wanted.replace(/, received .*$/, "").replace(/^.*?expected /, "expected ")} or a schedule`;
    },
  }).meta({ scheduled: schema }) as unknown as ZodType<number, Scheduled>;
}

/**
 * The options of a plugin at a point of training: schedules replaced by their values, bounds checked again. A schedule
 * sees the schedules among its own options as they are, since it may ask for their values at other times.
 *
 * @param plugin the plugin
 * @param progress how far training has come
 * @param path where it stands, for errors
 * @param memory what schedules remember
 * @param at where the memory keeps what its schedules remember; default `path`
 */
export function optionsAt(
  plugin: Plugin,
  progress: Progress,
  path: string,
  memory?: ScheduleMemory,
  at = path,
): Readonly<Record<string, unknown>> {
  const { options, definition } = plugin;
  if (definition.value !== undefined) return options;
  const changed = withoutSchedules(options, progress, path, memory, at);
  return changed === options ? options : parseOptions(definition.options, changed, path) as typeof options;
}
