/**
 * Jumpout: dropout for ReLUs whose rate is drawn, and adapted to how many units are active.
 *
 * Wang, Zhou, Bilmes, "Jumpout: Improved Dropout for Deep Neural Networks with ReLUs", ICML 2019: for each layer and batch
 * `p = min(p_min + |n|, p_max)` with `n ~ N(0, sigma^2)`, `p' = p / (share of active units)`, and
 * `y = x m (1 - p')^(-3/4)` with `m ~ Bernoulli(1 - p')` for each unit. Of all units, p are dropped that were active. The
 * scale lies between what keeps the mean, `(1 - p')^-1`, and what keeps the mean square, `(1 - p')^(-1/2)`: the mean
 * becomes `(1 - p')^(1/4) x` and the mean square `(1 - p')^(-1/2) x^2`.
 *
 * @module
 */
import { z } from "zod";
import { type Context, definePlugin, type Factory, type Rows, type Scheduled, scheduled } from "../../core/mod.ts";
import { sharedDraw, Tensor } from "../../core/mod.ts";

/** Options of {@linkcode jumpout}. */
export interface JumpoutOptions {
  /** p_min, the least share of units to drop among all, in [0, 1), or a schedule. Default 0.01. */
  rate?: Scheduled;
  /** sigma, the deviation of the normal number by whose size the rate is raised, at least 0, or a schedule. Default 0.1. */
  deviation?: Scheduled;
  /** p_max, which no rate exceeds, in [0, 1), or a schedule; it counts before `rate`. Default 0.5. */
  limit?: Scheduled;
  /**
   * Whose active units are counted: those of the `batch` (default), as in the paper, or each `example`'s own, so that what
   * becomes of one does not depend on the others.
   */
  active?: "batch" | "example";
}

/** p' never exceeds this, so that the scale stays finite where few units are active. */
const MOST = 0.99;

/** The share of active units for each example: its own, or that of all examples of its pass and step. */
function activeShares(x: Tensor, rows: Rows, active: "batch" | "example"): Float64Array {
  const own = Float64Array.from(x.detach().greater(0).mean(x.shape.map((_, axis) => axis).slice(1)).floats);
  if (active === "example") return own;
  const passes = Array.from(own, (_, row) => {
    const { step, pass } = rows.at(row);
    return `${step} ${pass}`;
  });
  const sums = new Map<string, [sum: number, count: number]>();
  passes.forEach((pass, row) => {
    const [sum, count] = sums.get(pass) ?? [0, 0];
    sums.set(pass, [sum + own[row], count + 1]);
  });
  return Float64Array.from(passes, (pass) => sums.get(pass)![0] / sums.get(pass)![1]);
}

function jumped(
  x: Tensor,
  { key, options }: Context<Required<JumpoutOptions> & Record<"rate" | "deviation" | "limit", number>>,
) {
  const { rate, deviation, limit, active } = options;
  const ones = x.shape.map((extent, axis) => axis === 0 ? extent : 1);
  // One number for the batch; where passes stand side by side in it, one for each.
  const draw = sharedDraw(ones, key.at("rate"), [0]);
  const raised = Tensor.normal(draw.shape, draw.key).floats;
  const shares = activeShares(x, key.rows, active);
  const dropped = Array.from(shares, (share, row) => {
    const p = Math.min(rate + deviation * Math.abs(raised[raised.length === 1 ? 0 : row]), limit);
    return share === 0 ? 0 : Math.min(p / share, MOST);
  });
  const kept = Tensor.uniform(x.shape, key, x.floatType).greaterEqual(Tensor.from(dropped, ones, x.floatType));
  return x.mask(kept.mul(Tensor.from(dropped.map((p) => (1 - p) ** -0.75), ones, x.floatType)));
}

const below1 = "expected a number in [0, 1): at 1 the scale would be infinite";
const atLeast0 = "expected a number of at least 0";

/**
 * Dropout behind a ReLU, `[batch, ...]`, with a rate that is drawn anew for each layer and batch: small rates are likely,
 * large ones rare. It is divided by the share of units that are active, above 0, so that as many active units are dropped
 * in a layer where few are active as in one where all are. In training and in mode `sample`; evaluation is the identity.
 * Where `rate` and `deviation`, or `limit`, are 0, it is the identity, and where nothing is active, nothing changes.
 *
 * The paper leaves open over what the share is taken where it is not one layer's whole batch: see `active`. A batch that is
 * run in parts takes it over each part. The divided rate is limited to 0.99. Nothing flows back through it. The defaults of
 * `rate`, `deviation` and `limit` are ours; the paper tunes them for each network.
 *
 * When: behind the ReLUs of networks with batch norm, whose statistics shift less than by dropout.
 * Cost: a uniform number for each unit, and a count of the active ones; a mask of the input's size is held for the gradient.
 *
 * @example
 * ```ts
 * import { buildModel, jumpout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * // Without a deviation, and with all units active, the rate is 0.2 and the scale 0.8^(-3/4).
 * const model = buildModel(jumpout({ rate: 0.2, deviation: 0 }), { inputShape: [1000], seed: 1 });
 * const y = model.forward(Tensor.ones([1, 1000]), { mode: "train", step: 0 });
 * assertEquals(new Set(y.floats), new Set([0, Math.fround(0.8 ** -0.75)]));
 * ```
 */
export const jumpout: Factory<"activation", JumpoutOptions> = definePlugin({
  name: "jumpout",
  summary: "Drops units behind ReLUs at a rate that is drawn, and adapted to how many are active.",
  paper: {
    authors: "Wang, Zhou, Bilmes",
    year: 2019,
    title: "Jumpout: Improved Dropout for Deep Neural Networks with ReLUs",
    url: "https://proceedings.mlr.press/v97/wang19q.html",
  },
  options: z.object({
    rate: scheduled(z.number(below1).min(0, below1).lt(1, below1)).default(0.01)
      .describe("the least share of units to drop among all, in [0, 1)"),
    deviation: scheduled(z.number(atLeast0).min(0, atLeast0)).default(0.1)
      .describe("deviation of the normal number by whose size the rate is raised, at least 0"),
    limit: scheduled(z.number(below1).min(0, below1).lt(1, below1)).default(0.5)
      .describe("what no rate exceeds, in [0, 1)"),
    active: z.enum(["batch", "example"]).default("batch").describe("whose active units are counted"),
  }),
  activation(x, context) {
    const { rate, deviation, limit } = context.options;
    return context.mode === "eval" || limit === 0 || (rate === 0 && deviation === 0) ? x : jumped(x, context);
  },
  claims: {
    eval: "identity",
    rates: ["rate"],
    adaptive: true,
    dropped: "otherwise",
    shares: ["examples", "entries"],
  },
  cases: [{}, { active: "example" }],
});
