/** `predict --laplace`: what the Laplace approximation of a run's last layer says. @module */
import {
  type LastLayerLaplace,
  type Member,
  OptionError,
  type Prediction,
  type TargetUnits,
  type Tensor,
} from "../../mod.ts";
import { savedLaplace } from "../run/saved_laplace.ts";
import type { PredictChoices } from "./predict_choices.ts";

/** What is asked. */
export interface LaplaceAsked {
  /** The run directory. */
  readonly out: string;
  /** The run's own folder in it; undefined for an ensemble. */
  readonly folder: string | undefined;
  /** The run's name. */
  readonly name: string;
  /** Its model. */
  readonly member: Member;
  /** What its data set says of targets. */
  readonly units: TargetUnits | undefined;
}

/** An approximation that predicts. */
export interface LaplacePrediction {
  /** The approximation. */
  readonly laplace: LastLayerLaplace;
  /** What it says of inputs, `[batch, ...inputShape]`. */
  readonly predict: (inputs: Tensor) => Prediction;
}

/**
 * The approximation that `evaluate --laplace` has kept, where it is asked for.
 *
 * @throws {OptionError} for an ensemble, and a run of which none was kept
 */
export async function laplacePrediction(
  { out, folder, name, member, units }: LaplaceAsked,
  { laplace: wanted, samples, seed, quantiles }: PredictChoices,
): Promise<LaplacePrediction | undefined> {
  if (!wanted) return undefined;
  if (folder === undefined) throw new OptionError("--laplace", "a single run", `the ensemble ${name}`);
  const laplace = await savedLaplace(folder, { out, name }, member);
  return { laplace, predict: (inputs) => laplace.predict(inputs, { samples, seed, quantiles, units }) };
}

/** How it predicts, in words. */
export function byLaplace(samples: number): string {
  const how = samples === 0 ? "one pass" : `mean of ${samples} draws of its weights`;
  return `Laplace approximation of the last layer, ${how}`;
}

/** What it is, as JSON. */
export function toldOf({ priorPrecision, noise }: LastLayerLaplace): Readonly<Record<string, unknown>> {
  return { priorPrecision, noise };
}
