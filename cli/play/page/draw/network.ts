/// <reference lib="dom" />
/** The net: units as lamps, weights as lines between them, and below each layer the masks of the whole batch. @module */
import type { Shown, SiteFrame, Views } from "../messages.ts";
import { LampViews } from "./lamp_views.ts";
import { css, mix, type Sheet, type Theme } from "./canvas.ts";

/** What is drawn of a net. */
export interface NetState {
  /** Units of each layer, the two inputs and the two outputs among them. */
  readonly widths: readonly number[];
  /** Weights of each dense layer, `[outputs, inputs]`. */
  readonly weights: readonly ArrayLike<number>[];
  /** The step in sight. */
  readonly shown: Shown | undefined;
  /** What each unit answers to. */
  readonly views: Views | undefined;
}

/** Height of the strips with the batch's masks, and of the line of text above the units. */
const [STRIP, HEAD] = [46, 22];

/** Lamps that are on their way between on and off. */
export class Lamps {
  #units: Float32Array[] = [];
  #wires: Float32Array[] = [];
  #goals: { units: Float32Array[]; wires: Float32Array[] } = { units: [], wires: [] };

  /** What is on from now on: all that no site says anything of. */
  set({ widths, shown }: NetState): void {
    const ones = (count: number) => new Float32Array(count).fill(1);
    const units = widths.map(ones);
    const wires = widths.slice(1).map((outputs, i) => ones(outputs * widths[i]));
    for (const { layer, weights, factors } of shown?.sites ?? []) {
      const goal = weights ? wires[layer - 1] : units[layer];
      if (goal === undefined || factors.length < goal.length) continue;
      for (let i = 0; i < goal.length; i++) goal[i] = factors[i];
    }
    this.#goals = { units, wires };
    const fits = (a: Float32Array[], b: Float32Array[]) =>
      a.length === b.length && a.every((part, i) => part.length === b[i].length);
    if (!fits(this.#units, units)) this.#units = units.map((part) => part.slice());
    if (!fits(this.#wires, wires)) this.#wires = wires.map((part) => part.slice());
  }

  /** Moves what is shown towards what is on. */
  move(share: number): void {
    const move = (shown: Float32Array[], goals: Float32Array[]) =>
      shown.forEach((part, i) => {
        for (let j = 0; j < part.length; j++) part[j] += (goals[i][j] - part[j]) * share;
      });
    move(this.#units, this.#goals.units);
    move(this.#wires, this.#goals.wires);
  }

  /** How bright each unit of each layer is, from 0 to 2. */
  get units(): readonly Float32Array[] {
    return this.#units;
  }

  /** How much of each weight is there. */
  get wires(): readonly Float32Array[] {
    return this.#wires;
  }
}

const pictures = new LampViews();

/** Where units stand. */
function layout(widths: readonly number[], { width, height }: Sheet) {
  const column = width / widths.length;
  const room = height - HEAD - STRIP - 16;
  const spacing = Math.min(54, room / Math.max(...widths));
  return {
    column,
    radius: Math.max(2.5, Math.min(17, spacing * 0.4, column * 0.2)),
    at: (layer: number, unit: number) =>
      [
        (layer + 0.5) * column,
        HEAD + room / 2 + (unit - (widths[layer] - 1) / 2) * Math.min(54, room / widths[layer]),
      ] as const,
  };
}

/** Draws a net. */
export function drawNetwork(to: Sheet, state: NetState, lamps: Lamps, theme: Theme): void {
  const { context, height } = to;
  const { widths, weights, shown, views } = state;
  if (views !== undefined) pictures.set(views, theme);
  const { column, radius, at } = layout(widths, to);
  context.lineCap = "round";
  weights.forEach((values, i) => {
    const [outputs, inputs] = [widths[i + 1], widths[i]];
    // Of many weights each is thin, and straight.
    const many = inputs * outputs > 256;
    const calm = Math.min(1, 5 / Math.sqrt(inputs * outputs));
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < inputs; k++) {
        const value = values[o * inputs + k];
        const there = Math.min(1, lamps.wires[i][o * inputs + k]) * Math.min(1, lamps.units[i][k]) *
          Math.min(1, lamps.units[i + 1][o]);
        const strength = Math.min(1, Math.abs(value) / 1.5);
        const alpha = (0.1 + 0.75 * strength) * (0.06 + 0.94 * there) * (0.35 + 0.65 * calm);
        if (alpha < (many ? 0.045 : 0.01)) continue; // nobody would see it
        const [x0, y0] = at(i, k);
        const [x1, y1] = at(i + 1, o);
        context.strokeStyle = css(value < 0 ? theme.b : theme.a, alpha);
        context.lineWidth = 0.5 + 3.5 * strength * calm;
        context.beginPath();
        context.moveTo(x0 + radius, y0);
        if (many) context.lineTo(x1 - radius, y1);
        else context.bezierCurveTo(x0 + column * 0.45, y0, x1 - column * 0.45, y1, x1 - radius, y1);
        context.stroke();
      }
    }
  });
  context.textAlign = "center";
  widths.forEach((units, layer) => {
    const output = layer === widths.length - 1;
    const seen = views?.layers[layer]?.length === units * (views?.size ?? 0) ** 2 && radius > 9;
    for (let unit = 0; unit < units; unit++) {
      const [x, y] = at(layer, unit);
      const level = lamps.units[layer][unit];
      const bright = Math.min(1, level);
      const colour = output ? (unit === 0 ? theme.a : theme.b) : theme.on;
      // Noise makes lamps swell and shrink.
      const size = radius * (level > 1 ? 1 + 0.25 * (level - 1) : 0.85 + 0.15 * bright);
      if (bright > 0.02 && radius > 4) {
        const halo = context.createRadialGradient(x, y, size * 0.6, x, y, size * 1.9);
        halo.addColorStop(0, css(colour, 0.38 * bright));
        halo.addColorStop(1, css(colour, 0));
        context.fillStyle = halo;
        context.beginPath();
        context.arc(x, y, size * 1.9, 0, 2 * Math.PI);
        context.fill();
      }
      context.beginPath();
      context.arc(x, y, size, 0, 2 * Math.PI);
      context.fillStyle = css(mix(theme.off, colour, bright));
      context.fill();
      if (seen && !output && bright > 0.02) {
        context.globalAlpha = bright;
        pictures.draw(context, layer, unit, x, y, size);
        context.globalAlpha = 1;
        context.beginPath();
        context.arc(x, y, size, 0, 2 * Math.PI);
      }
      context.lineWidth = 1.2;
      context.strokeStyle = css(mix(theme.soft, colour, bright), 0.8);
      context.stroke();
    }
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "top";
    context.fillStyle = css(theme.soft);
    context.fillText(titleOf(layer, widths), (layer + 0.5) * column, 2);
  });
  for (const site of shown?.sites ?? []) {
    if (!site.weights) {
      drawStrip(to, site, widths[site.layer], [(site.layer + 0.5) * column, height - STRIP], column, theme);
    }
  }
}

function titleOf(layer: number, widths: readonly number[]): string {
  if (layer === 0) return "inputs";
  if (layer === widths.length - 1) return "classes";
  return widths.length > 4 ? `${layer}: ${widths[layer]}` : `layer ${layer}: ${widths[layer]}`;
}

/** The masks of a batch: a column for each example, a row for each unit. */
function drawStrip(
  { context }: Sheet,
  { rows, factors }: SiteFrame,
  units: number,
  [middle, top]: readonly [number, number],
  column: number,
  theme: Theme,
): void {
  if (factors.length !== rows * units) return;
  const cell = Math.min((STRIP - 4) / units, 6);
  const width = Math.min(column * 0.78, Math.max(rows, 8) * 5);
  const [left, across] = [middle - width / 2, width / rows];
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit++) {
      const factor = Math.min(1, factors[row * units + unit]);
      context.fillStyle = css(mix(theme.off, theme.on, factor), row === 0 ? 1 : 0.3 + 0.5 * factor);
      context.fillRect(
        left + row * across,
        top + unit * cell,
        across - (across > 3 ? 0.6 : 0),
        cell - (cell > 3 ? 0.6 : 0),
      );
    }
  }
}
