/** What variants are together, and with an optimizer and a loss. @module */
import { isPlugin, type Plugin } from "../../core/mod.ts";
import type { DropoutFinding } from "./finding.ts";
import { draws, rateOf } from "./_rates.ts";
import { dosovitskiy, fan, galBayes, huang, krizhevsky, liang, srivastava, wan } from "./_sources.ts";
import { mixes, type Variant, type Walk } from "./_walk.ts";

/** The number that an option is, or the largest of those of its schedule. */
function largest(value: unknown): number {
  if (typeof value === "number") return value;
  if (!isPlugin(value, "schedule")) return 0;
  return Math.max(0, ...Object.entries(value.options).map(([name, inner]) => name === "over" ? 0 : largest(inner)));
}

/** Two variants one right behind the other, or at a weight and at its input. */
export function* doubledFindings({ stops, variants }: Walk): Generator<DropoutFinding> {
  const acting = variants.filter(draws);
  for (const [i, variant] of acting.entries()) {
    const before = acting[i - 1];
    if (variant.host === undefined && before?.host === undefined && before !== undefined) {
      const between = stops.slice(before.at + 1, variant.at);
      const apart = between.some(({ plugin }) => mixes(plugin)) || before.depth !== variant.depth;
      if (!apart && sameRow(before.path, variant.path)) {
        const [p, q] = [rateOf(before), rateOf(variant)];
        const both = p === undefined || q === undefined
          ? "together they drop more than either says"
          : `together they drop ${Number((1 - (1 - p) * (1 - q)).toFixed(4))}`;
        yield {
          code: "doubled-variant",
          severity: "warning",
          path: variant.path,
          problem:
            `${variant.plugin.plugin} acts on what ${before.plugin.plugin} at ${before.path} has thinned already: ${both}.`,
          remedy: "Take one of the two away.",
          changes: [{ path: variant.path, value: null }],
          source: srivastava("section 4: one mask for each layer"),
        };
      }
    }
    const onWeight = (variant.role === "product" || variant.role === "weight") && variant.option === "weight" &&
      variant.plugin.plugin === "drop-connect";
    if (!onWeight) continue;
    const input = acting.find((other) => other.host === undefined && other.at === variant.at - 1);
    if (input === undefined) continue;
    yield {
      code: "doubled-variant",
      severity: "hint",
      path: variant.path,
      problem: `drop-connect drops weights whose inputs ${input.plugin.plugin} at ${input.path} drops, too.`,
      remedy: "Take one of the two away: dropping an input is dropping all of its weights.",
      changes: [{ path: input.path, value: null }],
      source: wan("DropConnect is the generalization of dropout"),
    };
  }
}

/** Whether two paths are entries of one list. */
function sameRow(a: string, b: string): boolean {
  const row = (path: string) => path.replace(/\.[^.]+$/, "");
  return row(a) === row(b);
}

/** Blocks beside shortcuts that are dropped: how many, and by which rates. */
export function* blockFindings({ variants }: Walk): Generator<DropoutFinding> {
  const branches = variants.filter((variant) => variant.role === "branch" && draws(variant));
  if (branches.length === 0) return;
  // A transformer's block passes each of its sub-layers through its branch variant.
  const weighed = branches.map(({ times, host }) => times * (/-block$/.test(host?.plugin ?? "") ? 2 : 1));
  const count = weighed.reduce((a, b) => a + b, 0);
  const [first] = branches;
  const rate = rateOf(first);
  if (count < 4) {
    const chance = rate === undefined
      ? ""
      : `: in a share of ${Number((rate ** count).toPrecision(2))} of the steps all of them are gone`;
    yield {
      code: "few-blocks",
      severity: "warning",
      path: first.path,
      problem: `${first.plugin.plugin} drops blocks of a net that has ${count}${chance}.`,
      remedy: "Drop units instead, or build a deeper net: the published ones have 12 blocks and more.",
      changes: [{ path: first.path, value: null }],
      source: first.plugin.plugin === "layer-drop"
        ? fan("experiments: nets of 12 and more layers")
        : huang("experiments: 54 blocks and more"),
    };
  } else if (first.plugin.plugin === "stochastic-depth" && levelRates(branches)) {
    const last = rate ?? 0.5;
    yield {
      code: "level-depth",
      severity: "hint",
      path: first.path,
      problem:
        `All ${count} blocks are dropped with the same rate of ${last}, the first ones too, whose features all others use.`,
      remedy: "Let rates rise linearly with depth.",
      changes: branches.map(({ path }) => ({ path: `${path}.rate`, value: { plugin: "by-layer", last } })),
      source: huang("equation (4): survival falls linearly with depth"),
    };
  }
}

/** Whether all rates are one number. */
function levelRates(branches: readonly Variant[]): boolean {
  const rates = branches.map(({ plugin }) => plugin.options.rate);
  return rates.every((rate) => typeof rate === "number" && rate === rates[0]);
}

/** Weight decay, max-norm and rates of learning beside dropout. */
export function* optimizerFindings(
  { stops, variants }: Walk,
  optimizer: Plugin<"optimizer"> | undefined,
): Generator<DropoutFinding> {
  const acting = variants.filter((variant) =>
    draws(variant) && (variant.role === "activation" || variant.role === "product" || variant.role === "weight")
  );
  if (optimizer === undefined || acting.length === 0) return;
  const inner = isPlugin(optimizer.options.inner, "optimizer") ? optimizer.options.inner : optimizer;
  const at = inner === optimizer ? "optimizer" : "optimizer.inner";
  const decay = largest(inner.options.weightDecay);
  const decoupled = inner.plugin === "adamw";
  const most = decoupled ? 0.3 : 1e-3;
  if (decay > most) {
    yield {
      code: "strong-weight-decay",
      severity: "warning",
      path: at,
      problem: `A weight decay of ${decay} stands beside dropout, which shrinks weights like an L2 penalty already.`,
      remedy: decoupled
        ? "Use at most 0.3, better 0.05 or 0.1, or none."
        : "Use 0.0005 or less, or max-norm in its place.",
      changes: [{ path: `${at}.weightDecay`, value: decoupled ? 0.05 : 0.0005 }],
      source: decoupled ? dosovitskiy("table 3: up to 0.3 beside a dropout of 0.1") : krizhevsky(
        "section 5: 0.0005 beside dropout; Srivastava et al. 2014, table 9: max-norm beside dropout 1.05 %, L2 1.25 %",
      ),
    };
  }
  const rate = largest(inner.options.learningRate);
  const momentum = largest(inner.options.momentum);
  const dense = stops.filter(({ plugin }) => plugin.plugin === "dense");
  const hidden = acting.some((variant) => variant.host === undefined && variant.signal === "features");
  const bounded = dense.some(({ plugin }) => plugin.options.constraint !== undefined);
  const normed = stops.some(({ plugin }) => /-norm$/.test(plugin.plugin));
  if (inner.plugin === "sgd" && rate >= 0.1 && momentum >= 0.9 && hidden && !bounded && !normed && decay === 0) {
    const changes = dense.map(({ path }) => ({ path: `${path}.constraint`, value: { plugin: "max-norm", max: 3 } }));
    yield {
      code: "no-max-norm",
      severity: "hint",
      path: at,
      problem:
        `A rate of learning of ${rate} with a momentum of ${momentum} makes weights grow, and nothing bounds them.`,
      remedy: "Bound the incoming weights of each unit by max-norm, with a length of 3 to 4.",
      changes,
      source: srivastava(
        "section 5.1 and appendix A.3; table 9: 1.05 % with dropout and max-norm, 1.25 % with dropout and L2",
      ),
    };
  }
}

const severalPasses = new Set(["r-drop", "consistency", "multi-sample-dropout"]);

/** Losses and Monte Carlo passes that need draws where there are none. */
export function* drawFindings({ variants, stops }: Walk, loss: Plugin<"loss"> | undefined): Generator<DropoutFinding> {
  const noisy = stops.some(({ plugin }) =>
    /^(max-pooling-dropout|stochastic-pooling|patch-dropout|shake-shake|swapout)$/.test(plugin.plugin)
  );
  if (noisy || variants.some(draws)) return;
  if (loss !== undefined && severalPasses.has(loss.plugin)) {
    yield {
      code: "passes-alike",
      severity: "fault",
      path: "loss",
      problem:
        `${loss.plugin} compares passes with different masks, and nothing in the model draws any: all passes are the same.`,
      remedy: "Put dropout into the model, or take a loss of one pass.",
      changes: [],
      source: liang("section 2: two passes differ by their dropped units"),
    };
    return;
  }
  yield {
    code: "nothing-drawn",
    severity: "hint",
    path: "model",
    problem: "Nothing in the model draws: Monte Carlo passes would all be alike, and say nothing of doubt.",
    remedy: "Put dropout before layers with weights, where passes are wanted.",
    changes: [],
    source: galBayes("section 3: dropout before every weight layer"),
  };
}
