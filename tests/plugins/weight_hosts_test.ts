/** Every layer with weights lets a variant at each of them, of whichever kind it can serve. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  gradients,
  isPlugin,
  Key,
  type LayerPlugin,
  OptionError,
  type Plugin,
  type Shape,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import {
  conv1d,
  conv2d,
  conv3d,
  decoderBlock,
  dense,
  dropConnect,
  embedding,
  encoderBlock,
  gru,
  learnedPositions,
  lstm,
  maxout,
  multiHeadAttention,
  rnn,
  weightDrop,
} from "../../plugins/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import { random } from "../core/_tensors.ts";

type Variant = Plugin<"weight">;

interface Host {
  /** The layer with a variant at all of its weights, or without one. */
  readonly layer: (weight?: Variant) => LayerPlugin;
  readonly inputs: readonly Shape[];
  /** Places of the variant with the shapes of the weights. */
  readonly places: Readonly<Record<string, Shape>>;
  readonly indices?: true;
}

const attentionPlaces = (size: number, prefix = "", memory = size) => ({
  [`${prefix}weight_query`]: [size, size],
  [`${prefix}weight_key`]: [size, memory],
  [`${prefix}weight_value`]: [size, memory],
  [`${prefix}weight_out`]: [size, size],
});
const feedForward = { "linear1.weight": [16, 4], "linear2.weight": [4, 16] };

const hosts: Record<string, Host> = {
  "dense": { layer: (weight) => dense(5, { weight }), inputs: [[4]], places: { weight: [5, 4] } },
  "maxout": { layer: (weight) => maxout(2, { pieces: 3, weight }), inputs: [[4]], places: { weight: [6, 4] } },
  "conv1d": { layer: (weight) => conv1d(4, 2, { weight }), inputs: [[2, 5]], places: { weight: [4, 2, 2] } },
  "conv2d": {
    layer: (weight) => conv2d(4, 2, { groups: 2, weight }),
    inputs: [[2, 4, 4]],
    places: { weight: [4, 1, 2, 2] },
  },
  "conv3d": {
    layer: (weight) => conv3d(2, 2, { weight }),
    inputs: [[2, 3, 3, 3]],
    places: { weight: [2, 2, 2, 2, 2] },
  },
  "rnn": {
    layer: (weight) => rnn(3, { weight, inputWeight: weight }),
    inputs: [[4, 2]],
    places: { weight_l0: [3, 3], inputWeight_l0: [3, 2] },
  },
  "lstm": {
    layer: (weight) => lstm(2, { layers: 2, bidirectional: true, weight, inputWeight: weight }),
    inputs: [[4, 3]],
    places: Object.fromEntries(
      ["_l0", "_l0_reverse", "_l1", "_l1_reverse"].flatMap((suffix) => [
        [`weight${suffix}`, [8, 2]],
        [`inputWeight${suffix}`, [8, suffix.startsWith("_l0") ? 3 : 4]],
      ]),
    ),
  },
  "gru": {
    layer: (weight) => gru(3, { weight, inputWeight: weight }),
    inputs: [[4, 2]],
    places: { weight_l0: [9, 3], inputWeight_l0: [9, 2] },
  },
  "multi-head-attention": {
    layer: (weight) => multiHeadAttention(2, { weight }),
    inputs: [[3, 4]],
    places: attentionPlaces(4),
  },
  "multi-head-attention to a memory": {
    layer: (weight) => multiHeadAttention(2, { attends: "memory", weight }),
    inputs: [[3, 4], [5, 6]],
    places: attentionPlaces(4, "", 6),
  },
  "encoder-block": {
    layer: (weight) => encoderBlock(2, { weight }),
    inputs: [[3, 4]],
    places: { ...attentionPlaces(4, "self_attn."), ...feedForward },
  },
  "decoder-block": {
    layer: (weight) => decoderBlock(2, { weight }),
    inputs: [[3, 4], [5, 4]],
    places: { ...attentionPlaces(4, "self_attn."), ...attentionPlaces(4, "multihead_attn."), ...feedForward },
  },
  "embedding": {
    layer: (weight) => embedding(7, 3, { weight }),
    inputs: [[4]],
    places: { weight: [7, 3] },
    indices: true,
  },
  "learned-positions": {
    layer: (weight) => learnedPositions({ weight }),
    inputs: [[3, 4]],
    places: { weight: [3, 4] },
  },
};

/** Layers that learn something, but multiply no weight with their input. */
const weightless = ["batch-norm", "fixed-mask", "group-norm", "layer-norm", "class-token", "layer-scale", "rms-norm"];

function built({ layer, inputs, indices }: Host, weight?: Variant) {
  return buildModel(layer(weight), {
    inputShape: inputs,
    inputType: indices ? "int32" : "float64",
    seed: 1,
    dtype: "float64",
  });
}

function inputsOf({ inputs, indices }: Host, batch = 2): Tensor[] {
  return inputs.map((shape, i) =>
    indices ? Tensor.from(Int32Array.of(1, 5, 1, 0, 6, 2, 2, 3), [2, 4]) : random([batch, ...shape], i + 1)
  );
}

Deno.test("every built-in layer with a weight is among the hosts of variants", () => {
  const learns = Object.values(plugins).flatMap((factory) => {
    if (typeof factory !== "function" || !("definition" in factory)) return [];
    const { name, forward, init } = factory.definition;
    return forward !== undefined && init !== undefined && !weightless.includes(name) ? [name] : [];
  });
  assertEquals(learns.filter((name) => !(name in hosts)), []);
});

for (const [name, host] of Object.entries(hosts)) {
  Deno.test(`a variant stands at every weight of ${name}`, () => {
    const [plain, at] = [built(host), (rate: number) => built(host, weightDrop({ rate }))];
    const x = inputsOf(host);
    const places = at(0.5).summary().filter(({ site }) => site === "weight");
    assertEquals(Object.fromEntries(places.map(({ path, shape }) => [path, shape])), host.places);
    // A rate of 0 changes nothing, nor does evaluation; other steps draw anew.
    const train = { mode: "train" as const, step: 1 };
    assertEquals(at(0).forward(x, train).toArray(), plain.forward(x).toArray());
    assertEquals(at(0.5).forward(x).toArray(), plain.forward(x).toArray());
    const half = at(0.5);
    const drawn = [1, 2, 3, 4, 5, 6].map((step) => JSON.stringify(half.forward(x, { ...train, step }).toArray()));
    assert(new Set(drawn).size > 1);
    assertEquals(drawn[2], JSON.stringify(half.forward(x, { ...train, step: 3 }).toArray()));

    // A rate of 1 leaves what zeros in the places of all weights give.
    const dropped = at(1);
    const matrices = (model: typeof plain) =>
      model.parameters().filter(({ name, tensor }) => tensor.rank > 1 || name.includes("weight_"));
    const y = dropped.forward(x, train);
    const zeroed = built(host);
    for (const { tensor } of matrices(zeroed)) tensor.assign(Tensor.zeros(tensor.shape, "float64"));
    assertEquals(y.toArray(), zeroed.forward(x).toArray());
    for (const gradient of gradients(y.sum(), matrices(dropped).map(({ tensor }) => tensor))) {
      assert(gradient.floats.every((value) => value === 0));
    }
  });
}

/** Every built-in variant of weights or products, with each of the options that the exam tries. */
const variants = builtins.filter(({ definition }) =>
  definition.weight !== undefined || definition.product !== undefined
)
  .flatMap((factory) =>
    (factory.definition.cases ?? [{}]).map((options) => ({
      name: factory.definition.name,
      options,
      make: () => factory(options),
    }))
  );

/** Layers that can only take a changed weight: each step's product, or rows by index. */
const weightsOnly = ["rnn", "lstm", "gru", "embedding", "learned-positions"];

/** What is defined for some layers alone: channels that places share, and the linear layer in front of a loss. */
const narrow = (name: string, options: Readonly<Record<string, unknown>>) =>
  options.spatial === true || name === "marginalised-dropout";

for (const { name, options, make } of variants) {
  Deno.test(`${name} with ${JSON.stringify(options)} works at every layer with a weight`, () => {
    let tried = 0;
    for (const [kind, host] of Object.entries(hosts)) {
      const variant = make();
      if (weightsOnly.includes(kind)) {
        const fits = isPlugin(variant, "weight") && !(name === "drop-connect" && options.per !== "batch");
        if (!fits) {
          assertThrows(() => built(host, variant as Variant), OptionError, undefined, kind);
          continue;
        }
      }
      if (narrow(name, options)) {
        try {
          built(host, variant as Variant);
        } catch (error) {
          assert(error instanceof ShapeError, kind); // refused in words
          continue;
        }
      }
      tried++;
      const model = built(host, variant as Variant);
      const places = model.summary().filter(({ site }) => site === "weight" || site === "product");
      assertEquals(places.map(({ path }) => path).sort(), Object.keys(host.places).sort(), kind);
      const x = inputsOf(host);
      const progress = { step: 7, stepsPerEpoch: 10, totalSteps: 100, examples: 50 };
      const [y, penalty] = model.forwardWithPenalty(x, { mode: "train", progress });
      const loss = penalty === null ? y.sum() : y.sum().add(penalty);
      const found = [y, ...gradients(loss, model.parameters().map(({ tensor }) => tensor))];
      for (const mode of ["sample", "eval"] as const) found.push(model.forward(x, { mode, progress }));
      for (const tensor of found) assert(tensor.floats.every(Number.isFinite), kind);
      for (const tensor of [y, ...found.slice(-2)]) assertEquals(tensor.shape, built(host).forward(x).shape, kind);
      // Rows are what they are by themselves, also of an empty batch.
      const rows = (from: number, to: number) => x.map((input) => indexRows(input, from, to));
      const second = model.forward(rows(1, 2), { mode: "train", progress, sample: 1 });
      near(second, y.slice([1], [2]), kind);
      assertEquals(model.forward(rows(0, 0), { mode: "train", progress }).shape, [0, ...y.shape.slice(1)], kind);
    }
    assert(tried >= (narrow(name, options) ? 1 : Object.keys(hosts).length - weightsOnly.length));
  });
}

function indexRows(x: Tensor, from: number, to: number): Tensor {
  if (x.dtype !== "int32") return x.slice([from], [to]);
  const width = x.size / x.shape[0];
  return Tensor.from(x.ints.slice(from * width, to * width), [to - from, ...x.shape.slice(1)]);
}

function near(found: Tensor, expected: Tensor, what: string): void {
  found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-9, what));
}

Deno.test("a variant at a layer's several weights draws for each by itself", () => {
  const layer = multiHeadAttention(1, { weight: weightDrop({ rate: 0.5 }) });
  const model = buildModel(layer, { inputShape: [1, 8], seed: 3, dtype: "float64" });
  const parameters = model.parameters().filter(({ tensor }) => tensor.rank > 1).map(({ tensor }) => tensor);
  // A query, a key or a value of ones: what is left of a row of the weight shows in the gradient.
  const y = model.forward(random([1, 1, 8], 1), { mode: "train", step: 1 });
  const [packed, out] = gradients(y.sum(), parameters).map(({ floats }) => [...floats].map((value) => value !== 0));
  const value = packed.slice(128);
  assert(value.some((kept) => kept) && out.some((kept) => kept));
  assertNotEquals(value, out);
});

Deno.test("a variant that takes the whole product draws for each example at projections and recurrent inputs", () => {
  for (
    const [layer, shape] of [
      [multiHeadAttention(2, { weight: dropConnect({ rate: 0.5 }) }), [3, 4]],
      [encoderBlock(2, { weight: dropConnect({ rate: 0.5 }) }), [3, 4]],
      [maxout(3, { weight: dropConnect({ rate: 0.5 }) }), [4]],
      [conv2d(3, 2, { weight: dropConnect({ rate: 0.5 }) }), [2, 3, 3]],
      [lstm(4, { inputWeight: dropConnect({ rate: 0.5 }) }), [3, 4]],
    ] as const
  ) {
    assert(isPlugin(layer, "layer"));
    const model = buildModel(layer, { inputShape: shape, seed: 1, dtype: "float64" });
    assert(model.summary().some(({ site }) => site === "product"), layer.plugin);
    const x = random([1, ...shape], 1).broadcastTo([2, ...shape]);
    const run = { mode: "train", step: 1 } as const;
    const whole = model.forward(x, run);
    const [first, second] = [0, 1].map((row) => whole.slice([row], [row + 1]));
    assertNotEquals(first.toArray(), second.toArray(), layer.plugin);
    // Each row is what it is by itself.
    assertEquals(model.forward(x.slice([0], [1]), run).toArray(), first.toArray(), layer.plugin);
    assertEquals(model.forward(x.slice([0], [1]), { ...run, sample: 1 }).toArray(), second.toArray(), layer.plugin);
  }
});

Deno.test("a product variant at a recurrent layer's input has one mask for all steps of a sequence", () => {
  const layer = rnn(6, {
    bias: false,
    activation: "relu",
    inputWeight: dropConnect({ rate: 0.5, convention: "classic" }),
  });
  const model = buildModel(layer, { inputShape: [3, 5], seed: 2, dtype: "float64" });
  const [input, state] = model.parameters().map(({ tensor }) => tensor);
  input.assign(Tensor.ones([6, 5], "float64"));
  state.assign(Tensor.zeros([6, 6], "float64"));
  const y = model.forward(Tensor.ones([2, 3, 5], "float64"), { mode: "train", step: 0 }).toArray() as number[][][];
  const mask = Tensor.bernoulli([2, 6, 5], Key.seed(2).at("train").at("inputWeight_l0").at("weight").atStep(0), 0.5);
  const counts = mask.sum(2).toArray() as number[][];
  y.forEach((steps, row) => steps.forEach((values) => assertEquals(values, counts[row])));
});
