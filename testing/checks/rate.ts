/** Checks of what is dropped: as often as the rate says, in every mode, and the same in both element types. @module */
import { LEVEL, logTail, meanAllowance } from "../chance.ts";
import { Draws } from "../draws.ts";
import type { Panel } from "../panel.ts";
import { applies, ensure } from "../report.ts";

/** A draw rounds a rate to 2^-16. */
const ROUNDING = 2e-5;

/** Throws unless entries of a panel are dropped with the probability that is asked for; returns how often they were. */
function realised(panel: Panel, dropped: readonly Uint8Array[], asked: number): number {
  const [low, high] = [Math.max(0, asked - ROUNDING), Math.min(1, asked + ROUNDING)];
  const count = dropped[0].length;
  const where = Draws.circumstances(panel);
  let [total, columns] = [0, 0];
  const shares = new Float64Array(count);
  dropped.forEach((bits, i) => {
    if (panel.columns[i].plain === 0 && panel.mask === null) return;
    const ones = bits.reduce((sum, bit) => sum + bit, 0);
    bits.forEach((bit, draw) => shares[draw] += bit);
    const place = panel.axes.map((axis, k) => `${axis} ${panel.columns[i].at[k]}`).join(", ");
    ensure(
      logTail(ones, count, low, high) >= Math.log(LEVEL / dropped.length),
      () =>
        `expected to be dropped with the probability ${
          asked.toFixed(4)
        }, found the entry at ${place} dropped in ${ones} ` +
        `of ${count} draws (${where})`,
    );
    total += ones;
    columns++;
  });
  const share = total / (count * columns);
  const { sharing } = panel;
  const independent = !sharing.entries && !sharing.examples && !sharing.rows;
  let fits = true;
  if (independent) fits = logTail(total, count * columns, low, high) >= Math.log(LEVEL);
  else {
    const each = shares.map((sum) => sum / columns);
    const variance = each.reduce((sum, value) => sum + (value - share) ** 2, 0) / (count - 1);
    fits = Math.abs(share - asked) <= meanAllowance(variance, 1, count, Math.log(LEVEL)) + ROUNDING;
  }
  ensure(
    fits,
    () =>
      `expected entries to be dropped with the probability ${asked.toFixed(4)}, found ${share.toFixed(4)} of ` +
      `${count * columns} dropped (${where})`,
  );
  return count * columns;
}

/** What is dropped is dropped as often as the rate says. */
export function rate(draws: Draws): string {
  const { claims, rates, site } = draws.trial;
  applies(claims.dropped !== "otherwise", "what is dropped is said to have another probability than the rate");
  applies(rates.length > 0, `${draws.label}: no option is a rate`);
  applies(site.role !== "product", `${draws.label}: an entry of the output is not one that is dropped`);
  let entries = 0;
  const found: number[] = [];
  // The widest panels have units and words by thousands, of which none may be spared.
  const panels = [...draws.panels("train"), ...draws.panels("sample"), ...draws.wide()].filter(({ idle }) => !idle);
  // Of a method that gives no zeros at any rate, what is dropped cannot be told.
  const marked = panels.some(({ dropped }) => dropped !== null);
  for (const panel of panels) {
    const asked = panel.asked!;
    const dropped = panel.dropped ??
      (marked ? panel.columns.map(({ values }) => new Uint8Array(values.length)) : null);
    applies(dropped !== null, `${draws.label}: no value marks what is dropped`);
    entries += realised(panel, dropped, asked);
    found.push(asked);
  }
  applies(entries > 0, `${draws.label}: nothing is dropped at the points of training that were tried`);
  const shown = [...new Set(found.map((value) => value.toFixed(3)))].sort().join(", ");
  return `${entries} entries were dropped as often as the rates ${shown} say, in modes train and sample`;
}
