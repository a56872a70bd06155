/** A tensor in a notebook: small ones as numbers, those that look like images, and matrices, as pictures. @module */
import { showShape } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { htmlTable } from "./html_table.ts";
import type { DisplayBundle } from "./jupyter.ts";
import { pngAddress } from "./png.ts";

/** Numbers that are shown as such. */
const MOST_NUMBERS = 100;

/** The smallest and the largest side of an image, images side by side, and the width in which they are shown. */
const [LEAST_SIDE, MOST_SIDE, MOST_IMAGES, SHOWN] = [8, 1024, 64, 480];

/** Images in a tensor: `[count, channels, height, width]`. */
type Images = readonly [count: number, channels: 1 | 3, height: number, width: number];

/** What a tensor shows of itself: its type and shape, and its numbers, or what they look like. */
export async function displayTensor(tensor: Tensor): Promise<DisplayBundle> {
  const { dtype, shape, size, storage } = tensor;
  const plain = { "text/plain": tensor.toString() };
  if (storage.recycled || storage.detached) return plain;
  const title = `<div style="margin-bottom:.3em">Tensor ${dtype} ${showShape(shape)}</div>`;
  const values = storage.array;
  if (size <= MOST_NUMBERS && shape.length <= 2) {
    const columns = shape.length === 0 ? 1 : shape[shape.length - 1];
    const rows = Array.from(
      { length: columns === 0 ? 0 : size / columns },
      (_, row) => Array.from({ length: columns }, (_, column) => numberText(values[row * columns + column])),
    );
    return { ...plain, "text/html": title + htmlTable([], rows) };
  }
  const images = dtype === "int32" ? undefined : imagesIn(shape);
  if (images === undefined) {
    const { low, high, mean } = rangeOf(values);
    const range = `from ${numberText(low)} to ${numberText(high)}, mean ${numberText(mean)}`;
    const first = Array.from(values.subarray(0, 10), numberText).join(", ");
    return { ...plain, "text/html": `${title}<div>${first}, …</div><div style="opacity:.7">${range}</div>` };
  }
  const { pixels, width, height, low, high, shown } = drawn(values, images);
  const address = await pngAddress(pixels, width, height, images[1]);
  const scale = Math.max(1, Math.min(8, Math.floor(SHOWN / width)));
  const some = shown < images[0] ? `the first ${shown} of ${images[0]}; ` : "";
  return {
    ...plain,
    "text/html": `${title}<img alt="Tensor ${showShape(shape)} as an image" src="${address}" ` +
      `style="image-rendering:pixelated;width:${width * scale}px;max-width:100%">` +
      `<div style="opacity:.7">${some}black is ${numberText(low)}, white ${numberText(high)}</div>`,
  };
}

/** A number in about four digits. */
export function numberText(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** Matrices, single images and batches of them. */
function imagesIn(shape: readonly number[]): Images | undefined {
  const [height, width] = shape.slice(-2);
  const sides = [height, width];
  if (!sides.every((side) => side >= LEAST_SIDE && side <= MOST_SIDE)) return undefined;
  const isChannels = (extent: number): extent is 1 | 3 => extent === 1 || extent === 3;
  if (shape.length === 2) return [1, 1, height, width];
  if (shape.length === 3) return isChannels(shape[0]) ? [1, shape[0], height, width] : [shape[0], 1, height, width];
  return shape.length === 4 && isChannels(shape[1]) ? [shape[0], shape[1], height, width] : undefined;
}

function rangeOf(values: ArrayLike<number>): { low: number; high: number; mean: number } {
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
    sum += values[i];
  }
  return { low, high, mean: sum / values.length };
}

/** The images side by side, from the smallest number, black, to the largest, white. */
function drawn(values: ArrayLike<number>, [count, channels, height, width]: Images) {
  const size = channels * height * width;
  const shown = Math.min(count, MOST_IMAGES, Math.max(1, Math.floor(MOST_SIDE * MOST_SIDE / size)));
  const { low, high } = rangeOf(values);
  const columns = Math.ceil(Math.sqrt(shown));
  const gap = shown > 1 ? 1 : 0;
  const total = columns * (width + gap) - gap;
  const tall = Math.ceil(shown / columns) * (height + gap) - gap;
  const pixels = new Uint8Array(total * tall * channels).fill(128);
  for (let image = 0; image < shown; image++) {
    const [top, left] = [Math.floor(image / columns) * (height + gap), image % columns * (width + gap)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const to = ((top + y) * total + left + x) * channels;
        for (let c = 0; c < channels; c++) {
          const value = values[image * size + (c * height + y) * width + x];
          pixels[to + c] = Math.round(255 * (high > low ? (value - low) / (high - low) : 0.5));
        }
      }
    }
  }
  return { pixels, width: total, height: tall, low, high, shown };
}
