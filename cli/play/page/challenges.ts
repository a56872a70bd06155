/** Tasks to try, each with a scene to begin from and a way to see that it is done. @module */
import type { Losses } from "./messages.ts";
import { firstScene, type Scene } from "./scene.ts";

/** A task. */
export interface Challenge {
  readonly title: string;
  /** What to do, and what to look at. */
  readonly task: string;
  /** Where to begin. */
  readonly scene: Scene;
  /** Whether it is done. */
  readonly done: (scene: Scene, losses: Losses) => boolean;
}

const crowded: Scene = {
  ...firstScene,
  noise: 0.35,
  count: 240,
  share: 20,
  layers: [32, 32],
  rates: [0, 0, 0],
  learningRate: 0.02,
};

const gap = ({ train, test }: Losses) => test.loss - train.loss;

/** The tasks, in the order in which they are to be tried. */
export const challenges: readonly Challenge[] = [
  {
    title: "Overfit",
    task: "48 noisy points, a wide net, every rate 0. Press Play: training loss below 0.05, test loss above 1.",
    scene: crowded,
    done: (_, losses) => losses.train.loss < 0.05 && losses.test.loss > 1,
  },
  {
    title: "Close the gap",
    task: "The same net, with dropout: move the rates. After 1,000 steps, a gap below 0.3 and a test error below 20 %.",
    scene: { ...crowded, rates: [0, 0.1, 0.1] },
    done: ({ layers }, losses) =>
      Math.max(...layers) >= 32 && losses.step >= 1000 && gap(losses) < 0.3 && losses.test.error < 0.2,
  },
  {
    title: "Too much of a good thing",
    task:
      "Rates of 0.8 in a net of two times 4 units: too few lamps are left. Save the spirals, test error below 5 %, " +
      "without going below a rate of 0.2.",
    scene: { ...firstScene, data: "spirals", noise: 0.04, count: 400, share: 50, layers: [4, 4], rates: [0, 0.8, 0.8] },
    done: ({ data, variant, rates }, losses) =>
      data === "spirals" && variant === "dropout" && Math.min(...rates.slice(1)) >= 0.2 && losses.test.error < 0.05,
  },
];
