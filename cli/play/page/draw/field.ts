/// <reference lib="dom" />
/** The plane: what the net says of each place, and the points. @module */
import type { Field } from "../messages.ts";
import type { Points } from "../points.ts";
import { EXTENT } from "../scene.ts";
import { type Colour, css, mix, type Sheet, type Theme } from "./canvas.ts";
import { contour } from "./contour.ts";

/** A field on its way: what is shown follows what is so. */
export class EasedField {
  #probability: Float32Array | undefined;
  #unsure: Float32Array | undefined;
  #target: Field | undefined;
  /** The boundaries of the passes, as long as they are these on a sheet of this width. */
  #lines: { readonly path: Path2D; readonly of: Field; readonly width: number } | undefined;
  readonly #small: HTMLCanvasElement = document.createElement("canvas");

  /** What is so from now on. */
  set(field: Field): void {
    if (this.#target?.doubt !== field.doubt) this.#unsure = undefined;
    this.#target = field;
  }

  /** Moves what is shown; at once where time counts for nothing. */
  move(share: number): void {
    if (this.#target === undefined) return;
    this.#probability = eased(this.#probability, this.#target.probability, share);
    this.#unsure = eased(this.#unsure, this.#target.unsure, share);
  }

  /** Draws the probability as colour, and the boundary. */
  drawProbability(to: Sheet, theme: Theme): void {
    const [values, field] = [this.#probability, this.#target];
    if (values === undefined || field === undefined) return;
    const [a, b] = [mix(theme.middle, theme.a, 0.5), mix(theme.middle, theme.b, 0.5)];
    this.#paint(
      to,
      values,
      field.size,
      (value) => value < 0.5 ? mix(a, theme.middle, 2 * value) : mix(theme.middle, b, 2 * value - 1),
    );
    const { context } = to;
    context.strokeStyle = css(theme.ink, 0.75);
    context.lineWidth = 1.5;
    const path = new Path2D();
    trace(path, to, values, field.size);
    context.stroke(path);
  }

  /** Draws how unsure the net is; and where its passes have their boundaries, if that is what is shown. */
  drawDoubt(to: Sheet, theme: Theme): void {
    const [values, field] = [this.#unsure, this.#target];
    if (values === undefined || field === undefined) return;
    const lines = field.doubt === "boundaries";
    const full = mix(theme.middle, theme.doubt, lines ? 0.3 : 0.9);
    this.#paint(to, values, field.size, (value) => mix(theme.middle, full, Math.min(1, value)));
    if (!lines) return;
    const { context } = to;
    const count = field.passes.length / field.size ** 2;
    context.strokeStyle = css(theme.doubt, Math.max(0.25, Math.min(0.7, 9 / count)));
    context.lineWidth = 1.2;
    if (this.#lines?.width !== to.width || this.#lines.of !== field) {
      const path = new Path2D();
      for (let i = 0; i < count; i++) {
        trace(path, to, field.passes.subarray(i * field.size ** 2, (i + 1) * field.size ** 2), field.size);
      }
      this.#lines = { path, of: field, width: to.width };
    }
    context.stroke(this.#lines.path);
  }

  #paint(
    { context, width, height }: Sheet,
    values: ArrayLike<number>,
    size: number,
    colour: (value: number) => Colour,
  ) {
    const small = this.#small;
    small.width = small.height = size;
    const inner = small.getContext("2d")!;
    const image = inner.createImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      const at = 4 * ((size - 1 - Math.floor(i / size)) * size + i % size);
      const [red, green, blue] = colour(values[i]);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
    inner.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    // The outermost places lie on the border, half a pixel of the small image further in.
    const edge = 0.5;
    context.drawImage(small, edge, edge, size - 1, size - 1, 0, 0, width, height);
  }
}

/** Adds the line where values are one half. */
function trace(path: Path2D, { width, height }: Sheet, values: ArrayLike<number>, size: number): void {
  const [across, down] = [width / (size - 1), height / (size - 1)];
  contour(values, size, 0.5, (x0, y0, x1, y1) => {
    path.moveTo(x0 * across, height - y0 * down);
    path.lineTo(x1 * across, height - y1 * down);
  });
}

function eased(shown: Float32Array | undefined, target: Float32Array, share: number): Float32Array {
  if (shown === undefined || shown.length !== target.length) return target.slice();
  for (let i = 0; i < shown.length; i++) shown[i] += (target[i] - shown[i]) * share;
  return shown;
}

/** Where a place of the plane lies on a sheet. */
export function onSheet(x: number, y: number, { width, height }: Pick<Sheet, "width" | "height">): [number, number] {
  return [(x / EXTENT + 1) / 2 * width, (1 - y / EXTENT) / 2 * height];
}

/** Draws points: those that are trained on full, others as rings; and a ring around one place. */
export function drawPoints(
  to: Sheet,
  { places, labels, trained }: Points,
  theme: Theme,
  small: boolean,
  marked?: readonly [x: number, y: number, ...rest: number[]],
): void {
  const { context, width } = to;
  const radius = (small ? 0.007 : 0.0105) * width + 0.6;
  for (let i = 0; i < labels.length; i++) {
    const colour = labels[i] === 0 ? theme.a : theme.b;
    const [x, y] = onSheet(places[2 * i], places[2 * i + 1], to);
    context.beginPath();
    context.arc(x, y, trained[i] ? radius : radius - 0.6, 0, 2 * Math.PI);
    if (trained[i]) {
      context.fillStyle = css(colour);
      context.fill();
      context.strokeStyle = css(theme.card, 0.9);
      context.lineWidth = 0.8;
    } else {
      context.strokeStyle = css(colour, 0.75);
      context.lineWidth = 1.2;
    }
    context.stroke();
  }
  if (marked === undefined) return;
  const [x, y] = onSheet(marked[0], marked[1], to);
  context.beginPath();
  context.arc(x, y, radius + 4, 0, 2 * Math.PI);
  context.strokeStyle = css(theme.card, 0.9);
  context.lineWidth = 5;
  context.stroke();
  context.strokeStyle = css(theme.on);
  context.lineWidth = 2.5;
  context.stroke();
}
