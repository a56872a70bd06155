/** Making a configuration independent of the folder it is read in. @module */
import { isPathOption, type Registry } from "../../core/mod.ts";
import type { Config } from "../configuration/config.ts";
import { resolvePath } from "./paths.ts";

/**
 * A configuration in which every option that names a file or a folder is an absolute path, in the changes of its runs
 * too.
 *
 * @param config the configuration, or a part of it
 * @param registry tells which options are paths
 * @param base the folder that relative paths count from
 */
export function absolutePaths<T extends object>(config: T, registry: Registry, base: string): T {
  const walk = (json: unknown): unknown => {
    if (Array.isArray(json)) return json.map(walk);
    if (typeof json !== "object" || json === null) return json;
    const entries = Object.entries(json).map(([key, value]) => [key, walk(value)] as const);
    const { plugin } = json as { plugin?: unknown };
    const paths = typeof plugin === "string" ? pathOptions(plugin, registry) : [];
    return Object.fromEntries(
      entries.map(([key, value]) => [key, paths.includes(key) && typeof value === "string" ? resolve(value) : value]),
    );
  };
  const resolve = (path: string) => resolvePath(base, path);
  const pretrained = (value: unknown) => {
    const { path } = (value ?? {}) as { path?: unknown };
    return typeof path === "string" ? { ...value as object, path: resolve(path) } : value;
  };
  const walked = walk(config) as T & Partial<Config>;
  const whole: T = "pretrained" in walked ? { ...walked, pretrained: pretrained(walked.pretrained) } : walked;
  const { runs } = whole as Partial<Config>;
  if (runs === undefined) return whole;
  const change = (path: string, value: unknown): unknown => {
    if (path === "pretrained") return pretrained(value);
    if (path === "pretrained.path" && typeof value === "string") return resolve(value);
    const [name, ...parents] = path.split(".").reverse();
    let host: unknown = config;
    for (const key of parents.reverse()) host = (host as Record<string, unknown> | undefined)?.[key];
    const plugin = typeof host === "string" ? host : (host as { plugin?: unknown } | undefined)?.plugin;
    return (walk({ plugin, [name]: value }) as Record<string, unknown>)[name];
  };
  const changed = runs.map((run) => ({
    ...run,
    set: Object.fromEntries(Object.entries(run.set).map(([path, value]) => [path, change(path, value)])),
  }));
  return { ...whole, runs: changed };
}

/** The names of a plugin's options that name files or folders; none when it is unknown. */
export function pathOptions(plugin: string, registry: Registry): string[] {
  const shape = registry.get(plugin)?.definition.options.shape ?? {};
  return Object.keys(shape).filter((name) => isPathOption(shape[name]));
}
