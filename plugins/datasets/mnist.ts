/** The MNIST data set of handwritten digits. @module */
import { z } from "zod";
import { DataError, definePlugin, type Factory, OptionError, pathOption, type Split } from "../../core/mod.ts";
import { downloadMnist } from "./download_mnist.ts";
import { dataFolder, needPermission, readIfThere } from "./_files.ts";
import { readIdx } from "./_idx.ts";
import { MNIST_FILES, MNIST_MIRRORS, type RemoteFile } from "./_mnist_files.ts";

const SIDE = 28;
const CLASSES = 10;

/** Options of {@linkcode mnist}. */
export interface MnistOptions {
  /** The folder that holds the four files, or a folder `mnist` with them. Default: that of `THINNED_DATA`. */
  data?: string;
  /** Whether an image is `[784]` (true) or `[1, 28, 28]` (false). Default true. */
  flatten?: boolean;
  /** Take this many images from the end of the training part as the validation part; 0 for none. Default 0. */
  validation?: number;
}

/**
 * The MNIST data set: 60000 training and 10000 test images of handwritten digits, with labels 0 to 9.
 *
 * Inputs: 28 rows of 28 bytes, multiplied by 1/255 to lie in [0, 1]; ink is bright. The four IDX files may be packed by
 * gzip or not. With `validation`, training is on all but the last images, and those are the validation part, by which
 * hyperparameters can be chosen without a look at the test images.
 *
 * Loading throws `DataError` when a file is missing, damaged or of another format, and `PermissionError` without
 * permission to read.
 *
 * @example
 * ```ts ignore
 * import { fit, mnist } from "@thinned/dropout";
 *
 * const run = await fit(model, { data: mnist({ data: "data", validation: 10000 }), ...settings });
 * ```
 */
export const mnist: Factory<"dataset", MnistOptions> = definePlugin({
  name: "mnist",
  summary: "Handwritten digits: 60000 training and 10000 test images of 28x28 grey pixels, ten classes.",
  paper: {
    authors: "LeCun, Bottou, Bengio, Haffner",
    year: 1998,
    title: "Gradient-Based Learning Applied to Document Recognition",
    url: "https://doi.org/10.1109/5.726791",
  },
  options: z.object({
    data: pathOption("folder").optional().describe("the folder that holds the four files"),
    flatten: z.boolean("expected true or false").default(true)
      .describe("whether an image is [784], not [1, 28, 28]"),
    validation: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(
      0,
    ).describe("images from the end of the training part that are its validation part"),
  }),
  async download({ options, mirrors }) {
    const folder = options.data ?? `${await dataFolder("mnist") ?? "data"}/mnist`;
    const files = await downloadMnist({ folder, mirrors });
    return { folder, files, options: { data: folder } };
  },
  async load({ options }) {
    const folder = options.data ?? await dataFolder("mnist");
    if (folder === undefined) {
      throw new DataError(`mnist: expected the option data or the variable THINNED_DATA to name a folder. ${HELP}`);
    }
    const shape = options.flatten ? [SIDE * SIDE] : [1, SIDE, SIDE];
    const { trainImages, trainLabels, testImages, testLabels } = MNIST_FILES;
    const files = await findAll(folder, Object.values(MNIST_FILES));
    const all = await readPart(files.get(trainImages)!, files.get(trainLabels)!, shape);
    const test = await readPart(files.get(testImages)!, files.get(testLabels)!, shape);
    const dataset = { name: "mnist", classes: CLASSES, outputs: 0, image: [1, SIDE, SIDE], test };
    if (options.validation === 0) return { ...dataset, train: all };
    const kept = all.count - options.validation;
    if (kept < 1) throw new OptionError("mnist.validation", `a number below ${all.count}`, options.validation);
    return { ...dataset, train: part(all, 0, kept), validation: part(all, kept, all.count) };
  },
});

/** How to come by the files. */
const HELP = [
  "With --download the files are fetched. By hand, get them from",
  ...MNIST_MIRRORS.map((mirror) => `  ${mirror}`),
  "and check their SHA-256:",
  ...Object.values(MNIST_FILES).map((file) => `  ${file.sha256}  ${file.name}`),
].join("\n");

/** A file of the data set as it lies on disk. */
interface Found {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads files from `folder/mnist` or `folder`, packed or not. */
async function findAll(folder: string, files: readonly RemoteFile[]): Promise<Map<RemoteFile, Found>> {
  await needPermission({ name: "read", path: folder }, `--allow-read=${folder}`, `Looking for MNIST in ${folder}`);
  const found = new Map<RemoteFile, Found>();
  const missing: string[] = [];
  for (const file of files) {
    const places = [`${folder}/mnist/${file.name}`, `${folder}/${file.name}`];
    const first = await firstThere(places.flatMap((place) => [place, place.replace(/\.gz$/, "")]));
    if (first === undefined) missing.push(file.name);
    else found.set(file, first);
  }
  if (missing.length > 0) {
    throw new DataError(`mnist: expected ${missing.join(", ")} in ${folder}/mnist or ${folder}, found none. ${HELP}`);
  }
  return found;
}

/** The first of some files that exists. */
async function firstThere(paths: readonly string[]): Promise<Found | undefined> {
  for (const path of paths) {
    const bytes = await readIfThere(path);
    if (bytes !== undefined) return { path, bytes };
  }
  return undefined;
}

/** Images and labels that belong together. */
async function readPart(imageFile: Found, labelFile: Found, shape: readonly number[]): Promise<Split> {
  const images = await readIdx(imageFile.bytes, 3, imageFile.path);
  const [count, rows, columns] = images.shape;
  if (count === 0 || rows !== SIDE || columns !== SIDE) {
    throw new DataError(
      `${imageFile.path}: expected images of ${SIDE} by ${SIDE} pixels, found ${count} of ${rows} by ${columns}.`,
    );
  }
  const labels = await readIdx(labelFile.bytes, 1, labelFile.path);
  if (labels.shape[0] !== count) {
    throw new DataError(
      `${labelFile.path}: expected ${count} labels, as many as there are images in ${imageFile.path}, ` +
        `found ${labels.shape[0]}.`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= CLASSES);
  if (wrong >= 0) {
    throw new DataError(
      `${labelFile.path}: expected labels from 0 to ${CLASSES - 1}, found ${labels.data[wrong]} for image ${wrong}.`,
    );
  }
  return { count, shape, inputs: images.data, scale: 1 / 255, labels: Int32Array.from(labels.data) };
}

/** The examples from `start` up to `end`. */
function part(split: Split, start: number, end: number): Split {
  return {
    ...split,
    count: end - start,
    inputs: split.inputs.subarray(start * SIDE * SIDE, end * SIDE * SIDE),
    labels: split.labels?.subarray(start, end),
  };
}
