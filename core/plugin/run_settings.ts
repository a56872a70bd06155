/** What a pass is told, from the options of a run. @module */
import { OptionError, refuseUnknown, show } from "../errors.ts";
import { Rows } from "../random/rows.ts";
import type { RunOptions } from "./model_options.ts";
import type { PassSettings } from "./pass_settings.ts";
import { patternOf } from "./pattern_of.ts";
import type { Mode, Progress } from "./plugin.ts";
import { beginning } from "./tree.ts";

/** The progress of a loop that does not say how long it is: schedules stay at their beginning. */
function endless(step: number): Progress {
  // Finite, since a schedule may divide one of them by the other.
  return { step, stepsPerEpoch: Number.MAX_SAFE_INTEGER, totalSteps: Number.MAX_SAFE_INTEGER };
}

const modes: readonly Mode[] = ["train", "eval", "sample"];

const runKeys = [
  "mode",
  "step",
  "progress",
  "sample",
  "pass",
  "rows",
  "carry",
  "stateUpdates",
  "variants",
  "sites",
  "atSites",
  "frozen",
  "atLayers",
];

/**
 * The settings of a run.
 *
 * @param paths the places of the model, among which patterns choose
 * @throws {OptionError} for an option that is unknown or out of range, and a mode that draws without its step
 */
export function settingsOf(options: RunOptions, paths: () => readonly string[]): PassSettings {
  refuseUnknown(options, runKeys, "forward");
  const { mode = "eval", rows, sample, pass } = options;
  if (!modes.includes(mode)) throw new OptionError("forward.mode", `one of ${modes.join(", ")}`, mode);
  const step = (options as { step?: number }).step ?? options.progress?.step;
  const progress = options.progress ?? (mode === "train" && step !== undefined ? endless(step) : beginning);
  if (mode !== "eval" && step === undefined && rows === undefined) {
    throw new OptionError("forward: step", `the number of the step in mode ${mode}, which addresses its masks`, step);
  }
  for (const name of ["sample", "pass", "step"] as const) {
    const given = (options as Record<string, unknown>)[name];
    if (rows === undefined || given === undefined) continue;
    throw new OptionError(`forward.${name}`, "rows to say it, since they are given", given);
  }
  return {
    mode,
    rows: rows ?? Rows.range({ first: sample, step, pass }),
    progress,
    stateUpdates: options.stateUpdates ?? null,
    variants: options.variants ?? null,
    atSites: options.atSites ?? null,
    atLayers: options.atLayers ?? null,
    sites: options.sites === undefined ? null : chosen(options.sites, paths()),
    frozen: options.frozen ?? null,
    drawn: null,
    building: false,
    carry: options.carry ?? null,
    penalties: null,
    emitted: null,
    outputs: null,
    reused: null,
  };
}

/** Whether a place is among those that patterns choose. */
function chosen(patterns: readonly string[], paths: readonly string[]): (path: string) => boolean {
  const found = patterns.map((text, i) => {
    const pattern = patternOf(text, `sites.${i}`);
    if (paths.some((path) => pattern.test(path))) return pattern;
    const known = paths.slice(0, 40).map(show).join(", ");
    throw new OptionError(`sites.${i}`, `a pattern that matches one of ${known}`, text);
  });
  const known = new Map<string, boolean>();
  return (path) => {
    let draws = known.get(path);
    if (draws === undefined) known.set(path, draws = found.some((pattern) => pattern.test(path)));
    return draws;
  };
}
