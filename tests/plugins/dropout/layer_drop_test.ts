/** What LayerDrop promises: which layers are left out, that they are not computed, and how a model is cut. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { buildModel, gradients, OptionError, ShapeError, Tensor } from "../../../core/mod.ts";
import {
  batchNorm,
  bypass,
  dense,
  dropout,
  encoderBlock,
  everyOther,
  layerDrop,
  type LayerDropOptions,
  linear,
  loadModel,
  pruned,
  pruneLayers,
  repeat,
  residual,
  sequential,
  stochasticDepth,
} from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { assertWithin } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { withoutDraws } from "../_without_draws.ts";
import { counter } from "./_counted.ts";

/** What a layer that doubles gives for ones under `layerDrop` in training: 2 where it was kept, 1 where not. */
function doubled(options: LayerDropOptions, batch: number, step: number): { y: number[]; rows: readonly number[] } {
  const { layer, rows } = counter();
  const model = built(bypass(layer(), { branch: layerDrop(options) }), [1], 3);
  rows.length = 0;
  return { y: [...model.forward(Tensor.ones([batch, 1], "float64"), { mode: "train", step }).floats], rows };
}

Deno.test("layerDrop() keeps a layer or leaves it out as a whole, with the rate, and scales nothing", () => {
  for (const rate of [0.05, 0.2, 0.8]) {
    let dropped = 0;
    for (let step = 0; step < 2000; step++) {
      const { y } = doubled({ rate }, 3, step);
      assertEquals(new Set(y).size, 1, "one draw for the batch");
      assert(y[0] === 1 || y[0] === 2, String(y[0]));
      if (y[0] === 1) dropped++;
    }
    // 4 standard errors: wrong for a right program once in 16,000 seeds.
    assertWithin(dropped / 2000, rate, Math.sqrt(rate * (1 - rate) / 2000), `rate ${rate}`);
  }
});

Deno.test("layerDrop() by rows lets each example draw for itself", () => {
  const { y } = doubled({ rate: 0.3, mode: "row" }, 20000, 0);
  assertEquals(new Set(y), new Set([1, 2]));
  const dropped = y.filter((value) => value === 1).length / y.length;
  assertWithin(dropped, 0.3, Math.sqrt(0.21 / 20000), "dropped examples");
});

Deno.test("what layerDrop() leaves out is not computed: no layer by batches, no example by rows", () => {
  for (let step = 0; step < 50; step++) {
    const whole = doubled({ rate: 0.5 }, 4, step);
    assertEquals(whole.rows, whole.y[0] === 1 ? [] : [4]);
    const rows = doubled({ rate: 0.5, mode: "row" }, 4, step);
    const kept = rows.y.filter((value) => value === 2).length;
    assertEquals(rows.rows, kept === 0 ? [] : [kept]);
  }
});

Deno.test("a layer that mixes rows is not computed either when the whole batch lost it, and is by itself otherwise", () => {
  for (const mode of ["batch", "row"] as const) {
    const { layer, rows } = counter({ mixes: true });
    const model = built(residual(layer(), { branch: layerDrop({ rate: 0.5, mode }) }), [1], 3);
    rows.length = 0;
    let left = 0;
    for (let step = 0; step < 60; step++) {
      const before = rows.length;
      const y = model.forward(Tensor.ones([2, 1], "float64"), { mode: "train", step }).floats;
      const nobody = y.every((value) => value === 1);
      assertEquals(rows.slice(before), nobody ? [] : [2]);
      if (nobody) left++;
    }
    assert(left > 5 && left < 50, `left out in ${left} of 60 steps`);
  }
});

Deno.test("batch norm in a layer that the batch lost keeps its running mean", () => {
  const model = built(bypass(batchNorm(), { branch: layerDrop({ rate: 0.5 }) }), [2], 1);
  const x = random([6, 2], 4).add(3);
  for (let step = 0; step < 10; step++) {
    const before = [...model.state().get("block.mean")!.floats];
    const y = model.forward(x, { mode: "train", step });
    const lost = y.floats.every((value, i) => value === x.floats[i]);
    assertEquals(model.state().get("block.mean")!.floats.every((value, i) => value === before[i]), lost);
  }
});

Deno.test("bypass() gives the layer's own output bit for bit where nothing is dropped", () => {
  const x = random([5, 4, 6], 1);
  const block = () => encoderBlock(2, { dropout: dropout({ rate: 0.1 }) });
  const plain = built(bypass(block()), [4, 6]);
  for (const branch of [layerDrop({ rate: 0 }), layerDrop({ rate: 0.2 }), layerDrop({ rate: 0.2, mode: "row" })]) {
    const model = built(bypass(block(), { branch }), [4, 6]);
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
  }
  const kept = built(bypass(block(), { branch: layerDrop({ rate: 0 }) }), [4, 6]);
  const run = { mode: "train", step: 2 } as const;
  assertEquals(kept.forward(x, run).toArray(), plain.forward(x, run).toArray());
});

Deno.test("bypass() under a variant that scales keeps the mean of the layer", () => {
  const { layer } = counter();
  const model = built(bypass(layer(), { branch: stochasticDepth({ rate: 0.25 }) }), [1], 3);
  const y = model.forward(Tensor.ones([3000, 1], "float64"), { mode: "train", step: 0 });
  for (const value of y.floats) assert(value === 1 || Math.abs(value - 1 - 4 / 3) < 1e-12, String(value));
});

Deno.test("bypass() refuses a layer of another shape, and gives it its further inputs, of the surviving rows alone", () => {
  assertThrows(() => built(bypass(dense(2)), [4]), ShapeError, "its input's shape [1, 4], found [1, 2]");
  assertThrows(
    () => built(bypass(dense(1), { branch: layerDrop() }), [4]),
    ShapeError,
    "expected a layer whose output has its input's shape [1, 4], found [1, 1]",
  );
  const block = bypass(encoderBlock(2), { branch: layerDrop({ rate: 0.5, mode: "row" }) });
  const shapes = { inputShape: [[3, 4], [3]], seed: 1, dtype: "float64" } as const;
  const x = random([6, 3, 4], 1);
  const mask = Tensor.from(Float64Array.from({ length: 18 }, (_, i) => i % 3 === 2 && i > 8 ? 0 : 1), [6, 3]);
  const model = buildModel(block, shapes);
  const plain = buildModel(encoderBlock(2), shapes);
  for (const { name, tensor } of plain.parameters()) {
    tensor.assign(model.parameters().find((parameter) => parameter.name === `block.${name}`)!.tensor);
  }
  const whole = plain.forward([x, mask], { mode: "train", step: 0 });
  const y = model.forward([x, mask], { mode: "train", step: 0 });
  let kept = 0;
  for (let row = 0; row < 6; row++) {
    const [found, input, output] = [y, x, whole].map((t) => [...t.slice([row], [row + 1]).floats]);
    const lost = found.every((value, i) => value === input[i]);
    if (!lost) {
      kept++;
      found.forEach((value, i) => assert(Math.abs(value - output[i]) < 1e-12, `row ${row}`));
    }
  }
  assert(kept > 0 && kept < 6, `${kept} rows kept`);
});

Deno.test("layerDrop() at rate 0 keeps every layer, at rate 1 none, with zero gradients for parameters", () => {
  for (const mode of ["batch", "row"] as const) {
    for (const host of [bypass, residual]) {
      const model = built(host(dense(2), { branch: layerDrop({ rate: 1, mode }) }), [2]);
      const x = random([3, 2], 1).withGradient();
      const y = model.forward(x, { mode: "train", step: 0 });
      assertEquals(y.toArray(), x.toArray());
      const [dx, ...found] = gradients(y.sum(), [x, ...model.parameters().map(({ tensor }) => tensor)]);
      assertEquals(new Set(dx.floats), new Set([1]));
      for (const gradient of found) assertEquals(new Set(gradient.floats), new Set([0]));
      const kept = built(host(dense(2), { branch: layerDrop({ rate: 0, mode }) }), [2]);
      assertEquals(kept.forward(x, { mode: "train", step: 0 }).toArray(), kept.forward(x).toArray());
    }
  }
});

Deno.test("layerDrop() has right gradients, the draws held, inside and around layers with draws of their own", () => {
  for (const mode of ["batch", "row"] as const) {
    const block = sequential([dense(3), dropout({ rate: 0.3 })]);
    for (const host of [bypass, residual]) {
      const model = built(host(block, { branch: layerDrop({ rate: 0.4, mode }) }), [3]);
      for (const step of [1, 2, 3, 4]) {
        checkGradient(([x]) => model.forward(x, { mode: "train", step }), [random([5, 3], 1)]);
      }
    }
  }
});

Deno.test("layerDrop() draws nothing at evaluation, and follows a schedule in training", () => {
  const { layer } = counter();
  const rate = linear({ from: 0, to: 1 });
  const model = built(bypass(layer(), { branch: layerDrop({ rate, mode: "row" }) }), [1]);
  withoutDraws(() => assertEquals(model.forward(Tensor.ones([2, 1])).toArray(), [[2], [2]]));
  const dropped = (step: number) => {
    const progress = { step, stepsPerEpoch: 101, totalSteps: 101 };
    const y = model.forward(Tensor.ones([4000, 1], "float64"), { mode: "train", progress });
    return y.floats.filter((value) => value === 1).length / 4000;
  };
  assertEquals(dropped(0), 0);
  assertWithin(dropped(50), 50 / 101, 0.5 / Math.sqrt(4000), "half way");
});

Deno.test("layers of one model draw by themselves", () => {
  const model = built(repeat(bypass(counter().layer(), { branch: layerDrop({ rate: 0.5 }) }), 2), [1]);
  const found = new Map<number, number>();
  for (let step = 0; step < 400; step++) {
    const [y] = model.forward(Tensor.ones([1, 1], "float64"), { mode: "train", step }).floats;
    found.set(y, (found.get(y) ?? 0) + 1);
  }
  // 1, 2 and 4 with the probabilities 1/4, 1/2, 1/4.
  assertWithin(found.get(1)! / 400, 0.25, Math.sqrt(0.1875 / 400), "both dropped");
  assertWithin(found.get(4)! / 400, 0.25, Math.sqrt(0.1875 / 400), "both kept");
});

Deno.test("everyOther() leaves out the depths that floor(1 / rate) divides, counted from 1, as the paper does", () => {
  assertEquals(everyOther(12), [1, 3, 5, 7, 9, 11]);
  assertEquals(everyOther(12, { rate: 0.25 }), [3, 7, 11]);
  assertEquals(everyOther(12, { rate: 0.3 }), [2, 5, 8, 11]); // floor(3.33)
  assertEquals(everyOther(6, { rate: 1 / 3 }), [2, 5]);
  assertEquals(everyOther(6, { rate: 1 - 2 / 3 }), [2, 5]); // a little more than 1/3 in binary
  assertEquals(everyOther(4, { rate: 0 }), []);
  assertEquals(everyOther(0), []);
  assertThrows(() => everyOther(2.5), OptionError, "depth: expected a whole number of at least 0, found 2.5");
  assertThrows(() => everyOther(2, { rate: 0.7 }), OptionError, "rate: expected a number in [0, 0.5], found 0.7");
});

Deno.test("pruneLayers() leaves layers out in every mode, computes none of them, and is undone", () => {
  const { layer, rows } = counter();
  for (const host of [bypass, residual]) {
    const model = built(repeat(host(layer(), { branch: layerDrop({ rate: 0 }) }), 4), [1]);
    const factor = host === bypass ? 2 : 3;
    pruneLayers(model, everyOther(4));
    for (const run of [{}, { mode: "train", step: 0 }, { mode: "sample", step: 0 }] as const) {
      rows.length = 0;
      assertEquals(model.forward(Tensor.ones([1, 1], "float64"), run).item(), factor ** 2);
      assertEquals(rows.length, 2);
    }
    pruneLayers(model, []);
    assertEquals(model.forward(Tensor.ones([1, 1], "float64")).item(), factor ** 4);
  }
});

Deno.test("pruneLayers() refuses a number that no layer has, and changes nothing then", () => {
  const model = built(repeat(residual(dense(2), { branch: layerDrop() }), 2), [2]);
  assertThrows(
    () => pruneLayers(model, [0, 2]),
    OptionError,
    "layers: expected numbers of the model's 2 layers with layerDrop, from 0, found 2",
  );
  assertEquals(model.plugins().get("0.branch")!.options.pruned, false);
});

Deno.test("pruned() takes the layers that pruneLayers() left out of the model, which gives the same outputs", () => {
  for (const host of [bypass, residual]) {
    const layers = Array.from({ length: 4 }, () => host(dense(3), { branch: layerDrop() }));
    const model = built(sequential([...layers, dense(2)]), [3]);
    pruneLayers(model, everyOther(4));
    const smaller = pruned(model).model;
    const x = random([5, 3], 1);
    assertEquals(smaller.forward(x).toArray(), model.forward(x).toArray());
    assertEquals([model.parameterCount(), smaller.parameterCount()], [4 * 12 + 8, 2 * 12 + 8]);
  }
});

Deno.test("a saved model remembers what was pruned", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const model = built(repeat(bypass(dense(2), { branch: layerDrop() }), 3), [2]);
    pruneLayers(model, [0, 2]);
    await model.save(`${folder}/m.safetensors`);
    const loaded = await loadModel(`${folder}/m.safetensors`);
    const x = random([2, 2], 1);
    assertEquals(loaded.model.forward(x).toArray(), model.forward(x).toArray());
    assertEquals(loaded.model.plugins().get("2.branch")!.options.pruned, true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
