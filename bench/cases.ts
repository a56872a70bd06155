/** The cases: each is what it says, beside what it is held against. @module */
import {
  buildModel,
  currentBackend,
  dense,
  dropConnect,
  gradients,
  kernels,
  Key,
  type Mask,
  noGrad,
  openNative,
  predict,
  recycling,
  Rows,
  scaledDotProductAttention,
  Tensor,
} from "../mod.ts";
import { alternate, median, type Rounds, timed } from "./measure.ts";
import { inputsOf, mlp, nets, stepOf } from "./nets.ts";
import { attentionProducts, mlpProducts } from "./products.ts";
import { Profiler } from "../cli/run/profiler.ts";
import { drift, peak } from "./resident.ts";

/** What is measured, and what it should be. */
export interface Case {
  /** Its name. */
  readonly name: string;
  /** What is measured over what. */
  readonly what: string;
  /** What the ratio should be: `at most` a number, or `at least`. */
  readonly goal: readonly ["at most" | "at least", number];
  /** What is divided: ours by the floor, or the floor by ours. Default `ours / floor`. */
  readonly ratio?: "ours / floor" | "floor / ours";
  /** Of what the rounds are. Default `ms`. */
  readonly unit?: "ms" | "MiB";
  /** The net that peers train for comparison. */
  readonly net?: string;
  /** Makes our step for that comparison, where it is no training step of a net. */
  readonly step?: () => () => void;
  /** Measures it. */
  readonly run: () => Rounds | Promise<Rounds>;
}

const step = (net: string) => stepOf(nets[net]());

/** A training step of one net over that of another. */
const beside = (ours: string, floor: string) => () => alternate({ ours: step(ours), floor: step(floor) });

/** Runs a body with a number of threads, where the backend can have fewer. */
async function withThreads<T>(count: number, body: () => T): Promise<T> {
  const { name, threads } = currentBackend().info();
  if (name !== "native") return body();
  try {
    await openNative({ threads: count });
    return body();
  } finally {
    await openNative({ threads });
  }
}

/** Dropout of so many floats, and copies of them: by the backend's threads, and by one. */
function forwards(power: number): { dropout: () => void; copy: () => void; memmove: () => void } {
  const n = 2 ** power;
  const [x, out] = [new Float32Array(n).fill(1), new Float32Array(n).fill(1)];
  const draw = { header: new Uint32Array(3), table: new Uint32Array(3), offset: 0 };
  return {
    dropout: () => kernels.mask(x, out, draw, 1, n, 2 ** 15, 16, 2, 0, 0),
    copy: () => kernels.unary("copy", x, out, 0, 0),
    memmove: () => out.set(x),
  };
}

/** A copy in the same place by whoever does it faster. */
function inCache(): Rounds {
  const { dropout, copy, memmove } = forwards(17);
  const turns = { copy: [] as number[], memmove: [] as number[] };
  for (let i = 0; i < 20; i++) {
    turns.copy.push(timed(copy, 20));
    turns.memmove.push(timed(memmove, 20));
  }
  return alternate({ ours: dropout, floor: median(turns.copy) < median(turns.memmove) ? copy : memmove });
}

/** A step of a dense layer whose connections are dropped. */
function connections(per: "example" | "batch"): () => void {
  const layers = dense(800, { weight: dropConnect({ per }) });
  return stepOf({ what: "", layers, batch: 128, shape: [800], labels: 1, classes: 800 });
}

function monteCarlo(): Rounds {
  const net = nets["mlp-hidden"]();
  const passes = 50;
  const model = buildModel(net.layers, { inputShape: net.shape, seed: 1 });
  const plain = buildModel(mlp("", undefined).layers, { inputShape: net.shape, seed: 1 });
  const x = inputsOf(net);
  return alternate({
    ours: () => void recycling(() => predict(model, x, { samples: passes })),
    floor: () => {
      for (let pass = 0; pass < passes; pass++) recycling(() => noGrad(() => plain.forward(x)));
    },
  });
}

/** Attention's shape in the case of its name. */
const attentionShape = { batch: 4, heads: 8, steps: 1024, width: 64 };

/** Causal attention with dropout on its weights, forward and backward. */
function attentionStep(): () => void {
  const { batch, heads, steps, width } = attentionShape;
  const normal = (name: string) => Tensor.normal([batch, heads, steps, width], Key.seed(3).at(name));
  const inputs = ["q", "k", "v"].map((name) => normal(name).withGradient());
  const [q, k, v] = inputs;
  const dy = normal("dy");
  const key = Key.seed(3).at("mask");
  let step = 0;
  return () =>
    recycling(() => {
      const mask: Mask = { key: key.withRows(Rows.range({ step: step++ })), rate: 0.1 };
      const y = scaledDotProductAttention(q, k, v, { causal: true, weights: mask });
      gradients(y.mul(dy).sum(), inputs);
    });
}

function attention(): Rounds {
  const { batch, heads, steps, width } = attentionShape;
  return alternate({ ours: attentionStep(), floor: attentionProducts(batch * heads, steps, width) });
}

/** A step over the sum of its kernels' times, in turns of many steps. */
function small(): Rounds {
  const run = step("small");
  const profiler = new Profiler();
  const [turns, steps] = [30, 300];
  timed(run, 2000); // until it is compiled
  const found = { ours: [] as number[], floor: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    timed(run, 50);
    found.ours.push(timed(run, steps));
    const times = profiler.run(run, steps);
    found.floor.push([...times.values()].reduce((sum, { ms }) => sum + ms, 0));
  }
  return found;
}

/** The cases, in the order in which they are run. */
export const cases: readonly Case[] = [
  {
    name: "mlp-step",
    what: "step of 784-1024x3-10 with dropout 0.2/0.5 over its eleven products",
    goal: ["at most", 1.12],
    net: "mlp",
    run: () => alternate({ ours: step("mlp"), floor: mlpProducts() }),
  },
  {
    name: "mlp-dropout-cost",
    what: "the same step over itself without dropout",
    goal: ["at most", 1.02],
    run: beside("mlp", "mlp-plain"),
  },
  {
    name: "mlp-step-shared",
    what: "the step with masks that the batch shares over the step without dropout",
    goal: ["at most", 0.45],
    net: "mlp-shared",
    run: beside("mlp-shared", "mlp-plain"),
  },
  {
    name: "mlp-step-groups",
    what: "the step with a mask for each 32 rows over the step without dropout",
    goal: ["at most", 0.65],
    run: beside("mlp-groups", "mlp-plain"),
  },
  {
    name: "dropout-forward-large",
    what: "a copy of 2^25 floats with the same threads over dropout of them",
    goal: ["at least", 0.85],
    ratio: "floor / ours",
    run: () => {
      const { dropout, copy } = forwards(25);
      return alternate({ ours: dropout, floor: copy });
    },
  },
  {
    name: "dropout-forward-cache",
    what: "a copy of 2^17 floats over dropout of them, one thread",
    goal: ["at least", 0.3],
    ratio: "floor / ours",
    run: () => withThreads(1, inCache),
  },
  {
    name: "drop-connect-example",
    what: "step of dense 800-800, batch 128: a mask for each example over a mask for the batch",
    goal: ["at most", 9],
    run: () => alternate({ ours: connections("example"), floor: connections("batch") }),
  },
  {
    name: "mc-predict",
    what: "50 Monte Carlo passes of the net, dropout on hidden units, over 50 plain forward passes",
    goal: ["at most", 0.8],
    run: monteCarlo,
  },
  {
    name: "conv-spatial-shared",
    what: "step of the CIFAR net with channels that the batch shares dropped over the step without dropout",
    goal: ["at most", 0.55],
    run: beside("conv-spatial", "conv-plain"),
  },
  {
    name: "attention",
    what: "causal attention, 4 x 8 heads, 1024 steps of width 64, dropout 0.1, over the products of its half",
    goal: ["at most", 1.6],
    net: "attention",
    step: attentionStep,
    run: attention,
  },
  {
    name: "small-step",
    what: "step of 784-128-10, batch 32, dropout, over the sum of its kernels' times",
    goal: ["at most", 1.3],
    net: "small",
    run: small,
  },
  {
    name: "peak-memory",
    what: "peak of the step's process less that of one that opened the library, over what has to be held",
    goal: ["at most", 1.25],
    unit: "MiB",
    run: peak,
  },
  {
    name: "rss-drift",
    what: "resident memory after 5,000 further steps over that before",
    goal: ["at most", 1.01],
    unit: "MiB",
    run: drift,
  },
];
