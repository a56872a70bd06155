/** Numbers as small PNG images, as data URLs that stand in a page. @module */
import { encode } from "fast-png";

/** Numbers of an image, `[channels, height, width]`, channels 1 or 3. */
export interface Pixels {
  /** The numbers, row by row, one channel after the other. */
  readonly values: ArrayLike<number>;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: number;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
}

/** Whether an example of a shape can be shown as an image. */
export function isImage(shape: readonly number[] | undefined): shape is readonly [number, number, number] {
  return shape !== undefined && shape.length === 3 && (shape[0] === 1 || shape[0] === 3) && shape[1] > 1 &&
    shape[2] > 1;
}

/**
 * An image as a data URL.
 *
 * @param black the number that becomes black
 * @param white the number that becomes white; others are cut off at either end
 */
export function imageUrl({ values, channels, height, width }: Pixels, black: number, white: number): string {
  const area = height * width;
  const data = new Uint8Array(area * channels);
  const scale = 255 / (white - black);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < area; i++) {
      data[i * channels + channel] = Math.max(
        0,
        Math.min(255, Math.round((values[channel * area + i] - black) * scale)),
      );
    }
  }
  const png = encode({ width, height, data, channels: channels as 1 | 3, depth: 8 });
  return `data:image/png;base64,${png.toBase64()}`;
}

/** An image of weights: middle grey is 0, the largest in size black or white. */
export function weightsUrl(pixels: Pixels): string {
  let most = 0;
  for (let i = 0; i < pixels.values.length; i++) most = Math.max(most, Math.abs(pixels.values[i]));
  const end = most > 0 && most < Infinity ? most : 1;
  return imageUrl(pixels, -end, end);
}
