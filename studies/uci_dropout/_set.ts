/**
 * A set in the layout of the authors' repository: a table with given splits, which `uci` reads, and the grid that each set
 * has for itself.
 *
 * @module
 */
import { DataError, didYouMean, loadDataset, OptionError, PermissionError, type Split, uci } from "../../mod.ts";
import type { Part, SplitRows } from "./_part.ts";
import { knownNames, otherNames } from "./_published.ts";

/** A set. */
export interface UciSet {
  /** Its name: that of its folder. */
  readonly name: string;
  /** The folder with the files. */
  readonly folder: string;
  /** Number of splits. */
  readonly splits: number;
  /** Dropout rates of the grid. */
  readonly rates: readonly number[];
  /** Precisions of the grid. */
  readonly taus: readonly number[];
  /** Hidden units of a layer. */
  readonly hidden: number;
  /** Epochs, before the multiplier. */
  readonly epochs: number;
}

/** Hidden units and epochs where no file says them. */
const usual = { hidden: 50, epochs: 40 };

/** The text of a file; undefined where there is none. */
async function readText(path: string): Promise<string | undefined> {
  if ((await Deno.permissions.query({ name: "read", path })).state !== "granted") {
    throw new PermissionError(
      `Reading ${path} needs a permission that this program does not have: run it with --allow-read.`,
    );
  }
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** What numbers of a file may be. */
interface Range {
  /** In words, such as "numbers in [0, 1)". */
  readonly expected: string;
  /** Whether a number is one of them. */
  readonly allows: (value: number) => boolean;
}

/** The numbers of a file, in lines or in one, at least one of them; what follows a `#` is a remark. */
async function readNumbers(path: string, { expected, allows }: Range): Promise<number[] | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const numbers = text.split(/\r\n|\r|\n/).flatMap((line, i) =>
    line.replace(/#.*/, "").split(/[\s,;]+/).filter((cell) => cell !== "").map((cell) => {
      const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(cell) ? Number(cell) : NaN;
      if (!allows(value)) {
        throw new DataError(`${path}, line ${i + 1}: expected ${expected}, found ${JSON.stringify(cell)}.`);
      }
      return value;
    })
  );
  if (numbers.length === 0) throw new DataError(`${path}: expected at least one number, found none.`);
  return numbers;
}

const whole: Range = {
  expected: "a whole number of at least 1",
  allows: (value) => Number.isSafeInteger(value) && value >= 1,
};

/** The one whole number of a file. */
async function readWhole(path: string): Promise<number | undefined> {
  const numbers = await readNumbers(path, whole);
  if (numbers !== undefined && numbers.length > 1) {
    throw new DataError(`${path}: expected one number, found ${numbers.length}.`);
  }
  return numbers?.[0];
}

/** The numbers of a file that must be there, each once. */
async function readGrid(path: string, range: Range): Promise<number[]> {
  const numbers = await readNumbers(path, range);
  if (numbers === undefined) throw new DataError(`${path}: expected a file with ${range.expected}, found none.`);
  return [...new Set(numbers)];
}

/** The folder of a set: one that is named, or one by its name in a folder with many. */
async function folderOf(set: string, data: string | undefined): Promise<string> {
  const trimmed = set.replace(/(?<=.)[\\/]+$/, "");
  const isPath = /[\\/]/.test(set) || trimmed === "." || trimmed === "..";
  if (isPath) {
    const places = [trimmed, `${trimmed}/data`];
    for (const place of places) if (await readText(`${place}/data.txt`) !== undefined) return place;
    throw new DataError(`--set: expected a folder with data.txt, found none in ${places.join(" or ")}.`);
  }
  const root = data ?? Deno.env.get("THINNED_DATA");
  if (root === undefined || root === "") {
    throw new OptionError(
      "--data",
      "the folder with the sets, as the variable THINNED_DATA is not set",
      "nothing",
      "; --set may also be the path of a set's folder.",
    );
  }
  const base = root.replace(/(?<=.)[\\/]+$/, "");
  const roots = [`${base}/uci`, base, `${base}/UCI_Datasets`];
  for (const name of [trimmed, ...otherNames(trimmed)]) {
    for (const place of roots.flatMap((folder) => [`${folder}/${name}`, `${folder}/${name}/data`])) {
      if (await readText(`${place}/data.txt`) !== undefined) return place;
    }
  }
  const there = await setsIn(roots);
  const found = there.length === 0 ? "no set at all" : `the sets ${there.join(", ")}`;
  const guess = didYouMean(trimmed, there.length === 0 ? knownNames : there);
  throw new DataError(
    `--set: expected a set ${JSON.stringify(trimmed)} with a file data.txt in ${roots.join(", ")}, found ${found}` +
      (guess || "."),
  );
}

/** Names of the sets in some folders. */
async function setsIn(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    try {
      for await (const { name } of Deno.readDir(folder)) {
        const places = [`${folder}/${name}`, `${folder}/${name}/data`];
        for (const place of places) if (await readText(`${place}/data.txt`) !== undefined) names.add(name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  return [...names].sort();
}

/**
 * Finds a set and reads all but its rows.
 *
 * @param set its name, or the path of its folder
 * @param data the folder with the sets; default that of `THINNED_DATA`
 * @throws {DataError} for a file that is missing or holds something else
 */
export async function readSet(set: string, data: string | undefined, needsRates: boolean): Promise<UciSet> {
  const folder = await folderOf(set, data);
  const splits = await readWhole(`${folder}/n_splits.txt`);
  if (splits === undefined) throw new DataError(`${folder}/n_splits.txt: expected a file, found none.`);
  const path = await Deno.realPath(folder);
  return {
    name: path.replace(/[\\/]data$/, "").replace(/^.*[\\/]/, ""),
    folder,
    splits,
    rates: needsRates
      ? await readGrid(`${folder}/dropout_rates.txt`, {
        expected: "numbers in [0, 1)",
        allows: (value) => value >= 0 && value < 1,
      })
      : [],
    taus: await readGrid(`${folder}/tau_values.txt`, {
      expected: "numbers above 0",
      allows: (value) => value > 0 && value < Infinity,
    }),
    hidden: await readWhole(`${folder}/n_hidden.txt`) ?? usual.hidden,
    epochs: await readWhole(`${folder}/n_epochs.txt`) ?? usual.epochs,
  };
}

/**
 * The rows of a split.
 *
 * @throws {DataError} for rows that are no table, an index outside of it, or several targets
 */
export async function readSplit({ folder }: UciSet, split: number): Promise<SplitRows> {
  const { outputs, train, test } = await loadDataset(uci({ data: folder, split, standardize: false, classes: false }));
  if (outputs !== 1) {
    throw new DataError(`${folder}/index_target.txt: expected the column of one target, found ${outputs}.`);
  }
  if (train.count < 2) {
    throw new DataError(`${folder}/index_train_${split}.txt: expected at least two rows, found ${train.count}.`);
  }
  const part = ({ inputs, targets }: Split): Part => ({
    inputs: Float64Array.from(inputs),
    targets: Float64Array.from(targets!),
  });
  return { features: train.shape[0], train: part(train), test: part(test) };
}

/** A number that tells sets apart: SHA-256 over the table and its columns, and over the grid. */
export async function fingerprintOf(set: UciSet): Promise<string> {
  const { name: _, folder, ...rest } = set;
  const names = ["data.txt", "index_features.txt", "index_target.txt"];
  const texts = await Promise.all(names.map((name) => readText(`${folder}/${name}`)));
  const bytes = new TextEncoder().encode(JSON.stringify([texts, rest]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
