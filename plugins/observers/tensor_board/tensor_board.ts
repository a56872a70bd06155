/** The observer `tensor-board`. @module */
import { z } from "zod";
import {
  definePlugin,
  type EpochMetrics,
  type Factory,
  pathOption,
  type RunInfo,
  type Snapshot,
} from "../../../core/mod.ts";
import { needAccess } from "../_permission.ts";
import { featureImage } from "./_features.ts";
import { histogramOf, plainSettings, type Value } from "./_values.ts";

/** Options of {@linkcode tensorBoard}. */
export interface TensorBoardOptions {
  /** The folder that `tensorboard --logdir` is given; each run has a folder of its name in it. Made if it does not exist. */
  directory: string;
  /** Steps after which loss and error as seen in training are told, a whole number of at least 1. Default 10. */
  everySteps?: number;
  /** Whether histograms of all weights are told after each epoch. Default true. */
  histograms?: boolean;
  /** Whether the features of a first layer that sees images are shown after each epoch. Default true. */
  images?: boolean;
}

/** What is told of every epoch, and known by. */
const EPOCH = "loss/train";

/** The last that is told. */
const END = "_hparams_/session_end_info";

/**
 * Writes event files for TensorBoard: loss and error of each part after each epoch, the gap between training and test, and
 * both as seen in training after steps; histograms of the weights; the features of the first layer as images (Srivastava
 * et al. 2014, figure 7); and what the run was told, as text and as hyperparameters, by which runs are compared.
 *
 * Events are on the disk within about a second. A run that is resumed begins a file of its own, after what earlier ones say
 * of later steps has been cut off, so that no step is told twice; a new run takes the place of an earlier one of its name.
 *
 * A run throws `PermissionError` without permission to read and write the folder, and `ThinnedError` when it cannot be written to.
 *
 * @example
 * ```ts
 * import { dense, digits, dropout, fit, relu, sequential, sgd, tensorBoard } from "@thinned/dropout";
 *
 * const directory = await Deno.makeTempDir();
 * await fit(sequential([dense(16), relu(), dropout(), dense(10)]), {
 *   data: digits({ train: 200, test: 100 }), optimizer: sgd(), epochs: 2,
 *   observers: [tensorBoard({ directory })], name: "dropout",
 * });
 * for await (const { name } of Deno.readDir(`${directory}/dropout`)) console.log(name); // tensorboard --logdir DIRECTORY
 * ```
 */
export const tensorBoard: Factory<"observer", TensorBoardOptions> = definePlugin({
  name: "tensor-board",
  summary: "Writes curves, histograms, images and the configuration for TensorBoard.",
  options: z.object({
    directory: pathOption("folder").describe("the folder that TensorBoard is given"),
    everySteps: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(
      10,
    )
      .describe("steps after which loss and error as seen in training are told"),
    histograms: z.boolean("expected true or false").default(true).describe("histograms of all weights"),
    images: z.boolean("expected true or false").default(true).describe("features of a first layer that sees images"),
  }),
  async observe({ options: { directory, everySteps, histograms, images }, run }) {
    await needAccess("tensor-board", directory); // finds out now, not after an epoch
    // Loaded when it is asked for: nobody else needs what encodes.
    const { EventFiles } = await import("./_event_files.ts");
    const { files, toldAt } = await EventFiles.begin(`${directory}/${run.name}`, run.resumedAt, END);
    const add = (step: number, values: readonly Value[]) => files.add({ time: Date.now() / 1000, step, values });
    if (toldAt("configuration") < 0) add(0, configurationOf(run));
    let told = toldAt(EPOCH);
    const tell = (metrics: EpochMetrics, more: () => Value[] = () => []) => {
      if (metrics.step <= told) return;
      told = metrics.step;
      add(metrics.step, [...epochValues(metrics), ...more()]);
    };
    // An earlier process may have ended between a checkpoint and the epoch's event.
    const catchUp = (history: readonly EpochMetrics[]) =>
      history.filter(({ step }) => step <= run.resumedAt).forEach((metrics) => tell(metrics));
    let caughtUp = run.resumedAt === 0;
    return {
      step(event) {
        if (!caughtUp) catchUp(event.snapshot().progress.history);
        caughtUp = true;
        if (event.step % everySteps === 0) {
          add(event.step, [scalar("in training/loss", event.loss), scalar("in training/error", event.error)]);
        }
        return files.due ? files.flush() : undefined;
      },
      async epoch({ snapshot, ...metrics }) {
        if (!caughtUp) catchUp(snapshot().progress.history);
        caughtUp = true;
        tell(metrics, () => weightValues(snapshot(), run, { histograms, images }));
        await files.flush();
      },
      async end({ step, interrupted }) {
        add(step, [{ tag: END, kind: "end", interrupted, time: Date.now() / 1000 }]);
        await files.flush();
      },
    };
  },
});

function scalar(tag: string, value: number): Value {
  return { tag, kind: "scalar", value };
}

/** What a run was told. */
function configurationOf({ configuration = {}, name, dataset, batchSize, epochs, seed }: RunInfo): Value[] {
  const settings = { dataset, batchSize, epochs, seed, ...configuration };
  const text = `### ${name}\n\n\`\`\`json\n${JSON.stringify(settings, null, 2)}\n\`\`\``;
  return [
    { tag: "configuration", kind: "text", text },
    {
      tag: "_hparams_/session_start_info",
      kind: "parameters",
      parameters: plainSettings(settings),
      time: Date.now() / 1000,
    },
  ];
}

function epochValues(metrics: EpochMetrics): Value[] {
  const { trainLoss, validationLoss, testLoss, trainError, validationError, testError, seconds, stepMs } = metrics;
  return [
    scalar(EPOCH, trainLoss),
    ...(validationLoss === undefined ? [] : [scalar("loss/validation", validationLoss)]),
    scalar("loss/test", testLoss),
    scalar("error/train", trainError),
    ...(validationError === undefined ? [] : [scalar("error/validation", validationError)]),
    scalar("error/test", testError),
    scalar("gap/loss", testLoss - trainLoss),
    scalar("gap/error", testError - trainError),
    scalar("time/seconds an epoch", seconds),
    scalar("time/milliseconds a step", stepMs),
  ];
}

function weightValues(
  { tensors }: Snapshot,
  { inputShape = [], image }: RunInfo,
  wanted: { histograms: boolean; images: boolean },
): Value[] {
  const values: Value[] = [];
  const weights = [...tensors].filter(([name]) => name.startsWith("model/"));
  for (const [name, tensor] of wanted.histograms ? weights : []) {
    const tag = name.replace("model/", "weights/");
    values.push({ tag, kind: "histogram", histogram: histogramOf(tensor.floats) });
  }
  const [first] = weights.filter(([, { rank }]) => rank > 1);
  const picture = wanted.images && first !== undefined ? featureImage(first[1], inputShape, image) : undefined;
  if (picture !== undefined) values.push({ tag: first[0].replace("model/", "first layer/"), kind: "image", picture });
  return values;
}
