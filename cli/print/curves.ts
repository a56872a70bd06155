/** Learning curves as text: a pure function from numbers to a string. @module */

/** One curve. */
export interface Series {
  /** Its name in the legend. */
  readonly name: string;
  /** Its values at the epochs 1, 2, ...; one that is not finite leaves a gap. */
  readonly values: readonly number[];
}

/** How curves are drawn. */
export interface CurveOptions {
  /** Characters in a line, axis included. Default 72. */
  readonly width?: number;
  /** Lines of the plot, without title, axis and legend. Default 16. */
  readonly height?: number;
  /** What stands above. */
  readonly title?: string;
  /** What stands behind the numbers on the left, such as `%`. */
  readonly unit?: string;
  /** Whether to use ANSI colours. Default false; the curves differ by mark and dash anyway. */
  readonly colour?: boolean;
}

/** Marks on the curves; every other curve is dashed as well. */
const MARKS = ["●", "▲", "■", "◆", "○", "△", "□", "◇"];
const COLOURS = [36, 33, 35, 32, 34, 31];

/** Columns between two marks of a curve. */
const MARK_GAP = 12;

/** Epochs after which the values of the first ones need not all be seen. */
const SETTLED = 6;
const EPOCH = "epoch";

/**
 * Learning curves over epochs, in braille dots, with marks to tell them apart, axes and a legend that gives the last
 * value of each curve. Values far above most others, as in a first epoch, are cut off, so that the rest can be told
 * apart; the title then says so. Without a line feed at the end.
 *
 * @param series the curves
 * @param options size, title and colour
 */
export function curves(series: readonly Series[], options: CurveOptions = {}): string {
  const { width = 72, height = 16, title = "", unit = "", colour = false } = options;
  const values = series.flatMap((one) => one.values.filter(Number.isFinite)).sort((a, b) => a - b);
  if (values.length === 0) return [title, "(no values to draw)"].filter((line) => line !== "").join("\n");
  const paint = (text: string, index: number): string =>
    colour ? `\x1b[${COLOURS[index % COLOURS.length]}m${text}\x1b[0m` : text;

  const epochs = Math.max(...series.map((one) => one.values.length));
  const axis = valueAxis(values, height, unit, epochs >= SETTLED);
  const plotWidth = Math.max(8, width - axis.labelWidth - 2);
  const canvas = new Canvas(plotWidth, height);
  const place = (epoch: number, value: number): [number, number] => [
    epochs === 1 ? 0 : epoch / (epochs - 1) * (plotWidth * 2 - 1),
    (axis.high - value) / (axis.high - axis.low) * (height * 4 - 1),
  ];
  series.forEach(({ values }, index) => draw(canvas, values.map((value, epoch) => place(epoch, value)), index));
  series.forEach(({ values }, index) =>
    mark(canvas, values.map((value, epoch) => place(epoch, value)), index, series.length)
  );

  const peak = values.at(-1)!;
  const cut = peak > axis.high ? `(peak ${brief(peak)}${unit} not shown)` : "";
  const head = title + cut === "" ? [] : [" ".repeat(axis.labelWidth + 2) + `${title} ${cut}`.trim()];
  const body = canvas.lines(paint).map((line, row) => {
    const label = axis.labels.get(row);
    return (label ?? "").padStart(axis.labelWidth) + (label === undefined ? " │" : " ┤") + line;
  });
  const legend = series.map(({ name, values }, index) => {
    const last = values.findLast(Number.isFinite);
    const text = `${name}${last === undefined ? "" : ` ${brief(last)}${unit}`}`;
    const dash = index % 2 === 0 ? "─" : "╌";
    return { plain: text.length + 4, text: `${paint(dash + MARKS[index % MARKS.length] + dash, index)} ${text}` };
  });
  return [
    ...head,
    ...body,
    ...epochAxis(epochs, plotWidth, axis.labelWidth),
    ...flow(legend, width - axis.labelWidth - 2).map((line) => " ".repeat(axis.labelWidth + 2) + line),
  ].join("\n");
}

/** Draws a curve's lines: those of every other curve are dashed. */
function draw(canvas: Canvas, points: readonly (readonly [number, number])[], index: number): void {
  for (let i = 0; i < points.length; i++) {
    const [x0, y0] = points[Math.max(0, i - 1)];
    const [x1, y1] = points[i];
    if (!Number.isFinite(y1)) continue;
    const from = Number.isFinite(y0) ? [x0, y0] : [x1, y1];
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - from[0]), Math.abs(y1 - from[1]))));
    for (let step = 0; step <= steps; step++) {
      const x = Math.round(from[0] + (x1 - from[0]) * step / steps);
      const y = Math.round(from[1] + (y1 - from[1]) * step / steps);
      if (index % 2 === 0 || Math.floor((x + y) / 3) % 2 === 0) canvas.dot(x, y, index);
    }
  }
}

/** Puts a curve's marks on its points: on the last one, and some way apart, shifted from those of other curves. */
function mark(canvas: Canvas, points: readonly (readonly [number, number])[], index: number, curves: number): void {
  const inside = points.filter(([, y]) => Number.isFinite(y) && y >= 0);
  let next = Math.floor(index % curves * MARK_GAP / curves);
  inside.forEach(([x, y], i) => {
    const column = Math.round(x) >> 1;
    if (column < next && i < inside.length - 1) return;
    if (canvas.mark(column, Math.round(y) >> 2, index)) next = column + MARK_GAP;
  });
}

/** Cells of 2 x 4 braille dots, some of them covered by a mark. */
class Canvas {
  readonly #width: number;
  readonly #height: number;
  readonly #dots: Uint8Array;
  readonly #owner: Int16Array;
  readonly #marks: Uint8Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#dots = new Uint8Array(width * height);
    this.#owner = new Int16Array(width * height);
    this.#marks = new Uint8Array(width * height);
  }

  /** Sets a dot; one outside is left out. */
  dot(x: number, y: number, owner: number): void {
    if (x < 0 || y < 0 || x >= this.#width * 2 || y >= this.#height * 4) return;
    const cell = (y >> 2) * this.#width + (x >> 1);
    // Unicode numbers the dots of the upper three lines column by column, and then those of the fourth.
    const bit = y % 4 === 3 ? 6 + x % 2 : y % 4 + 3 * (x % 2);
    this.#dots[cell] |= 1 << bit;
    this.#owner[cell] = owner;
  }

  /** Covers a cell with a mark, unless there is one or it lies outside; returns whether it did. */
  mark(column: number, row: number, owner: number): boolean {
    const cell = row * this.#width + column;
    if (row < 0 || row >= this.#height || this.#marks[cell] !== 0) return false;
    this.#marks[cell] = 1;
    this.#owner[cell] = owner;
    return true;
  }

  /** The lines of text. */
  lines(paint: (text: string, owner: number) => string): string[] {
    return Array.from({ length: this.#height }, (_, row) => {
      let line = "";
      for (let cell = row * this.#width; cell < (row + 1) * this.#width; cell++) {
        const owner = this.#owner[cell];
        if (this.#marks[cell] !== 0) line += paint(MARKS[owner % MARKS.length], owner);
        else if (this.#dots[cell] !== 0) line += paint(String.fromCharCode(0x2800 + this.#dots[cell]), owner);
        else line += " ";
      }
      return line.trimEnd();
    });
  }
}

/** The range of values, with round numbers at some of the lines. */
interface ValueAxis {
  readonly low: number;
  readonly high: number;
  readonly labels: ReadonlyMap<number, string>;
  readonly labelWidth: number;
}

function valueAxis(sorted: readonly number[], height: number, unit: string, mayCut: boolean): ValueAxis {
  const least = sorted[0];
  const usual = sorted[Math.floor(0.9 * (sorted.length - 1))];
  const peak = sorted.at(-1)!;
  // At most a twentieth of the range is shown, so that curves that have settled do not look wild.
  const shown = least + Math.max(1.5 * (usual - least), (peak - least) / 20);
  const most = mayCut && shown < 0.5 * (peak + least) ? shown : peak;
  // From zero on, unless the values lie close together far from it.
  const bottom = least >= 0 && least < 0.5 * most ? 0 : least;
  const span = most - bottom || Math.abs(most) || 1;
  const step = roundStep(span / Math.max(1, height / 4));
  const low = Math.floor(bottom / step + 1e-9) * step;
  let high = Math.ceil(most / step - 1e-9) * step;
  if (high <= low) high = low + step;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const count = Math.round((high - low) / step);
  const labels = new Map<number, string>();
  for (let i = 0; i <= count; i++) {
    const row = Math.round((1 - i / count) * (height * 4 - 1)) >> 2;
    labels.set(row, (low + i * step).toFixed(Math.min(digits, 20)) + unit);
  }
  return {
    low,
    high,
    labels,
    labelWidth: Math.max(EPOCH.length, ...[...labels.values()].map((label) => label.length)),
  };
}

/** The smallest of 1, 2, 5 times a power of ten that is not below the value. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10);
}

/** The line below the plot and its numbers. */
function epochAxis(epochs: number, width: number, labelWidth: number): [string, string] {
  const step = Math.max(1, epochs === 1 ? 1 : roundStep((epochs - 1) / Math.max(1, width / 10)));
  const line = new Array<string>(width).fill("─");
  let numbers = "";
  for (let epoch = 1; epoch <= epochs; epoch = epoch === 1 && step > 1 ? step : epoch + step) {
    const column = epochs === 1 ? 0 : Math.round((epoch - 1) / (epochs - 1) * (width * 2 - 1)) >> 1;
    const text = String(epoch);
    const start = Math.max(0, Math.min(column - (text.length >> 1), width - text.length));
    if (numbers !== "" && start < numbers.length + 2) continue;
    line[column] = "┬";
    numbers = numbers.padEnd(start) + text;
  }
  return [" ".repeat(labelWidth + 1) + "└" + line.join(""), EPOCH.padStart(labelWidth) + "  " + numbers];
}

/** Pieces of text in lines that are not wider than they may be. */
function flow(pieces: readonly { readonly plain: number; readonly text: string }[], width: number): string[] {
  const lines: { plain: number; text: string }[] = [];
  for (const { plain, text } of pieces) {
    const last = lines.at(-1);
    if (last === undefined || last.plain + 3 + plain > width) lines.push({ plain, text });
    else {
      last.plain += 3 + plain;
      last.text += "   " + text;
    }
  }
  return lines.map(({ text }) => text);
}

/** A number in three or four figures. */
function brief(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 0.01 && size < 10000) return String(Number(value.toFixed(size < 1 ? 3 : size < 100 ? 2 : 0)));
  return value.toExponential(1);
}
