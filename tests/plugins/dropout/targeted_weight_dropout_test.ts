/** Targeted weight dropout: which weights are candidates, how often they fall, and what evaluation prunes. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fit, gradients, Key, type Model, OptionError, Tensor } from "../../../core/mod.ts";
import {
  conv2d,
  dense,
  digits,
  flatten,
  linear,
  pruned,
  relu,
  sequential,
  sgd,
  targetedWeightDropout,
  type TargetedWeightDropoutOptions,
  warmUp,
} from "../../../plugins/mod.ts";
import { loadModel } from "../../../plugins/load_model.ts";
import { apart, doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";

function layer(rows: number[][], options: TargetedWeightDropoutOptions): Model {
  const model = built(dense(rows.length, { bias: false, weight: targetedWeightDropout(options) }), [rows[0].length]);
  model.parameters()[0].tensor.assign(doubles(rows));
  return model;
}

/** The weight that a pass uses: what the layer makes of the unit vectors, transposed. */
function used(model: Model, run: Parameters<Model["forward"]>[1] = {}): Tensor {
  const [inputs] = model.inputShape;
  const eye = Float64Array.from({ length: inputs ** 2 }, (_, i) => i % (inputs + 1) === 0 ? 1 : 0);
  return model.forward(Tensor.from(eye, [inputs, inputs]), run).transpose([1, 0]);
}

Deno.test("targetedWeightDropout() prunes the floor(gamma d) smallest magnitudes of each unit in evaluation", () => {
  const rows = [[0.3, -0.1, 0.2, -0.4, 0.5], [-5, 4, -3, 2, 1]];
  const pruned = (target: number) => used(layer(rows, { target })).toArray();
  assertEquals(pruned(0), rows);
  assertEquals(pruned(0.19), rows);
  assertEquals(pruned(0.2), [[0.3, 0, 0.2, -0.4, 0.5], [-5, 4, -3, 2, 0]]);
  assertEquals(pruned(0.5), [[0.3, 0, 0, -0.4, 0.5], [-5, 4, -3, 0, 0]]);
  assertEquals(pruned(0.8), [[0, 0, 0, 0, 0.5], [-5, 0, 0, 0, 0]]);
  assertEquals(pruned(1), [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]);
  const hundred = layer([Array.from({ length: 100 }, (_, i) => i + 1)], { target: 0.29 });
  assertEquals(used(hundred).floats.filter((value) => value === 0).length, 29); // 0.29 * 100 is just below 29
});

Deno.test("targetedWeightDropout() takes exactly the count where magnitudes are equal, the first ones", () => {
  assertEquals(used(layer([[1, 1, 1, 1], [-2, 1, 2, -2]], { target: 0.5 })).toArray(), [[0, 0, 1, 1], [0, 0, 2, -2]]);
  const large = Tensor.full([3, 1000], -0.5, "float64");
  const model = built(dense(3, { bias: false, weight: targetedWeightDropout({ target: 0.25 }) }), [1000]);
  model.parameters()[0].tensor.assign(large);
  const kept = used(model).toArray() as number[][];
  for (const row of kept) assertEquals(row, Array.from({ length: 1000 }, (_, i) => i < 250 ? 0 : -0.5));
});

Deno.test("targetedWeightDropout() finds the candidates that a sort finds, in both types", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const weight = Tensor.normal([17, 83], Key.seed(7), dtype);
    const { definition } = targetedWeightDropout();
    for (const targeted of [0.01, 0.1, 0.33, 0.5, 0.9, 0.99]) {
      const context = {
        options: { rate: 0.5, target: targeted },
        params: {},
        state: {},
        progress: undefined,
        path: "",
      };
      const found = definition.prunes!(weight, context as never).toArray() as number[][];
      (weight.toArray() as number[][]).forEach((row, r) => {
        const sorted = row.map(Math.abs).sort((a, b) => a - b);
        const limit = sorted[Math.floor(targeted * 83)];
        assertEquals(found[r], row.map((value) => Math.abs(value) < limit ? 0 : value));
      });
    }
  }
});

Deno.test("targetedWeightDropout() never touches other weights, and rescales nothing", () => {
  const rows = apart([6, 10], 3).toArray() as number[][];
  const model = layer(rows, { rate: 0.5, target: 0.4 });
  const pruned = used(model).toArray() as number[][];
  for (const mode of ["train", "sample"] as const) {
    for (let step = 0; step < 20; step++) {
      (used(model, { mode, step }).toArray() as number[][]).forEach((row, r) =>
        row.forEach((value, i) => {
          if (pruned[r][i] !== 0) assertEquals(value, rows[r][i]);
          else assert(value === 0 || value === rows[r][i]);
        })
      );
    }
  }
});

Deno.test("targetedWeightDropout() leaves a share 1 - alpha floor(gamma d) / d on average: 0.75 for d = 10 and halves", () => {
  const model = layer(apart([20, 10], 5).toArray() as number[][], { rate: 0.5, target: 0.5 });
  const steps = 300;
  let kept = 0;
  const falls = new Float64Array(200);
  for (let step = 0; step < steps; step++) {
    used(model, { mode: "train", step }).floats.forEach((value, i) => {
      if (value !== 0) kept++;
      else falls[i]++;
    });
  }
  // 100 candidates a step: 5 standard errors, an error probability of 6e-7; for each of 100 candidates, 1e-4 in all.
  const draws = 100 * steps;
  assert(Math.abs(kept / (200 * steps) - 0.75) <= 5 * Math.sqrt(0.25 / draws) / 2, String(kept));
  const candidates = falls.filter((count) => count > 0);
  assertEquals(candidates.length, 100);
  for (const count of candidates) assert(Math.abs(count / steps - 0.5) <= 5 * Math.sqrt(0.25 / steps), String(count));
});

Deno.test("targetedWeightDropout() at rate 1 trains as evaluation prunes; at rate 0 or with none targeted it is the identity", () => {
  const rows = random([4, 9], 2).toArray() as number[][];
  const all = layer(rows, { rate: 1, target: 0.6 });
  assertEquals(used(all, { mode: "train", step: 1 }).toArray(), used(all).toArray());
  assertEquals(used(layer(rows, { rate: 0, target: 0.6 }), { mode: "train", step: 1 }).toArray(), rows);
  const none = layer(rows, { rate: 1, target: 0 });
  assertEquals(used(none, { mode: "train", step: 1 }).toArray(), rows);
  assertEquals(used(none).toArray(), rows);
});

Deno.test("targetedWeightDropout() gives dropped weights no gradient, and lets them come back as others shrink", () => {
  const model = layer([[3, 1, 2, 4]], { rate: 1, target: 0.5 });
  const weight = model.parameters()[0].tensor;
  const [gradient] = gradients(used(model, { mode: "train", step: 0 }).sum(), [weight]);
  assertEquals(gradient.toArray(), [[1, 0, 0, 1]]);
  weight.assign(doubles([[0.5, 1, 2, 0.1]]));
  assertEquals(used(model).toArray(), [[0, 1, 2, 0]]);
});

Deno.test("targetedWeightDropout() ranks each filter's weights over channels and window", () => {
  const model = built(conv2d(2, 2, { bias: false, weight: targetedWeightDropout({ target: 0.5 }) }), [2, 2, 2]);
  const weight = model.parameters()[0].tensor;
  weight.assign(Tensor.from(Float64Array.from({ length: 16 }, (_, i) => i + 1), [2, 2, 2, 2]));
  const x = random([1, 2, 2, 2], 1);
  const kept = Float64Array.from({ length: 16 }, (_, i) => i % 8 < 4 ? 0 : i + 1);
  const expected = x.reshape([1, 8]).matmul(Tensor.from(kept, [2, 8]), { transposeB: true });
  assertEquals(model.forward(x).reshape([1, 2]).toArray(), expected.toArray());
});

Deno.test("targetedWeightDropout() with all weights targeted drops at its rate and evaluates to nothing", () => {
  const model = layer(apart([3, 4], 1).toArray() as number[][], { rate: 0.5, target: 1 });
  assert(used(model).floats.every((value) => value === 0));
  const seen = new Set<boolean>();
  for (let step = 0; step < 12; step++) used(model, { mode: "train", step }).floats.forEach((v) => seen.add(v === 0));
  assertEquals(seen.size, 2);
});

Deno.test("targetedWeightDropout() ramps both numbers by schedules, as the authors' code does", () => {
  const unit = "step" as const;
  const options = {
    rate: linear({ from: 0, to: 0.5, over: 40_000, unit }),
    target: warmUp(linear({ from: 0.95 * 0.5, to: 0.5, over: 20_000, unit }), { over: 20_000, unit }),
  };
  const model = built(dense(2, { bias: false, weight: targetedWeightDropout(options) }), [1000]);
  const pruned = (step: number) => {
    const progress = { step, stepsPerEpoch: 1000, totalSteps: 60_000 };
    return used(model, { progress }).floats.filter((value) => value === 0).length / 2;
  };
  for (
    const [step, share] of [[0, 0], [10_000, 0.2375], [20_000, 0.475], [30_000, 0.4875], [40_000, 0.5], [50_000, 0.5]]
  ) {
    assert(Math.abs(pruned(step) - 1000 * share) <= 1, `step ${step}: ${pruned(step)}`);
  }
  const dropped = (step: number) => {
    const progress = { step, stepsPerEpoch: 1000, totalSteps: 60_000 };
    return used(model, { mode: "train", progress }).floats.filter((value) => value === 0).length;
  };
  // A quarter of 950 candidates, and half of 1000: 5 standard errors, an error probability of 6e-7 each.
  assertEquals(dropped(0), 0);
  assert(Math.abs(dropped(20_000) - 237.5) <= 5 * Math.sqrt(950 * 3 / 16), String(dropped(20_000)));
  assert(Math.abs(dropped(50_000) - 500) <= 5 * Math.sqrt(250), String(dropped(50_000)));
});

Deno.test("targetedWeightDropout() refuses numbers out of range", () => {
  assertThrows(() => targetedWeightDropout({ rate: 2 }), OptionError, "targeted-weight-dropout.rate");
  assertThrows(() => targetedWeightDropout({ target: -1 }), OptionError, "targeted-weight-dropout.target");
});

Deno.test("a saved run with a ramp evaluates and prunes as at its end, without being told the progress", async () => {
  const weight = targetedWeightDropout({ rate: 0.5, target: linear({ from: 0, to: 0.75 }) });
  const net = sequential([flatten(), dense(16, { weight }), relu(), dense(10)]);
  const run = await fit(net, {
    data: digits({ train: 100, test: 20 }),
    optimizer: sgd(),
    epochs: 2,
    batchSize: 20,
    seed: 1,
  });
  const path = `${await Deno.makeTempDir()}/ramp.safetensors`;
  await run.save(path);
  const { model } = await loadModel(path);
  const progress = { step: 10, stepsPerEpoch: 5, totalSteps: 10 };
  const x = Tensor.uniform([3, ...run.model.inputShape], Key.seed(1));
  assertEquals(model.forward(x).toArray(), run.model.forward(x, { progress }).toArray());
  const [small, same] = [pruned(model), pruned(run.model, { progress })].map(({ model }) =>
    model.parameters()[0].tensor
  );
  assertEquals(small.toArray(), same.toArray());
  assertEquals(small.floats.filter((value) => value === 0).length, 0.75 * small.size);
});
