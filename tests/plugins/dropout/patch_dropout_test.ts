/** Patch dropout: how many tokens are kept, that all sets of them are alike likely, order, gradients, in a transformer. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, Key, OptionError, Registry, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { patchDropout, type PatchDropoutOptions } from "../../../plugins/dropout/patch_dropout.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { encoderBlock } from "../../../plugins/layers/encoder_block.ts";
import { learnedPositions } from "../../../plugins/layers/learned_positions.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;

/** Tokens that are told by their number: `[batch, tokens, 1]`. */
function numbered(batch: number, tokens: number): Tensor {
  return Tensor.from(Float64Array.from({ length: tokens }, (_, i) => i), [1, tokens, 1]).broadcastTo([
    batch,
    tokens,
    1,
  ]);
}

/** Numbers of the tokens that each example keeps. */
function kept(options: PatchDropoutOptions, batch: number, tokens: number, step = 0): number[][] {
  const y = built(patchDropout(options), [tokens, 1], 3).forward(numbered(batch, tokens), { mode: "train", step });
  return y.reshape([batch, y.shape[1]]).toArray() as number[][];
}

Deno.test("patchDropout() keeps max(1, floor(L (1 - rate))) of L patches, and the prefix on top", () => {
  const table: [patches: number, rate: number, kept: number][] = [
    [196, 0.5, 98],
    [10, 0.25, 7],
    [100, 0.9, 10],
    [5, 0.8, 1],
    [10, 0.7, 3],
    [3, 0.99, 1],
    [1, 0.5, 1],
    [7, 0.01, 6],
    [7, 0, 7],
  ];
  for (const [patches, rate, count] of table) {
    for (const prefix of [0, 1, 2]) {
      const rows = kept({ rate, prefix }, 3, prefix + patches);
      for (const row of rows) {
        assertEquals(row.length, prefix + count, `${patches} patches at rate ${rate}`);
        assertEquals(row.slice(0, prefix), [0, 1].slice(0, prefix));
        // In their order, none twice.
        assert(row.every((token, i) => i === 0 || token > row[i - 1]));
      }
    }
  }
  assertEquals(kept({ rate: 0.5 }, 1, 9)[0][0], 0); // one token of the class unless something else is said
});

Deno.test("patchDropout() chooses every set of patches alike: all 10 pairs of 5, by a test of chi squared", () => {
  const count = 20000;
  const seen = new Map<string, number>();
  for (const row of kept({ rate: 0.6 }, count, 6)) seen.set(row.join(), (seen.get(row.join()) ?? 0) + 1);
  assertEquals(seen.size, 10);
  const expected = count / 10;
  const chi = [...seen.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  assert(chi < 45.5, `chi squared with 9 degrees of freedom is ${chi}`); // exceeded once in 1.4 million tests
});

Deno.test("patchDropout() keeps each patch with the probability n / L, and other examples and steps keep others", () => {
  const count = 4000;
  const rows = kept({ rate: 0.3, prefix: 0 }, count, 8); // 5 of 8
  for (let patch = 0; patch < 8; patch++) {
    const hits = rows.filter((row) => row.includes(patch)).length;
    assertNear(hits / count, 5 / 8, Math.sqrt(5 / 8 * 3 / 8 / count), `patch ${patch}`);
  }
  assert(new Set(kept({ rate: 0.5 }, 20, 33).map(String)).size === 20);
  assert(String(kept({ rate: 0.5 }, 1, 33, 1)) !== String(kept({ rate: 0.5 }, 1, 33, 2)));
});

Deno.test("patchDropout() takes whole tokens as they are, of any further shape, and hands their gradients back to them", () => {
  const x = random([4, 7, 2, 3], 1);
  const model = built(patchDropout({ rate: 0.5 }), [7, 2, 3]);
  const all = model.forwardAll(x, train);
  const positions = all.emitted.get("positions")!;
  assertEquals(positions.shape, [4, 4]);
  const rows = x.toArray() as number[][][][];
  const expected = (positions.toArray() as number[][]).map((row, i) => row.map((token) => rows[i][token]));
  assertEquals(model.forward(x, train).toArray(), expected);
  for (const batch of [0, 1, 3]) checkGradient(([x]) => model.forward(x, train), [random([batch, 7, 2, 3], 2)]);
  const lost = Tensor.full([1, 3, 1], Infinity, "float64").withGradient();
  const y = built(patchDropout({ rate: 0.5 }), [3, 1]).forward(lost, train);
  assertEquals(gradients(y, [lost], Tensor.ones(y.shape, "float64"))[0].sum().item(), 2);
});

Deno.test("patchDropout() keeps all at evaluation and at a rate of 0, and draws in mode sample, anew in each pass", () => {
  const x = random([2, 9, 3], 1);
  const model = built(patchDropout({ rate: 0.5 }), [9, 3]);
  assertStrictEquals(model.forward(x), x);
  assertStrictEquals(built(patchDropout({ rate: 0 }), [9, 3]).forward(x, train), x);
  const sample = (pass: number) => model.forward(x, { mode: "sample", step: 0, pass }).toArray();
  assertEquals(model.forward(x, { mode: "sample", step: 0 }).shape, [2, 5, 3]);
  assertEquals(sample(1), sample(1));
  assert(JSON.stringify(sample(1)) !== JSON.stringify(sample(2)));
  const whole = model.forward(x, train);
  assertEquals(whole.slice([1]).toArray(), model.forward(x.slice([1]), { ...train, sample: 1 }).toArray());
});

Deno.test("patchDropout() follows a schedule: the sequence grows as the rate falls", () => {
  const model = built(patchDropout({ rate: linear({ from: 0.75, to: 0 }) }), [17, 1]);
  const lengths = [0, 4, 8, 12].map((step) => {
    const progress = { step, stepsPerEpoch: 12, totalSteps: 12 };
    return model.forward(numbered(2, 17), { mode: "train", progress }).shape[1];
  });
  assertEquals(lengths, [5, 9, 13, 17]);
});

Deno.test("patchDropout() lets a small transformer train on some patches and read all: same weights, both lengths", () => {
  const layers = [dense(8), learnedPositions(), patchDropout({ rate: 0.5 }), encoderBlock(2)];
  const model = buildModel(sequential(layers), { inputShape: [9, 4], seed: 1 });
  const x = Tensor.normal([3, 9, 4], Key.seed(2).at("x"));
  const y = model.forward(x, train);
  assertEquals([y.shape, model.forward(x).shape], [[3, 5, 8], [3, 9, 8]]);
  const parameters = model.parameters().map(({ tensor }) => tensor);
  for (const gradient of gradients(y.square().sum(), parameters)) {
    assert(gradient.floats.every(Number.isFinite));
  }
});

Deno.test("patchDropout() refuses a rate of 1 and says why, a negative prefix, and an input without a patch", () => {
  assertThrows(() => patchDropout({ rate: 1 }), OptionError, "no patch would be left");
  assertThrows(() => patchDropout({ prefix: -1 }), OptionError, "whole number of at least 0");
  assertThrows(() => built(patchDropout(), [1, 4]), ShapeError, "at least 2 tokens");
  assertThrows(() => built(patchDropout(), [4]), ShapeError, "[batch, tokens, features]");
});

Deno.test("patchDropout() keeps the same patches in float32, and comes back from JSON as it was", () => {
  const plugin = patchDropout({ rate: 0.5, prefix: 2 });
  const again = new Registry([patchDropout]).create(JSON.parse(JSON.stringify(plugin)), "");
  const positions = (dtype: "float32" | "float64") =>
    buildModel(again as typeof plugin, { inputShape: [20, 1], seed: 3, dtype })
      .forwardAll(numbered(5, 20).cast(dtype), train).emitted.get("positions")!.toArray();
  assertEquals(positions("float32"), positions("float64"));
  assertEquals(again.toJSON(), plugin.toJSON());
});
