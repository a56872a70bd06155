/** Reading files and variables without ever prompting for a permission. @module */
import { DataError, PermissionError } from "../../core/mod.ts";

/**
 * Refuses unless the permission is already granted, so that a script never stops at a question.
 *
 * @param descriptor the permission
 * @param flag the flag that grants it, such as `--allow-read=data`
 * @param action what it is for, as in "Reading data.csv"
 */
export async function needPermission(
  descriptor: Deno.PermissionDescriptor,
  flag: string,
  action: string,
): Promise<void> {
  if ((await Deno.permissions.query(descriptor)).state !== "granted") {
    throw new PermissionError(`${action} needs a permission that this program does not have: run it with ${flag}.`);
  }
}

/**
 * The bytes of a file, or undefined when there is none.
 *
 * @throws {PermissionError} without permission to read it
 * @throws {DataError} when it cannot be read, for example because it is a folder
 */
export async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  await needPermission({ name: "read", path }, `--allow-read=${path}`, `Reading ${path}`);
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/**
 * A file as a stream of bytes, which whoever opens it reads to its end or cancels.
 *
 * @throws {PermissionError} without permission to read it
 * @throws {DataError} when there is none, or it cannot be read, for example because it is a folder
 */
export async function openFile(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  await needPermission({ name: "read", path }, `--allow-read=${path}`, `Reading ${path}`);
  const cannot = (error: unknown) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return new DataError(`${path}: expected a file, found none.`, { cause: error });
    }
    return new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  };
  const file = await Deno.open(path).catch((error) => {
    throw cannot(error);
  });
  const buffer = new Uint8Array(2 ** 17);
  return new ReadableStream({
    async pull(controller) {
      const count = await file.read(buffer).catch((error) => {
        file.close();
        throw cannot(error);
      });
      if (count !== null) return controller.enqueue(buffer.slice(0, count));
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });
}

/**
 * The folder that the variable `THINNED_DATA` names, or undefined when it is not set.
 *
 * @param asker the name of the data set, for the error
 * @throws {PermissionError} without permission to read the variable
 */
export async function dataFolder(asker: string): Promise<string | undefined> {
  const variable = "THINNED_DATA";
  const action = `Data set ${asker} has no option data, and reading ${variable} instead`;
  await needPermission({ name: "env", variable }, `--allow-env=${variable}`, action);
  return Deno.env.get(variable) || undefined;
}

/** Whether bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Most bytes that a packed file may unpack to: more than any text that fits into one string has. */
const MOST_UNPACKED = 2 ** 30;

/**
 * The unpacked bytes of a gzip file; other bytes are returned as they are.
 *
 * @param bytes the file
 * @param name its name in errors
 * @param limit most bytes to unpack, from those that come first, at least `beginning` of them if there are so many
 * @param beginning how many bytes `limit` needs
 * @throws {DataError} when the gzip data are damaged or cut short, or when they would unpack to more; what is beyond the
 *   limit is never unpacked
 */
export async function unpack(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  limit: (first: Uint8Array<ArrayBuffer>) => number = () => MOST_UNPACKED,
  beginning = 0,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isGzip(bytes)) return bytes;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let most = MOST_UNPACKED;
  try {
    for await (const piece of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))) {
      const before = length;
      pieces.push(piece);
      length += piece.length;
      if (before < beginning && length >= beginning) {
        most = Math.min(MOST_UNPACKED, limit(await joined(pieces)));
      }
      if (length > most) {
        throw new DataError(`${name}: expected at most ${most} bytes when unpacked, found more: it is no data set.`);
      }
    }
    return await joined(pieces);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `${name}: expected a whole gzip file, found ${bytes.length} bytes that are damaged or cut short` +
        ` (${(error as Error).message}).`,
      { cause: error },
    );
  }
}

/**
 * The unpacked bytes of a gzip stream; other bytes come as they are.
 *
 * @param bytes the stream
 * @param name its name in errors
 * @throws {DataError} when the gzip data are damaged or cut short
 */
export function unpacked(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  name: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  async function* pieces() {
    const reader = bytes.getReader();
    const beginning: Uint8Array<ArrayBuffer>[] = []; // a stream may hand its bytes over one by one
    for (let length = 0; length < 2;) {
      const { done, value } = await reader.read();
      if (done) break;
      beginning.push(value);
      length += value.length;
    }
    const gzip = isGzip(await joined(beginning));
    const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const piece = beginning.shift();
        if (piece !== undefined) return controller.enqueue(piece);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    });
    if (!gzip) return yield* rest;
    try {
      yield* rest.pipeThrough(new DecompressionStream("gzip"));
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(
        `${name}: expected a whole gzip file, found one that is damaged or cut short (${(error as Error).message}).`,
        { cause: error },
      );
    }
  }
  return ReadableStream.from(pieces());
}

async function joined(pieces: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Blob([...pieces]).arrayBuffer());
}
