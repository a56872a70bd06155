/** Draws the images of the `digits` data set. Everything random about image i lies at row i of its site. @module */
import { type Key, type Shape, shuffledOrder, type Split } from "../../core/mod.ts";
import { Canvas } from "./_canvas.ts";
import { Draws } from "./_draws.ts";
import { GLYPHS } from "./_strokes.ts";

/** Pixels per row and per column. */
export const SIDE = 28;
/** Number of classes. */
export const DIGITS = 10;
const PIXELS = SIDE * SIDE;

/** Size of an undistorted digit, in pixels, and the ranges of its factors. */
const SIZE = 19;
const HEIGHT = [0.85, 1.1] as const;
const WIDTH = [0.6, 1.05] as const;
/** Largest turn, in radians, largest sideways shift per unit of height, and largest shift of the centre, in pixels. */
const TURN = 0.22;
const SHEAR = 0.3;
const SHIFT = 2;
/** The elastic displacement: how many waves, cycles of each over the digit, and their height as part of its size. */
const WAVES = 4;
const CYCLES = 0.9;
const WAVE = 0.06;
/** Half the pen's width and the width of its soft edge, in pixels, and the strength of its ink. */
const PEN = [0.7, 1.7] as const;
const EDGE = [0.8, 1.6] as const;
const INK = [0.6, 1] as const;
/** Room for stray lines and erasures; the lines' length and half width in pixels, and ink as part of the pen's. */
const STRAYS = 3;
const ERASURES = 1;
const STRAY_LENGTH = [5, 14] as const;
const STRAY_PEN = [0.5, 1.3] as const;
const STRAY_INK = [0.2, 0.7] as const;
const STRAY_STEPS = 4;

/** Random numbers set aside for one row of each site. */
const SHAPE_ROW = 12;
const WAVE_ROW = 5 * WAVES;
const CLUTTER_ROW = 8 * (STRAYS + ERASURES);
const NOISE_ROW = PIXELS / 2;

/** How hard the images are to read. */
export interface Difficulty {
  /** Factor on all distortions of the digit's shape and place. */
  readonly distortion: number;
  /** Probability of each stray line and erasure. */
  readonly clutter: number;
  /** Standard deviation of the noise of each pixel, where 1 is full ink. */
  readonly noise: number;
}

/**
 * Draws one part of the data set.
 *
 * @param key where its random numbers lie; image i depends on this key, i, and the difficulty alone
 * @param count number of images
 * @param difficulty how hard they are to read
 * @param shape of an image: 784 numbers in all
 */
export function drawDigits(key: Key, count: number, difficulty: Difficulty, shape: Shape): Split {
  const [shapes, waves, clutters, noises] = ["shape", "waves", "clutter", "noise"].map((site) => key.at(site));
  const labels = drawLabels(key.at("labels"), count);
  const inputs = new Uint8Array(count * PIXELS);
  const canvas = new Canvas(SIDE);
  for (let i = 0; i < count; i++) {
    canvas.clear();
    const ink = drawDigit(
      canvas,
      labels[i],
      new Draws(shapes.sample(i), SHAPE_ROW),
      new Draws(waves.sample(i), WAVE_ROW),
      difficulty.distortion,
    );
    drawClutter(canvas, new Draws(clutters.sample(i), CLUTTER_ROW), difficulty.clutter, ink);
    const image = inputs.subarray(i * PIXELS, (i + 1) * PIXELS);
    develop(canvas, new Draws(noises.sample(i), NOISE_ROW), difficulty.noise, image);
  }
  return { count, shape, inputs, scale: 1 / 255, labels };
}

/** The class of each image: every ten images from the first on hold each digit once, in an order of their own. */
function drawLabels(key: Key, count: number): Int32Array<ArrayBuffer> {
  const labels = new Int32Array(count);
  for (let first = 0; first < count; first += DIGITS) {
    const order = shuffledOrder(DIGITS, key.atStep(first / DIGITS));
    labels.set(order.subarray(0, Math.min(DIGITS, count - first)), first);
  }
  return labels;
}

/** Draws a digit in a random style, shape, place and pen; returns the strength of the ink. */
function drawDigit(canvas: Canvas, digit: number, shape: Draws, waves: Draws, distortion: number): number {
  const glyph = GLYPHS[digit][shape.below(GLYPHS[digit].length)];
  const radius = shape.uniform(...PEN), soft = shape.uniform(...EDGE), ink = shape.uniform(...INK);
  const warp = drawWarp(shape, waves, distortion);
  for (const stroke of glyph) {
    const points = new Float64Array(stroke.length);
    for (let at = 0; at < points.length; at += 2) warp(stroke[at], stroke[at + 1], points, at);
    canvas.draw(points, radius, soft, ink);
  }
  return ink;
}

/** Writes at `out[at]` and `out[at + 1]` where the point (x, y) of the unit square lies on the canvas. */
type Warp = (x: number, y: number, out: Float64Array, at: number) => void;

/** A random smooth displacement, a sum of plane waves, followed by a random affine map. */
function drawWarp(shape: Draws, waves: Draws, distortion: number): Warp {
  const height = SIZE * shape.uniform(...HEIGHT), width = SIZE * shape.uniform(...WIDTH);
  const turn = distortion * shape.uniform(-TURN, TURN), shear = distortion * shape.uniform(-SHEAR, SHEAR);
  const centreX = SIDE / 2 + distortion * shape.uniform(-SHIFT, SHIFT);
  const centreY = SIDE / 2 + distortion * shape.uniform(-SHIFT, SHIFT);
  const cosine = Math.cos(turn), sine = Math.sin(turn);
  const swings = Array.from({ length: WAVES }, () => ({
    perX: 2 * Math.PI * waves.uniform(-CYCLES, CYCLES),
    perY: 2 * Math.PI * waves.uniform(-CYCLES, CYCLES),
    phase: waves.uniform(0, 2 * Math.PI),
    alongX: distortion * waves.uniform(-WAVE, WAVE),
    alongY: distortion * waves.uniform(-WAVE, WAVE),
  }));
  return (x, y, out, at) => {
    let across = x - 0.5, down = y - 0.5;
    for (const { perX, perY, phase, alongX, alongY } of swings) {
      const swing = Math.sin(perX * x + perY * y + phase);
      across += alongX * swing;
      down += alongY * swing;
    }
    down *= height;
    across = across * width - shear * down;
    out[at] = centreX + cosine * across - sine * down;
    out[at + 1] = centreY + sine * across + cosine * down;
  };
}

/** Rubs out along some random lines and draws others, weaker than the digit's ink. */
function drawClutter(canvas: Canvas, draws: Draws, probability: number, ink: number): void {
  for (let n = 0; n < ERASURES + STRAYS; n++) {
    const there = draws.uniform(0, 1) < probability;
    const points = drawStray(draws);
    const radius = draws.uniform(...STRAY_PEN), part = draws.uniform(...STRAY_INK);
    if (there && n < ERASURES) canvas.erase(points, radius, 1);
    else if (there) canvas.draw(points, radius, 1, part * ink);
  }
}

/** A short bent line that begins anywhere. */
function drawStray(draws: Draws): Float64Array {
  const points = new Float64Array(2 + 2 * STRAY_STEPS);
  points[0] = draws.uniform(0, SIDE);
  points[1] = draws.uniform(0, SIDE);
  let heading = draws.uniform(0, 2 * Math.PI);
  const bend = draws.uniform(-0.5, 0.5), step = draws.uniform(...STRAY_LENGTH) / STRAY_STEPS;
  for (let at = 2; at < points.length; at += 2, heading += bend) {
    points[at] = points[at - 2] + step * Math.cos(heading);
    points[at + 1] = points[at - 1] + step * Math.sin(heading);
  }
  return points;
}

/** Standard deviation of the sum of two random bytes. */
const TWO_BYTES = Math.sqrt((256 * 256 - 1) / 6);

/** Turns ink into grey bytes with noise. The noise of a pixel is the sum of two random bytes, centred and scaled. */
function develop(canvas: Canvas, draws: Draws, noise: number, image: Uint8Array): void {
  for (let first = 0; first < PIXELS; first += 2) {
    const word = draws.word();
    for (let half = 0; half < 2; half++) {
      const bytes = word >>> (16 * half);
      const deviation = ((bytes & 255) + (bytes >>> 8 & 255) - 255) / TWO_BYTES;
      const grey = Math.round(255 * (canvas.ink[first + half] + noise * deviation));
      image[first + half] = Math.min(255, Math.max(0, grey));
    }
  }
}
