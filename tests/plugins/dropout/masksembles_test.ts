/** Masksembles: the generator's counts, which example gets which mask, what is saved, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { gradients, OptionError, predict, ShapeError, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { maskDesign } from "../../../plugins/dropout/_fixed_masks.ts";
import { loadModel } from "../../../plugins/load_model.ts";
import {
  dense,
  masksembles,
  type MasksemblesOptions,
  residual,
  sequential,
  stochasticDepth,
} from "../../../plugins/mod.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

/** The masks of a model over some channels. */
function masksOf(channels: number, options: MasksemblesOptions, seed = 1): number[][] {
  return built(masksembles(options), [channels], seed).state().get("masks")!.toArray() as number[][];
}

Deno.test("masksembles() has as many ones in each mask as the published generator, and each channel is kept by some mask", () => {
  for (
    const [channels, masks, scale, ones] of [[16, 4, 2, 8], [64, 4, 2, 34], [128, 4, 2, 68], [32, 8, 3, 11], [
      10,
      4,
      1.5,
      6,
    ]]
  ) {
    for (const seed of [1, 2, 3]) {
      const found = masksOf(channels, { masks, scale }, seed);
      assertEquals([found.length, found[0].length], [masks, channels]);
      for (const mask of found) {
        assertEquals(mask.filter((value) => value === 1).length, ones, `${channels}, ${masks}, ${scale}`);
        assert(mask.every((value) => value === 0 || value === 1));
      }
      for (let i = 0; i < channels; i++) assert(found.some((mask) => mask[i] === 1), `channel ${i}`);
    }
  }
});

Deno.test("masksembles() searches the scale as the published generator: ones and positions", () => {
  assertEquals(maskDesign(16, 4, 2), { ones: 8, positions: 17 }); // S' = 2.2
  assertEquals(maskDesign(64, 4, 2), { ones: 34, positions: 69 }); // S' = 2.05
  assertEquals(maskDesign(128, 4, 2), { ones: 68, positions: 137 }); // S' = 2.025
  assertEquals(maskDesign(16, 4, 1), { ones: 16, positions: 16 });
});

Deno.test("masksembles() of scale 1 is the identity, and masks overlap by about 1 / (2 S - 1)", () => {
  for (const channels of [10, 16, 64]) {
    assertEquals(new Set(masksOf(channels, { scale: 1 }).flat()), new Set([1]), `${channels} channels`);
  }
  for (const scale of [1.5, 2, 3]) {
    const masks = masksOf(512, { masks: 6, scale });
    const overlaps = masks.flatMap((a, i) =>
      masks.slice(i + 1).map((b) => {
        const both = a.filter((value, k) => value + b[k] === 2).length;
        return both / a.filter((value, k) => value + b[k] > 0).length;
      })
    );
    assertAlmostEquals(mean(overlaps), 1 / (2 * scale - 1), 0.03);
  }
});

Deno.test("masksembles() gives example i mask i modulo n in training and evaluation, however the batch is split", () => {
  const model = built(masksembles({ masks: 3 }), [16]);
  const masks = model.state().get("masks")!.toArray() as number[][];
  const x = random([8, 16], 1);
  const expected = (x.toArray() as number[][]).map((row, i) =>
    row.map((value, k) => masks[i % 3][k] === 1 ? value : 0)
  );
  for (const run of [{ mode: "eval" }, { mode: "train", step: 0 }, { mode: "train", step: 7 }] as const) {
    assertEquals(model.forward(x, run).toArray(), expected);
    assertEquals(model.forward(x.slice([5], [8]), { ...run, sample: 5 }).toArray(), expected.slice(5));
  }
});

Deno.test("masksembles() in mode sample gives pass k mask k modulo n, so that predict() asks each net once", () => {
  const model = built(sequential([masksembles({ masks: 4 }), dense(2)]), [16]);
  const masks = model.state().get("0.masks")!;
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  const x = random([5, 16], 1);
  const nets = [0, 1, 2, 3].map((k) => x.mul(masks.slice([k], [k + 1])).matmul(weight, { transposeB: true }).add(bias));
  nets.forEach((expected, k) => {
    for (const pass of [k, k + 4]) {
      const y = model.forward(x, { mode: "sample", step: 9, pass });
      assert(y.sub(expected).abs().max().item() < 1e-12, `pass ${pass}`);
    }
  });
  for (const batchSize of [1, 2, 5]) {
    const found = predict(model, x, { samples: 4, batchSize });
    const average = nets.reduce((sum, y) => sum.add(y)).mul(0.25);
    assert(found.mean.sub(average).abs().max().item() < 1e-12);
    const spread = nets.map((y) => y.sub(average).square()).reduce((sum, y) => sum.add(y)).mul(0.25);
    assert(found.variance.sub(spread).abs().max().item() < 1e-12);
  }
});

Deno.test("the masks of masksembles() are saved with the model and come back, whatever the seed it was made with", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const model = built(sequential([masksembles({ masks: 3, scale: 1.8 }), dense(2)]), [20], 7);
    await model.save(`${folder}/model.safetensors`);
    const { model: loaded } = await loadModel(`${folder}/model.safetensors`);
    const x = random([6, 20], 1);
    assertEquals(loaded.forward(x.cast(loaded.dtype)).toArray(), model.forward(x).cast(loaded.dtype).toArray());
    assertEquals(loaded.state().get("0.masks")!.toArray(), model.state().get("0.masks")!.toArray());
    assert(JSON.stringify(masksOf(20, { masks: 3 }, 1)) !== JSON.stringify(masksOf(20, { masks: 3 }, 2)));
    assertEquals(masksOf(20, { masks: 3 }, 1), masksOf(20, { masks: 3 }, 1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("masksembles() drops channels, first or last, unscaled, with gradients of 0, also of infinities", () => {
  const first = built(masksembles(), [12, 3, 2]);
  const last = built(masksembles({ channels: "last" }), [3, 12]);
  const x = random([5, 12, 3, 2], 1).withGradient();
  const y = first.forward(x, { mode: "train", step: 0 });
  const masks = first.state().get("masks")!;
  y.floats.forEach((value, i) => {
    const [row, channel] = [Math.floor(i / 72), Math.floor(i / 6) % 12];
    assertEquals(value, masks.floats[(row % 4) * 12 + channel] === 1 ? x.floats[i] : 0);
  });
  assertEquals(gradients(y.sum(), [x])[0].toArray(), first.forward(Tensor.ones(x.shape, "float64")).toArray());
  checkGradient(([x]) => last.forward(x, { mode: "train", step: 0 }), [random([5, 3, 12], 2)]);
  const infinite = last.forward(Tensor.full([4, 3, 12], Infinity, "float64"));
  assertEquals(new Set(infinite.floats), new Set([0, Infinity]));
  assertEquals(first.forward(x.detach().slice([0], [0])).shape, [0, 12, 3, 2]);
});

Deno.test("masksembles() keeps an example's mask where a branch gathers some of the batch", () => {
  const model = built(residual(masksembles({ masks: 3 }), { branch: stochasticDepth({ rate: 0.5 }) }), [16]);
  const x = random([9, 16], 1);
  const masks = model.state().get("block.masks")!.toArray() as number[][];
  const y = model.forward(x, { mode: "train", step: 1 }).sub(x).toArray() as number[][];
  let kept = 0;
  y.forEach((row, i) => {
    if (row.every((value) => value === 0)) return;
    kept++;
    assertEquals(row.map((value) => Math.abs(value) > 1e-12 ? 1 : 0), masks[i % 3]);
  });
  assert(kept > 0 && kept < 9);
});

Deno.test("masksembles() refuses too few channels, and numbers for which the generator finds no masks", () => {
  const few = assertThrows(() => built(masksembles(), [9]), ShapeError);
  assertStringIncludes(few.message, "expected at least 10 channels");
  for (const [channels, masks, scale] of [[10, 4, 6], [16, 8, 6]]) {
    assertThrows(() => masksOf(channels, { masks, scale }), OptionError, "scale: expected one at which");
  }
  assertThrows(() => masksembles({ scale: 6.5 }), OptionError, "scale: expected a number in [1, 6], found 6.5");
  assertThrows(() => masksembles({ scale: 0.5 }), OptionError, "scale: expected a number in [1, 6]");
  assertThrows(() => masksembles({ masks: 0 }), OptionError, "masks: expected a whole number of at least 1");
});
