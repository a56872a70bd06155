/**
 * What a run records of its sites, layers and weights: a line of JSON after an epoch, in the file `observations.jsonl` of
 * its folder. Training is looked at and never changed: its bits are the same with and without.
 *
 * @module
 */
import { type Dataset, type Model, type Progress, ThinnedError, type Trainer } from "../../mod.ts";
import { note } from "../arguments/deliver.ts";
import { type LayerObservation, observeLayers } from "./observe_layers.ts";
import { observeSites, type SiteObservation } from "./observe_sites.ts";
import { observeWeights, type WeightObservation } from "./observe_weights.ts";

/** The name of the file in a run's folder. */
export const OBSERVATIONS = "observations.jsonl";

/** A line of the file. A number that is not finite is null there. */
export interface ObservationLine {
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** Training examples that were looked at, the first ones. */
  readonly sample: number;
  /** Places of dropout, by path. */
  readonly sites: Readonly<Record<string, SiteObservation>>;
  /** Layers with rectified outputs, by path. */
  readonly layers: Readonly<Record<string, LayerObservation>>;
  /** Parameters, by name. */
  readonly weights: Readonly<Record<string, WeightObservation>>;
  /** Seconds of the whole run so far, between its steps and in making these lines; null where it is not known. */
  readonly seconds: { readonly between: number | null; readonly recording: number };
}

/** Training examples that are looked at with dropout off: as many, and one in so many, but a few at least. */
const SAMPLE = { most: 512, oneIn: 64, least: 256 } as const;

/** Training examples of the pass with dropout on. */
const DRAWN = 64;

/** The part of the time of all steps that recording may take, or the milliseconds of an epoch where that is more. */
const SHARE = 0.015;
const ALLOWANCE_MS = 20;

/** A model, and what of its data is looked at. */
export interface Observed {
  /** The model. */
  readonly model: Model;
  /** Its data. */
  readonly dataset: Dataset;
  /** How far training has come. */
  readonly progress: Progress;
  /** Training examples that are looked at. */
  readonly sample: number;
  /** Examples of a training step. */
  readonly batchSize: number;
}

/** Everything that is recorded of a model at one moment; without what a model refuses to be looked at. */
export function observe(
  { model, dataset, progress, sample, batchSize }: Observed,
): Pick<ObservationLine, "sites" | "layers" | "weights"> {
  const { train, order } = dataset;
  // Layers that carry their state from step to step take batches of one size.
  const drawn = Math.min(train.count, order === "lanes" ? batchSize : Math.min(sample, DRAWN));
  return {
    sites: tried(() => observeSites(model, train, drawn, progress)),
    layers: tried(() => observeLayers(model, train, sample, progress)),
    weights: Object.fromEntries(observeWeights(model, progress)),
  };
}

/** What is looked at for a report is no reason to end a run. */
function tried<T>(look: () => Map<string, T>): Record<string, T> {
  try {
    return Object.fromEntries(look());
  } catch (error) {
    if (error instanceof ThinnedError) return {};
    throw error;
  }
}

/** What a process has spent so far. Times are in milliseconds. */
export interface Spent {
  /** Epochs that it has trained. */
  readonly epochs: number;
  /** In their steps. */
  readonly steps: number;
  /** How often it has recorded. */
  readonly recorded: number;
  /** In recording, but for the first time. */
  readonly recording: number;
  /** In recording the last time, if that was not the first. */
  readonly last: number;
}

/** Whether there is time to record the epoch that has just ended: the first always is, and others where few are dear. */
export function hasTime({ epochs, steps, recorded, recording, last }: Spent): boolean {
  return recorded === 0 || recording + last <= Math.max(SHARE * steps, ALLOWANCE_MS * epochs);
}

/** Records a run while it is trained. */
export class Recorder {
  readonly #trainer: Trainer;
  readonly #dataset: Dataset;
  readonly #path: string;
  readonly #sample: number;
  readonly #idle: () => number;
  /** Lines that are kept from before; undefined once they are in the file. */
  #before: readonly ObservationLine[] | undefined;
  #latest: ObservationLine | undefined;
  #between: number | null = 0;
  #recordingMs = 0;
  /** Of this process alone, by which it is decided whether there is time. */
  readonly #own = { epochs: 0, steps: 0, recorded: 0, recording: 0, last: 0 };
  #broken = false;

  private constructor(
    trainer: Trainer,
    dataset: Dataset,
    path: string,
    before: readonly ObservationLine[],
    idle: () => number,
  ) {
    this.#idle = idle;
    this.#trainer = trainer;
    this.#dataset = dataset;
    this.#path = path;
    this.#before = before;
    this.#latest = before.at(-1);
    const { count } = dataset.train;
    this.#sample = Math.min(count, SAMPLE.most, Math.max(SAMPLE.least, Math.floor(count / SAMPLE.oneIn)));
    if (this.#latest === undefined) return;
    this.#between = this.#latest.seconds.between;
    this.#recordingMs = 1000 * this.#latest.seconds.recording;
  }

  /**
   * A recorder of a run that is about to begin, or to go on: then the lines of the epochs done stay, and later ones are
   * dropped. Nothing is written yet.
   *
   * @param folder the run's folder
   * @param idle seconds so far in which nothing was done on purpose, as while training is paused
   */
  static async of(
    trainer: Trainer,
    dataset: Dataset,
    folder: string,
    idle: () => number = () => 0,
  ): Promise<Recorder> {
    const path = `${folder}/${OBSERVATIONS}`;
    const before = trainer.info.resumedAt === 0 ? [] : await readObservations(path);
    return new Recorder(trainer, dataset, path, before.filter(({ epoch }) => epoch <= trainer.epoch), idle);
  }

  /** Trains to the end of the epoch that has begun, and records it where there is time for that. */
  async runEpoch(): Promise<void> {
    const trainer = this.#trainer;
    const { epoch, info } = trainer;
    const whole = trainer.step === epoch * info.stepsPerEpoch;
    const started = performance.now();
    const idle = this.#idle();
    await trainer.runEpoch();
    const latest = trainer.history.at(-1);
    if (trainer.epoch === epoch || latest === undefined) return;
    const seconds = (performance.now() - started) / 1000 - (this.#idle() - idle);
    // Of an epoch that another process began, not all of the steps were in this time.
    if (!whole || this.#between === null) this.#between = null;
    else this.#between += Math.max(0, seconds - latest.seconds);
    this.#own.epochs++;
    this.#own.steps += 1000 * latest.seconds;
    if (trainer.done || hasTime(this.#own)) await this.record();
  }

  /** Records the epochs done, unless it has. */
  async record(): Promise<void> {
    const { model, epoch, step, info } = this.#trainer;
    if (epoch === 0 || this.#latest?.epoch === epoch || this.#broken) return;
    const { stepsPerEpoch, epochs, examples, batchSize } = info;
    const progress = { step, stepsPerEpoch, totalSteps: stepsPerEpoch * epochs, examples };
    const started = performance.now();
    const found = observe({ model, dataset: this.#dataset, progress, sample: this.#sample, batchSize });
    const own = this.#own;
    const ms = performance.now() - started;
    this.#recordingMs += ms;
    // The first time is no measure: V8 has not compiled what runs then.
    if (own.recorded++ > 0) own.recording += ms;
    own.last = own.recorded > 1 ? ms : 0;
    const line: ObservationLine = {
      epoch,
      step,
      sample: this.#sample,
      ...found,
      seconds: { between: this.#between, recording: this.#recordingMs / 1000 },
    };
    this.#latest = line;
    await this.#write(line);
  }

  async #write(line: ObservationLine): Promise<void> {
    const text = (lines: readonly ObservationLine[]) => lines.map((line) => JSON.stringify(line) + "\n").join("");
    try {
      if (this.#before !== undefined) {
        const temporary = `${this.#path}.${crypto.randomUUID()}.tmp`;
        try {
          await Deno.writeTextFile(temporary, text([...this.#before, line]), { createNew: true });
          await Deno.rename(temporary, this.#path); // in the place of a link, too, which is not followed
        } catch (error) {
          await Deno.remove(temporary).catch(() => {});
          throw error;
        }
        this.#before = undefined;
      } else await Deno.writeTextFile(this.#path, text([line]), { append: true });
    } catch (error) {
      // What is only looked at is no reason to end a run.
      this.#broken = true;
      note(`${this.#path} cannot be written, and nothing more is recorded there: ${(error as Error).message}`);
    }
  }
}

/** The lines of a run's file: none where there is no file; a last line that was cut off is left out. */
export async function readObservations(path: string): Promise<ObservationLine[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  const lines: ObservationLine[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    try {
      lines.push(JSON.parse(line));
    } catch {
      break;
    }
  }
  return lines;
}
