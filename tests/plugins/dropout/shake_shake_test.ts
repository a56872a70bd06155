/** What Shake-Shake promises: mixtures of two blocks there and back, their moments, and evaluation. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  OptionError,
  Registry,
  type RunOptions,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import { builtins, dense, sequential, shakeShake, type ShakeShakeOptions, tanh } from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { assertWithin, correlation, mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { withoutDraws } from "../_without_draws.ts";

/** A block with one parameter that gives `gain`, whatever its input. */
const gives: Factory<"layer", { gain: number }> = definePlugin({
  name: "gives",
  options: z.object({ gain: z.number() }),
  init: ({ options: { gain }, inputShape, dtype }) => ({
    params: { gain: Tensor.full([1, ...inputShape], gain, dtype) },
  }),
  forward: (x, { params: { gain } }) => gain.broadcastTo(x.shape),
});

const train = { mode: "train", step: 0 } as const;
const blocks = (): [LayerPlugin, LayerPlugin] => [gives({ gain: 3 }), gives({ gain: 1 })];

/** Mixtures a of each example on the way there, of `x + a 3 + (1 - a) 1`. */
function mixtures(options: Partial<ShakeShakeOptions>, batch: number, run: RunOptions = train): number[] {
  const model = built(shakeShake(blocks(), options), [2], 4);
  const y = model.forward(Tensor.zeros([batch, 2], "float64"), run);
  const found = y.toArray() as number[][];
  for (const [first, second] of found) assertEquals(first, second, "entries of an example share a mixture");
  return found.map(([value]) => (value - 1) / 2);
}

Deno.test("shakeShake() mixes two blocks by a uniform number for each example: its mean is the output of evaluation", () => {
  const found = mixtures({}, 20000);
  assert(found.every((a) => a > 0 && a < 1));
  // 4 standard errors: wrong for a right program once in 16,000 seeds.
  assertWithin(mean(found), 0.5, Math.sqrt(1 / 12 / 20000), "mean");
  // (F1 - F2)^2 / 12; the fourth moment of a uniform number about its mean is 1/80.
  assertWithin(variance(found), 1 / 12, Math.sqrt((1 / 80 - 1 / 144) / 20000), "variance");
  assertEquals(new Set(mixtures({}, 4, {})), new Set([0.5]));
  const model = buildModel(shakeShake(blocks()), { inputShape: [2] });
  withoutDraws(() => model.forward(Tensor.zeros([3, 2])));
});

Deno.test("shakeShake() by batches has one mixture a step, another the next", () => {
  const found = Array.from({ length: 20 }, (_, step) => mixtures({ level: "batch" }, 5, { mode: "train", step }));
  for (const batch of found) assertEquals(new Set(batch).size, 1);
  assertEquals(new Set(found.map(([a]) => a)).size, 20);
});

/** Gradients of the sum of the outputs towards both blocks' gains and the input, for one example. */
function back(options: Partial<ShakeShakeOptions>, step: number): [number, number, number] {
  const model = built(shakeShake(blocks(), options), [1], 4);
  const x = Tensor.zeros([1, 1], "float64").withGradient();
  const y = model.forward(x, { mode: "train", step });
  return gradients(y.sum(), [...model.parameters().map(({ tensor }) => tensor), x]).map((t) => t.item()) as never;
}

Deno.test("gradients of shakeShake() are mixed by a number of their own, add up to the whole, and leave the shortcut alone", () => {
  const [there, first]: [number[], number[]] = [[], []];
  for (let step = 0; step < 2000; step++) {
    const [dFirst, dSecond, dx] = back({}, step);
    assertAlmostEquals(dFirst + dSecond, 1, 1e-12);
    assertEquals(dx, 1);
    first.push(dFirst);
    there.push(mixtures({}, 1, { mode: "train", step })[0]);
  }
  assertWithin(mean(first), 0.5, Math.sqrt(1 / 12 / 2000), "mean of b");
  assertWithin(correlation(there, first), 0, 1 / Math.sqrt(2000), "a and b");
});

Deno.test("the switches of shakeShake(): even is 1/2, keep is the mixture of the way there", () => {
  for (let step = 0; step < 5; step++) {
    const run = { mode: "train", step } as const;
    assertEquals(mixtures({ forward: "even" }, 1, run), [0.5]);
    assertEquals(back({ backward: "even" }, step).slice(0, 2), [0.5, 0.5]);
    assert(back({ forward: "even" }, step)[0] !== 0.5);
    assert(mixtures({ backward: "even" }, 1, run)[0] !== 0.5);
    assertAlmostEquals(back({ backward: "keep" }, step)[0], mixtures({ backward: "keep" }, 1, run)[0], 1e-12);
  }
});

Deno.test("shakeShake() has right gradients where it keeps its mixture, at evaluation, and where both are even", () => {
  const pair = (): [LayerPlugin, LayerPlugin] => [sequential([dense(3), tanh()]), dense(3)];
  for (const options of [{ backward: "keep" }, { forward: "even", backward: "even" }] as const) {
    const model = built(shakeShake(pair(), options), [3]);
    checkGradient(([x]) => model.forward(x, train), [random([4, 3], 1)]);
  }
  const model = built(shakeShake(pair()), [3]);
  checkGradient(([x]) => model.forward(x), [random([4, 3], 1)]);
});

Deno.test("mode sample draws mixtures as training does, anew at every pass, and of the example alone", () => {
  const model = built(shakeShake(blocks()), [2], 4);
  const x = Tensor.zeros([6, 2], "float64");
  const first = model.forward(x, { mode: "sample", step: 0 });
  assert(new Set(first.floats).size === 6);
  assert(model.forward(x, { mode: "sample", step: 0, pass: 1 }).floats.every((value, i) => value !== first.floats[i]));
  const parts = [0, 4].map((sample) =>
    model.forward(x.slice([0], [sample === 0 ? 4 : 2]), { mode: "sample", step: 0, sample })
  );
  assertEquals(Tensor.concat(parts).toArray(), first.toArray());
});

Deno.test("shakeShake() with a projection changes the shape, and refuses blocks that do not fit it", () => {
  const model = built(shakeShake([dense(2), dense(2)], { projection: dense(2) }), [3]);
  assertEquals(model.forward(random([4, 3], 1)).shape, [4, 2]);
  assertEquals(model.parameters().map(({ name }) => name).slice(0, 3), [
    "projection.weight",
    "projection.bias",
    "0.weight",
  ]);
  assertThrows(() => built(shakeShake([dense(3), dense(2)]), [3]), ShapeError, "shape [1, 3], found [1, 2]");
  assertThrows(() => shakeShake([dense(3)] as never), OptionError, "shake-shake.blocks: expected two layers");
  assertThrows(() => shakeShake([dense(3), dense(3)], { level: "image" as never }), OptionError, "shake-shake.level: ");
});

Deno.test("shakeShake() is as good as its JSON", () => {
  const layer = shakeShake([dense(3), dense(3)], { backward: "keep", level: "batch" });
  const again = new Registry(builtins).create(JSON.parse(JSON.stringify(layer)), "layer") as LayerPlugin;
  const x = random([4, 3], 1);
  assertEquals(built(again, [3]).forward(x, train).toArray(), built(layer, [3]).forward(x, train).toArray());
});
