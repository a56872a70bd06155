/**
 * Ways to say how sure a net is, beside each other: what their probabilities are worth, and what they cost. A comparison like that
 * of Ovadia et al., "Can You Trust Your Model's Uncertainty? Evaluating Predictive Uncertainty under Dataset Shift", NeurIPS 2019,
 * on a net of two hidden layers.
 *
 * @module
 */
import {
  currentBackend,
  type Dataset,
  digits,
  holdBack,
  loadDataset,
  mnist,
  OptionError,
  type Predictor,
  reference,
  sizeOf,
  type Split,
  ThinnedError,
  tryOpenNative,
  useBackend,
} from "../../mod.ts";
import { backendOf, backendOption } from "../backend.ts";
import type { Study, StudyArguments, StudyHost, StudyOutcome } from "../study.ts";
import { measure, type Measured } from "./_measure.ts";
import { methods } from "./_methods.ts";
import { describe, summarize } from "./_summary.ts";

const NAME = "uncertainty";

/** The study. */
export const uncertainty: Study = {
  name: NAME,
  summary: "Ways to say how sure a net is, in one table: error, likelihood, calibration, cost.",
  options: [
    {
      name: "dataset",
      value: "mnist|digits",
      meaning: "handwritten digits, or drawn ones",
      default: "mnist where its files are found, else digits",
    },
    { name: "data", value: "DIR", meaning: "the folder with the data", default: "the one that THINNED_DATA names" },
    { name: "train", value: "N", meaning: "training images, a tenth of which is held back", default: "10000" },
    { name: "test", value: "N", meaning: "test images", default: "10000" },
    { name: "epochs", value: "N", meaning: "passes over the training images", default: "20" },
    { name: "batch-size", value: "N", meaning: "images a step", default: "100" },
    { name: "units", value: "N", meaning: "units of each of two hidden layers", default: "256" },
    { name: "members", value: "N", meaning: "members of the ensemble", default: "5" },
    { name: "samples", value: "T", meaning: "Monte Carlo passes, and draws of weights", default: "50" },
    { name: "seed", value: "N", meaning: "what everything random follows from", default: "1" },
    { name: "seeds", value: "N", meaning: "how many seeds, for a mean and a deviation", default: "1" },
    backendOption,
  ],
  examples: [
    [`study ${NAME}`, "all methods, a minute or a few"],
    [`study ${NAME} --train 60000 --seeds 3 --json`, "all images and three seeds, as one object"],
  ],
  notes: [
    "Methods: the plain net; a temperature fitted on the images that are held back (Guo et al. 2017); dropout with rate 0.5, by " +
    "weight scaling and by Monte Carlo passes (Gal and Ghahramani 2016); masksembles (Durasov et al. 2021); averages of the " +
    "weights (EMA; SWA, Izmailov et al. 2018); a deep ensemble of plain nets (Lakshminarayanan et al. 2017); the Laplace " +
    "approximation of the plain net's last layer (Daxberger et al. 2021); and a plain net distilled from 10 passes of the " +
    "dropout net at each step (Korattikara et al. 2015).",
    "NLL is in nats, ECE in 15 bins of equal width, AURC the area under risk and coverage, AUROC how well images with shuffled " +
    "pixels are spotted by their entropy. Costs are multiples of the plain net's; that of a student includes its teacher's training.",
  ],
  run,
};

async function run(given: StudyArguments, host: StudyHost): Promise<StudyOutcome> {
  const asked = {
    units: given.whole("units", 10) ?? 256,
    epochs: given.whole("epochs", 1) ?? 20,
    batchSize: given.whole("batch-size", 1) ?? 100,
    members: given.whole("members", 1) ?? 5,
    samples: given.whole("samples", 1) ?? 50,
  };
  const [train, test] = [given.whole("train", 20) ?? 10000, given.whole("test", 1) ?? 10000];
  const [seed, seeds] = [given.whole("seed", 0) ?? 1, given.whole("seeds", 1) ?? 1];
  const reason = await openBackend(backendOf(given));
  const loaded = await load(given, train, test);
  const { name: backend, blas } = currentBackend().info();
  host.note(`${backend} backend: ${blas}. ${reason}`);
  const all: Measured[][] = [];
  for (let i = 0; i < seeds && !host.signal.aborted; i++) {
    const data = holdBack(loaded, 0.1, seed + i);
    const own: Measured[] = [];
    let plain: Predictor | undefined;
    for await (const trained of methods({ ...asked, data, seed: seed + i, signal: host.signal })) {
      host.show(`seed ${seed + i}: ${trained.name}`);
      plain ??= trained.predictor;
      own.push(measure(trained, plain, data));
      if (host.signal.aborted) break;
    }
    all.push(own);
  }
  const complete = all.length === seeds && !host.signal.aborted;
  // What a stopped seed has not come to would leave holes: it counts only where it is the first.
  const finished = complete || all.length === 1 ? all : all.slice(0, -1);
  const summary = summarize(finished);
  const about = {
    study: NAME,
    dataset: loaded.name,
    train: loaded.train.count,
    test: loaded.test.count,
    ...asked,
    seed,
    seeds: finished.length,
    backend,
    complete,
  };
  const head = `${about.dataset}: ${about.train.toLocaleString("en")} images to train on, ` +
    `${about.test.toLocaleString("en")} to test, two hidden layers of ${asked.units}, ${asked.epochs} epochs` +
    `${finished.length > 1 ? `, mean ± standard deviation over ${finished.length} seeds` : ""}`;
  return { json: { ...about, methods: summary }, text: `${head}\n\n${describe(summary)}\n`, complete };
}

async function openBackend(wanted: "native" | "reference" | undefined): Promise<string> {
  if (wanted === "reference") {
    useBackend(reference);
    return "As asked.";
  }
  const { backend, reason } = await tryOpenNative();
  if (wanted === "native" && backend.info().name !== "native") throw new ThinnedError(`--backend: ${reason}`);
  return reason;
}

/** The data set that was asked for; without a word, MNIST if it can be found. */
async function load(given: StudyArguments, train: number, test: number): Promise<Dataset> {
  const wanted = given.value("dataset");
  const folder = given.value("data");
  if (wanted !== undefined && wanted !== "mnist" && wanted !== "digits") {
    throw new OptionError("--dataset", '"mnist" or "digits"', wanted);
  }
  if (wanted === "digits" && folder !== undefined) {
    throw new OptionError("--data", "nothing beside drawn digits", folder);
  }
  const files = wanted === "mnist" || folder !== undefined;
  if (wanted !== "digits") {
    try {
      const data = await loadDataset(mnist({ data: folder }));
      return { ...data, train: first(data.train, train), test: first(data.test, test) };
    } catch (error) {
      if (files || !(error instanceof ThinnedError)) throw error;
    }
  }
  return await loadDataset(digits({ train, test }));
}

/** The first examples of a part. */
function first(split: Split, count: number): Split {
  if (count >= split.count) return split;
  const size = sizeOf(split.shape);
  return { ...split, count, inputs: split.inputs.slice(0, count * size), labels: split.labels!.slice(0, count) };
}
