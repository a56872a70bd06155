/** Every built-in variant of recurrent layers, attention and embeddings works in every layer that has its site. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  buildModel,
  type DType,
  type FloatType,
  gradients,
  isPlugin,
  Key,
  type LayerPlugin,
  type Model,
  noGrad,
  type Plugin,
  Registry,
  type Shape,
  Tensor,
} from "../../core/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import {
  decoderBlock,
  dense,
  dropout,
  embedding,
  encoderBlock,
  gru,
  learnedPositions,
  lstm,
  multiHeadAttention,
  parallel,
  repeat,
  residual,
  rnn,
  sequential,
  sinusoidalPositions,
  stochasticDepth,
} from "../../plugins/mod.ts";
import { makePlugin } from "../../testing/trial.ts";
import { random } from "../core/_tensors.ts";

type Variant = Plugin<"recurrent"> & Plugin<"attention"> & Plugin<"embedding">;

/** A layer with a site, and inputs that fit it. */
interface Host {
  readonly layer: (variant?: Variant) => LayerPlugin;
  readonly inputs: readonly Shape[];
  /** The last input is a mask of positions, or lengths. */
  readonly last?: (batch: number) => Tensor;
  readonly words?: true;
}

const lengths = (batch: number) => Tensor.from(Float64Array.from({ length: batch }, (_, i) => 1 + i % 5), [batch]);
/** The first key is always seen, another now and then. */
const mask = (keys: number) => (batch: number) =>
  Tensor.from(
    Float64Array.from({ length: batch * keys }, (_, i) => i % keys === 0 || i % 4 !== 3 ? 1 : 0),
    [batch, keys],
  );

const recurrentHosts: Record<string, Host> = {
  "rnn": { layer: (recurrent) => rnn(4, { recurrent }), inputs: [[5, 3]] },
  "rnn of ReLU, the last step": {
    layer: (recurrent) => rnn(4, { recurrent, activation: "relu", returnSequences: false }),
    inputs: [[5, 3]],
  },
  "gru": { layer: (recurrent) => gru(4, { recurrent }), inputs: [[5, 3]] },
  "gru of two layers and directions": {
    layer: (recurrent) => gru(3, { recurrent, layers: 2, bidirectional: true, dropout: dropout({ rate: 0.3 }) }),
    inputs: [[4, 3]],
  },
  "gru with lengths": {
    layer: (recurrent) => gru(4, { recurrent, bidirectional: true }),
    inputs: [[5, 3], []],
    last: lengths,
  },
  "lstm": { layer: (recurrent) => lstm(4, { recurrent }), inputs: [[5, 3]] },
  "lstm of two layers and directions, learned states": {
    layer: (recurrent) => lstm(3, { recurrent, layers: 2, bidirectional: true, initialState: "learned" }),
    inputs: [[4, 3]],
  },
  "lstm with lengths, the last step": {
    layer: (recurrent) => lstm(4, { recurrent, returnSequences: false }),
    inputs: [[5, 3], []],
    last: lengths,
  },
  "lstm without biases": { layer: (recurrent) => lstm(4, { recurrent, bias: false }), inputs: [[5, 3]] },
  "lstm that is used twice": {
    layer: (recurrent) => repeat(lstm(3, { recurrent }), 2, { share: true }),
    inputs: [[4, 3]],
  },
};

const attentionHosts: Record<string, Host> = {
  "multi-head-attention": { layer: (attention) => multiHeadAttention(2, { attention }), inputs: [[4, 6]] },
  "multi-head-attention, causal": {
    layer: (attention) => multiHeadAttention(3, { attention, causal: true }),
    inputs: [[4, 6]],
  },
  "multi-head-attention with a mask": {
    layer: (attention) => multiHeadAttention(2, { attention }),
    inputs: [[4, 6], [4]],
    last: mask(4),
  },
  "multi-head-attention to a memory": {
    layer: (attention) => multiHeadAttention(2, { attention, attends: "memory" }),
    inputs: [[4, 6], [3, 5], [3]],
    last: mask(3),
  },
  "encoder-block": { layer: (attention) => encoderBlock(2, { attention }), inputs: [[4, 6], [4]], last: mask(4) },
  "encoder-blocks, the norm in front, in branches": {
    layer: (attention) =>
      repeat(encoderBlock(2, { attention, norm: "pre", causal: true, branch: stochasticDepth({ rate: 0.3 }) }), 2),
    inputs: [[4, 6]],
  },
  "decoder-block": {
    layer: (attention) => decoderBlock(2, { attention }),
    inputs: [[4, 6], [3, 6], [3]],
    last: mask(3),
  },
};

const embeddingHosts: Record<string, Host> = {
  "embedding": { layer: (variant) => embedding(9, 3, { embedding: variant }), inputs: [[12]], words: true },
  "embedding with padding": {
    layer: (variant) => embedding(9, 3, { embedding: variant, padding: 2 }),
    inputs: [[12]],
    words: true,
  },
  "embedding of rows of words": {
    layer: (variant) => embedding(9, 3, { embedding: variant }),
    inputs: [[3, 4]],
    words: true,
  },
  "embedding before positions and a transformer": {
    layer: (variant) =>
      sequential([
        embedding(9, 4, { embedding: variant }),
        learnedPositions(),
        sinusoidalPositions(),
        residual(dense(4)),
        encoderBlock(2),
      ]),
    inputs: [[6]],
    words: true,
  },
  "embeddings side by side": {
    layer: (variant) => parallel([embedding(9, 2, { embedding: variant }), embedding(9, 2, { embedding: variant })]),
    inputs: [[8]],
    words: true,
  },
};

/** A model with the variant in a host, its inputs, and how it is run. */
class Subject {
  readonly model: Model;

  constructor(readonly host: Host, readonly layer: LayerPlugin, readonly dtype: FloatType = "float64") {
    const inputType: DType = host.words ? "int32" : dtype;
    this.model = buildModel(layer, { inputShape: host.inputs, inputType, dtype, seed: 3 });
  }

  inputs(batch: number): Tensor[] {
    return this.host.inputs.map((shape, i) => {
      const whole = [batch, ...shape];
      if (i > 0 && i === this.host.inputs.length - 1 && this.host.last !== undefined) {
        return this.host.last(batch).cast(this.dtype);
      }
      if (!this.host.words) return random(whole, 10 + i).cast(this.dtype);
      const size = whole.reduce((a, b) => a * b, 1);
      return Tensor.from(Int32Array.from({ length: size }, (_, k) => k * 5 % 9), whole);
    });
  }
}

const STEPS = [0, 1, 2, 3, 4, 5, 6, 7];

function examine(host: Host, variant: Variant): void {
  const subject = new Subject(host, host.layer(variant));
  const { model } = subject;
  const x = subject.inputs(7);
  const at = (mode: "train" | "sample", step: number) => noGrad(() => model.forward(x, { mode, step }));
  const text = (y: Tensor) => y.floats.join();

  // Each mode that draws does, each step anew; evaluation gives one output.
  const evaluated = text(noGrad(() => model.forward(x)));
  for (const mode of ["train", "sample"] as const) {
    const all = STEPS.map((step) => at(mode, step));
    assert(all.every((y) => y.floats.every(Number.isFinite)), "finite outputs");
    assert(new Set([evaluated, ...all.map(text)]).size > 2, `draws in mode ${mode}`);
  }
  assertEquals(text(noGrad(() => model.forward(x))), evaluated, "evaluation");

  // Some examples by themselves are what they are in the batch.
  const some = x.map((input) =>
    input.dtype === "int32"
      ? Tensor.from(input.ints.slice(input.size / 7 * 3, input.size / 7 * 5), [2, ...input.shape.slice(1)])
      : input.slice([3], [5])
  );
  const part = noGrad(() => model.forward(some, { mode: "train", step: 2, sample: 3 }));
  const whole = at("train", 2).slice([3], [5]);
  part.floats.forEach((value, i) => assertAlmostEquals(value, whole.floats[i], 1e-12, "part of the batch"));

  // The gradient along one direction is what differences give, the masks held.
  const leaves = [
    ...x.map((input, i) => {
      const given = i > 0 && i === x.length - 1 && host.last !== undefined;
      return input.dtype === "int32" || given ? input : input.withGradient();
    }),
    ...model.parameters().map(({ tensor }) => tensor),
  ];
  const run = () => {
    const y = model.forward(leaves.slice(0, x.length), { mode: "train", step: 5 });
    return y.mul(random(y.shape, 77)).sum();
  };
  const points = leaves.filter((leaf) => leaf.requiresGradient);
  const directions = points.map((point, i) => Tensor.normal(point.shape, Key.seed(i).at("direction"), "float64"));
  const slopes = gradients(run(), points);
  const found = slopes.reduce((sum, slope, i) => sum + slope.mul(directions[i]).sum().item(), 0);
  const moved = (by: number) => {
    const before = points.map((point) => point.clone());
    points.forEach((point, i) => point.assign(before[i].add(directions[i].mul(by))));
    const value = noGrad(run).item();
    points.forEach((point, i) => point.assign(before[i]));
    return value;
  };
  const expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
  assertAlmostEquals(found, expected, 1e-5 * Math.max(1, Math.abs(expected)), "gradient along one direction");

  // float32 has the same masks, and its JSON is as good as the layer.
  const single = new Subject(host, host.layer(variant), "float32");
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(subject.layer)), "layer") as LayerPlugin;
  const copy = new Subject(host, again);
  for (const step of STEPS.slice(0, 3)) {
    const y = at("train", step);
    const other = noGrad(() => single.model.forward(single.inputs(7), { mode: "train", step }));
    y.floats.forEach((value, i) => {
      assertAlmostEquals(other.floats[i], value, 2e-4 * Math.max(1, Math.abs(value)), "float32");
      assertEquals(other.floats[i] === 0, value === 0, "zeros in float32");
    });
    assertEquals(noGrad(() => copy.model.forward(x, { mode: "train", step })).toArray(), y.toArray(), "from JSON");
  }
}

/** Throws what `examine` threw, with the options in front. */
function inContext(what: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

const roles = { recurrent: recurrentHosts, attention: attentionHosts, embedding: embeddingHosts } as const;

for (const role of ["recurrent", "attention", "embedding"] as const) {
  for (const factory of builtins) {
    const { definition } = factory;
    if (definition[role] === undefined) continue;
    Deno.test(`${definition.name} works in every layer with the site ${role}`, () => {
      for (const options of definition.cases ?? [{}]) {
        const variant = makePlugin(factory, options) as Variant;
        assert(isPlugin(variant, role));
        for (const [name, host] of Object.entries(roles[role])) {
          inContext(`${JSON.stringify(options)} in ${name}`, () => {
            examine(host, variant);
          });
        }
      }
    });
  }
}

Deno.test("a sequence in a padded batch loses what it loses by itself, whatever the variant and layer", () => {
  const [time, length] = [6, 4];
  const recurrent = builtins.filter(({ definition }) => definition.recurrent !== undefined);
  assert(recurrent.length >= 4);
  for (const factory of recurrent) {
    for (const options of factory.definition.cases ?? [{}]) {
      const variant = makePlugin(factory, options) as Variant;
      for (const layer of [rnn, gru, lstm]) {
        const make = () => layer(4, { recurrent: variant, bidirectional: true });
        const build = (inputs: Shape[]) => buildModel(make(), { inputShape: inputs, dtype: "float64", seed: 5 });
        const x = random([3, time, 2], 8);
        const padded = build([[time, 2], []]).forward([x, Tensor.full([3], length, "float64")], {
          mode: "train",
          step: 4,
        });
        const alone = build([[length, 2]]).forward(x.slice([], [3, length]), { mode: "train", step: 4 });
        padded.slice([], [3, length]).floats.forEach((value, i) => assertAlmostEquals(value, alone.floats[i], 1e-12));
        assert(padded.slice([0, length]).floats.every((value) => value === 0));
      }
    }
  }
});

Deno.test("attention variants leave what a mask or the future hides hidden", () => {
  const variants = builtins.filter(({ definition }) => definition.attention !== undefined);
  assert(variants.length >= 4);
  for (const factory of variants) {
    for (const options of factory.definition.cases ?? [{}]) {
      const attention = makePlugin(factory, options) as Variant;
      const model = buildModel(multiHeadAttention(2, { attention, causal: true }), {
        inputShape: [[4, 6], [4]],
        dtype: "float64",
      });
      const seen = Tensor.of([[1, 0, 1, 1]], "float64");
      const x = random([1, 4, 6], 9).withGradient();
      for (const step of STEPS) {
        const y = model.forward([x, seen], { mode: "train", step });
        // The second output sees only the first input; its own position is hidden, and all behind it.
        const [slope] = gradients(y.slice([0, 1], [1, 2]).sum(), [x]);
        assert(slope.slice([0, 2]).floats.every((value) => value === 0), `${factory.definition.name}: the future`);
        const [last] = gradients(y.slice([0, 3]).sum(), [x]);
        assert(last.slice([0, 1], [1, 2]).floats.every((value) => value === 0), `${factory.definition.name}: the mask`);
      }
    }
  }
});

Deno.test("a transformer block's output variant stands in place of its dropout, at the feed-forward part alone", () => {
  const shape = [4, 6];
  const x = random([2, ...shape], 4);
  const forward = (options: Parameters<typeof encoderBlock>[1]) =>
    buildModel(encoderBlock(2, { norm: "pre", ...options }), { inputShape: shape, dtype: "float64" })
      .forward(x, { mode: "train", step: 0 });
  const [none, all] = [0, 1].map((rate) => dropout({ rate }));
  const apart = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();
  assertEquals(forward({ dropout: all, output: all }).toArray(), x.toArray());
  // An output variant is told what attention gives, which is then computed in another order.
  assert(apart(forward({ dropout: none, output: none }), forward({})) < 1e-12);
  // The self-attention is dropped, the feed-forward part is not, and the other way round.
  assert(apart(forward({ dropout: all, output: none }), x) > 1e-3);
  assert(apart(forward({ dropout: all, output: none }), forward({ output: all })) > 1e-3);
  assertEquals(forward({ dropout: none, output: all }).toArray(), forward({ output: all }).toArray());
});
