/** Images from PNG files, in the size and the channels that a model takes. @module */
import { channelsFirst, DataError, type Preprocessing } from "../../mod.ts";

/** Channels, height and width of an image. */
export type Geometry = readonly [channels: number, height: number, width: number];

/** What images a model takes; undefined for one that takes none. A flat row is taken for a square grey image. */
export function geometryOf({ image, shape }: Preprocessing): Geometry | undefined {
  if (image !== undefined) return image as unknown as Geometry;
  if (shape.length === 3) return shape as unknown as Geometry;
  if (shape.length === 2) return [1, shape[0], shape[1]];
  const side = Math.sqrt(shape[0]);
  return shape.length === 1 && Number.isInteger(side) ? [1, side, side] : undefined;
}

/** The shapes in which an image may lie in a file of arrays, as the data set was given them, the usual one first. */
export function imageRows([channels, height, width]: Geometry, { layout }: Preprocessing): number[][] {
  const axes = layout === "channels-last" ? [height, width, channels] : [channels, height, width];
  return channels === 1 ? [[height, width], axes] : [axes];
}

const kinds: Readonly<Record<number, string>> = { 1: "1 channel (grey)", 3: "3 channels (colour)" };

function kindOf(channels: number): string {
  return kinds[channels] ?? `${channels} channels`;
}

/**
 * The pixels of an image, from 0 to 255, channel by channel; pixel by pixel for a model whose data set was given channels as
 * the last axis.
 *
 * @param bytes the file
 * @param preprocessing says what the model takes
 * @param name the file's name in errors
 * @throws {DataError} for a damaged file, another size, and other channels; colours that are all grey are grey, and what is
 *   opaque everywhere has no channel for it
 */
export async function readPng(
  bytes: Uint8Array<ArrayBuffer>,
  preprocessing: Preprocessing,
  name: string,
): Promise<Float64Array<ArrayBuffer>> {
  const geometry = geometryOf(preprocessing);
  if (geometry === undefined) {
    throw new DataError(`${name}: expected rows of ${preprocessing.shape[0]} numbers, found an image.`);
  }
  const [channels, height, width] = geometry;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24 || view.getUint32(0) !== 0x89504e47) {
    throw new DataError(
      `${name}: expected a PNG image, found ${bytes.length === 0 ? "an empty file" : "other bytes"}.`,
    );
  }
  // Before anything is unpacked: a small file can say that it is very large.
  const [foundWidth, foundHeight] = [view.getUint32(16), view.getUint32(20)];
  if (foundWidth !== width || foundHeight !== height) {
    throw new DataError(
      `${name}: expected an image of ${width} by ${height} pixels, found ${foundWidth} by ${foundHeight}.`,
    );
  }
  const { pixels, depth } = await decoded(bytes, name);
  const found = pixels.length / (width * height);
  const wanted = withChannels(pixels, found, channels);
  if (wanted === undefined) {
    const colours = found >= 3 ? 3 : 1;
    const seen = colours === channels ? "one that is not opaque everywhere" : kindOf(colours);
    throw new DataError(`${name}: expected an image of ${kindOf(channels)}, found ${seen}.`);
  }
  const values = Float64Array.from(wanted, (value) => value * 255 / (2 ** depth - 1));
  return preprocessing.layout === "channels-last" || channels === 1
    ? values
    : channelsFirst(values, [channels, height, width]);
}

interface Pixels {
  /** Values, pixel by pixel. */
  readonly pixels: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** Bits of each. */
  readonly depth: number;
}

async function decoded(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Pixels> {
  // Loaded only by who has images.
  const { convertIndexedToRgb, decode } = await import("fast-png");
  try {
    const image = decode(bytes, { checkCrc: true });
    const { width, height, channels, depth, data, palette } = image;
    if (palette !== undefined) return { pixels: convertIndexedToRgb(image), depth: 8 };
    if (depth >= 8) {
      if (data.length === width * height * channels) return { pixels: data, depth };
      throw new RangeError(`expected ${width * height * channels} values, found ${data.length}`);
    }
    return { pixels: unpackedBits(data, width, height, depth), depth };
  } catch (error) {
    throw new DataError(`${name}: expected a whole PNG image, found a damaged one (${(error as Error).message}).`, {
      cause: error,
    });
  }
}

/** Grey values of fewer bits than a byte has, of which each line begins with a byte of its own. */
function unpackedBits(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const line = Math.ceil(width * depth / 8);
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      pixels[y * width + x] = data[y * line + (bit >> 3)] >> (8 - depth - bit % 8) & (1 << depth) - 1;
    }
  }
  return pixels;
}

/** The same pixels in the wanted channels, where nothing is lost by it. */
function withChannels(pixels: Pixels["pixels"], found: number, wanted: number): ArrayLike<number> | undefined {
  if (found === wanted) return pixels;
  const count = pixels.length / found;
  const colours = found - (found + 1) % 2; // grey, or three; then what tells how opaque it is
  if (found !== colours) {
    const whole = pixels instanceof Uint16Array ? 65535 : 255;
    for (let i = 0; i < count; i++) if (pixels[i * found + colours] !== whole) return undefined;
  }
  if (wanted === 1 && colours === 3) {
    for (let i = 0; i < pixels.length; i += found) {
      if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return undefined;
    }
  } else if (wanted !== colours) return undefined;
  return Array.from({ length: count * wanted }, (_, i) => pixels[Math.floor(i / wanted) * found + i % wanted]);
}
