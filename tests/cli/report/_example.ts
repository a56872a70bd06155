/** A made report of two runs, with every part that a report can have. @module */
import { encode } from "fast-png";
import type { Histogram, LayerReport, ReportData, RunReport } from "../../../cli/report/report_data.ts";

const EPOCHS = 12;
const SIDE = 28;
const epochs = Array.from({ length: EPOCHS }, (_, i) => i + 1);
const classes = Array.from("0123456789");

/** A number between 0 and 1 that follows from two others. */
function noise(a: number, b = 0): number {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453;
  return x - Math.floor(x);
}

/** A grey image of `SIDE` by `SIDE` pixels as a data URL. */
function picture(of: (x: number, y: number) => number): string {
  const data = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.max(0, Math.min(255, Math.round(255 * of(i % SIDE, Math.floor(i / SIDE)))));
  }
  const png = encode({ width: SIDE, height: SIDE, data, channels: 1, depth: 8 });
  return `data:image/png;base64,${btoa(String.fromCharCode(...png))}`;
}

/** A stroke pattern that differs from unit to unit; noisier where `blur` is larger. */
const feature = (unit: number, blur: number) =>
  picture((x, y) => {
    const [cx, cy] = [6 + 16 * noise(unit, 1), 6 + 16 * noise(unit, 2)];
    const angle = Math.PI * noise(unit, 3);
    const across = (x - cx) * Math.sin(angle) - (y - cy) * Math.cos(angle);
    const along = (x - cx) * Math.cos(angle) + (y - cy) * Math.sin(angle);
    const shape = Math.cos(across / 2) * Math.exp(-(across ** 2) / 12 - along ** 2 / 40);
    return 0.5 + 0.45 * (1 - blur) * shape + blur * (noise(unit + x, y) - 0.5);
  });

/** A ring, open at a side that differs from digit to digit. */
const digit = (number: number) =>
  picture((x, y) => {
    const radius = Math.hypot(x - 13.5, y - 13.5);
    const open = Math.cos(Math.atan2(y - 13.5, x - 13.5) - number) > 0.8;
    return open ? 0 : Math.exp(-((radius - 8) ** 2) / 4);
  });

/** Counts that fall off from the first bin to the last. */
function falling(to: number, total: number, decay: number, bins = 24): Histogram {
  const shares = Array.from({ length: bins }, (_, i) => Math.exp(-decay * i));
  const sum = shares.reduce((a, b) => a + b);
  return { from: 0, to, counts: shares.map((share) => Math.round(total * share / sum)) };
}

function layer(path: string, units: number, sparse: number): LayerReport {
  return {
    path,
    plugin: "relu",
    units,
    dead: epochs.map((epoch) => sparse * 0.02 * (1 - Math.exp(-epoch / 4))),
    active: epochs.map((epoch) => 0.45 - sparse * 0.25 * (1 - Math.exp(-epoch / 3))),
    mean: epochs.map((epoch) => 0.3 + 0.02 * epoch),
    histograms: [1, 4, 8, 12].map((epoch) => ({
      epoch,
      outputs: falling(3 + epoch / 4, 512 * units * 0.3, 0.2 + 0.2 * sparse),
      zeros: Math.round(512 * units * (0.55 + 0.2 * sparse)),
      means: falling(2, units, 0.15 + 0.2 * sparse),
    })),
  };
}

/** Bins of a reliability diagram, with accuracies that fall short of the confidence by `short`. */
const bins = (short: number) =>
  Array.from({ length: 15 }, (_, i) => {
    const count = i < 2 ? 0 : Math.round(10 * 2 ** (i / 1.6));
    const confidence = count === 0 ? null : (i + 0.6) / 15;
    const accuracy = confidence === null ? null : Math.max(0, confidence - short * 4 * confidence * (1 - confidence));
    return { from: i / 15, to: (i + 1) / 15, count, confidence, accuracy };
  });

function run(name: string, rate: number, seed: number): RunReport {
  const drops = rate > 0;
  const floor = drops ? 0.0112 : 0.0161;
  const history = epochs.map((epoch) => {
    const testError = floor + 0.05 * Math.exp(-epoch / 2) + 0.0006 * (noise(epoch, seed) - 0.5);
    const trainError = (drops ? 0.004 : 0) + 0.06 * Math.exp(-epoch / (drops ? 2.2 : 1.6));
    return {
      epoch,
      step: 469 * epoch,
      trainLoss: 3.2 * trainError,
      trainError,
      testLoss: 3.4 * testError + (drops ? 0 : 0.003 * epoch),
      testError,
      runningLoss: 3.2 * trainError + 0.3 * rate,
      runningError: trainError + 0.06 * rate,
      seconds: 4.1 + 0.2 * noise(epoch),
      stepMs: 8.7 + 0.2 * noise(epoch, 2),
    };
  });
  const model = [
    { path: "0", plugin: "dropout", shape: [784], parameters: 0, site: "activation" },
    { path: "1", plugin: "dense", shape: [800], parameters: 628000, site: null },
    { path: "2", plugin: "relu", shape: [800], parameters: 0, site: null },
    { path: "3", plugin: "dropout", shape: [800], parameters: 0, site: "activation" },
    { path: "4", plugin: "dense", shape: [800], parameters: 640800, site: null },
    { path: "5", plugin: "relu", shape: [800], parameters: 0, site: null },
    { path: "6", plugin: "concrete-dropout", shape: [800], parameters: 1, site: "activation" },
    { path: "7", plugin: "dense", shape: [10], parameters: 8010, site: null },
  ];
  const realised = (asked: number, place: number) =>
    epochs.map((epoch) => asked === 0 ? 0 : asked + 0.004 * (noise(epoch, place) - 0.5));
  const scheduled = epochs.map((epoch) => rate * (1 - Math.exp(-epoch / 3)));
  const learned = epochs.map((epoch) => 0.1 + 0.25 * (1 - Math.exp(-epoch / 5)));
  const reliability = {
    examples: 10000,
    error: history.at(-1)!.testError,
    negativeLogLikelihood: history.at(-1)!.testLoss,
    brierScore: drops ? 0.0171 : 0.0262,
    expectedError: drops ? 0.0042 : 0.0098,
    overconfidence: drops ? -0.0011 : 0.0094,
    bins: bins(drops ? 0.02 : 0.12),
  };
  return {
    name,
    variant: name,
    seed,
    description: "Two hidden layers of 800 rectified units on handwritten digits, with and without dropout.",
    config: {
      dataset: { plugin: "mnist" },
      model: model.map(({ plugin }) => plugin === "dense" ? { plugin, units: 800 } : { plugin }),
      optimizer: { plugin: "sgd", learningRate: 0.1, momentum: 0.95 },
      epochs: EPOCHS + (drops ? 0 : 8),
      batchSize: 128,
      seed,
      note: "</script><b>escaped</b>",
    },
    command: "deno task train --config runs/example/config.json",
    ...(drops ? {} : { resume: "deno task train --resume runs/example" }),
    backend: "native: OpenBLAS 0.3.31, 2 threads, AVX-512",
    dataset: { name: "mnist", train: 60000, validation: 0, test: 10000, shape: [784], classes },
    classification: true,
    model,
    parameters: model.reduce((sum, { parameters }) => sum + parameters, 0),
    batchSize: 128,
    epochs: { done: EPOCHS, of: EPOCHS + (drops ? 0 : 8) },
    interrupted: !drops,
    history,
    observed: epochs,
    sample: 512,
    sites: !drops ? [] : [
      { path: "0", variant: "dropout", role: "activation", asked: epochs.map(() => 0.2), realised: realised(0.2, 1) },
      {
        path: "3",
        variant: "dropout",
        role: "activation",
        asked: scheduled,
        realised: scheduled.map((rate, i) => rate + 0.004 * (noise(i, 7) - 0.5)),
      },
      {
        path: "6",
        variant: "concrete-dropout",
        role: "activation",
        asked: learned,
        realised: learned.map((rate, i) => rate + 0.004 * (noise(i, 9) - 0.5)),
      },
      {
        path: "7.weight",
        variant: "gaussian-noise",
        role: "weight",
        asked: epochs.map(() => null),
        realised: epochs.map(() => null),
      },
    ],
    layers: [layer("2", 800, drops ? 1 : 0.2), layer("5", 800, drops ? 1.4 : 0.3)],
    weights: ["1", "4", "7"].flatMap((path, i) => [
      {
        name: `${path}.weight`,
        shape: [i === 2 ? 10 : 800, i === 0 ? 784 : 800],
        norm: epochs.map((epoch) => (drops ? 38 : 22) + (drops ? 1 : 3) * Math.sqrt(epoch) + i),
        ...(i < 2 && drops
          ? {
            maxNorm: {
              limit: epochs.map(() => 2),
              hits: epochs.map((epoch) => 0.6 * (1 - Math.exp(-epoch / (3 + i)))),
            },
          }
          : {}),
      },
      { name: `${path}.bias`, shape: [i === 2 ? 10 : 800], norm: epochs.map((epoch) => 0.4 * Math.sqrt(epoch)) },
    ]),
    features: {
      name: "1.weight",
      units: 800,
      width: SIDE,
      height: SIDE,
      tiles: Array.from({ length: 64 }, (_, unit) => feature(unit, drops ? 0.15 : 0.7)),
    },
    confusion: {
      counts: classes.map((_, truth) =>
        classes.map((_, said) => truth === said ? 985 : Math.floor(4 * noise(truth + seed, said) ** 2))
      ),
    },
    mistakes: Array.from({ length: 16 }, (_, i) => ({
      example: 37 + 611 * i,
      image: digit(i),
      size: [SIDE, SIDE] as const,
      truth: classes[(3 * i) % 10],
      said: classes[(3 * i + 1 + i % 8) % 10],
      probability: 0.999 - 0.01 * i,
      truthProbability: 1e-5 * (i + 1),
      loss: -Math.log(1e-5 * (i + 1)),
    })),
    reliability,
    ...(drops
      ? {
        uncertainty: {
          ...reliability,
          passes: 20,
          right: falling(2.4, 9880, 0.9),
          wrong: {
            from: 0,
            to: 2.4,
            counts: Array.from({ length: 24 }, (_, i) => Math.round(9 * Math.exp(-((i - 9) ** 2) / 30))),
          },
          entropy: 0.061,
          mutualInformation: 0.013,
        },
      }
      : {}),
    time: {
      steps: 49.6,
      evaluation: 7.4,
      recording: 0.3,
      stepMs: 8.8,
      kernels: [
        { kind: "products", ms: 6.1 },
        { kind: "elementwise", ms: 1.1 },
        { kind: "optimizer", ms: 0.8 },
        { kind: "masks", ms: 0.5 },
        { kind: "TypeScript", ms: 0.3 },
      ],
    },
  };
}

/** A report of a run without and one with dropout; the first was stopped. */
export const exampleReport: ReportData = {
  format: 1,
  madeBy: "@thinned/dropout 0.1.0",
  madeAt: "2026-11-22T00:00:00.000Z",
  title: "mnist",
  runs: [run("plain", 0, 1), run("dropout", 0.5, 1)],
};
