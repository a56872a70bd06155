/** The methods that are compared: how each is trained, and what predicts. @module */
import {
  adam,
  type Dataset,
  dense,
  distill,
  dropout,
  ema,
  fit,
  fitEnsemble,
  type FitOptions,
  type FitResult,
  lastLayerLaplace,
  type LayerPlugin,
  masksembles,
  type Model,
  type Plugin,
  type Predictor,
  predictorOf,
  relu,
  sequential,
  swa,
} from "../../mod.ts";

/** What all methods have in common. */
export interface Setting {
  /** The data, with a validation part. */
  readonly data: Dataset;
  /** Units of each of two hidden layers. */
  readonly units: number;
  /** Passes over the training examples. */
  readonly epochs: number;
  /** Examples a step. */
  readonly batchSize: number;
  /** Members of the ensemble. */
  readonly members: number;
  /** Monte Carlo passes, and draws of the weights. */
  readonly samples: number;
  /** What everything random follows from. */
  readonly seed: number;
  /** Ends training when aborted. */
  readonly signal: AbortSignal;
}

/** A method, trained. */
export interface Trained {
  /** Its name in the table. */
  readonly name: string;
  /** What predicts. */
  readonly predictor: Predictor;
  /** Whether it is measured at the temperature that is fitted on the validation part. */
  readonly tempered?: boolean;
  /** Learned numbers that a prediction needs. */
  readonly parameters: number;
  /** Seconds of training. */
  readonly seconds: number;
}

/** Dropout's rate at both hidden layers. */
const RATE = 0.5;
/** Masks of masksembles. */
const MASKS = 4;

/** A net with two hidden layers, and something behind each of them. */
function net({ units, data }: Setting, variant?: () => LayerPlugin): LayerPlugin {
  const hidden = () => [dense(units), relu(), ...(variant === undefined ? [] : [variant()])];
  return sequential([...hidden(), ...hidden(), dense(data.classes)]);
}

function settings({ data, epochs, batchSize, seed, signal }: Setting): FitOptions {
  return { data, optimizer: adam(), epochs, batchSize, seed, signal };
}

/** Seconds that the steps of a run took. */
function secondsOf({ history }: FitResult): number {
  return history.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Trains all methods, one after the other, and hands each over when it is ready. Ends early when aborted. */
export async function* methods(setting: Setting): AsyncGenerator<Trained> {
  const { members, samples, signal, epochs } = setting;
  const train = (root: LayerPlugin, average?: Plugin<"average">) => fit(root, { ...settings(setting), average });
  const of = (name: string, run: FitResult, predictor: Predictor, more: Partial<Trained> = {}): Trained => ({
    name,
    predictor,
    parameters: run.parameters,
    seconds: secondsOf(run),
    ...more,
  });

  const plain = await train(net(setting));
  if (signal.aborted) return;
  yield of("plain net", plain, predictorOf(plain.model));
  yield of("temperature scaling", plain, predictorOf(plain.model), { tempered: true });

  const dropped = await train(net(setting, () => dropout({ rate: RATE })));
  if (signal.aborted) return;
  yield of("dropout, weight scaling", dropped, predictorOf(dropped.model));
  yield of(`dropout, ${samples} passes`, dropped, predictorOf(dropped.model, { samples }));

  const masked = await train(net(setting, () => masksembles({ masks: MASKS })));
  if (signal.aborted) return;
  yield of(`masksembles, ${MASKS} masks`, masked, predictorOf(masked.model, { samples: MASKS }));

  for (
    const [name, average] of [["EMA weights", ema({ decay: 0.99 })], [
      "SWA weights",
      swa({ from: 0.75 * epochs }),
    ]] as const
  ) {
    const run = await train(net(setting), average);
    if (signal.aborted) return;
    yield of(name, run, predictorOf(run.model));
  }

  const runs = await fitEnsemble(net(setting), {
    ...settings(setting),
    observers: undefined,
    resume: undefined,
    members,
  });
  if (signal.aborted) return;
  yield {
    name: `ensemble of ${members}`,
    predictor: predictorOf(runs.map(({ model }) => model)),
    parameters: runs.reduce((sum, { parameters }) => sum + parameters, 0),
    seconds: runs.reduce((sum, run) => sum + secondsOf(run), 0),
  };

  yield* laplaces(plain.model, setting, plain);

  const begun = performance.now();
  const student = await distill(net(setting), { ...settings(setting), teacher: dropped.model, samples: 10 });
  if (signal.aborted) return;
  // Its steps include the teacher's passes.
  const seconds = Math.min(secondsOf(student), (performance.now() - begun) / 1000) + secondsOf(dropped);
  yield of("distilled from dropout", student, predictorOf(student.model), { seconds });
}

/** The Laplace approximation of the plain net's last layer, in one pass and by draws. */
function* laplaces(model: Model, { data, samples }: Setting, plain: FitResult): Generator<Trained> {
  const begun = performance.now();
  const laplace = lastLayerLaplace(model, { data });
  const seconds = secondsOf(plain) + (performance.now() - begun) / 1000;
  const common = { parameters: plain.parameters, seconds };
  yield { name: "last-layer Laplace, probit", predictor: laplace.probit(), ...common };
  yield { name: `last-layer Laplace, ${samples} draws`, predictor: laplace.sampler({ samples }), ...common };
}
