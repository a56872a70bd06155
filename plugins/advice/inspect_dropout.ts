/**
 * Looking at a model's description for dropout that does harm, or nothing.
 *
 * @module
 */
import { isPlugin, type LayerPlugin, Model, OptionError, type Plugin, refuseUnknown } from "../../core/mod.ts";
import type { DropoutFinding, FindingCode } from "./finding.ts";
import {
  batchNormFindings,
  mapFindings,
  narrowFindings,
  outputFindings,
  recurrentFindings,
  seluFindings,
} from "./_places.ts";
import { rateFindings } from "./_rates.ts";
import { blockFindings, doubledFindings, drawFindings, optimizerFindings } from "./_together.ts";
import { walk } from "./_walk.ts";

/** What a model is trained with, for {@linkcode inspectDropout}. */
export interface InspectOptions {
  /** The optimizer, for its weight decay and rate of learning. Default: they are not looked at. */
  optimizer?: Plugin<"optimizer">;
  /** The loss, for those that need several passes. Default: it is not looked at. */
  loss?: Plugin<"loss">;
}

const order = ["fault", "warning", "hint"];

/**
 * What is wrong with a model's dropout, or might be better, each with its source and what to do. Nothing is trained or
 * run: only the description is looked at, so layers of one's own are known by whether they have parameters.
 *
 * Looked at: variants at the output; before batch norm, with the shift of variance; rates above those of the literature at
 * their place, and rates that look like probabilities of keeping; classic dropout behind SELU, and alpha dropout without it;
 * single units of feature maps; masks drawn anew at each step of a recurrent net, and single numbers of word vectors;
 * layers too narrow for their rate; variants that double each other, or strong weight decay; a large rate of learning
 * without max-norm; block dropping with few blocks, or the same rate in all of them; losses of several passes, and Monte
 * Carlo passes, without anything that draws.
 *
 * @param model a model, or its description; layers of a `sequential` at the root are told as `model.0`, `model.1`, as in a
 * configuration
 * @param options what it is trained with
 * @returns the findings, faults first, then warnings, then hints; empty when there is nothing to say
 * @throws {OptionError} for what is no layer
 *
 * @example
 * ```ts
 * import { dense, dropout, inspectDropout, relu, sequential } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(10), dropout({ rate: 0.5 })]);
 * const [finding] = inspectDropout(net);
 * assertEquals([finding.code, finding.path], ["output-dropped", "model.4"]);
 * ```
 */
export function inspectDropout(model: Model | LayerPlugin, options: InspectOptions = {}): DropoutFinding[] {
  refuseUnknown(options, ["optimizer", "loss"], "inspectDropout");
  const root = model instanceof Model ? model.root : model;
  if (!isPlugin(root, "layer", "activation")) {
    throw new OptionError("inspectDropout: model", "a model, or a layer such as sequential([...])", model);
  }
  const walked = walk(root);
  const found = [
    ...outputFindings(walked),
    ...batchNormFindings(walked),
    ...rateFindings(walked.variants),
    ...seluFindings(walked),
    ...mapFindings(walked),
    ...recurrentFindings(walked),
    ...narrowFindings(walked),
    ...doubledFindings(walked),
    ...blockFindings(walked),
    ...optimizerFindings(walked, options.optimizer),
    ...drawFindings(walked, options.loss),
  ];
  // Where a variant goes altogether, its rate is of no account; where its rate is to change, the width for it is not.
  const at = (...codes: FindingCode[]) =>
    new Set(found.filter(({ code }) => codes.includes(code)).map(({ path }) => path));
  const [gone, lowered] = [at("output-dropped"), at("rate-above-usual", "keep-probability")];
  const kept = found.filter(({ code, path }) =>
    code === "output-dropped" || !(gone.has(path) || (code === "narrow-layer" && lowered.has(path)))
  );
  return kept.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
