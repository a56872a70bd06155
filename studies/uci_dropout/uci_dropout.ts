/**
 * The experiment on tables of Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in
 * Deep Learning", ICML 2016, section 5.2, as the authors' code runs it since 2018; and, with learned rates in place of the
 * grid's, of Gal, Hron and Kendall, "Concrete Dropout", NIPS 2017, section 4.2.
 *
 * @module
 */
import { OptionError } from "../../mod.ts";
import { backendOf, backendOption } from "../backend.ts";
import type { Study, StudyArguments, StudyHost, StudyOutcome } from "../study.ts";
import { type Identity, identityIn, KeptStudy } from "./_kept.ts";
import type { SplitRows } from "./_part.ts";
import { MOST_NETS, type Protocol, SEEDS, type SplitResult, stepsOf } from "./_protocol.ts";
import { fingerprintOf, readSet, readSplit, type UciSet } from "./_set.ts";
import { describe, digits, summarize } from "./_summary.ts";
import { runSplits } from "./_workers.ts";

const NAME = "uci-dropout";
/** One more than the number of a Monte Carlo pass can be. */
const PASSES = 2 ** 14;
const wholeSplits = "numbers of splits and ranges of them, such as 0-19 or 0,3,5-7";

/** The study. */
export const uciDropout: Study = {
  name: NAME,
  summary: "Dropout's uncertainty on tables with given splits, as Gal and Ghahramani measured it.",
  options: [
    { name: "set", value: "NAME|FOLDER", meaning: "a set by its name, or the path of its folder; must be given" },
    { name: "data", value: "DIR", meaning: "the folder with the sets", default: "the one that THINNED_DATA names" },
    { name: "splits", value: "LIST", meaning: wholeSplits, default: "all" },
    { name: "epochs-times", value: "N", meaning: "multiplies the set's epochs, which are usually 40", default: "1" },
    { name: "samples", value: "T", meaning: "Monte Carlo passes of a prediction", default: "10000" },
    {
      name: "rate",
      value: "grid|concrete",
      meaning: "rates from the set's dropout_rates.txt, or learned by concrete dropout",
      default: "grid",
    },
    { name: "layers", value: "N", meaning: "hidden layers", default: "1" },
    { name: "batch-size", value: "N", meaning: "examples a step", default: "128" },
    { name: "seed", value: "N", meaning: "what everything random follows from", default: "0" },
    { name: "workers", value: "N", meaning: "splits side by side, a thread each", default: "one for each processor" },
    backendOption,
    {
      name: "out",
      value: "DIR",
      meaning: "the folder that keeps finished splits; one that holds the same study goes on",
      default: "runs/TIME-uci-dropout-SET",
    },
    { name: "resume", value: "DIR", meaning: "go on with the study in a folder, with its own settings" },
  ],
  examples: [
    [`study ${NAME} --set yacht --epochs-times 100`, "the yacht set, as the published figures were computed"],
    [`study ${NAME} --set concrete --epochs-times 100 --json`, "one object at the end"],
    [`study ${NAME} --set yacht --epochs-times 100 --rate concrete`, "rates that are learned"],
    [`study ${NAME} --resume runs/mine`, "go on with one that was stopped"],
  ],
  notes: [
    "A set is a folder with the files of the authors' repository: data.txt, index_features.txt, index_target.txt, " +
    "n_splits.txt, index_train_K.txt and index_test_K.txt for each split K, dropout_rates.txt, tau_values.txt, and " +
    "n_hidden.txt and n_epochs.txt where they differ from 50 and 40.",
    "For each split nets with all rates and precisions are trained on the first four fifths of the training rows; the " +
    "one with the best log-likelihood of the last fifth is trained anew on all of them and measured on the test rows. " +
    "With --rate concrete only the precision is chosen so: the noise is the same everywhere, as with the grid.",
    "Ctrl-C stops it; finished splits are kept. The result does not depend on the number of workers.",
  ],
  run,
};

/** What a call asks for. */
interface Asked {
  readonly about: Identity;
  readonly set: UciSet;
  readonly out: string;
}

async function run(given: StudyArguments, host: StudyHost): Promise<StudyOutcome> {
  const resume = given.value("resume");
  const { about, set, out } = resume === undefined ? await ask(given) : await goOn(given, resume);
  const splits = readSplits(given.value("splits"), set.splits);
  const workers = given.whole("workers", 1) ?? navigator.hardwareConcurrency;
  const backend = backendOf(given);
  const protocol = protocolOf(about, set);
  // All rows are read before anything is written, so that what is wrong with them leaves nothing behind.
  const rows = new Map<number, SplitRows>();
  for (const split of splits) rows.set(split, await readSplit(set, split));
  const kept = await KeptStudy.open(out, about);
  try {
    const results = await kept.finished(splits);
    if (results.length > 0) host.note(`${results.length} of ${splits.length} splits are finished in ${out}.`);
    const open = splits.filter((split) => !results.some((result) => result.split === split));
    const progress = new SplitProgress(
      host,
      set.name,
      new Map(open.map((split) => {
        return [split, stepsOf(protocol, rows.get(split)!)];
      })),
    );
    await runSplits({
      protocol,
      splits: open,
      rowsOf: (split) => rows.get(split)!,
      workers: Math.max(1, Math.min(workers, open.length)),
      backend,
      signal: host.signal,
      opened: ({ name, blas, instructions }, reason) => {
        const side = Math.min(workers, open.length);
        host.note(`${name} backend: ${blas}; ${side} side by side, ${instructions}. ${reason}`.trim());
      },
      steps: (split, steps) => progress.tell(split, steps),
      done: async (result) => {
        await kept.keep(result);
        results.push(result);
        progress.finish(result);
      },
    });
    const complete = results.length === splits.length;
    if (!complete) host.note(`Stopped. To go on: ${host.command(`study ${NAME} --resume ${out}`)}`);
    const summary = summarize(about, results, { out, complete });
    return { json: summary, text: describe(summary), complete };
  } finally {
    kept.release();
  }
}

/** A study with settings from the command line. */
async function ask(given: StudyArguments): Promise<Asked> {
  const name = given.value("set");
  if (name === undefined) {
    throw new OptionError("--set", "the name of a set, such as concrete, or the path of its folder", "nothing");
  }
  const rate = given.value("rate") ?? "grid";
  if (rate !== "grid" && rate !== "concrete") throw new OptionError("--rate", '"grid" or "concrete"', rate);
  const samples = given.whole("samples", 1) ?? 10000;
  if (samples > PASSES) throw new OptionError("--samples", `at most ${PASSES} passes`, samples);
  const seed = given.whole("seed", 0) ?? 0;
  if (seed >= SEEDS) throw new OptionError("--seed", `a whole number below ${SEEDS}`, seed);
  const set = await readSet(name, given.value("data"), rate === "grid");
  const about: Identity = {
    study: NAME,
    set: set.name,
    folder: await Deno.realPath(set.folder),
    fingerprint: await fingerprintOf(set),
    rate,
    epochsTimes: given.whole("epochs-times", 1) ?? 1,
    layers: given.whole("layers", 1) ?? 1,
    batchSize: given.whole("batch-size", 1) ?? 128,
    samples,
    seed,
  };
  return { about, set, out: given.value("out") ?? await freeName(set.name) };
}

/** A study that goes on as its folder says. */
async function goOn(given: StudyArguments, out: string): Promise<Asked> {
  for (const name of ["set", "rate", "epochs-times", "samples", "layers", "batch-size", "seed", "out"]) {
    const value = given.value(name);
    if (value !== undefined) throw new OptionError(`--${name}`, "nothing beside --resume, which has its own", value);
  }
  const about = await identityIn(out);
  if (about === undefined || about.study !== NAME) {
    throw new OptionError("--resume", `the folder of a study ${NAME}`, out);
  }
  const data = given.value("data");
  const set = await readSet(data === undefined ? `${about.folder}/` : about.set, data, about.rate === "grid");
  return { about: { ...about, fingerprint: await fingerprintOf(set) }, set, out };
}

function protocolOf(about: Identity, set: UciSet): Protocol {
  const { rate, layers, batchSize, samples, seed, epochsTimes } = about;
  const rates = rate === "grid" ? set.rates : null;
  const nets = (rates?.length ?? 1) * set.taus.length;
  if (nets > MOST_NETS) throw new OptionError("--set", `a grid of at most ${MOST_NETS} nets`, nets);
  return {
    rates,
    taus: set.taus,
    hidden: set.hidden,
    layers,
    epochs: set.epochs * epochsTimes,
    batchSize,
    samples,
    seed,
  };
}

/** Splits from a list of numbers and ranges. */
export function readSplits(text: string | undefined, count: number): number[] {
  if (text === undefined) return Array.from({ length: count }, (_, split) => split);
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    const [from, to] = match === null ? [NaN, NaN] : [Number(match[1]), Number(match[2] ?? match[1])];
    if (!(from <= to)) throw new OptionError("--splits", wholeSplits, text);
    if (to >= count) throw new OptionError("--splits", `splits below ${count}, the number that the set has`, text);
    for (let split = from; split <= to; split++) found.add(split);
  }
  return [...found].sort((a, b) => a - b);
}

/** A folder that is not there yet. */
async function freeName(set: string): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const name = `runs/${time}-${NAME}-${set}`;
  for (let i = 1;; i++) {
    const path = i === 1 ? name : `${name}-${i}`;
    if (await Deno.lstat(path).then(() => false, () => true)) return path;
  }
}

/** Tells a person how far the splits have come. */
class SplitProgress {
  readonly #host: StudyHost;
  readonly #set: string;
  readonly #totals: ReadonlyMap<number, number>;
  readonly #done = new Map<number, number>();
  readonly #started = performance.now();
  #finished = 0;

  /** @param totals steps of each split */
  constructor(host: StudyHost, set: string, totals: ReadonlyMap<number, number>) {
    this.#host = host;
    this.#set = set;
    this.#totals = totals;
  }

  tell(split: number, steps: number): void {
    this.#done.set(split, steps);
    this.#host.show(`${this.#set}: ${this.#finished} of ${this.#totals.size} splits; ${this.#pace()}`);
  }

  finish({ split, rmse, logLikelihood, rates, tau, seconds }: SplitResult): void {
    this.#done.set(split, this.#totals.get(split)!);
    this.#finished++;
    this.#host.note(
      `split ${split}: RMSE ${digits(rmse)}, log-likelihood ${digits(logLikelihood)} (rate ` +
        `${[...new Set(rates.map(digits))].join(", ")}, tau ${tau}, ${seconds.toFixed(1)} s); ` +
        `${this.#finished} of ${this.#totals.size}; ${this.#pace()}`,
    );
  }

  #pace(): string {
    const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);
    const [done, total] = [sum(this.#done.values()), sum(this.#totals.values())];
    const seconds = (performance.now() - this.#started) / 1000;
    const left = done === 0 ? Infinity : seconds * (total - done) / done;
    const time = left < 90 ? `${Math.round(left)} s` : `${Math.round(left / 60)} min`;
    return `${Math.round(done / seconds)} steps/s${done === total ? "" : `, about ${time} left`}`;
  }
}
