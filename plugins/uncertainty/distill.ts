/**
 * One net in the place of many passes: a student that is trained on what a teacher's passes say in the mean.
 *
 * Korattikara, Rathod, Murphy, Welling, "Bayesian Dark Knowledge", NIPS 2015, sections 2.2 and 2.3: new draws of the teacher at
 * each step, and a student of numbers that says a variance; Bulò, Porzi, Kontschieder, "Dropout Distillation", ICML 2016: the
 * teacher is a net with dropout.
 *
 * @module
 */
import { z } from "zod";
import {
  type Dataset,
  defaultLoss,
  definePlugin,
  type Factory,
  fit,
  type FitOptions,
  type FitResult,
  gradients,
  type Judged,
  type LayerPlugin,
  loadDataset,
  Model,
  noGrad,
  OptionError,
  type Plugin,
  type Predictor,
  predictorOf,
  type Progress,
  type Shape,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode distill}: those of `fit` for the student, and these. */
export interface DistillOptions extends Omit<FitOptions, "learning"> {
  /** The trained model, the members of an ensemble, or another predictor. */
  teacher: Judged;
  /**
   * Passes of the teacher at each step, in mode `sample`, with new masks: from 1 to 16384, or 0 for one in mode `eval`. Default 10,
   * and 0 for several models; another predictor has passes of its own.
   */
  samples?: number;
  /** How far the teacher's training had come, for options that are schedules. Default: its beginning. */
  teacherProgress?: Progress;
  /** Of numbers, the variance of the noise around the teacher's, in the units of its outputs. Default 0. */
  noise?: number;
}

/** What the teacher says of a batch: the mean of its probabilities or numbers, and the variance of numbers. */
interface Lesson {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/**
 * Trains a student on what a teacher says of the training inputs, changed by augmentations as they may be; labels take no part
 * but in the metrics. Of classes, it learns the mean probabilities of the passes, by cross-entropy; of numbers their mean, by
 * squared error, and where the loss is one for that, such as `gaussian-nll`, their variance and the noise too. The student
 * predicts in one pass, without draws, what the teacher says in many.
 *
 * A run that is resumed goes on with the same lessons.
 *
 * @param student the student, as a layer plugin: usually without dropout
 * @param options the teacher, and those of `fit`
 * @throws {OptionError} for a wrong option
 * @throws what `fit` throws
 *
 * When: a prediction has to take one pass, and its uncertainty is to be that of Monte Carlo dropout or of an ensemble.
 * Cost: `samples` passes of the teacher for each step of the student.
 *
 * @example
 * ```ts
 * import { adam, assessClassification, dense, digits, distill, dropout, fit, loadDataset } from "@thinned/dropout";
 * import { relu, sequential } from "@thinned/dropout";
 *
 * const data = await loadDataset(digits({ train: 200, test: 100 }));
 * const net = (rate: number) => sequential([dense(32), relu(), dropout({ rate }), dense(10)]);
 * const settings = { data, optimizer: adam(), epochs: 3 };
 * const { model: teacher } = await fit(net(0.5), settings);
 * const { model } = await distill(net(0), { ...settings, teacher, samples: 5 });
 * console.log(assessClassification(model, data).scores.negativeLogLikelihood);
 * ```
 */
export async function distill(student: LayerPlugin, options: DistillOptions): Promise<FitResult> {
  const { teacher, samples, teacherProgress, noise = 0, ...settings } = options;
  if (!(noise >= 0 && noise < Infinity)) throw new OptionError("noise", "a variance of at least 0", noise);
  const data = await loadDataset(options.data);
  const loss = options.loss ?? defaultLoss(data);
  const at = teacherAt(teacher, samples, teacherProgress);
  const lessonOf = (inputs: Tensor, step: number) => lesson(at(step), inputs, data, loss, noise);
  return await fit(student, { ...settings, data, loss, learning: lessons(lessonOf, data, loss) });
}

/** The teacher at a step, which draws masks of its own. */
function teacherAt(
  teacher: Judged,
  samples: number | undefined,
  progress: Progress | undefined,
): (step: number) => Predictor {
  if (teacher instanceof Model || Array.isArray(teacher)) {
    const passes = samples ?? (teacher instanceof Model ? 10 : 0);
    const at = (step: number) => predictorOf(teacher, { samples: passes, seed: step, progress });
    at(0); // refuses what is wrong before training begins
    return at;
  }
  if (samples !== undefined) {
    throw new OptionError("samples", "nothing for a predictor, which has passes of its own", samples);
  }
  return () => teacher as Predictor;
}

/** Mean and variance over the teacher's passes, batch first. */
function lesson(teacher: Predictor, inputs: Tensor, data: Dataset, loss: Plugin<"loss">, noise: number): Lesson {
  const examples = Uint32Array.from({ length: inputs.shape[0] }, (_, i) => i);
  const { prediction, noise: own } = loss.definition;
  const classes = data.classes > 0;
  let shape: Shape = [];
  let mean = new Float64Array(0);
  let square = mean;
  let around = mean;
  noGrad(() =>
    teacher.run({ inputs, examples }, (outputs) => {
      // A teacher of the student's kind says a variance of its own.
      const says = !classes && own !== undefined && outputs.shape[outputs.rank - 1] !== data.outputs;
      const told = classes ? outputs.softmax() : says && prediction ? prediction(outputs, loss.options) : outputs;
      const variances = says ? own(outputs, loss.options).storage.array : undefined;
      const numbers = told.storage.array;
      if (mean.length === 0) {
        shape = told.shape;
        [mean, square, around] = [0, 0, 0].map(() => new Float64Array(told.size));
      }
      for (let i = 0; i < numbers.length; i++) {
        mean[i] += numbers[i] / teacher.passes;
        square[i] += numbers[i] ** 2 / teacher.passes;
        around[i] += (variances?.[i] ?? 0) / teacher.passes;
      }
    })
  );
  const variance = around.map((value, i) => value + Math.max(0, square[i] - mean[i] ** 2) + noise);
  return { mean: Tensor.from(mean, shape, inputs.floatType), variance: Tensor.from(variance, shape, inputs.floatType) };
}

/** The way of learning that is made of lessons. */
function lessons(
  lessonOf: (inputs: Tensor, step: number) => Lesson,
  data: Dataset,
  loss: Plugin<"loss">,
): Plugin<"learning"> {
  const { prediction, noise } = loss.definition;
  const distance = (outputs: Tensor, { mean, variance }: Lesson): Tensor => {
    if (data.classes > 0) return outputs.logSoftmax().mul(mean).sum().neg();
    const numbers = prediction === undefined ? outputs : prediction(outputs, loss.options);
    const squares = numbers.sub(mean).square();
    if (noise === undefined) return squares.sum();
    // The expectation of the negative log-likelihood over what the teacher predicts.
    const own = noise(outputs, loss.options);
    return own.log().add(squares.add(variance).div(own)).mul(0.5).sum();
  };
  const distillation: Factory<"learning", Record<never, never>> = definePlugin({
    name: "distillation",
    options: z.object({}),
    learn({ inputs, parameters, progress, forward, loss: measure, give }) {
      const told = lessonOf(inputs, progress.step);
      const outputs = forward(inputs);
      measure(outputs); // for the metrics, and by how much the sum is divided
      const names = [...parameters.keys()];
      const found = gradients(distance(outputs, told), names.map((name) => parameters.get(name)!));
      names.forEach((name, i) => give(name, found[i]));
    },
  });
  return distillation();
}
