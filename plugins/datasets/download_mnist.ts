/** Fetching MNIST from public mirrors, checked. @module */
import { DataError, PermissionError } from "../../core/mod.ts";
import { needPermission, readIfThere, unpack } from "./_files.ts";
import { MNIST_FILES, MNIST_MIRRORS, type RemoteFile } from "./_mnist_files.ts";

export type { RemoteFile };

/** A mirror that sends nothing for this long is given up, in milliseconds. */
const STALL = 30_000;

/** Most bytes that are taken from a mirror for one file. */
const MOST_RECEIVED = 2 ** 28;

/** How far the download of one file has come. */
export interface DownloadProgress {
  /** The file's name. */
  readonly file: string;
  /** Where it comes from. */
  readonly url: string;
  /** Bytes received. */
  readonly received: number;
  /** Bytes expected; undefined when the mirror does not say. */
  readonly total?: number;
}

/** What to download, from where, to where. */
export interface DownloadOptions {
  /** The folder the files go to; it is made if it does not exist. */
  readonly folder: string;
  /** Addresses of folders that hold the files, tried in order. Default: the two public mirrors. */
  readonly mirrors?: readonly string[];
  /** The files and their digests. Default: the four files of MNIST. */
  readonly files?: readonly RemoteFile[];
  /** Fetches an address. Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Called for each piece that arrives. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/**
 * Downloads the four files of MNIST, about 11.6 MB, and checks their SHA-256. A file that is there with the right
 * content is left alone. A file appears under its name only when it is whole and right. When a mirror fails, the next
 * one is tried.
 *
 * @param options the folder, and what else differs from the defaults
 * @returns the names of the files that were fetched; empty when all of them were there
 * @throws {PermissionError} without permission to read and write the folder or to reach any mirror
 * @throws {DataError} when a file cannot be had from any mirror; the message says what happened at each
 *
 * @example
 * ```ts ignore
 * import { downloadMnist, mnist } from "@thinned/dropout";
 *
 * await downloadMnist({ folder: "data/mnist" });
 * const data = await mnist({ data: "data" });
 * ```
 */
export async function downloadMnist(options: DownloadOptions): Promise<string[]> {
  const { folder, files = Object.values(MNIST_FILES) } = options;
  await needPermission({ name: "read", path: folder }, `--allow-read=${folder}`, `Looking for files in ${folder}`);
  await needPermission({ name: "write", path: folder }, `--allow-write=${folder}`, `Downloading to ${folder}`);
  const missing: RemoteFile[] = [];
  for (const file of files) {
    const bytes = await readIfThere(`${folder}/${file.name}`);
    if (bytes === undefined || !await isRight(bytes, file)) missing.push(file);
  }
  if (missing.length === 0) return [];
  const mirrors = await reachable(options);
  await Deno.mkdir(folder, { recursive: true });
  for (const file of missing) await place(`${folder}/${file.name}`, await fromAnyMirror(file, mirrors, options));
  return missing.map((file) => file.name);
}

/** Whether bytes are the file, packed or not. */
async function isRight(bytes: Uint8Array<ArrayBuffer>, file: RemoteFile): Promise<boolean> {
  const digest = await sha256(bytes);
  if (digest === file.sha256 || digest === file.unpackedSha256) return true;
  try {
    return await sha256(await unpack(bytes, file.name)) === file.unpackedSha256;
  } catch {
    return false; // damaged gzip data are not the file
  }
}

/** SHA-256 in lower-case hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The mirrors this program may reach. */
async function reachable(options: DownloadOptions): Promise<readonly string[]> {
  const mirrors = options.mirrors ?? MNIST_MIRRORS;
  if (options.fetch !== undefined) return mirrors;
  const allowed: string[] = [];
  for (const mirror of mirrors) {
    const permission = await Deno.permissions.query({ name: "net", host: new URL(mirror).host });
    if (permission.state === "granted") allowed.push(mirror);
  }
  if (allowed.length === 0) {
    const hosts = mirrors.map((mirror) => new URL(mirror).host);
    throw new PermissionError(
      `Downloading needs a permission that this program does not have: run it with --allow-net=${hosts.join(",")}.`,
    );
  }
  return allowed;
}

/** The right bytes of a file, from the first mirror that gives them. */
async function fromAnyMirror(
  file: RemoteFile,
  mirrors: readonly string[],
  options: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const url = `${mirror.replace(/\/*$/, "")}/${file.name}`;
    try {
      const bytes = await receive(url, file.name, options);
      if (await isRight(bytes, file)) return bytes;
      failures.push(`${url}: expected SHA-256 ${file.sha256}, found ${await sha256(bytes)} in ${bytes.length} bytes`);
    } catch (error) {
      failures.push(`${url}: ${(error as Error).message}`);
    }
  }
  throw new DataError(`${file.name} could not be downloaded from any mirror.\n  ${failures.join("\n  ")}`);
}

/** The body of an address. Throws when it is not there, breaks off, or stalls. */
async function receive(url: string, file: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const giveUp = () => abort.abort(new Error(`nothing arrived for ${STALL / 1000} seconds`));
  let timer = setTimeout(giveUp, STALL);
  try {
    const response = await (options.fetch ?? fetch)(url, { signal: abort.signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`expected status 200, found ${response.status} ${response.statusText}`.trimEnd());
    }
    const length = Number(response.headers.get("content-length"));
    const total = length > 0 ? length : undefined;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let received = 0;
    for await (const piece of response.body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALL);
      pieces.push(piece);
      received += piece.length;
      if (received > MOST_RECEIVED) throw new Error(`expected at most ${MOST_RECEIVED} bytes, found more`);
      options.onProgress?.({ file, url, received, total });
    }
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  } finally {
    clearTimeout(timer);
  }
}

/** Writes a file under a temporary name and renames it, so that nobody ever sees half of it. */
async function place(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeFile(temporary, bytes);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new DataError(`${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}
