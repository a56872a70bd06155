/**
 * Schedules in the place of numbers, and what those that remember something remember.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { isPlugin } from "./define.ts";
import type { Plugin, Progress } from "./plugin.ts";
import type { EpochMetrics } from "../train/events.ts";

/** A number, or a schedule that gives one: what an option's input may be. */
export type Scheduled = number | Plugin<"schedule">;

/** What one schedule remembers. */
export type ScheduleState = Readonly<Record<string, number>>;

/** What the schedules of a training run remember, by where they stand. Plain JSON, saved with checkpoints. */
export class ScheduleMemory {
  readonly #entries = new Map<string, { plugin: Plugin<"schedule">; state: ScheduleState }>();
  #saved: Readonly<Record<string, ScheduleState>> = {};

  /** What the schedule at a place remembers now. */
  at(path: string, plugin: Plugin<"schedule">): ScheduleState {
    let entry = this.#entries.get(path);
    if (entry?.plugin !== plugin) {
      const state = entry?.state ?? this.#saved[path] ?? plugin.definition.initial!(plugin.options);
      entry = { plugin, state };
      this.#entries.set(path, entry);
    }
    return entry.state;
  }

  /** Tells all schedules what was measured after an epoch. */
  epoch(metrics: EpochMetrics): void {
    for (const entry of this.#entries.values()) {
      const { plugin, state } = entry;
      entry.state = plugin.definition.epoch!({ options: plugin.options, state, metrics });
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

/** Whether a schedule remembers anything. */
function remembers(plugin: Plugin<"schedule">): boolean {
  return plugin.definition.epoch !== undefined && plugin.definition.initial !== undefined;
}

/**
 * The value of a number that may be a schedule, at a point of training.
 *
 * @param memory what schedules remember; without it one that does is refused
 */
export function scheduledValue(
  value: Scheduled,
  progress: Progress,
  path = "schedule",
  memory?: ScheduleMemory,
): number {
  if (typeof value === "number") return value;
  const { definition, options } = value;
  if (!remembers(value)) return definition.value(progress, options, {});
  if (memory === undefined) {
    throw new OptionError(path, "a number or a schedule that remembers nothing, since it stands inside another", value);
  }
  return definition.value(progress, options, memory.at(path, value));
}

/** Options with each schedule replaced by its value; the same object when there is none. */
export function withoutSchedules(
  options: Readonly<Record<string, unknown>>,
  progress: Progress,
  path: string,
  memory?: ScheduleMemory,
): Readonly<Record<string, unknown>> {
  let changed: Record<string, unknown> | undefined;
  for (const name in options) {
    const value = options[name];
    if (!isPlugin(value, "schedule")) continue;
    changed ??= { ...options };
    changed[name] = scheduledValue(value, progress, path === "" ? name : `${path}.${name}`, memory);
  }
  return changed ?? options;
}
