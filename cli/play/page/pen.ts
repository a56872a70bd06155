/// <reference lib="dom" />
/** Setting points of one's own on the plane, by pointer or by keys. @module */
import { css, type Sheet, type Theme } from "./draw/canvas.ts";
import { onSheet } from "./draw/field.ts";
import { EXTENT, MOST_POINTS } from "./scene.ts";

/** How near to a point, in coordinates, a click takes it away. */
const NEAR = 0.07;

/** How far an arrow key moves. */
const STRIDE = 0.08;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STRIDE, 0],
  ArrowRight: [STRIDE, 0],
  ArrowUp: [0, STRIDE],
  ArrowDown: [0, -STRIDE],
};

/** Sets points where a person clicks, and takes away those that are clicked at. */
export class Pen {
  /** The class of new points. */
  label: 0 | 1 = 0;
  readonly #canvas: HTMLCanvasElement;
  readonly #points: () => readonly number[];
  readonly #set: (points: number[]) => void;
  #at: [number, number] = [0, 0];
  #byKeys = false;
  #open = false;

  /**
   * @param canvas the plane
   * @param points the points there are: x, y and class, one after the other
   * @param set called with the points there are to be
   */
  constructor(canvas: HTMLCanvasElement, points: () => readonly number[], set: (points: number[]) => void) {
    this.#canvas = canvas;
    this.#points = points;
    this.#set = set;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.#open || event.button !== 0) return;
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const [across, down] = [(event.clientX - left) / width, (event.clientY - top) / height];
      this.#byKeys = false;
      this.#touch((2 * across - 1) * EXTENT, (1 - 2 * down) * EXTENT);
    });
    canvas.addEventListener("keydown", (event) => {
      if (!this.#open) return;
      const arrow = arrows[event.key];
      if (arrow !== undefined) {
        this.#at = this.#at.map((place, i) => Math.max(-EXTENT, Math.min(EXTENT, place + arrow[i]))) as [
          number,
          number,
        ];
        this.#byKeys = true;
        this.#set([...this.#points()]);
      } else if (event.key === "Enter" || event.key === " ") this.#touch(...this.#at);
      else return;
      event.preventDefault();
    });
  }

  /** Whether points can be set. */
  set open(open: boolean) {
    this.#open = open;
    this.#byKeys &&= open;
    if (open) this.#canvas.dataset.pen = "";
    else delete this.#canvas.dataset.pen;
  }

  #touch(x: number, y: number): void {
    const points = [...this.#points()];
    let nearest = -1;
    let distance = NEAR;
    for (let i = 0; i < points.length; i += 3) {
      const away = Math.hypot(points[i] - x, points[i + 1] - y);
      if (away < distance) [nearest, distance] = [i, away];
    }
    if (nearest >= 0) points.splice(nearest, 3);
    else if (points.length < 3 * MOST_POINTS) points.push(rounded(x), rounded(y), this.label);
    this.#set(points);
  }

  /** Draws where the keys are. */
  draw(to: Sheet, theme: Theme): void {
    if (!this.#open || !this.#byKeys) return;
    const [x, y] = onSheet(...this.#at, to);
    to.context.strokeStyle = css(theme.ink);
    to.context.lineWidth = 1.5;
    to.context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      to.context.moveTo(x + 4 * dx, y + 4 * dy);
      to.context.lineTo(x + 10 * dx, y + 10 * dy);
    }
    to.context.stroke();
  }
}

/** As an address writes it. */
function rounded(place: number): number {
  return Math.round(place * 100) / 100;
}
