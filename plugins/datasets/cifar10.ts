/** The CIFAR-10 data set of small colour images. @module */
import { z } from "zod";
import {
  type ChannelUnits,
  DataError,
  definePlugin,
  type Factory,
  OptionError,
  pathOption,
  type Split,
} from "../../core/mod.ts";
import { dataFolder, readIfThere, unpack } from "./_files.ts";

const SIDE = 32;
const CHANNELS = 3;
const AREA = SIDE * SIDE;
const PIXELS = CHANNELS * AREA;
/** One byte with the label, then the red, the green and the blue plane. */
const RECORD = 1 + PIXELS;
const NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const TRAIN_FILES = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`);
const TEST_FILE = "test_batch.bin";

/** Options of {@linkcode cifar10}. */
export interface Cifar10Options {
  /**
   * The folder with the files, or one that holds `cifar-10-batches-bin` or `cifar10`. Default: that of `THINNED_DATA`.
   */
  data?: string;
  /** Whether each channel is shifted and scaled to mean 0 and variance 1 over the training images. Default false. */
  standardize?: boolean;
  /** Take this many images from the end of the training part as the validation part; 0 for none. Default 0. */
  validation?: number;
}

/**
 * The CIFAR-10 data set: 50000 training and 10000 test images of 32 by 32 pixels in three channels, in ten classes,
 * whose names stand in `classNames`.
 *
 * Inputs: `[3, 32, 32]`, bytes multiplied by 1/255 to lie in [0, 1]; with `standardize` less the channel's mean over
 * the training part, divided by its deviation there. The files are those of the binary version, `data_batch_1.bin` to
 * `data_batch_5.bin` and `test_batch.bin`, plain or packed by gzip, of any number of whole records.
 *
 * Loading throws `DataError` when a file is missing, cut short, or has a label above 9; `PermissionError` without
 * permission to read.
 *
 * @example
 * ```ts ignore
 * import { cifar10, crop, fit, flip } from "@thinned/dropout";
 *
 * const data = cifar10({ data: "data", standardize: true });
 * const run = await fit(model, { data, augment: [crop(), flip()], ...settings });
 * ```
 */
export const cifar10: Factory<"dataset", Cifar10Options> = definePlugin({
  name: "cifar10",
  summary: "Small colour images: 50000 training and 10000 test images of 32x32 pixels, ten classes.",
  paper: {
    authors: "Krizhevsky",
    year: 2009,
    title: "Learning Multiple Layers of Features from Tiny Images",
    url: "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
  },
  options: z.object({
    data: pathOption("folder").optional()
      .describe("the folder with the files"),
    standardize: z.boolean("expected true or false").default(false)
      .describe("whether each channel gets mean 0 and variance 1"),
    validation: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(
      0,
    )
      .describe("images taken from the end of the training part as the validation part"),
  }),
  async load({ options: { data, standardize, validation } }) {
    const folder = await findFolder(data ?? await dataFolder("cifar10"));
    const all = await readPart(TRAIN_FILES.map((name) => `${folder}/${name}`));
    const kept = all.count - validation;
    if (kept < 1) throw new OptionError("cifar10.validation", `a number below ${all.count}`, validation);
    const train = part(all, 0, kept);
    const test = await readPart([`${folder}/${TEST_FILE}`]);
    const normalize = standardize ? channelUnits(train) : undefined;
    return {
      name: "cifar10",
      classes: NAMES.length,
      outputs: 0,
      classNames: NAMES,
      train: { ...train, normalize },
      ...(validation === 0 ? {} : { validation: { ...part(all, kept, all.count), normalize } }),
      test: { ...test, normalize },
    };
  },
});

const HELP = "The binary version is at https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz; unpack it there.";

/** The folder among some that has the first file. */
async function findFolder(root: string | undefined): Promise<string> {
  if (root === undefined) {
    throw new DataError(`cifar10: expected the option data or the variable THINNED_DATA to name a folder. ${HELP}`);
  }
  const places = [root, `${root}/cifar-10-batches-bin`, `${root}/cifar10`];
  for (const place of places) if (await firstThere(`${place}/${TRAIN_FILES[0]}`) !== undefined) return place;
  throw new DataError(`cifar10: expected ${TRAIN_FILES[0]} in ${places.join(" or ")}, found none. ${HELP}`);
}

/** A file, or its packed form. */
async function firstThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return await readIfThere(path) ?? await readIfThere(`${path}.gz`);
}

/** The records of some files, one after the other. */
async function readPart(paths: readonly string[]): Promise<Split> {
  const files: Uint8Array[] = [];
  for (const path of paths) files.push(await readRecords(path));
  const count = files.reduce((sum, bytes) => sum + bytes.length / RECORD, 0);
  const inputs = new Uint8Array(count * PIXELS);
  const labels = new Int32Array(count);
  let example = 0;
  for (const bytes of files) {
    for (let at = 0; at < bytes.length; at += RECORD, example++) {
      labels[example] = bytes[at];
      inputs.set(bytes.subarray(at + 1, at + RECORD), example * PIXELS);
    }
  }
  return { count, shape: [CHANNELS, SIDE, SIDE], inputs, scale: 1 / 255, labels };
}

/** A file's bytes, a whole number of records with labels in range. */
async function readRecords(path: string): Promise<Uint8Array> {
  const file = await firstThere(path);
  if (file === undefined) throw new DataError(`${path}: expected a file, found none. ${HELP}`);
  const bytes = await unpack(file, path);
  if (bytes.length === 0 || bytes.length % RECORD !== 0) {
    throw new DataError(
      `${path}: expected whole records of ${RECORD} bytes, found ${bytes.length} bytes: ` +
        `the file is ${bytes.length === 0 ? "empty" : "cut short or of another format"}.`,
    );
  }
  for (let at = 0; at < bytes.length; at += RECORD) {
    if (bytes[at] < NAMES.length) continue;
    throw new DataError(`${path}: expected labels from 0 to 9, found ${bytes[at]} for image ${at / RECORD}.`);
  }
  return bytes;
}

/** The examples from `start` up to `end`. */
function part(split: Split, start: number, end: number): Split {
  const inputs = split.inputs.subarray(start * PIXELS, end * PIXELS);
  return { ...split, count: end - start, inputs, labels: split.labels!.subarray(start, end) };
}

/** Mean and deviation of each channel; a constant one keeps its units. */
function channelUnits({ count, inputs, scale }: Split): ChannelUnits {
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let channel = 0; channel < CHANNELS; channel++) {
    // Whole numbers, and so exact: at most 255^2 * 1024 * 50000 < 2^53.
    let sum = 0;
    let squares = 0;
    for (let example = 0; example < count; example++) {
      const start = example * PIXELS + channel * AREA;
      for (let i = start; i < start + AREA; i++) {
        sum += inputs[i];
        squares += inputs[i] * inputs[i];
      }
    }
    const n = count * AREA;
    mean.push(sum / n * scale);
    deviation.push(Math.sqrt(Math.max(squares * n - sum * sum, 0)) / n * scale || 1);
  }
  return { mean, deviation };
}
