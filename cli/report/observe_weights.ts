/** How long a model's parameters are, and which of their units max-norm holds. @module */
import { type Model, optionsAt, type Parameter, type Progress } from "../../mod.ts";

/** A parameter. */
export interface WeightObservation {
  /** Its Euclidean norm. */
  readonly norm: number;
  /** The length to which max-norm confines its units; absent where it does not. */
  readonly limit?: number;
  /** The share of its units, or kernels, that are as long as that. */
  readonly hits?: number;
}

/** How much shorter than the limit a unit may be and still count as held by it: what float32 rounds off. */
const TOLERANCE = 1e-4;

/** Constraints that keep lengths below their option `max`. */
const bounded = new Set(["max-norm", "min-max-norm"]);

/** Norms, and where max-norm stands its hits, of each parameter by its name. */
export function observeWeights(model: Model, progress: Progress): Map<string, WeightObservation> {
  return new Map(
    model.parameters().map((parameter) => {
      const { name, tensor: { floats } } = parameter;
      const rows = rowsOf(parameter);
      const limit = limitOf(parameter, model, progress);
      const width = floats.length / rows;
      let total = 0;
      let hits = 0;
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = row * width; i < (row + 1) * width; i++) sum += floats[i] * floats[i];
        total += sum;
        if (limit !== undefined && Math.sqrt(sum) >= limit * (1 - TOLERANCE)) hits++;
      }
      return [name, { norm: Math.sqrt(total), ...(limit !== undefined && { limit, hits: hits / rows }) }];
    }),
  );
}

/** How many vectors a parameter's constraint takes the length of; 1 where there is none. */
function rowsOf({ tensor: { shape }, constraint }: Parameter): number {
  if (constraint === undefined || !bounded.has(constraint.plugin)) return 1;
  const perKernel = constraint.options.per === "kernel" && shape.length > 2;
  return Math.max(1, perKernel ? shape[0] * shape[1] : shape[0] ?? 1);
}

function limitOf({ name, constraint }: Parameter, model: Model, progress: Progress): number | undefined {
  if (constraint === undefined || !bounded.has(constraint.plugin)) return undefined;
  const { max } = optionsAt(constraint, progress, `${name}.constraint`, model.schedules);
  return typeof max === "number" ? max : undefined;
}
