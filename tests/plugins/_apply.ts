/** Calling plugins outside of a run. */
import {
  buildModel,
  gradients,
  type LayerPlugin,
  lossOf,
  type Model,
  OptimizerDriver,
  type Plugin,
  type Progress,
  type Tensor,
} from "../../core/mod.ts";

/** A layer built for float64 inputs of a shape. */
export function built(layer: LayerPlugin, inputShape: readonly number[], seed = 1): Model {
  return buildModel(layer, { inputShape, seed, dtype: "float64" });
}

export { lossOf };

/** The value of a schedule after some steps. */
export function valueAt(schedule: Plugin<"schedule">, progress: Progress): number {
  return schedule.definition.value(progress, schedule.options, {});
}

/**
 * Weights after each of some updates, for the loss `f` of the weight: one parameter, begun at `start`.
 *
 * @param f the loss of the weight, one number
 */
export function updates(
  optimizer: Plugin<"optimizer">,
  start: Tensor,
  f: (weight: Tensor) => Tensor,
  steps: number,
  progressAt: (step: number) => Progress = (step) => ({ step, stepsPerEpoch: steps, totalSteps: steps }),
): number[][] {
  const weight = start.clone().withGradient();
  const model = { parameters: () => [{ name: "w", tensor: weight, constraint: undefined }], schedules: undefined };
  const driver = new OptimizerDriver(optimizer, model as unknown as Model);
  return Array.from({ length: steps }, (_, step) => {
    driver.update(gradients(f(weight), [weight]), progressAt(step));
    return [...weight.floats];
  });
}
