/**
 * One split, as the code of Gal and Ghahramani runs it: a grid of nets on four fifths of the training rows, judged by the
 * log-likelihood of the last fifth; then the best of them anew, on all training rows, judged on the test rows.
 *
 * @module
 */
import { DivergenceError, ThinnedError } from "../../mod.ts";
import { type NetResult, type NetSettings, trainNet } from "./_net.ts";
import { cut, prepare, type SplitRows } from "./_part.ts";

/** The part of the training rows that the grid's nets train on. */
const GRID_SHARE = 0.8;
/** Seeds of the splits, and of the nets of a split, lie this far apart. */
const STRIDE = 4096;
/** One more than the largest seed of a study. */
export const SEEDS = 2 ** 29;

/** What all splits of a study have in common. */
export interface Protocol extends Omit<NetSettings, "rate" | "tau" | "seed"> {
  /** Rates of the grid; null where rates are learned. */
  readonly rates: readonly number[] | null;
  /** Precisions of the grid. */
  readonly taus: readonly number[];
  /** What everything random follows from, below 2^29. */
  readonly seed: number;
}

/** What a split gave. */
export interface SplitResult extends NetResult {
  /** Which split. */
  readonly split: number;
  /** The precision chosen. */
  readonly tau: number;
  /** The best log-likelihood of the validation rows. */
  readonly validation: number;
  /** Steps of training, the grid's included. */
  readonly steps: number;
  /** Seconds that it took. */
  readonly seconds: number;
}

/** The nets of the grid, in the order of the authors' code: of nets as good as each other the first is taken. */
function gridOf({ rates, taus }: Protocol): Pick<NetSettings, "rate" | "tau">[] {
  return (rates ?? ["concrete" as const]).flatMap((rate) => taus.map((tau) => ({ rate, tau })));
}

/** Number of nets that the grid may have. */
export const MOST_NETS: number = STRIDE - 1;

/** Steps of training that a split takes. */
export function stepsOf(protocol: Protocol, rows: SplitRows): number {
  const stepsFor = (count: number) => protocol.epochs * Math.ceil(count / protocol.batchSize);
  const count = rows.train.targets.length;
  const nets = gridOf(protocol);
  return (nets.length > 1 ? nets.length * stepsFor(Math.trunc(GRID_SHARE * count)) : 0) + stepsFor(count);
}

/**
 * Runs a split.
 *
 * @param tell called with the steps done, after each epoch
 */
export function runSplit(
  protocol: Protocol,
  split: number,
  rows: SplitRows,
  tell: (steps: number) => void = () => {},
): SplitResult {
  const started = performance.now();
  const { rates: _, taus: __, seed, ...net } = protocol;
  let steps = 0;
  const count = (more: number) => tell(steps += more);
  const grid = gridOf(protocol);
  const seedOf = (place: number) => (seed * STRIDE + split) * STRIDE + place;
  let best = grid[0];
  let validation = -Infinity;
  const held = prepare(cut(rows, GRID_SHARE));
  // The place 0 is the final net's. A grid of one net decides nothing.
  for (const [i, cell] of grid.length > 1 ? grid.entries() : []) {
    try {
      const { logLikelihood } = trainNet(held, { ...net, ...cell, seed: seedOf(i + 1) }, count);
      if (logLikelihood > validation) [best, validation] = [cell, logLikelihood];
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error; // a net that diverges is not chosen
    }
  }
  if (grid.length > 1 && validation === -Infinity) {
    throw new ThinnedError(`Split ${split}: no net of the grid has a finite log-likelihood on the validation rows.`);
  }
  const result = trainNet(prepare(rows), { ...net, ...best, seed: seedOf(0) }, count);
  return { split, ...result, tau: best.tau, validation, steps, seconds: (performance.now() - started) / 1000 };
}
