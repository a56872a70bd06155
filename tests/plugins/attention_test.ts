/** Scaled dot-product attention, multi-head attention, and the transformer's blocks. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  type Model,
  noGrad,
  scaledDotProductAttention,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import {
  attentionDropout,
  decoderBlock,
  dropout,
  encoderBlock,
  learnedPositions,
  multiHeadAttention,
  repeat,
  sequential,
  sinusoidalPositions,
  stochasticDepth,
} from "../../plugins/mod.ts";
import { doubles, random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

Deno.test("scaledDotProductAttention() has right gradients over odd shapes, with and without masks", () => {
  for (
    const [batch, heads, queries, keys, features, values] of [[2, 3, 3, 5, 2, 1], [1, 1, 1, 1, 1, 3], [
      3,
      1,
      4,
      4,
      3,
      2,
    ]]
  ) {
    const inputs = [
      random([batch, heads, queries, features], 1),
      random([batch, heads, keys, features], 2),
      random([batch, heads, keys, values], 3),
    ];
    const keyMask = Tensor.from(Array.from({ length: batch * keys }, (_, i) => i % 3), [batch, keys], "int32");
    for (const options of [{}, { causal: true }, { keyMask }, { causal: true, keyMask, scale: 0.7 }]) {
      checkGradient(([q, k, v]) => scaledDotProductAttention(q, k, v, options), inputs);
    }
  }
});

Deno.test("scaledDotProductAttention() takes an empty batch", () => {
  const x = Tensor.zeros([0, 2, 3, 4]);
  assertEquals(scaledDotProductAttention(x, x, x, { causal: true }).shape, [0, 2, 3, 4]);
});

Deno.test("a query whose keys are all hidden gives zeros with zero gradients, in float32 too", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const [q, k, v] = [1, 2, 3].map((seed) => random([1, 1, 2, 3], seed).cast(dtype).withGradient());
    const y = scaledDotProductAttention(q, k, v, { keyMask: Tensor.zeros([1, 2]) });
    assertEquals(y.toArray(), [[[[0, 0, 0], [0, 0, 0]]]]);
    for (const gradient of gradients(y.sum(), [q, k, v])) assert(gradient.floats.every((value) => value === 0));
  }
});

Deno.test("scaledDotProductAttention() refuses shapes that do not fit, and names them", () => {
  const x = Tensor.ones([2, 1, 3, 4]);
  assertThrows(() => scaledDotProductAttention(x, Tensor.ones([2, 1, 3, 5]), x), ShapeError, "[2, 1, 3, 5]");
  assertThrows(() => scaledDotProductAttention(x, x, x, { keyMask: Tensor.ones([2, 4]) }), ShapeError, "found [2, 4]");
});

Deno.test("causal attention does not look ahead: changing a later input leaves earlier outputs alone", () => {
  const model = built(multiHeadAttention(2, { causal: true }), [4, 6]);
  const x = random([2, 4, 6], 5);
  const later = Tensor.concat([x.slice([0, 0], [2, 2]), random([2, 2, 6], 6)], 1);
  const early = (input: Tensor) => model.forward(input).slice([0, 0], [2, 2]).toArray();
  assertEquals(early(x), early(later));
});

Deno.test("a mask hides keys: attention is as over the shorter sequence", () => {
  const model = built(multiHeadAttention(2), [5, 4]);
  const masked = buildModel(multiHeadAttention(2), { inputShape: [[5, 4], [5]], seed: 1, dtype: "float64" });
  const short = built(multiHeadAttention(2), [3, 4]);
  const x = random([2, 5, 4], 1);
  const all = masked.forward([x, Tensor.ones([2, 5])]);
  assertEquals(all.toArray(), model.forward(x).toArray());
  const hidden = masked.forward([x, doubles([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])]).slice([0, 0], [2, 3]);
  const expected = short.forward(x.slice([0, 0], [2, 3]));
  hidden.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
});

Deno.test("attention over a memory has right gradients, also when the memory has other features", () => {
  for (const features of [4, 3]) {
    const layer = multiHeadAttention(2, { attends: "memory" });
    const model = buildModel(layer, { inputShape: [[3, 4], [5, features], [5]], dtype: "float64" });
    const names = model.parameters().map(({ name }) => name);
    assertEquals(names.includes("in_proj_weight"), features === 4);
    assertEquals(names.includes("k_proj_weight"), features === 3);
    const mask = doubles([[1, 1, 0, 1, 1], [1, 0, 0, 0, 1]]);
    checkGradient(([x, memory]) => model.forward([x, memory, mask]), [
      random([2, 3, 4], 1),
      random([2, 5, features], 2),
    ]);
    checkParameters(model, () => model.forward([random([2, 3, 4], 3), random([2, 5, features], 4), mask]));
  }
});

/** Compares the gradients towards all parameters with central differences, each along one random direction. */
function checkParameters(model: Model, run: () => Tensor): void {
  const tensors = model.parameters().map(({ tensor }) => tensor);
  const upstream = random(run().shape, 7);
  const found = gradients(run(), tensors, upstream);
  const value = () => noGrad(() => run().mul(upstream).sum().item());
  tensors.forEach((tensor, i) => {
    const [before, direction] = [tensor.clone(), random(tensor.shape, 8 + i)];
    const at = (step: number) => {
      tensor.assign(before.add(direction.mul(step)));
      return value();
    };
    const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
    tensor.assign(before);
    assertAlmostEquals(found[i].mul(direction).sum().item(), slope, 1e-7 * Math.max(1, Math.abs(slope)));
  });
}

Deno.test("multiHeadAttention() says what is wrong with its inputs", () => {
  assertThrows(() => built(multiHeadAttention(3), [5, 8]), ShapeError, "divisible by 3 heads");
  assertThrows(
    () => built(multiHeadAttention(2, { attends: "memory" }), [5, 8]),
    ShapeError,
    "second input, found none",
  );
  const layer = sequential([multiHeadAttention(2)]);
  const model = buildModel(layer, { inputShape: [[5, 8], [5]] });
  const run = () => model.forward([Tensor.ones([2, 5, 8]), Tensor.ones([2, 4])]);
  assertThrows(run, ShapeError, "model: expected input 1 of shape [2, 5], found [2, 4]");
  assertThrows(() => model.forward(Tensor.ones([2, 5, 8])), ShapeError, "expected 2 inputs, found 1");
});

Deno.test("an attention variant is called at the stages it names, and at no other", () => {
  const seen: [string, readonly number[]][] = [];
  type Stages = { at: ("scores" | "weights" | "heads")[] };
  const spy: Factory<"attention", Stages> = definePlugin({
    name: "spy",
    options: z.object({ at: z.array(z.enum(["scores", "weights", "heads"])) }),
    stages: ({ at }) => at,
    attention(value, stage) {
      seen.push([stage, value.shape]);
      return value;
    },
  });
  const run = (at: Stages["at"]) => {
    const model = built(multiHeadAttention(2, { attention: spy({ at }) }), [3, 8]);
    seen.length = 0; // what building has called does not count
    model.forward(random([5, 3, 8], 1));
    return [...seen];
  };
  assertEquals(run(["heads", "scores", "weights"]), [
    ["scores", [5, 2, 3, 3]],
    ["weights", [5, 2, 3, 3]],
    ["heads", [5, 2, 3, 4]],
  ]);
  assertEquals(run(["heads"]).map(([stage]) => stage), ["heads"]);
  assertEquals(run([]), []);
});

const attention = attentionDropout({ rate: 0.3 });
const rate = 0.2;

Deno.test("encoderBlock() and decoderBlock() have right gradients in training, masks held", () => {
  for (const norm of ["pre", "post"] as const) {
    const options = { norm, activation: "gelu", feedForward: 5, attention, dropout: dropout({ rate }) } as const;
    const train = { mode: "train", step: 3 } as const;
    const encoder = built(encoderBlock(2, { ...options, hidden: dropout({ rate }), causal: true }), [3, 4]);
    checkGradient(([x]) => encoder.forward(x, train), [random([2, 3, 4], 1)]);
    checkParameters(encoder, () => encoder.forward(random([2, 3, 4], 4), train));
    const decoder = buildModel(decoderBlock(2, options), { inputShape: [[3, 4], [2, 4]], dtype: "float64" });
    const inputs = [random([2, 3, 4], 2), random([2, 2, 4], 3)];
    checkGradient(([x, memory]) => decoder.forward([x, memory], train), inputs);
    checkParameters(decoder, () => decoder.forward(inputs, train));
  }
});

Deno.test("decoderBlock() is causal, sees the memory through its mask, and is named as in PyTorch", () => {
  const options = { inputShape: [[3, 4], [5, 4], [5], [3]], seed: 2, dtype: "float64" } as const;
  const model = buildModel(decoderBlock(2), options);
  assertEquals(model.parameters().map(({ name }) => name).filter((name) => name.endsWith("weight")), [
    "self_attn.in_proj_weight",
    "self_attn.out_proj.weight",
    "norm1.weight",
    "multihead_attn.in_proj_weight",
    "multihead_attn.out_proj.weight",
    "norm2.weight",
    "linear1.weight",
    "linear2.weight",
    "norm3.weight",
  ]);
  const [x, memory] = [random([1, 3, 4], 1), random([1, 5, 4], 2)];
  const run = (x: Tensor, memory: Tensor) =>
    model.forward([x, memory, doubles([[1, 1, 0, 0, 0]]), doubles([[1, 1, 1]])]).slice([0, 0], [1, 2]).toArray();
  const [otherX, otherMemory] = [
    Tensor.concat([x.slice([0, 0], [1, 2]), random([1, 1, 4], 3)], 1),
    Tensor.concat([memory.slice([0, 0], [1, 2]), random([1, 3, 4], 4)], 1),
  ];
  assertEquals(run(x, memory), run(otherX, otherMemory));
  assertThrows(() => buildModel(decoderBlock(2), { inputShape: [3, 4] }), ShapeError, "second input, found none");
});

Deno.test("the transformer's three places of dropout are sites, and branches can be left out", () => {
  const block = encoderBlock(2, { attention, dropout: dropout({ rate }), branch: stochasticDepth({ rate: 0.5 }) });
  const model = built(sequential([sinusoidalPositions({ dropout: dropout({ rate }) }), block]), [3, 4]);
  const sites = model.summary().filter(({ site }) => site !== null).map(({ path, site }) => `${path}: ${site}`);
  assertEquals(sites, [
    "0.dropout: activation",
    "1.self_attn.attention: attention",
    "1.dropout1: activation",
    "1.branch1: branch",
    "1.dropout2: activation",
    "1.branch2: branch",
  ]);
});

Deno.test("a block shared by repeat() has one set of parameters, whose gradients add up over its uses", () => {
  const block = encoderBlock(2, { norm: "pre", dropout: dropout({ rate: 0.5 }), attention });
  const shared = built(repeat(block, 3, { share: true }), [3, 4]);
  assertEquals(shared.parameterCount(), built(block, [3, 4]).parameterCount());
  const run = (x: Tensor) => shared.forward(x, { mode: "train", step: 0 });
  checkGradient(([x]) => run(x), [random([2, 3, 4], 1)]);
  checkParameters(shared, () => run(random([2, 3, 4], 2)));
});

Deno.test("sinusoidalPositions() adds the paper's sines and cosines, for odd numbers of features too", () => {
  for (const features of [1, 6, 7]) {
    const y = built(sinusoidalPositions({ scaled: true }), [4, features]).forward(
      Tensor.ones([2, 4, features], "float64"),
    );
    for (let t = 0; t < 4; t++) {
      for (let i = 0; i < features; i++) {
        const angle = t / 10000 ** (2 * Math.floor(i / 2) / features);
        const expected = Math.sqrt(features) + (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
        assertAlmostEquals(y.slice([1, t, i], [2, t + 1, i + 1]).item(), expected, 1e-12);
      }
    }
  }
  assertThrows(() => built(sinusoidalPositions(), [4]), ShapeError, "[batch, time, features]");
});

Deno.test("learnedPositions() adds one vector a position, with its gradient", () => {
  const model = built(learnedPositions({ deviation: 0.5 }), [3, 2]);
  const weight = model.parameters()[0].tensor;
  const x = random([4, 3, 2], 1);
  assertEquals(model.forward(x).toArray(), x.add(weight).toArray());
  assertEquals(gradients(model.forward(x).sum(), [weight])[0].toArray(), [[4, 4], [4, 4], [4, 4]]);
});

Deno.test("attention, blocks and positions take sequences of any length; learned positions up to their own", () => {
  const layers = sequential([
    learnedPositions({ length: 6 }),
    sinusoidalPositions(),
    encoderBlock(2, { causal: true, attention, branch: stochasticDepth() }),
  ]);
  const model = buildModel(layers, { inputShape: [-1, 4], dtype: "float64" });
  const x = random([2, 6, 4], 1);
  const whole = model.forward(x);
  for (const time of [1, 3, 6]) {
    const y = model.forward(x.slice([0, 0], [2, time]));
    assertEquals(y.toArray(), whole.slice([0, 0], [2, time]).toArray());
    checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }), [x.slice([0, 0], [2, time])]);
  }
  assertThrows(
    () => model.forward(random([1, 7, 4], 2)),
    ShapeError,
    "expected at most 6 positions (the option length)",
  );
});
