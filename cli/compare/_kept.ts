/** What a comparison keeps in its folder: what it is, and each finished training, so that it can be stopped and go on. @module */
import { OptionError, PermissionError, ThinnedError } from "../../mod.ts";
import { z } from "zod";
import { type Config, parseConfig } from "../configuration/config.ts";
import type { Dial } from "./_dial.ts";
import type { SomePositions } from "./_fit.ts";
import type { Field, Round } from "./_halving.ts";
import type { StepCost } from "./_measure.ts";
import type { NamedVariant } from "./_variants.ts";

/** A variant in a comparison. */
export interface Variant extends NamedVariant {
  /** What is tuned of it; absent where there is nothing. */
  readonly dial?: Dial;
  /** Where it stands, if it does not fit all layer positions. */
  readonly positions?: SomePositions;
  /** What its steps cost. */
  readonly cost: StepCost;
}

/** What a training has come to at the end of a round. */
export interface Trained {
  /** Name of the variant. */
  readonly variant: string;
  /** Which of its settings, from 0. */
  readonly setting: number;
  /** Its seed. */
  readonly seed: number;
  /** The round, from 1. */
  readonly round: number;
  /** Epochs done. */
  readonly epochs: number;
  /** Whether it diverged; nothing of it is then measured. */
  readonly diverged: boolean;
  /** Error and loss on the validation part: what is decided by. */
  readonly validationError: number | null;
  readonly validationLoss: number | null;
  /** Errors on the training and the test part, and the test part's negative log-likelihood: of the last round alone. */
  readonly trainError?: number | null;
  readonly testError?: number | null;
  readonly negativeLogLikelihood?: number | null;
}

/** A comparison, as it is written down. */
export interface Comparison {
  /** The version of this format. */
  readonly version: 1;
  /** What is trained but for the variants, with absolute paths. */
  readonly config: Config;
  /** The net without dropout: what its steps cost. */
  readonly none: StepCost;
  /** The variants. */
  readonly variants: readonly Variant[];
  /** The first seed is that of all rounds but the last. */
  readonly seeds: readonly number[];
  /** How many of everything there are. */
  readonly field: Field;
  /** The rounds: they are fixed before the first, whatever the time turns out to be. */
  readonly rounds: readonly Round[];
  /** Finished trainings, in the order in which they were. */
  readonly results: readonly Trained[];
}

const count = z.int().min(0);

const cost = z.object({
  stepMs: z.number(),
  ratio: z.number(),
  stepBytes: z.number(),
  keptBytes: z.number(),
  epochSeconds: z.number(),
});

const number = z.number().nullable();

const schema = z.object({
  version: z.literal(1),
  config: z.unknown(),
  none: cost,
  variants: z.array(z.object({
    label: z.string(),
    name: z.string(),
    plugin: z.string(),
    options: z.record(z.string(), z.unknown()),
    dial: z.object({ option: z.string(), values: z.array(z.number()).min(1) }).optional(),
    positions: z.object({ at: z.array(count).min(1), of: count }).optional(),
    cost,
  })).min(1),
  seeds: z.array(count).min(1),
  field: z.object({ variants: count, settings: count, finalists: count, seeds: count }),
  rounds: z.array(z.object({ epochs: count, variants: count, settings: count, seeds: count })).min(1),
  results: z.array(z.object({
    variant: z.string(),
    setting: count,
    seed: count,
    round: count,
    epochs: count,
    diverged: z.boolean(),
    validationError: number,
    validationLoss: number,
    trainError: number.optional(),
    testError: number.optional(),
    negativeLogLikelihood: number.optional(),
  })),
});

/** The file in a comparison's folder. */
export const FILE = "compare.json";

/**
 * Reads the comparison in a folder.
 *
 * @throws {OptionError} for a folder without one
 * @throws {PermissionError} without permission to read it
 */
export async function readComparison(folder: string): Promise<Comparison> {
  const path = `${folder}/${FILE}`;
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") throw new PermissionError(`Reading ${path} needs the flag --allow-read=${path}.`);
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new OptionError("--resume", "the folder of a comparison", folder);
  }
  const read = schema.safeParse(json);
  if (read.success) return { ...read.data, config: parseConfig(read.data.config) };
  const at = read.error.issues[0].path.join(".");
  throw new ThinnedError(`${path}: expected a comparison, found something else${at === "" ? "" : ` at ${at}`}.`);
}

/**
 * Writes a comparison into its folder, whole or not at all.
 *
 * @throws {ThinnedError} when it cannot be written
 */
export async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  const path = `${folder}/${FILE}`;
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeTextFile(temporary, JSON.stringify(comparison, null, 2) + "\n", { createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new ThinnedError(`--out: ${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
