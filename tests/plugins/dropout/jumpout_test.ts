/** Jumpout: moments at a known rate, the rate's draw, the share of active units, the edges. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { gradients, Key, OptionError, Rows, Tensor } from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { jumpout } from "../../../plugins/dropout/jumpout.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";

const train = { mode: "train", step: 0 } as const;
const ones = (...shape: number[]) => Tensor.ones(shape, "float64");

Deno.test("jumpout() at a rate p' gives the mean (1 - p')^(1/4) x and the mean square (1 - p')^(-1/2) x^2", () => {
  const count = 100000;
  // Both to six digits, for x = 1.
  for (const [rate, first, second] of [[0.2, 0.945742, 1.118034], [0.5, 0.840896, 1.414214]]) {
    const y = built(jumpout({ rate, deviation: 0 }), [count]).forward(ones(1, count).mul(3), train).floats;
    const scale = (1 - rate) ** -0.75;
    const error = scale * Math.sqrt(rate * (1 - rate) / count);
    assertNear(mean(y) / 3, first, error, `mean at ${rate}`);
    assertNear(mean(y.map((value) => value ** 2)) / 9, second, scale * error, `mean square at ${rate}`);
    for (const value of new Set(y)) assert(value === 0 || Math.abs(value - 3 * scale) < 1e-12);
  }
});

Deno.test("jumpout() drops the same share of all units, from those that are active, however many are", () => {
  const [count, rate] = [40000, 0.1];
  for (const active of [1, 0.5, 0.25]) {
    const x = Tensor.from(Float64Array.from({ length: count }, (_, i) => i % 4 < 4 * active ? 1 : i % 8 < 4 ? 0 : -2), [
      1,
      count,
    ]);
    const y = built(jumpout({ rate, deviation: 0 }), [count]).forward(x, train).floats;
    const kept = y.filter((value) => value > 0);
    const divided = rate / active;
    const dropped = active - kept.length / count;
    assertNear(dropped, rate, Math.sqrt(active * divided * (1 - divided) / count), `dropped of ${active} active`);
    assertAlmostEquals(kept[0], (1 - divided) ** -0.75, 1e-12);
  }
});

/** The rates of some steps, read from the scale of what is kept. */
function rates(options: Parameters<typeof jumpout>[0], steps: number): number[] {
  const model = built(jumpout(options), [200]);
  return Array.from({ length: steps }, (_, step) => {
    const y = model.forward(ones(2, 200), { mode: "train", step });
    assertEquals(y.slice([0], [1]).max().item(), y.slice([1], [2]).max().item()); // one rate for the batch
    return 1 - y.max().item() ** (-4 / 3);
  });
}

Deno.test("jumpout() draws the rate for each step: p_min and the size of a normal number, up to p_max", () => {
  const [count, rate, deviation] = [4000, 0.05, 0.1];
  const found = rates({ rate, deviation, limit: 0.9 }, count);
  // |N(0, s^2)| has the mean s sqrt(2 / pi) and the variance s^2 (1 - 2 / pi).
  const error = deviation * Math.sqrt((1 - 2 / Math.PI) / count);
  assertNear(mean(found), rate + deviation * Math.sqrt(2 / Math.PI), error, "mean rate");
  assert(found.every((p) => p >= rate - 1e-12));
  const below = found.filter((p) => p < rate + 0.67448975 * deviation).length / count;
  assertNear(below, 0.5, Math.sqrt(0.25 / count), "share below the median");
  const limited = rates({ rate, deviation: 1, limit: 0.3 }, 300);
  assertAlmostEquals(Math.max(...limited), 0.3, 1e-12);
  // |n| > 0.25 with probability 0.8026.
  const most = limited.filter((p) => p > 0.3 - 1e-9).length / 300;
  assertNear(most, 0.8026, Math.sqrt(0.8026 * 0.1974 / 300), "share at the limit");
});

Deno.test("jumpout() counts the active units of the batch, or of each example by itself", () => {
  const x = Tensor.stack([ones(400), Tensor.concat([ones(100), Tensor.zeros([300], "float64")])]);
  const scales = (active: "batch" | "example") =>
    built(jumpout({ rate: 0.1, deviation: 0, active }), [400]).forward(x, train).max(1).floats;
  const near = (found: ArrayLike<number>, rates: number[]) =>
    rates.forEach((p, i) => assertAlmostEquals(found[i], (1 - p) ** -0.75, 1e-12));
  near(scales("batch"), [0.16, 0.16]); // 5 of 8 units are active
  near(scales("example"), [0.1, 0.4]);
});

Deno.test("jumpout() of several passes in one batch counts and draws for each pass by itself", () => {
  const x = Tensor.stack([ones(300), Tensor.concat([ones(60), Tensor.zeros([240], "float64")])]);
  const { definition, options } = jumpout({ rate: 0.05, deviation: 0.1 });
  const key = Key.seed(1).at("here");
  const run = (x: Tensor, rows: Rows) =>
    (definition.activation as (x: Tensor, context: unknown) => Tensor)(x, {
      mode: "sample",
      options,
      key: key.withRows(rows),
    });
  const address = [{ sample: 0, pass: 1 }, { sample: 1, pass: 1 }, { sample: 0, pass: 2 }, { sample: 1, pass: 2 }];
  const other = x.mul(random([2, 300], 1).greater(0));
  const both = run(Tensor.concat([x, other]), Rows.of(address));
  const apart = [run(x, Rows.range({ pass: 1 })), run(other, Rows.range({ pass: 2 }))];
  assertEquals(both.toArray(), Tensor.concat(apart).toArray());
});

Deno.test("jumpout() leaves a layer of zeros as it is, and limits the divided rate to 0.99", () => {
  const model = built(jumpout({ rate: 0.3, deviation: 0 }), [1000]);
  assertEquals(model.forward(Tensor.zeros([3, 1000], "float64"), train).toArray(), Tensor.zeros([3, 1000]).toArray());
  const one = Tensor.concat([ones(1, 100), Tensor.zeros([1, 900], "float64")], 1);
  const kept = built(jumpout({ rate: 0.3, deviation: 0 }), [1000]).forward(one.broadcastTo([50, 1000]), train);
  assertAlmostEquals(kept.max().item(), 0.01 ** -0.75, 1e-9);
  const share = kept.floats.filter((value) => value > 0).length / 5000;
  assertNear(share, 0.01, Math.sqrt(0.01 * 0.99 / 5000), "share kept of those that are active");
});

Deno.test("jumpout() has the gradients that differences give, none through its rate, and none where it drops", () => {
  for (const active of ["batch", "example"] as const) {
    const model = built(jumpout({ rate: 0.2, deviation: 0.1, active }), [3, 4], 3);
    for (const batch of [0, 1, 3]) checkGradient(([x]) => model.forward(x, train), [random([batch, 3, 4], 2)]);
  }
  const x = Tensor.full([1, 200], Infinity, "float64").withGradient();
  const y = built(jumpout({ rate: 0.5, deviation: 0 }), [200]).forward(x, train);
  assertEquals(new Set(y.floats), new Set([0, Infinity]));
  const dx = gradients(y, [x], Tensor.ones(y.shape, "float64"))[0];
  assertEquals(dx.greater(0).toArray(), y.greater(0).toArray());
});

Deno.test("jumpout() is the identity at evaluation, without a rate, and under a limit of 0; mode sample draws", () => {
  const x = random([2, 50], 1);
  assertStrictEquals(built(jumpout(), [50]).forward(x), x);
  assertStrictEquals(built(jumpout({ rate: 0, deviation: 0 }), [50]).forward(x, train), x);
  assertStrictEquals(built(jumpout({ rate: 0.5, limit: 0 }), [50]).forward(x, train), x);
  const sample = (step: number) => built(jumpout({ rate: 0.3 }), [50]).forward(x, { mode: "sample", step }).toArray();
  assertEquals(sample(1), sample(1));
  assert(JSON.stringify(sample(1)) !== JSON.stringify(sample(2)));
});

Deno.test("jumpout() follows schedules, and refuses a rate or limit of 1, saying why, and a negative deviation", () => {
  const model = built(jumpout({ rate: linear({ from: 0, to: 0.4 }), deviation: 0 }), [500]);
  const at = (step: number) =>
    model.forward(ones(1, 500), { mode: "train", progress: { step, stepsPerEpoch: 10, totalSteps: 10 } }).max().item();
  assertEquals(at(0), 1);
  assertAlmostEquals(at(10), 0.6 ** -0.75, 1e-12);
  assertThrows(() => jumpout({ rate: 1 }), OptionError, "the scale would be infinite");
  assertThrows(() => jumpout({ limit: 1 }), OptionError, "the scale would be infinite");
  assertThrows(() => jumpout({ deviation: -1 }), OptionError, "at least 0");
});
