/**
 * The IDX format of the MNIST files: two zero bytes, the number type, the number of axes, the extent of each axis as a
 * big-endian 32-bit number, then the numbers in row-major order. Only unsigned bytes (type 8) are read.
 *
 * @module
 */
import { DataError, showShape, sizeOf } from "../../core/mod.ts";
import { isGzip, unpack, unpacked } from "./_files.ts";

const UNSIGNED_BYTES = 8;

/** Bytes that are unpacked beyond those that the header says, to tell by how much a file is too long. */
const SLACK = 2 ** 16;

/** An array of bytes. */
export interface Idx {
  /** Extent along each axis. */
  readonly shape: readonly number[];
  /** The numbers, row-major. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Reads an IDX file of unsigned bytes, plain or packed by gzip, which its first bytes tell.
 *
 * @param file the file's bytes
 * @param axes the number of axes that is expected: 3 for images, 1 for labels; null for any
 * @param name the file's name in errors
 * @throws {DataError} when the file is of another format, cut short, damaged, or longer than its header says
 *
 * @example
 * ```ts
 * import { readIdx } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9); // one row of two bytes
 * assertEquals(await readIdx(bytes, null, "two.idx"), { shape: [1, 2], data: Uint8Array.of(7, 9) });
 * ```
 */
export async function readIdx(file: Uint8Array<ArrayBuffer>, axes: number | null, name: string): Promise<Idx> {
  if (axes === null) return await readIdx(file, await axesOf(file, name), name);
  const header = 4 + 4 * axes;
  const bytes = await unpack(file, name, (first) => header + sizeOf(shapeIn(first, axes)) + SLACK, header);
  if (bytes.length < 4) {
    throw new DataError(`${name}: expected an IDX header of ${header} bytes, found ${bytes.length} bytes.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const expected = UNSIGNED_BYTES << 8 | axes;
  if (view.getUint32(0) !== expected) {
    throw new DataError(
      `${name}: expected the IDX magic number ${hex(expected)} (unsigned bytes, ${axes} ${
        axes === 1 ? "axis" : "axes"
      })` +
        `, found ${hex(view.getUint32(0))}.`,
    );
  }
  if (bytes.length < header) {
    throw new DataError(`${name}: expected an IDX header of ${header} bytes, found ${bytes.length} bytes.`);
  }
  const shape = shapeIn(bytes, axes);
  const size = sizeOf(shape);
  if (bytes.length - header !== size) {
    const found = bytes.length - header;
    throw new DataError(
      `${name}: expected ${size} bytes of data for shape ${showShape(shape)}, found ${found}: the file is ` +
        `${found < size ? "cut short" : "longer than its header says"}.`,
    );
  }
  return { shape, data: bytes.subarray(header) };
}

/** The number of axes that the first bytes say; that of images where they are too few. */
async function axesOf(file: Uint8Array<ArrayBuffer>, name: string): Promise<number> {
  if (!isGzip(file)) return file[3] ?? 3;
  // Of a packed file no more than its beginning is unpacked here.
  const stream = unpacked(ReadableStream.from([file]), name);
  let axes: number | undefined;
  let read = 0;
  for await (const piece of stream) {
    axes = piece[3 - read];
    read += piece.length;
    if (read > 3) break;
  }
  return axes ?? 3;
}

/** The extents that a header says. */
function shapeIn({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>, axes: number): number[] {
  const view = new DataView(buffer, byteOffset, byteLength);
  return Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
}

/** A magic number as people write it: 0x00000803. */
function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, "0")}`;
}
