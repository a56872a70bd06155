/** New inputs for a model that was trained on images or rows of numbers: IDX, PNG, or numbers as text. @module */
import { DataError, prepareInputs, type Preprocessing, readIdx, showShape, sizeOf, type Tensor } from "../../mod.ts";
import { geometryOf, imageRows, readPng } from "./read_png.ts";

/** Some inputs. */
export interface InputPart {
  /** `[rows, ...inputShape]`, prepared as in training. */
  readonly inputs: Tensor;
  /** The file of each row, where each has its own. */
  readonly files?: readonly string[];
}

/** Rows that are prepared together. */
const ROWS = 1024;

/** Images that are decoded before they are handed on. */
const IMAGES = 256;

/**
 * Reads inputs in parts, as they are preprocessed in training.
 *
 * @param input a file, a folder of PNG images, or `-` for standard input
 * @throws {DataError} naming the file, for what cannot be read and what is of another size or kind
 */
export async function* readInputs(input: string, preprocessing: Preprocessing): AsyncGenerator<InputPart> {
  if (input !== "-" && await isFolder(input)) return yield* readFolder(input, preprocessing);
  const name = input === "-" ? "standard input" : input;
  const bytes = await bytesOf(input);
  if (bytes.length === 0) throw new DataError(`${name}: expected ${expected(preprocessing)}, found nothing in it.`);
  if (isPng(bytes)) {
    return yield { inputs: await prepared(preprocessing, await readPng(bytes, preprocessing, name)), files: [input] };
  }
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const rows = gzip || (bytes[0] === 0 && bytes[1] === 0)
    ? await readImages(bytes, preprocessing, name)
    : numbersOf(bytes, preprocessing, name);
  const size = sizeOf(preprocessing.shape);
  for (let from = 0; from < rows.length; from += ROWS * size) {
    yield { inputs: prepared(preprocessing, rows.subarray(from, from + ROWS * size)) };
  }
}

/**
 * Whether a path is that of a folder.
 *
 * @throws {DataError} where there is nothing
 */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      throw new DataError(`${path}: expected a file or a folder, found none.`, { cause: error });
    }
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** All bytes of a file, or of standard input for `-`. */
export async function bytesOf(input: string): Promise<Uint8Array<ArrayBuffer>> {
  if (input === "-") return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  try {
    return await Deno.readFile(input);
  } catch (error) {
    throw new DataError(`${input} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

type Numbers = Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

function prepared(preprocessing: Preprocessing, rows: Numbers): Tensor {
  return prepareInputs(preprocessing, rows);
}

function expected({ shape }: Preprocessing): string {
  return `images or rows of numbers for the shape ${showShape(shape)}`;
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte);
}

/** The PNG images of a folder, in the order of their names. */
async function* readFolder(folder: string, preprocessing: Preprocessing): AsyncGenerator<InputPart> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory && !name.startsWith(".") && /\.png$/i.test(name)) names.push(name);
  }
  if (names.length === 0) throw new DataError(`${folder}: expected PNG images in the folder, found none.`);
  names.sort(new Intl.Collator("en", { numeric: true }).compare);
  const size = sizeOf(preprocessing.shape);
  for (let from = 0; from < names.length; from += IMAGES) {
    const files = names.slice(from, from + IMAGES);
    const rows = new Float64Array(files.length * size);
    for (const [i, file] of files.entries()) {
      const path = `${folder.replace(/(?<=.)[/\\]+$/, "")}/${file}`;
      rows.set(await readPng(await bytesOf(path), preprocessing, path), i * size);
    }
    yield { inputs: prepared(preprocessing, rows), files };
  }
}

/** The images of an IDX file. */
async function readImages(
  bytes: Uint8Array<ArrayBuffer>,
  preprocessing: Preprocessing,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { shape, data } = await readIdx(bytes, null, name);
  const own = shape.slice(1);
  const image = geometryOf(preprocessing);
  const size = sizeOf(preprocessing.shape);
  const same = (wanted: readonly number[]) => showShape(own) === showShape(wanted);
  const flat = same([size]) || same(preprocessing.shape);
  if (image === undefined ? !flat : !(flat || imageRows(image, preprocessing).some(same))) {
    const kind = image === undefined ? showShape(preprocessing.shape) : showShape(imageRows(image, preprocessing)[0]);
    throw new DataError(`${name}: expected examples of shape ${kind}, found ${shape[0]} of shape ${showShape(own)}.`);
  }
  if (shape[0] === 0) throw new DataError(`${name}: expected at least one example, found none.`);
  return data;
}

/** Numbers as text, a row a line, with commas, semicolons or white space between them; perhaps with a line of headings. */
function numbersOf(
  bytes: Uint8Array<ArrayBuffer>,
  preprocessing: Preprocessing,
  name: string,
): Float64Array<ArrayBuffer> {
  const width = sizeOf(preprocessing.shape);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DataError(`${name}: expected ${expected(preprocessing)}, found other bytes.`, { cause: error });
  }
  const numbers: number[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const cells = line.trim().split(/\s*[,;]\s*|\s+/);
    const values = cells.map((cell) => cell === "" ? NaN : Number(cell));
    if (numbers.length === 0 && i === 0 && cells.every((cell) => !/^[-+]?(\d|\.\d|nan|inf)/i.test(cell))) continue;
    if (cells.length !== width) {
      throw new DataError(`${name}, line ${i + 1}: expected ${width} numbers, found ${cells.length}.`);
    }
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      throw new DataError(
        `${name}, line ${i + 1}, column ${wrong + 1}: expected a number, found ${JSON.stringify(cells[wrong])}.`,
      );
    }
    for (const value of values) numbers.push(value);
  }
  if (numbers.length === 0) throw new DataError(`${name}: expected at least one row of numbers, found none.`);
  return Float64Array.from(numbers);
}
