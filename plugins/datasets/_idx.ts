/**
 * The IDX format of the MNIST files: two zero bytes, the number type, the number of axes, the extent of each axis as a
 * big-endian 32-bit number, then the numbers in row-major order. Only unsigned bytes (type 8) are read.
 *
 * @module
 */
import { DataError, showShape, sizeOf } from "../../core/mod.ts";
import { unpack } from "./_files.ts";

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
 * @param axes the number of axes that is expected: 3 for images, 1 for labels
 * @param name the file's name in errors
 * @throws {DataError} when the file is of another format, cut short, damaged, or longer than its header says
 */
export async function readIdx(file: Uint8Array<ArrayBuffer>, axes: number, name: string): Promise<Idx> {
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

/** The extents that a header says. */
function shapeIn({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>, axes: number): number[] {
  const view = new DataView(buffer, byteOffset, byteLength);
  return Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
}

/** A magic number as people write it: 0x00000803. */
function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, "0")}`;
}
