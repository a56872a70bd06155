/** A small grey canvas and an anti-aliased round pen. @module */

/** A square canvas of ink in [0, 1], 0 being blank. */
export class Canvas {
  /** Pixels per row and per column. */
  readonly side: number;
  /** Row after row; the centre of the first pixel is at (0.5, 0.5). */
  readonly ink: Float64Array;

  /** @param side pixels per row and per column */
  constructor(side: number) {
    this.side = side;
    this.ink = new Float64Array(side * side);
  }

  /** Wipes the canvas. */
  clear(): void {
    this.ink.fill(0);
  }

  /**
   * Draws a polyline.
   *
   * @param points x, y, x, y, ... in pixels
   * @param radius half the width of the line, in pixels
   * @param soft width of its edge, in pixels, above 0: ink falls from full to none over this distance
   * @param ink the ink of the line in [0, 1]; where lines cross, the stronger one is seen
   */
  draw(points: ArrayLike<number>, radius: number, soft: number, ink: number): void {
    this.#cover(points, radius, soft, (pixel, cover) => {
      const value = ink * cover;
      if (value > this.ink[pixel]) this.ink[pixel] = value;
    });
  }

  /** Rubs out along a polyline; arguments as for `draw`. */
  erase(points: ArrayLike<number>, radius: number, soft: number): void {
    this.#cover(points, radius, soft, (pixel, cover) => this.ink[pixel] *= 1 - cover);
  }

  /** Visits the pixels near each segment with the part of the pen that covers them, in (0, 1]. */
  #cover(
    points: ArrayLike<number>,
    radius: number,
    soft: number,
    visit: (pixel: number, cover: number) => void,
  ): void {
    const reach = radius + soft / 2;
    const last = this.side - 1;
    for (let i = 0; i + 3 < points.length; i += 2) {
      const x0 = points[i], y0 = points[i + 1], x1 = points[i + 2], y1 = points[i + 3];
      const dx = x1 - x0, dy = y1 - y0;
      const perLength = 1 / (dx * dx + dy * dy + 1e-12);
      const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach - 0.5));
      const right = Math.min(last, Math.floor(Math.max(x0, x1) + reach - 0.5));
      const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach - 0.5));
      const bottom = Math.min(last, Math.floor(Math.max(y0, y1) + reach - 0.5));
      for (let row = top; row <= bottom; row++) {
        const py = row + 0.5 - y0;
        for (let column = left; column <= right; column++) {
          const px = column + 0.5 - x0;
          const along = Math.min(1, Math.max(0, (px * dx + py * dy) * perLength));
          const ex = px - along * dx, ey = py - along * dy;
          const squared = ex * ex + ey * ey;
          if (squared < reach * reach) {
            visit(row * this.side + column, Math.min(1, (reach - Math.sqrt(squared)) / soft));
          }
        }
      }
    }
  }
}
