/// <reference lib="dom" />
/** The losses of training and test part over the steps, and the gap between them. @module */
import type { Losses } from "../messages.ts";
import { css, type Sheet, type Theme } from "./canvas.ts";

/** Most places of a curve that are kept. */
const MOST = 400;

/** Losses of a run, thinned out as they become many. */
export class History {
  #losses: Losses[] = [];
  #every = 1;
  #seen = 0;

  /** Losses kept, in the order of their steps. */
  get losses(): readonly Losses[] {
    return this.#losses;
  }

  /** Takes losses; those of a step that has been seen begin a new run. */
  add(losses: Losses): void {
    const last = this.#losses.at(-1);
    if (last !== undefined && losses.step < last.step) this.clear();
    if (last !== undefined && losses.step === last.step) {
      this.#losses[this.#losses.length - 1] = losses;
      return;
    }
    // The last is always there; it makes place for the next unless its turn has come.
    if (this.#losses.length > 1 && this.#seen % this.#every !== 0) this.#losses.pop();
    this.#losses.push(losses);
    this.#seen++;
    if (this.#losses.length < MOST) return;
    this.#losses = this.#losses.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }

  /** Forgets all. */
  clear(): void {
    this.#losses = [];
    this.#every = 1;
    this.#seen = 0;
  }
}

/** A round number that is at least as great. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((round) => round >= value)!;
}

/** Draws both curves, and what lies between them. */
export function drawCurves({ context, width, height }: Sheet, losses: readonly Losses[], theme: Theme): void {
  const [left, right, top, bottom] = [36, 6, 8, 20];
  const greatest = losses.reduce((most, { train, test }) => Math.max(most, train.loss, test.loss), 0.1);
  // A loss that runs away does not flatten what came before.
  const most = roundUp(Math.min(greatest, 8));
  const last = Math.max(1, losses.at(-1)?.step ?? 1);
  const x = (step: number) => left + step / last * (width - left - right);
  const y = (loss: number) => top + (1 - Math.min(loss, most) / most) * (height - top - bottom);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    context.strokeStyle = css(theme.line);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, y(share * most));
    context.lineTo(width - right, y(share * most));
    context.stroke();
    context.fillStyle = css(theme.soft);
    context.textAlign = "right";
    context.fillText(String(Number((share * most).toPrecision(3))), left - 6, y(share * most));
  }
  context.textBaseline = "bottom";
  context.fillText(losses.length === 0 ? "steps" : `${last} steps`, width - right, height - 1);
  context.textAlign = "left";
  context.fillText("0", left, height - 1);
  if (losses.length < 2) return;
  context.beginPath();
  losses.forEach(({ step, test }, i) =>
    i === 0 ? context.moveTo(x(step), y(test.loss)) : context.lineTo(x(step), y(test.loss))
  );
  for (const { step, train } of losses.toReversed()) context.lineTo(x(step), y(train.loss));
  context.closePath();
  context.fillStyle = css(theme.on, 0.28);
  context.fill();
  for (const part of ["train", "test"] as const) {
    context.beginPath();
    losses.forEach((entry, i) => {
      const place = [x(entry.step), y(entry[part].loss)] as const;
      if (i === 0) context.moveTo(...place);
      else context.lineTo(...place);
    });
    context.strokeStyle = css(part === "train" ? theme.soft : theme.ink);
    context.setLineDash(part === "train" ? [5, 4] : []);
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    context.stroke();
  }
  context.setLineDash([]);
}
