/**
 * Monte Carlo passes at the cost of their arithmetic: what comes before the first draw is the same in all of them, and the
 * rows of several passes are one batch, since a row's draws follow from what it is and not from where it stands.
 *
 * @module
 */
import type { Rows } from "../random/rows.ts";
import { sizeOf } from "../tensor/shape.ts";
import { recycling } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { PassSettings } from "./pass_settings.ts";

/** One run of the model, over the rows of one pass or of several. */
export type SamplePass = (rows: Rows, more: Partial<Pick<PassSettings, "outputs" | "reused">>) => Tensor;

/** Passes over the same inputs. */
export interface Samples {
  /** The model's inputs. */
  readonly inputs: readonly Tensor[];
  /** What each row is in pass 0. */
  readonly rows: Rows;
  /** The number of the first pass. */
  readonly from: number;
  /** How many passes. */
  readonly passes: number;
  /** Whether rows of several passes may be one batch. */
  readonly together: boolean;
  /** Runs the model. */
  readonly run: SamplePass;
}

/** Numbers of the largest output of a layer, for all rows that are run at once: so many that a cache holds them. */
const MOST_NUMBERS = 2 ** 20;

/** Outputs by place, as they are made; and those that were there before anything was drawn. */
class Outputs extends Map<string, Tensor> {
  /** Numbers of the largest for a row. */
  width = 1;
  #before: Set<string> | undefined;
  /** Places that were run more than once, whose output depends on when. */
  readonly #several = new Set<string>();

  override set(place: string, output: Tensor): this {
    if (this.has(place)) this.#several.add(place);
    this.width = Math.max(this.width, sizeOf(output.shape.slice(1)));
    return super.set(place, output);
  }

  /** Something is drawn: what is there now depends on no draw. */
  draws(): void {
    this.#before ??= new Set(this.keys());
  }

  /** What does not depend on a draw; undefined where nothing was drawn at all. */
  get fixed(): Map<string, Tensor> | undefined {
    const before = this.#before;
    if (before === undefined) return undefined;
    return new Map([...this].filter(([place]) => before.has(place) && !this.#several.has(place)));
  }
}

/** Rows of one pass, as often as there are passes. */
export function repeated(x: Tensor, times: number): Tensor {
  const out = Tensor.empty([times * x.shape[0], ...x.shape.slice(1)], x.dtype);
  const [from, to] = [x.storage.array, out.storage.array];
  for (let i = 0; i < times; i++) to.set(from, i * from.length);
  return out;
}

/** Runs the passes, and shows the output of each. */
export function samplePasses(
  { inputs, rows: given, from: start, passes, together, run }: Samples,
  visit: (output: Tensor, pass: number) => void,
): void {
  const count = inputs[0].shape[0];
  const outputs = new Outputs();
  let alone = !together;
  const rows = start === 0 ? given : given.atPass(start);
  const watched = rows.watched((whole) => {
    outputs.draws();
    alone ||= whole;
  });
  const first = run(watched, { outputs });
  visit(first, start);
  const fixed = outputs.fixed;
  if (fixed === undefined) { // no pass differs from the first
    for (let pass = 1; pass < passes; pass++) visit(first, start + pass);
    return;
  }
  const small = new Set([...inputs, ...fixed.values()]);
  const most = alone ? 1 : Math.max(1, Math.floor(MOST_NUMBERS / Math.max(1, outputs.width * count)));
  const end = start + passes;
  for (let from = start + 1; from < end; from += most) {
    recycling(() => {
      const times = Math.min(most, end - from);
      const spreads = new Map<Tensor, Tensor>();
      const spread = (x: Tensor) => {
        if (times === 1 || !small.has(x)) return x;
        let wide = spreads.get(x);
        if (wide === undefined) spreads.set(x, wide = repeated(x, times));
        return wide;
      };
      const at = times === 1 ? rows.atPass(from) : rows.inPasses(count, from, from + times);
      const all = spread(run(at, { reused: { outputs: fixed, from: null, reached: false, spread } }));
      for (let i = 0; i < times; i++) {
        visit(times === 1 ? all : all.slice([i * count], [(i + 1) * count]), from + i);
      }
    });
  }
}
