/**
 * Schedules in the place of numbers, and what those that remember something remember.
 *
 * @module
 */
import { OptionError, PluginError, show } from "../errors.ts";
import { isPlugin } from "./is_plugin.ts";
import type { Plugin, Progress, ScheduleSite } from "./plugin.ts";
import type { EpochMetrics } from "../train/events.ts";

/** A number, or a schedule that gives one: what an option's input may be. */
export type Scheduled = number | Plugin<"schedule">;

/** What one schedule remembers. */
export type ScheduleState = Readonly<Record<string, number>>;

/** Which of a model's places a schedule stands at. */
export type SchedulePlace = Pick<ScheduleSite, "index" | "count">;

const alone: SchedulePlace = { index: 0, count: 1 };

/** What the schedules of a training run remember, by where they stand. Plain JSON, saved with checkpoints. */
export class ScheduleMemory {
  readonly #placeOf: (path: string, plugin: Plugin<"schedule">) => SchedulePlace;
  readonly #entries = new Map<string, { plugin: Plugin<"schedule">; state: ScheduleState }>();
  #saved: Readonly<Record<string, ScheduleState>> = {};

  /**
   * An empty memory.
   *
   * @param placeOf which of a model's places a schedule stands at; without a model there is one
   */
  constructor(placeOf: (path: string, plugin: Plugin<"schedule">) => SchedulePlace = () => alone) {
    this.#placeOf = placeOf;
  }

  /** Which of the model's places the schedule at a path stands at. */
  place(path: string, plugin: Plugin<"schedule">): SchedulePlace {
    return this.#placeOf(path, plugin);
  }

  /** What the schedule at a place remembers now. */
  at(path: string, plugin: Plugin<"schedule">): ScheduleState {
    let entry = this.#entries.get(path);
    if (entry?.plugin !== plugin) {
      // A schedule that takes the place of another of its kind goes on from what that one remembered.
      const before = entry === undefined ? this.#saved[path] : sameKind(entry.plugin, plugin) ? entry.state : undefined;
      entry = { plugin, state: before ?? numbersOf(plugin, "initial", plugin.definition.initial!(plugin.options)) };
      this.#entries.set(path, entry);
    }
    return entry.state;
  }

  /** Tells all schedules what was measured after an epoch. */
  epoch(metrics: EpochMetrics): void {
    for (const entry of this.#entries.values()) {
      const { plugin, state } = entry;
      entry.state = numbersOf(plugin, "epoch", plugin.definition.epoch!({ options: plugin.options, state, metrics }));
    }
  }

  /** Everything that is remembered, by place. */
  toJSON(): Record<string, ScheduleState> {
    return { ...this.#saved, ...Object.fromEntries([...this.#entries].map(([path, { state }]) => [path, state])) };
  }

  /** Goes on from what `toJSON` gave. */
  restore(saved: Readonly<Record<string, ScheduleState>>): void {
    this.#saved = saved;
    this.#entries.clear();
  }
}

function sameKind(a: Plugin, b: Plugin): boolean {
  return a.definition === b.definition;
}

/** What a schedule's method returned, if it is numbers by name. */
function numbersOf(plugin: Plugin, method: string, found: unknown): ScheduleState {
  const isRecord = typeof found === "object" && found !== null && !Array.isArray(found);
  if (isRecord && Object.values(found).every((value) => typeof value === "number")) return found as ScheduleState;
  throw new PluginError(`${plugin.plugin}: expected numbers by name from its method ${method}, found ${show(found)}.`);
}

/** Whether a schedule remembers anything. */
function remembers(plugin: Plugin<"schedule">): boolean {
  return plugin.definition.epoch !== undefined && plugin.definition.initial !== undefined;
}

/**
 * The value of a number that may be a schedule, at a point of training.
 *
 * @param path where the number stands, for errors
 * @param memory what schedules remember; without it one that does is refused
 * @param at where the memory keeps it; default `path`
 * @throws {OptionError} for a schedule that remembers something where nothing can be remembered, as in an augmentation
 */
export function scheduledValue(
  value: Scheduled,
  progress: Progress,
  path = "schedule",
  memory?: ScheduleMemory,
  at = path,
): number {
  if (typeof value === "number") return value;
  const { definition, options } = value;
  const site: ScheduleSite = {
    ...memory?.place(at, value) ?? alone,
    inner: (inner, when, name) => scheduledValue(inner, when, under(path, name), memory, under(at, name)),
  };
  if (!remembers(value)) return definition.value(progress, options, {}, site);
  if (memory === undefined) {
    throw new OptionError(path, "a number or a schedule that remembers nothing, since nothing is kept here", value);
  }
  return definition.value(progress, options, memory.at(at, value), site);
}

/** Whether options hold a schedule: they are immutable. */
const holding = new WeakMap<object, boolean>();

function holds(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (isPlugin(value)) return isPlugin(value, "schedule");
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).some(holds);
}

function under(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The schedules among options, by their paths under `path`; those that stand inside of other plugins are not told. */
export function schedulesIn(value: unknown, path: string): [path: string, schedule: Plugin<"schedule">][] {
  if (!holds(value)) return [];
  if (isPlugin(value, "schedule")) {
    return [[path, value], ...schedulesIn({ ...value.options }, path)];
  }
  return Object.entries(value as object).flatMap(([name, entry]) => schedulesIn(entry, under(path, name)));
}

/**
 * Options with each schedule replaced by its value, also in arrays and objects inside; the same object when there is none.
 *
 * @param path where the options stand, for errors
 * @param memory what schedules remember
 * @param at where the memory keeps it; default `path`
 */
export function withoutSchedules(
  options: Readonly<Record<string, unknown>>,
  progress: Progress,
  path: string,
  memory?: ScheduleMemory,
  at = path,
): Readonly<Record<string, unknown>> {
  let some = holding.get(options);
  if (some === undefined) holding.set(options, some = holds(options));
  if (!some) return options;
  const replaced = (value: unknown, path: string, at: string): unknown => {
    if (!holds(value)) return value;
    if (isPlugin(value, "schedule")) return scheduledValue(value, progress, path, memory, at);
    if (Array.isArray(value)) return value.map((entry, i) => replaced(entry, under(path, `${i}`), under(at, `${i}`)));
    return Object.fromEntries(
      Object.entries(value as object).map(([name, entry]) => [
        name,
        replaced(entry, under(path, name), under(at, name)),
      ]),
    );
  };
  return replaced({ ...options }, path, at) as Readonly<Record<string, unknown>>;
}
