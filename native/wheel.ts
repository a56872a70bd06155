/**
 * Fetches OpenBLAS as the Python package index holds it for SciPy (`scipy-openblas32`, which counts with 32-bit integers and
 * needs no other library): one file out of a wheel, for systems whose own packages cannot be had. What comes is compared
 * with the SHA-256 that is written here.
 *
 * @module
 */
import { type CacheFolder, digest, discard, makeWorkFolder } from "./cache.ts";
import { granted } from "./system.ts";

/** A wheel of one platform. */
export interface Wheel {
  /** Its place below the index's folder of packages. */
  readonly path: string;
  /** SHA-256 of the wheel, in hexadecimal. */
  readonly sha256: string;
  /** The library inside. */
  readonly library: string;
}

/** The version of all wheels. */
export const wheelVersion = "0.3.34.481.3";

/** Where packages lie. */
export const packageIndex = "https://files.pythonhosted.org/packages";

const file = (folder: string, platform: string) =>
  `${folder}/scipy_openblas32-${wheelVersion}-py3-none-${platform}.whl`;

/** Wheels by Deno's names of platforms. */
export const wheels: Readonly<Record<string, Wheel>> = {
  "x86_64-unknown-linux-gnu": {
    path: file(
      "75/93/56ce22e41d59a45b885ac67f53425cd012329cb1e4de3285bebc4f8ad4bc",
      "manylinux_2_27_x86_64.manylinux_2_28_x86_64",
    ),
    sha256: "0595f94cd58c1f8a0d90c975621f4587337a003916b1979e834ebdf2cb5d9504",
    library: "libscipy_openblas.so",
  },
  "aarch64-unknown-linux-gnu": {
    path: file(
      "04/3e/19a35f6b50552df2fa9464b526d0a4f98f4f9e7789b2adbb813d598640f7",
      "manylinux_2_27_aarch64.manylinux_2_28_aarch64",
    ),
    sha256: "e085dddbc5b9aa130f83def515d31c440e69f387a90c7e63b154a5575b4466bc",
    library: "libscipy_openblas.so",
  },
  "x86_64-unknown-linux-musl": {
    path: file("a3/82/055d23142ed1cc0b51043f33edcf21ba40d58faec0db268c5190b39a308d", "musllinux_1_2_x86_64"),
    sha256: "46fac855d3c05004f9ee111eeeeb0aeb076c6411fc6f87c34a49b8ba729c4c38",
    library: "libscipy_openblas.so",
  },
  "aarch64-unknown-linux-musl": {
    path: file("e8/53/50f0cf55c24cf3de08e6952c6267478beb1eaf2832dbe7164289bf7be6ed", "musllinux_1_2_aarch64"),
    sha256: "88b00ba6a232fe958695403f6f71858fb23c3c9ce561c467e787e5d46ace16ca",
    library: "libscipy_openblas.so",
  },
  "x86_64-apple-darwin": {
    path: file("fb/54/663bf2136db6c64e4ad7a31b2ccc78002e542b4826b906d19085f43bd4af", "macosx_10_13_x86_64"),
    sha256: "85d42ee10fd207ed6014273dcb9236ab1a65d21357f278b3aa0a78e8189665a8",
    library: "libscipy_openblas.dylib",
  },
  "aarch64-apple-darwin": {
    path: file("fb/4d/13b7ac90331a8a63b02079724a79f5a5de51f2cebeaca4faf66216e34c6e", "macosx_11_0_arm64"),
    sha256: "813bb8101da2f64555c4a5e71c3714539d92b0b4f1841ec12b80d50e56cde46c",
    library: "libscipy_openblas.dylib",
  },
};

/** What fetching a wheel came to. */
export type FetchedWheel = { readonly library: string; readonly how: string } | {
  readonly problem: string;
  /** Whether trying again soon would be in vain. */
  readonly lasting: boolean;
};

/** The wheel that fits this machine; undefined where there is none. */
export function wheelHere(): Wheel | undefined {
  return wheels[Deno.build.target];
}

/** The library of a wheel that was fetched before; undefined when it is not in the cache. */
export async function cachedWheel(folder: CacheFolder, wheel: Wheel): Promise<string | undefined> {
  const path = placeOf(folder, wheel);
  try {
    return (await Deno.stat(path)).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What is said of a wheel's library. */
export const wheelOrigin = `OpenBLAS from the wheel scipy-openblas32 ${wheelVersion}`;

function placeOf(folder: CacheFolder, wheel: Wheel): string {
  return `${folder.path}/openblas-${wheel.sha256.slice(0, 16)}-${wheel.library}`;
}

/**
 * Fetches a wheel, checks it, and puts the library that it holds into the cache.
 *
 * @param folder the cache folder
 * @param wheel which one
 * @param report receives a line before something slow
 * @param index address of the folder of packages
 */
export async function fetchWheel(
  folder: CacheFolder,
  wheel: Wheel,
  report: (line: string) => void,
  index: string = packageIndex,
): Promise<FetchedWheel> {
  const { host } = new URL(index);
  if (!await granted({ name: "net", host })) {
    return { problem: `fetching it needs --allow-net=${host}`, lasting: false };
  }
  const work = await makeWorkFolder(folder);
  if (work === undefined) return { problem: `${folder.path} cannot be written`, lasting: false };
  try {
    report(`Fetching OpenBLAS (${wheel.path.slice(wheel.path.lastIndexOf("/") + 1)}) into ${folder.path}, once.`);
    const response = await fetch(`${index}/${wheel.path}`, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok) return { problem: `${host} answered with status ${response.status}`, lasting: true };
    const bytes = new Uint8Array(await response.arrayBuffer());
    const found = await digest(bytes);
    if (found !== wheel.sha256) {
      return { problem: `what ${host} sent has the SHA-256 ${found}, not ${wheel.sha256}`, lasting: true };
    }
    await Deno.writeFile(`${work}/${wheel.library}`, await unzip(bytes, `/lib/${wheel.library}`));
    await Deno.rename(`${work}/${wheel.library}`, placeOf(folder, wheel));
    return { library: placeOf(folder, wheel), how: wheelOrigin };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error), lasting: true };
  } finally {
    await discard(work);
  }
}

/**
 * The one file of an archive whose path ends as said.
 *
 * @throws {Error} when there is none, or the archive is no ZIP file of the usual kinds
 */
export async function unzip(bytes: Uint8Array<ArrayBuffer>, ending: string): Promise<Uint8Array<ArrayBuffer>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("the archive has no directory");
  let at = view.getUint32(end + 16, true);
  for (let entry = view.getUint16(end + 10, true); entry > 0; entry--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name));
    if (path.endsWith(ending)) {
      const [method, size, local] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), at + 42];
      const start = view.getUint32(local, true);
      const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
      const packed = bytes.slice(data, data + size);
      if (method === 0) return packed;
      if (method !== 8) throw new Error(`${path} is compressed by method ${method}, not 8`);
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    }
    at += 46 + name + extra + comment;
  }
  throw new Error(`the archive holds no file that ends with ${ending}`);
}
