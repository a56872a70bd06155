/** The temperatures of a run, kept in its folder for later predictions. @module */
import { OptionError } from "../../mod.ts";
import { keepFile } from "./keep_file.ts";

const FILE = "temperatures.json";

/** What a temperature belongs to. */
export interface TemperatureOf {
  /** The run directory. */
  readonly out: string;
  /** The run, or the ensemble. */
  readonly name: string;
  /** The step of each of its models when they were measured. */
  readonly steps: readonly number[];
}

/** A temperature that was fitted. */
export interface SavedTemperature {
  /** Monte Carlo passes of each model, or 0 for one without draws. */
  readonly samples: number;
  /** The seed of the passes. */
  readonly seed: number;
  /** The temperature, above 0. */
  readonly temperature: number;
}

interface Entry extends SavedTemperature {
  readonly run: string;
  readonly steps: readonly number[];
}

/**
 * Keeps a temperature beside those that are there, in place of one for the same run and number of passes.
 *
 * @returns the path of the file; undefined where it may not, or cannot, be written, which is then said
 */
export async function saveTemperature(
  { out, name, steps }: TemperatureOf,
  saved: SavedTemperature,
): Promise<string | undefined> {
  const path = `${out}/${FILE}`;
  const others = (await entries(path)).filter(({ run, samples }) => run !== name || samples !== saved.samples);
  const text = JSON.stringify({ temperatures: [...others, { run: name, steps, ...saved }] }, null, 2) + "\n";
  return await keepFile(out, FILE, new TextEncoder().encode(text), "The temperature");
}

/**
 * The temperature that was fitted for a run as it is now, with a number of passes.
 *
 * @throws {OptionError} when none was, or the run has gone on since
 */
export async function savedTemperature({ out, name, steps }: TemperatureOf, samples: number): Promise<number> {
  const entry = (await entries(`${out}/${FILE}`)).find((entry) => entry.run === name && entry.samples === samples);
  const how = `evaluate --run ${out}${samples === 0 ? "" : ` --samples ${samples}`}`;
  const expected = `a run whose temperature was fitted; "${how}" does it`;
  if (entry === undefined) throw new OptionError("--temperature", expected, `none for ${name}`);
  if (JSON.stringify(entry.steps) !== JSON.stringify(steps)) {
    throw new OptionError("--temperature", expected, `one of step ${entry.steps}, before the run went on`);
  }
  return entry.temperature;
}

async function entries(path: string): Promise<readonly Entry[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    return [];
  }
  try {
    const { temperatures } = JSON.parse(text);
    const whole = Array.isArray(temperatures) &&
      temperatures.every((entry) =>
        typeof entry?.run === "string" && entry.temperature > 0 && Array.isArray(entry.steps)
      );
    if (whole) return temperatures;
  } catch {
    // said below
  }
  throw new OptionError(path, "temperatures as evaluate writes them", text.slice(0, 40));
}
