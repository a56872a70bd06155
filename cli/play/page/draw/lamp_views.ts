/// <reference lib="dom" />
/** What each unit answers to, as a picture inside of its lamp. @module */
import type { Views } from "../messages.ts";
import { mix, type Theme } from "./canvas.ts";

/** Pictures of all units on one small canvas, made anew where they or the theme have changed. */
export class LampViews {
  readonly #canvas: HTMLCanvasElement = document.createElement("canvas");
  #of: Views | undefined;
  #theme: Theme | undefined;

  /** Sees to it that the pictures are those of some views. */
  set(views: Views, theme: Theme): void {
    if (this.#of === views && this.#theme === theme) return;
    this.#of = views;
    this.#theme = theme;
    const { size, layers } = views;
    const places = size * size;
    const most = Math.max(...layers.map((layer) => layer.length / places));
    this.#canvas.width = most * size;
    this.#canvas.height = layers.length * size;
    const context = this.#canvas.getContext("2d")!;
    const image = context.createImageData(most * size, layers.length * size);
    // On a dark ground less goes for dim.
    const dim = mix(theme.on, theme.card, theme.card[0] < 128 ? 0.4 : 0.55);
    layers.forEach((values, layer) => {
      for (let i = 0; i < values.length; i++) {
        const [unit, place] = [Math.floor(i / places), i % places];
        const [row, column] = [size - 1 - Math.floor(place / size), place % size];
        const at = 4 * ((layer * size + row) * most * size + unit * size + column);
        const [red, green, blue] = mix(dim, theme.on, Math.sqrt(values[i])); // also what answers little
        image.data[at] = red;
        image.data[at + 1] = green;
        image.data[at + 2] = blue;
        image.data[at + 3] = 255;
      }
    });
    context.putImageData(image, 0, 0);
  }

  /** Draws a unit's picture into a circle. */
  draw(context: CanvasRenderingContext2D, layer: number, unit: number, x: number, y: number, radius: number): void {
    const { size } = this.#of!;
    context.save();
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.clip();
    // Half a place inside: its neighbours are other units.
    const [left, top, side] = [unit * size + 0.5, layer * size + 0.5, size - 1];
    context.drawImage(this.#canvas, left, top, side, side, x - radius, y - radius, 2 * radius, 2 * radius);
    context.restore();
  }
}
