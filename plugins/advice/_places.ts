/** Variants at places where they do harm, or where another one does better. @module */
import type { Plugin } from "../../core/mod.ts";
import type { DropoutFinding } from "./finding.ts";
import { draws, rateOf } from "./_rates.ts";
import { galRecurrent, klambauer, li, merity, srivastava, tompson } from "./_sources.ts";
import { isRecurrent, mixes, type Stop, type Variant, type Walk } from "./_walk.ts";

/** Variants that drop each unit by itself. */
const unitwise = new Set(["dropout", "gaussian-dropout"]);
/** Variants after which the variance in evaluation is not that in training. */
const shifting = new Set([
  "dropout",
  "gaussian-dropout",
  "spatial-dropout",
  "drop-block",
  "disout",
  "concrete-dropout",
  "variational-dropout",
  "jumpout",
]);

/** What a variant's masks share. */
function shared(plugin: Plugin): readonly unknown[] {
  return Array.isArray(plugin.options.share) ? plugin.options.share : [];
}

/** How a rate reads in a sentence. */
function rated(variant: Variant): string {
  const rate = rateOf(variant);
  return rate === undefined ? variant.plugin.plugin : `${variant.plugin.plugin} at a rate of ${rate}`;
}

/** The same variant by another name, with its rate. */
function replaced(variant: Variant, plugin: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { plugin, rate: variant.plugin.toJSON().rate, ...more };
}

/** Variants in the place of a layer, and the stops behind each. */
function* inPlace(
  { stops, variants }: Walk,
): Generator<{ variant: Variant; after: readonly Stop[]; before: readonly Stop[] }> {
  for (const variant of variants) {
    if (variant.host !== undefined || !draws(variant)) continue;
    yield { variant, after: stops.slice(variant.at + 1), before: stops.slice(0, variant.at) };
  }
}

/** Dropout behind the last layer with weights. */
export function* outputFindings(walk: Walk): Generator<DropoutFinding> {
  for (const { variant, before, after } of inPlace(walk)) {
    if (variant.depth > 0 || after.some(({ plugin }) => mixes(plugin)) || !before.some(({ plugin }) => mixes(plugin))) {
      continue;
    }
    yield {
      code: "output-dropped",
      severity: "fault",
      path: variant.path,
      problem: `${
        rated(variant)
      } stands behind the last layer with weights: it drops outputs, and the loss sees them as 0.`,
      remedy: "Take it away, or put it before the last layer with weights.",
      changes: [{ path: variant.path, value: null }],
      source: srivastava(
        "section 4 and figure 1: units of the input and of hidden layers are dropped, outputs are not",
      ),
    };
  }
}

/**
 * The variance in evaluation over that in training, behind dropout on the ReLU of standard normal numbers:
 * `v / ((c^2 + v) / keep - c^2)` for the mean c and the variance v.
 */
export function varianceRatio(rate: number): number {
  const square = 1 / (2 * Math.PI);
  const variance = 0.5 - square;
  return variance / ((square + variance) / (1 - rate) - square);
}

/** Dropout somewhere before batch norm. */
export function* batchNormFindings(walk: Walk): Generator<DropoutFinding> {
  for (const { variant, after } of inPlace(walk)) {
    if (!shifting.has(variant.plugin.plugin)) continue;
    const norm = after.find(({ plugin }) => plugin.plugin === "batch-norm");
    if (norm === undefined) continue;
    const between = after.slice(0, after.indexOf(norm)).filter(({ plugin }) => mixes(plugin)).length;
    const rate = rateOf(variant);
    // Inputs are not rectified: what their variance becomes is not known.
    const ratio = rate === undefined || variant.signal === "input" ? undefined : varianceRatio(Math.min(rate, 0.99));
    const told = ratio === undefined
      ? ""
      : `; right behind rectified units its variance in evaluation is ${ratio.toFixed(2)} of that in training${
        between === 0 ? "" : ", and nearer to 1 behind a wide layer"
      }`;
    yield {
      code: "before-batch-norm",
      severity: between > 0 && (ratio ?? 1) > 0.8 ? "hint" : "warning",
      path: variant.path,
      problem: `${
        rated(variant)
      } stands before the batch norm at ${norm.path}, which remembers the variance of training${told}.`,
      remedy: "Put it behind the last batch norm, or use uout, whose variance hardly shifts.",
      changes: [{ path: variant.path, value: { plugin: "uout", beta: 0.1 } }],
      source: li("the shift of variance, and the two remedies: behind the last batch norm, and uout"),
    };
  }
}

/** SELU with classic dropout, and alpha dropout without SELU. */
export function* seluFindings(walk: Walk): Generator<DropoutFinding> {
  const activations = /^(relu|leaky-relu|elu|selu|gelu|silu|tanh|sigmoid|softplus|maxout)$/;
  for (const { variant, before } of inPlace(walk)) {
    const last = before.findLast(({ plugin }) => activations.test(plugin.plugin) || mixes(plugin));
    const alpha = /alpha-dropout$/.test(variant.plugin.plugin);
    if (last?.plugin.plugin === "selu" && unitwise.has(variant.plugin.plugin)) {
      yield {
        code: "selu-without-alpha",
        severity: "warning",
        path: variant.path,
        problem: `${
          rated(variant)
        } behind selu sets units to 0, which keeps neither the mean 0 nor the variance 1 that selu is made for.`,
        remedy: "Use alpha-dropout, at a rate of 0.05 to 0.1.",
        changes: [{ path: variant.path, value: { plugin: "alpha-dropout", rate: 0.1 } }],
        source: klambauer("new dropout technique"),
      };
    } else if (alpha && last !== undefined && last.plugin.plugin !== "selu" && activations.test(last.plugin.plugin)) {
      yield {
        code: "alpha-without-selu",
        severity: "warning",
        path: variant.path,
        problem:
          `${variant.plugin.plugin} behind ${last.plugin.plugin} sets units to -1.76, selu's lowest value, which ${last.plugin.plugin} does not have in mind.`,
        remedy: "Use dropout, or selu before it.",
        changes: [{ path: variant.path, value: replaced(variant, "dropout") }],
        source: klambauer("new dropout technique"),
      };
    }
  }
}

/** Units of feature maps that are dropped one by one. */
export function* mapFindings(walk: Walk): Generator<DropoutFinding> {
  for (const { variant } of inPlace(walk)) {
    const { plugin, signal, path } = variant;
    if (signal !== "maps" || !unitwise.has(plugin.plugin) || shared(plugin).length > 0) continue;
    yield {
      code: "units-of-feature-maps",
      severity: "hint",
      path,
      problem: `${
        rated(variant)
      } drops units of feature maps one by one, and their neighbours still tell what they were.`,
      remedy: "Drop whole maps by spatial-dropout, or regions by drop-block.",
      changes: [{ path, value: replaced(variant, "spatial-dropout") }],
      source: tompson("spatial dropout: adjacent pixels are strongly correlated"),
    };
  }
}

/** Masks that are drawn anew at each step of a recurrent net, and words whose numbers are dropped one by one. */
export function* recurrentFindings(walk: Walk): Generator<DropoutFinding> {
  const { stops, variants } = walk;
  for (const variant of variants) {
    const { plugin, path, host, role, signal, at } = variant;
    if (!draws(variant)) continue;
    const anew = role === "recurrent" && plugin.options.per === "step" &&
      (plugin.plugin === "rnn-drop" || plugin.options.place === "previous-hidden");
    if (anew) {
      yield {
        code: "fresh-recurrent-masks",
        severity: "warning",
        path,
        problem: `${
          rated(variant)
        } draws another mask at each step for what the state carries, so that memory fades with the length.`,
        remedy: "Draw one mask for each sequence.",
        changes: [{ path: `${path}.per`, value: "sequence" }],
        source: galRecurrent("section 4: the same mask at each step"),
      };
      continue;
    }
    if (!unitwise.has(plugin.plugin) || shared(plugin).includes("time")) continue;
    const beside = isRecurrent(stops[at].plugin) || stops.slice(at + 1).some(({ plugin }) => isRecurrent(plugin));
    const inLayer = host !== undefined && isRecurrent(host);
    const words = signal === "embedding" && host === undefined && beside;
    if (words) {
      yield {
        code: "embedding-units",
        severity: "hint",
        path,
        problem: `${rated(variant)} drops single numbers of word vectors, other ones each time that a word comes.`,
        remedy: "Drop whole words by embedding-dropout in the embedding, or the same numbers along a sequence.",
        changes: [{ path: `${path}.share`, value: ["time"] }],
        source: merity("embedding dropout"),
      };
    } else if (inLayer || (signal === "sequence" && host === undefined)) {
      yield {
        code: "fresh-recurrent-masks",
        severity: "hint",
        path,
        problem: `${
          rated(variant)
        } draws another mask at each step of a sequence, between recurrent layers or behind one.`,
        remedy: "Draw one mask for each sequence: share it along the time.",
        changes: [{ path: `${path}.share`, value: ["time"] }],
        source: galRecurrent("section 4: the same mask at each step, for inputs, outputs and states"),
      };
    }
  }
}

/** Layers that are too narrow to be thinned that much. */
export function* narrowFindings(walk: Walk): Generator<DropoutFinding> {
  for (const { variant, before } of inPlace(walk)) {
    const rate = rateOf(variant);
    const last = before.findLast(({ plugin }) => mixes(plugin));
    const units = last?.plugin.plugin === "dense" ? last.plugin.options.units as number : undefined;
    if (units === undefined || rate === undefined || variant.signal !== "features") continue;
    if (units * (1 - rate) >= 12 || rate <= 0.1) continue;
    const wide = Math.ceil(Number((units / Math.max(1 - rate, 1e-3)).toPrecision(9)));
    yield {
      code: "narrow-layer",
      severity: "hint",
      path: variant.path,
      problem: `${rated(variant)} leaves about ${
        Math.max(0, Math.round(units * (1 - rate)))
      } of the ${units} units at ${last!.path}.`,
      remedy: `Give the layer ${wide} units, so that ${units} are left in the mean, or lower the rate.`,
      changes: [{ path: `${last!.path}.units`, value: wide }],
      source: srivastava(
        "appendix A.1: where n units are right without dropout, n over the keep probability are with it",
      ),
    };
  }
}
