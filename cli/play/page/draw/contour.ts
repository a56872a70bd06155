/** The line along which a field has one value. @module */

/**
 * Segments of the line where values on a square grid cross a level (marching squares, with straight interpolation).
 *
 * @param values row by row, `size * size` of them
 * @param visit called with the ends of each segment, in places of the grid
 */
export function contour(
  values: ArrayLike<number>,
  size: number,
  level: number,
  visit: (x0: number, y0: number, x1: number, y1: number) => void,
): void {
  const crossing = (a: number, b: number) => (level - a) / (b - a);
  let [fromX, fromY, open] = [0, 0, false];
  const meet = (x: number, y: number) => {
    if (open) visit(fromX, fromY, x, y);
    else [fromX, fromY] = [x, y];
    open = !open;
  };
  for (let row = 0; row < size - 1; row++) {
    for (let column = 0; column < size - 1; column++) {
      const at = row * size + column;
      const [a, b, c, d] = [values[at], values[at + 1], values[at + size + 1], values[at + size]];
      const [aBelow, bBelow, cBelow, dBelow] = [a < level, b < level, c < level, d < level];
      if (aBelow === bBelow && bBelow === cBelow && cBelow === dBelow) continue;
      // An even number of a cell's sides is crossed.
      if (aBelow !== bBelow) meet(column + crossing(a, b), row);
      if (bBelow !== cBelow) meet(column + 1, row + crossing(b, c));
      if (dBelow !== cBelow) meet(column + crossing(d, c), row + 1);
      if (aBelow !== dBelow) meet(column, row + crossing(a, d));
    }
  }
}
