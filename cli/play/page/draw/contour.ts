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
  for (let row = 0; row < size - 1; row++) {
    for (let column = 0; column < size - 1; column++) {
      const at = row * size + column;
      const [a, b, c, d] = [values[at], values[at + 1], values[at + size + 1], values[at + size]];
      const sides: [number, number][] = [];
      if (a < level !== b < level) sides.push([column + crossing(a, b), row]);
      if (b < level !== c < level) sides.push([column + 1, row + crossing(b, c)]);
      if (d < level !== c < level) sides.push([column + crossing(d, c), row + 1]);
      if (a < level !== d < level) sides.push([column, row + crossing(a, d)]);
      for (let i = 0; i + 1 < sides.length; i += 2) visit(...sides[i], ...sides[i + 1]);
    }
  }
}
