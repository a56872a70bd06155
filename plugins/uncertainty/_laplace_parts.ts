/** What an approximation of a last layer is made of. @module */
import type { Tensor } from "../../core/mod.ts";
import type { Curvature } from "./_curvature.ts";

/** The layer's distribution. */
export interface LaplaceParts {
  readonly features: (inputs: Tensor, carry?: Map<string, Tensor>) => Tensor;
  readonly weight: Tensor;
  readonly curvature: Curvature;
  readonly scale: number;
  readonly classes: boolean;
  readonly seed: number | bigint;
}
