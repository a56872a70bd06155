/**
 * Curves as SVG, small and without a library: what is in a notebook shows itself, and looking at a result should not bring
 * the megabytes of a plot library and of a document to draw in to everybody who trains a net. Text and lines take the colour
 * of what is around them, so that a chart is readable on light and on dark ground.
 *
 * @module
 */
import { escaped } from "./jupyter.ts";

/** One curve. */
export interface Curve {
  /** Its name. */
  readonly name: string;
  /** Its points, from left to right; the curve is broken where y is no finite number. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What a chart is told. */
export interface ChartOptions {
  /** What it shows. */
  readonly title: string;
  /** What the horizontal axis counts. */
  readonly across: string;
  /** A value of the vertical axis as text. Default: as short as it can be. */
  readonly format?: (value: number) => string;
}

const [WIDTH, HEIGHT] = [400, 240];
const [LEFT, RIGHT, TOP, BOTTOM] = [48, 12, 44, 34];

/** Colours that stand out on white and on black. */
const colours = ["#3b82c4", "#d9702d", "#3f9c5a", "#8f6cc9"];

/** Numbers of 1, 2 or 5 times a power of ten that are spread over an interval, about `count` of them. */
export function ticks(low: number, high: number, count: number, whole = false): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  if (whole) step = Math.max(1, step);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Curves over a common axis of whole numbers, such as epochs. */
export function lineChart(curves: readonly Curve[], { title, across, format = String }: ChartOptions): string {
  const points = curves.flatMap((curve) => curve.points).filter(([, y]) => Number.isFinite(y));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right] = extent(xs);
  let [low, high] = extent(ys);
  if (low > 0 && low < 0.5 * high) low = 0;
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const across_ = (x: number) => LEFT + (right > left ? (x - left) / (right - left) : 0.5) * (WIDTH - LEFT - RIGHT);
  const up = (y: number) => HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const at = (x: number, y: number) => `${across_(x).toFixed(1)} ${up(y).toFixed(1)}`;

  const grid = ticks(low, high, 5).map((y) =>
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(y).toFixed(1)}" y2="${
      up(y).toFixed(1)
    }" stroke="currentColor" ` +
    `stroke-opacity=".15"/><text x="${LEFT - 6}" y="${(up(y) + 4).toFixed(1)}" text-anchor="end">${format(y)}</text>`
  );
  const marks = ticks(left, right, 6, true).map((x) =>
    `<text x="${across_(x).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${x}</text>`
  );
  const lines = curves.map(({ points }, i) => {
    const colour = colours[i % colours.length];
    let path = "";
    let broken = true;
    for (const [x, y] of points) {
      if (Number.isFinite(y)) path += `${broken ? "M" : "L"}${at(x, y)}`;
      broken = !Number.isFinite(y);
    }
    const last = points.findLast(([, y]) => Number.isFinite(y));
    if (last === undefined) return "";
    const end = `<circle cx="${across_(last[0]).toFixed(1)}" cy="${up(last[1]).toFixed(1)}" r="2.5" fill="${colour}"/>`;
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>${end}`;
  });
  const legend = curves.map(({ name }, i) =>
    `<tspan${i === 0 ? "" : ' dx="12"'} fill="${colours[i % colours.length]}" font-weight="600">${
      escaped(name)
    }</tspan>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
    `aria-label="${escaped(`${title}: ${curves.map(({ name }) => name).join(", ")}`)}" fill="currentColor" ` +
    `font-family="system-ui, sans-serif" font-size="11" style="width:100%;max-width:${WIDTH}px;height:auto">` +
    `<text x="4" y="14" font-size="13" font-weight="600">${escaped(title)}</text>` +
    `<text x="4" y="31">${legend.join("")}</text>${grid.join("")}${marks.join("")}` +
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end" opacity=".7">${escaped(across)}</text>${
      lines.join("")
    }</svg>`;
}

function extent(values: readonly number[]): [number, number] {
  return values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
}
