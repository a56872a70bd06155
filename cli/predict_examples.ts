/** What a model says of every test example. @module */
import {
  type Dataset,
  evaluationBatches,
  makeBatch,
  type Model,
  type Plugin,
  predict,
  probabilitiesByName,
  type Progress,
  ShapeError,
  showShape,
  type Tensor,
} from "../mod.ts";

/** One example's prediction. */
export interface ExamplePrediction {
  /** The example, counted in the test part. */
  readonly index: number;
  /** Which of an example's positions, where each has a label. */
  readonly position?: number;
  /** What was to be predicted: a class, or numbers. */
  readonly target: number | number[];
  /** What was predicted, of the same kind. */
  readonly prediction: number | number[];
  /** Probability of the predicted class, or nothing for regression. */
  readonly probability?: number;
  /** Probabilities of all classes by their names, of the first examples; nothing for regression. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** Standard deviation over the passes, of that probability or of each output. */
  readonly deviation: number | number[];
}

/**
 * Mean and standard deviation over passes: of class probabilities, or of outputs in the targets' own units. Where each
 * position of an example has a label, there is a prediction for each.
 *
 * @param models one, or the members of an ensemble
 * @param detailed how many examples, of the first, get the probabilities of all classes
 */
export function predictExamples(
  models: readonly Model[],
  dataset: Dataset,
  samples: number,
  loss: Plugin<"loss">,
  progress: Progress,
  detailed: number,
): { predictions: ExamplePrediction[]; error: number } {
  const { test, classes, targetUnits } = dataset;
  const width = classes > 0 ? classes : dataset.outputs;
  const positions = test.labelsPerExample ?? 1;
  const { prediction } = loss.definition;
  const scale = (output: number) => targetUnits?.deviation[output] ?? 1;
  const original = (value: number, output: number) => value * scale(output) + (targetUnits?.mean[output] ?? 0);
  const predictions: ExamplePrediction[] = [];
  let errors = 0;
  // A sequence's states go on from batch to batch, in each pass its own.
  const carries = Array.from({ length: Math.max(samples, 1) * models.length }, () => new Map<string, Tensor>());
  for (const { from, to, order, carried } of evaluationBatches(dataset)) {
    const { inputs } = makeBatch(test, dataset.outputs, from, to, order);
    const { mean, variance } = predict(models, inputs, {
      samples,
      progress,
      ...(order === undefined ? { first: from } : { examples: order.subarray(from, to) }),
      carry: carried ? carries : undefined,
      softmax: classes > 0,
      read: (outputs) => classes > 0 || prediction === undefined ? outputs : prediction(outputs, loss.options),
    });
    if (mean.size !== (to - from) * positions * width) {
      throw new ShapeError(
        `predict: expected ${positions} x ${width} outputs for each example of ${dataset.name}, found ` +
          `${showShape(mean.shape.slice(1))}.`,
      );
    }
    for (let row = 0; row < (to - from) * positions; row++) {
      const at = from + Math.floor(row / positions);
      const index = order === undefined ? at : order[at];
      const means = [...mean.floats.subarray(row * width, (row + 1) * width)];
      const spread = Array.from(variance.floats.subarray(row * width, (row + 1) * width), Math.sqrt);
      if (classes > 0) {
        const best = means.indexOf(Math.max(...means));
        const target = test.labels![index * positions + row % positions];
        if (best !== target) errors += 1 / positions;
        const place = test.labelsPerExample === undefined ? { index } : { index, position: row % positions };
        const all = index < detailed ? { probabilities: probabilitiesByName(means, dataset.classNames) } : {};
        const probability = means[best];
        predictions.push({ ...place, target, prediction: best, probability, deviation: spread[best], ...all });
      } else {
        const target = [...test.targets!.subarray(index * width, (index + 1) * width)].map(original);
        const found = means.map(original);
        errors += found.reduce((total, m, i) => total + (m - target[i]) ** 2, 0) / width;
        const deviation = spread.map((value, output) => value * scale(output));
        predictions.push({ index, target, prediction: found, deviation });
      }
    }
  }
  const error = classes > 0 ? errors / test.count : Math.sqrt(errors / test.count);
  predictions.sort((a, b) => a.index - b.index || (a.position ?? 0) - (b.position ?? 0));
  return { predictions, error };
}
