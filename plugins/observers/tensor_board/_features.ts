/** A first layer's features as one image. @module */
import type { Shape, Tensor } from "../../../core/mod.ts";
import type { Picture } from "./_values.ts";

/** Features that are shown. */
const MOST = 100;

/** Pixels that a feature is enlarged to, at least, and that separate it from the next. */
const [LEAST_SIDE, GAP] = [28, 1];

/** The side of the smallest image that a flat row of numbers is taken for, where nobody says that it is one. */
const LEAST_GUESS = 8;

/**
 * What the units of a first layer look for, side by side as images: its weights from the most negative, black, to the most
 * positive, white, each unit for itself. Undefined where they are none of an image with one or three channels.
 *
 * @param weight `[units, inputs]` of a dense layer, or `[units, channels, height, width]` of a convolution
 * @param input the shape of an example
 * @param image what flat rows of numbers are, `[channels, height, width]`, where that is known
 */
export function featureImage(weight: Tensor, input: Shape, image?: Shape): Picture | undefined {
  const { shape } = weight;
  const geometry = shape.length === 4
    ? shape.slice(1)
    : shape.length !== 2
    ? undefined
    : image ?? (input.length === 3 ? input : input.length === 2 ? [1, ...input] : squareOf(shape[1]));
  if (geometry === undefined) return undefined;
  const [channels, height, width] = geometry;
  const size = channels * height * width;
  if ((channels !== 1 && channels !== 3) || height * width < 2 || size * shape[0] !== weight.size) return undefined;
  const zoom = Math.max(1, Math.ceil(LEAST_SIDE / Math.max(height, width)));
  const [tall, wide] = [height * zoom + GAP, width * zoom + GAP];
  const count = Math.min(MOST, shape[0]);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const total = columns * wide + GAP;
  const data = new Uint8Array(total * (rows * tall + GAP) * channels).fill(255);
  for (let unit = 0; unit < count; unit++) {
    const values = weight.floats.subarray(unit * size, (unit + 1) * size);
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    const [top, left] = [GAP + Math.floor(unit / columns) * tall, GAP + unit % columns * wide];
    for (let y = 0; y < height * zoom; y++) {
      for (let x = 0; x < width * zoom; x++) {
        const from = Math.floor(y / zoom) * width + Math.floor(x / zoom);
        const to = ((top + y) * total + left + x) * channels;
        for (let c = 0; c < channels; c++) {
          data[to + c] = Math.round(127.5 * (1 + values[c * height * width + from] / (most || 1)));
        }
      }
    }
  }
  return { width: total, height: rows * tall + GAP, channels, data };
}

function squareOf(inputs: number): Shape | undefined {
  const side = Math.sqrt(inputs);
  return Number.isInteger(side) && side >= LEAST_GUESS ? [1, side, side] : undefined;
}
