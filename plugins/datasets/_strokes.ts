/**
 * The ten digits as pen strokes, several ways of writing each, drawn up by hand for this library.
 *
 * A stroke is a polyline in the unit square, x to the right and y down. Curves are Catmull-Rom splines through the
 * listed points, flattened once, so that an image has only to move points.
 *
 * @module
 */

/** x, y, x, y, ...: the corners of one polyline. */
export type Stroke = readonly number[];

/** One way of writing one digit. */
export type Glyph = readonly Stroke[];

/** Straight pieces per spline span: at 28 pixels a span is about 5 pixels long, so the bends cannot be seen. */
const PIECES = 4;

/** A polyline through the points, with corners. */
function line(...points: readonly number[]): Stroke {
  return points;
}

/** A smooth curve through the points: a Catmull-Rom spline whose ends repeat. */
function curve(...points: readonly number[]): Stroke {
  const count = points.length / 2;
  const coordinate = (i: number, axis: number) => points[2 * Math.min(Math.max(i, 0), count - 1) + axis];
  const out: number[] = [];
  for (let i = 0; i + 1 < count; i++) {
    for (let piece = 0; piece < PIECES; piece++) {
      const t = piece / PIECES;
      for (let axis = 0; axis < 2; axis++) {
        const [a, b, c, d] = [-1, 0, 1, 2].map((step) => coordinate(i + step, axis));
        out.push(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))));
      }
    }
  }
  out.push(coordinate(count - 1, 0), coordinate(count - 1, 1));
  return out;
}

/** Part of an ellipse. Angles in turns, 0 at the right, growing clockwise because y points down. */
function arc(x: number, y: number, rx: number, ry: number, from: number, to: number): Stroke {
  const pieces = Math.ceil(Math.abs(to - from) * 20);
  const out: number[] = [];
  for (let i = 0; i <= pieces; i++) {
    const angle = 2 * Math.PI * (from + (to - from) * (i / pieces));
    out.push(x + rx * Math.cos(angle), y + ry * Math.sin(angle));
  }
  return out;
}

/** The ways of writing each digit: `GLYPHS[digit][style]`. */
export const GLYPHS: readonly (readonly Glyph[])[] = [
  [ // 0: round, narrow, and one whose ends cross at the top
    [arc(0.5, 0.5, 0.36, 0.48, -0.25, 0.75)],
    [arc(0.5, 0.5, 0.24, 0.48, -0.25, 0.75)],
    [curve(0.62, 0.06, 0.36, 0.08, 0.17, 0.36, 0.2, 0.74, 0.46, 0.97, 0.74, 0.8, 0.83, 0.42, 0.68, 0.12, 0.42, 0.04)],
  ],
  [ // 1: a bare stem, with an upstroke, with a foot, with a long upstroke
    [line(0.5, 0.02, 0.5, 0.98)],
    [line(0.3, 0.22, 0.54, 0.02, 0.54, 0.98)],
    [line(0.3, 0.2, 0.52, 0.02, 0.52, 0.96), line(0.28, 0.97, 0.76, 0.97)],
    [curve(0.2, 0.42, 0.4, 0.26, 0.56, 0.02), line(0.56, 0.02, 0.56, 0.98)],
  ],
  [ // 2: with a plain corner, with a loop, with a waved base
    [
      curve(0.18, 0.26, 0.3, 0.06, 0.58, 0.03, 0.78, 0.22, 0.68, 0.48, 0.42, 0.74, 0.16, 0.96),
      line(0.16, 0.96, 0.86, 0.95),
    ],
    [curve(
      ...[0.2, 0.2, 0.42, 0.03, 0.7, 0.1, 0.76, 0.34, 0.6, 0.62, 0.34, 0.9, 0.16, 0.92, 0.14, 0.77, 0.3, 0.72],
      ...[0.54, 0.88, 0.74, 0.96, 0.9, 0.86],
    )],
    [
      curve(0.2, 0.16, 0.5, 0.03, 0.72, 0.18, 0.62, 0.46, 0.2, 0.94),
      curve(0.2, 0.94, 0.44, 0.86, 0.66, 0.97, 0.88, 0.9),
    ],
  ],
  [ // 3: two bows, a flat top, and one with a small loop between the bows
    [
      curve(0.2, 0.14, 0.46, 0.02, 0.72, 0.12, 0.72, 0.34, 0.42, 0.47),
      curve(0.42, 0.47, 0.74, 0.56, 0.8, 0.78, 0.56, 0.97, 0.16, 0.88),
    ],
    [line(0.2, 0.05, 0.78, 0.05, 0.44, 0.4), curve(0.44, 0.4, 0.74, 0.46, 0.82, 0.74, 0.58, 0.97, 0.2, 0.9)],
    [curve(
      ...[0.22, 0.16, 0.48, 0.02, 0.72, 0.16, 0.64, 0.38, 0.42, 0.5, 0.36, 0.43, 0.5, 0.42, 0.76, 0.58, 0.76, 0.84],
      ...[0.48, 0.98, 0.16, 0.84],
    )],
  ],
  [ // 4: open, closed, and open with bent arms
    [line(0.3, 0.04, 0.16, 0.58, 0.86, 0.56), line(0.68, 0.12, 0.62, 0.98)],
    [line(0.62, 0.98, 0.62, 0.03, 0.12, 0.68, 0.88, 0.68)],
    [curve(0.24, 0.06, 0.18, 0.36, 0.28, 0.54, 0.54, 0.52, 0.76, 0.4), curve(0.78, 0.04, 0.74, 0.4, 0.66, 0.98)],
  ],
  [ // 5: with a lifted hat, with a corner, and in one sweep
    [
      line(0.34, 0.08, 0.26, 0.44),
      curve(0.26, 0.44, 0.56, 0.38, 0.8, 0.6, 0.66, 0.9, 0.36, 0.98, 0.16, 0.86),
      line(0.34, 0.07, 0.82, 0.04),
    ],
    [line(0.8, 0.05, 0.26, 0.05, 0.24, 0.5), curve(0.24, 0.5, 0.5, 0.36, 0.78, 0.5, 0.76, 0.82, 0.5, 0.97, 0.2, 0.92)],
    [curve(0.82, 0.04, 0.5, 0.07, 0.32, 0.2, 0.36, 0.4, 0.62, 0.52, 0.74, 0.72, 0.6, 0.92, 0.34, 0.97, 0.18, 0.86)],
  ],
  [ // 6: a round back, a straight back, and a curled top
    [curve(
      ...[0.7, 0.04, 0.38, 0.24, 0.22, 0.6, 0.34, 0.92, 0.6, 0.96, 0.78, 0.76, 0.66, 0.56, 0.4, 0.56, 0.25, 0.74],
    )],
    [curve(0.52, 0.02, 0.34, 0.36, 0.22, 0.7), arc(0.47, 0.74, 0.25, 0.23, 0.5, 1.5)],
    [curve(
      ...[
        0.8,
        0.16,
        0.62,
        0.03,
        0.38,
        0.14,
        0.22,
        0.48,
        0.26,
        0.84,
        0.5,
        0.98,
        0.76,
        0.86,
        0.76,
        0.6,
        0.54,
        0.46,
        0.26,
        0.6,
      ],
    )],
  ],
  [ // 7: plain, with a bar, with a serif, and with a bent stem
    [line(0.16, 0.06, 0.84, 0.06, 0.42, 0.98)],
    [line(0.16, 0.08, 0.82, 0.05, 0.44, 0.98), line(0.32, 0.52, 0.78, 0.48)],
    [line(0.16, 0.22, 0.18, 0.06, 0.84, 0.08), curve(0.84, 0.08, 0.6, 0.44, 0.5, 0.98)],
    [curve(0.14, 0.14, 0.32, 0.05, 0.56, 0.12, 0.82, 0.06), curve(0.82, 0.06, 0.68, 0.34, 0.48, 0.62, 0.42, 0.98)],
  ],
  [ // 8: one crossing stroke, two rings, and one that stays open at the top right
    [curve(
      ...[0.7, 0.12, 0.46, 0.02, 0.26, 0.16, 0.34, 0.38, 0.62, 0.54, 0.76, 0.78, 0.52, 0.98, 0.24, 0.84, 0.32, 0.6],
      ...[0.6, 0.42, 0.76, 0.22, 0.68, 0.1],
    )],
    [arc(0.5, 0.25, 0.23, 0.23, 0.25, 1.25), arc(0.5, 0.73, 0.28, 0.25, -0.25, 0.75)],
    [curve(
      ...[
        0.8,
        0.08,
        0.5,
        0.03,
        0.28,
        0.16,
        0.36,
        0.38,
        0.6,
        0.5,
        0.72,
        0.76,
        0.5,
        0.97,
        0.28,
        0.8,
        0.4,
        0.54,
        0.66,
        0.36,
      ],
      ...[0.8, 0.18],
    )],
  ],
  [ // 9: a straight stem, a hooked stem, and in one sweep
    [arc(0.48, 0.28, 0.25, 0.25, 0, 1), line(0.73, 0.2, 0.68, 0.98)],
    [
      curve(
        ...[0.74, 0.2, 0.54, 0.03, 0.28, 0.14, 0.24, 0.38, 0.46, 0.5, 0.72, 0.32],
      ),
      curve(0.74, 0.12, 0.76, 0.5, 0.68, 0.86, 0.46, 0.98, 0.24, 0.88),
    ],
    [curve(
      ...[0.74, 0.14, 0.48, 0.03, 0.26, 0.2, 0.32, 0.46, 0.6, 0.46, 0.76, 0.18, 0.72, 0.5, 0.58, 0.78, 0.48, 0.98],
    )],
  ],
];
