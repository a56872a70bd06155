/** New rows or images of a run, ready for its models, part after part. @module */
import { DataError, type LoadedModel, OptionError, type Preprocessing, type Tensor } from "../../mod.ts";
import type { Arguments } from "../arguments/read_arguments.ts";
import { isFolder, readInputs } from "./read_inputs.ts";

/** Some rows. */
export interface RowInputs {
  /** `[rows, ...inputShape]`, prepared as in training. */
  readonly inputs: Tensor;
  /** Place of the first row among all. */
  readonly first: number;
  /** The file of each row, where each has its own. */
  readonly files?: readonly string[];
}

/**
 * Reads rows of a table, images, or rows of numbers.
 *
 * @param input a file, a folder of images, or `-`
 * @param limit rows that are wanted; what comes behind is not read
 * @throws {DataError} naming the place of what is not as in training
 */
export async function* rowInputs(
  input: string,
  { readEach }: LoadedModel,
  preprocessing: Preprocessing,
  limit = Infinity,
): AsyncGenerator<RowInputs> {
  let first = 0;
  for await (const { inputs, files } of parts(input, readEach, preprocessing)) {
    const rows = Math.min(inputs.shape[0], limit - first);
    const whole = rows === inputs.shape[0];
    const begin = new Array<number>(inputs.rank).fill(0);
    yield { inputs: whole ? inputs : inputs.slice(begin, [rows, ...inputs.shape.slice(1)]), first, files };
    first += rows;
    if (first >= limit) return;
  }
}

async function* parts(
  input: string,
  readEach: LoadedModel["readEach"],
  preprocessing: Preprocessing,
): AsyncGenerator<Omit<RowInputs, "first">> {
  if (preprocessing.rows === undefined) return yield* readInputs(input, preprocessing);
  if (input !== "-" && await isFolder(input).catch(() => false)) { // of what is not there the plugin tells
    throw new DataError(`${input}: expected a file with the columns of training, found a folder.`);
  }
  const source = input === "-" ? Deno.stdin.readable : input;
  for await (const inputs of readEach(source, { name: "standard input" })) yield { inputs };
}

/**
 * Refuses a place of data beside `--input`.
 *
 * @throws {OptionError} naming it
 */
export function refuseData(given: Arguments): void {
  if (given.value("data") === undefined) return;
  throw new OptionError("--data", "nothing beside --input, which needs no data set", given.value("data"));
}
