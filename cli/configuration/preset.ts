/**
 * What is trained when no configuration is given: the 2014 paper's kind of net, without and with dropout, side by side.
 *
 * @module
 */
import type { Dataset } from "../../core/mod.ts";
import { type Config, parseConfig } from "./config.ts";

/** The net of a preset: dropout on the input, and hidden layers with max-norm and dropout. */
function net(hidden: readonly number[], outputs: number, max: number): Record<string, unknown>[] {
  const constraint = { plugin: "max-norm", max };
  return [
    { plugin: "dropout", rate: 0.2 },
    ...hidden.flatMap((units) => [
      { plugin: "dense", units, constraint },
      { plugin: "relu" },
      { plugin: "dropout", rate: 0.5 },
    ]),
    { plugin: "dense", units: outputs, initializer: "glorot-uniform", constraint },
  ];
}

/** The same net, which begins at layer `first`, without dropout and max-norm, by changes to the one with them. */
function without(layers: number, first = 0): Record<string, unknown> {
  const set: Record<string, unknown> = { [`model.${first}.rate`]: 0 };
  for (let i = 0; i < layers; i++) {
    set[`model.${first + 1 + 3 * i}.constraint`] = null;
    set[`model.${first + 3 + 3 * i}.rate`] = 0;
  }
  set[`model.${first + 1 + 3 * layers}.constraint`] = null;
  return set;
}

/** An LSTM that predicts each token from those before it, without and with dropout. */
function textPreset(name: string, classes: number): Config {
  return parseConfig({
    description: `An LSTM on ${name}, without and with dropout.`,
    dataset: { plugin: name },
    model: [
      { plugin: "embedding", vocabulary: classes, features: 64 },
      { plugin: "dropout", rate: 0.2 },
      { plugin: "lstm", units: 128 },
      { plugin: "dropout", rate: 0.5 },
      { plugin: "dense", units: classes },
    ],
    loss: "cross-entropy",
    optimizer: { plugin: "adam", learningRate: 0.005 },
    clip: { norm: 1 },
    epochs: 4,
    batchSize: 64,
    seed: 1,
    runs: [{ name: "plain", set: { "model.1.rate": 0, "model.3.rate": 0 } }, { name: "dropout", set: {} }],
  });
}

/** Whether a data set has a preset that does not need to be loaded first. */
export function hasPreset(name: string): boolean {
  return name === "digits" || name === "mnist";
}

/** The configuration for a data set's name; `dataset` is needed, loaded, where its outputs are not known by name. */
export function preset(name: string, dataset?: Dataset): Config {
  const sides = (layers: number, first = 0) => [
    { name: "plain", set: without(layers, first) },
    { name: "dropout", set: {} },
  ];
  if (name === "digits") {
    return parseConfig({
      description: "The 784-800-800-10 net on drawn digits, without and with dropout.",
      dataset: { plugin: "digits" },
      model: net([800, 800], 10, 2),
      loss: "cross-entropy",
      optimizer: {
        plugin: "sgd",
        learningRate: { plugin: "linear", from: 0.1, to: 0 },
        momentum: 0.9,
      },
      epochs: 40,
      batchSize: 50,
      seed: 1,
      runs: sides(2),
    });
  }
  if (name === "mnist") {
    return parseConfig({
      description: "The 784-1200-1200-10 net of Hinton et al. (2012) on MNIST, without and with dropout.",
      dataset: { plugin: "mnist" },
      model: net([1200, 1200], 10, 3),
      loss: "cross-entropy",
      optimizer: { plugin: "adam", learningRate: { plugin: "linear", from: 0.0015, to: 0 } },
      epochs: 10,
      batchSize: 64,
      seed: 1,
      runs: sides(2),
    });
  }
  const classes = dataset?.classes ?? 0;
  if (dataset?.train.labelsPerExample !== undefined) return textPreset(name, classes);
  const flatten = (dataset?.train.shape.length ?? 1) > 1 ? [{ plugin: "flatten" }] : [];
  return parseConfig({
    description: `A net with two hidden layers on ${name}, without and with dropout.`,
    dataset: { plugin: name },
    model: [...flatten, ...net([128, 128], classes > 0 ? classes : dataset?.outputs ?? 1, 3)],
    loss: classes > 0 ? "cross-entropy" : "mean-squared-error",
    optimizer: { plugin: "adam", learningRate: 0.001 },
    epochs: 40,
    batchSize: 32,
    seed: 1,
    runs: sides(2, flatten.length),
  });
}
