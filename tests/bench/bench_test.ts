import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { cases } from "../../bench/cases.ts";
import { alternate, median, quantile, summary } from "../../bench/measure.ts";
import { nets, stepOf } from "../../bench/nets.ts";
import { Profiler, shareOf } from "../../cli/run/profiler.ts";
import { stepShares } from "../../bench/shares.ts";
import { currentBackend, kernels } from "../../mod.ts";

Deno.test("the bench has these cases, each with a goal", () => {
  assertEquals(cases.map(({ name }) => name), [
    "mlp-step",
    "mlp-dropout-cost",
    "mlp-step-shared",
    "mlp-step-groups",
    "dropout-forward-large",
    "dropout-forward-cache",
    "drop-connect-example",
    "mc-predict",
    "conv-spatial-shared",
    "attention",
    "small-step",
    "peak-memory",
    "rss-drift",
  ]);
  for (const { net, step } of cases) assert(net === undefined || net in nets || step !== undefined);
});

Deno.test("the interval of a median holds it as often as it says, whatever the distribution", () => {
  // A fixed sequence that fills [0, 1) evenly, made skew: the true median is 0.5^4.
  let at = 0;
  const next = () => ((at = (at + 0.6180339887498949 + 0.1 * Math.sin(++turn)) % 1) ** 4);
  let turn = 0;
  let holds = 0;
  const trials = 400;
  for (let trial = 0; trial < trials; trial++) {
    const { median, interval, spread } = summary(Array.from({ length: 41 }, next));
    assert(interval[0] <= median && median <= interval[1] && spread[0] <= median && median <= spread[1]);
    if (interval[0] <= 0.5 ** 4 && 0.5 ** 4 <= interval[1]) holds++;
  }
  assert(holds / trials > 0.93, `${holds} of ${trials}`);
});

Deno.test("quantiles lie between neighbours by their distance", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  assertAlmostEquals(quantile([0, 10], 0.25), 2.5);
});

Deno.test("contestants take turns, and each turn is one of both", () => {
  const order: string[] = [];
  const wait = (name: string, ms: number) => () => {
    order.push(name);
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  const { ours, floor } = alternate({ ours: wait("a", 10), floor: wait("b", 5) }, 0);
  assertEquals(ours.length, floor.length);
  assert(ours.length >= 15);
  assertEquals(order.slice(-4), ["a", "b", "a", "b"]);
  assertAlmostEquals(median(ours) / median(floor), 2, 1);
});

Deno.test("a profile counts every kernel of a step, and leaves the backend as it was", () => {
  const before = currentBackend();
  const times = new Profiler().run(stepOf(nets.small()), 2);
  assertEquals(currentBackend(), before);
  const shares = new Set([...times.keys()].map(shareOf));
  assert(shares.has("products") && shares.has("optimizer") && shares.has("masks"), [...times.keys()].join());
  assert(times.get(kernels.gemm.kernel)!.calls >= 3);
  assert([...times.values()].every(({ ms, calls }) => ms > 0 && calls >= 1));
});

Deno.test("the shares of a profile are the step's: what is left beside kernels and data is TypeScript", () => {
  const { text, json } = stepShares("small");
  const { step_ms, shares, kernels } = json;
  assertEquals(Object.keys(shares), ["products", "masks", "elementwise", "optimizer", "data", "TypeScript"]);
  const sum = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  assertAlmostEquals(sum(Object.values(shares)), step_ms, 1e-9 * step_ms);
  assertAlmostEquals(sum(kernels.map(({ ms }) => ms)), step_ms - shares.data - shares.TypeScript, 1e-9 * step_ms);
  assert(Object.values(shares).every((ms) => ms > 0), JSON.stringify(shares));
  assert(shares.products > shares.masks && shares.TypeScript < 0.9 * step_ms, JSON.stringify(shares));
  for (const name of [...Object.keys(shares), ...kernels.map(({ kernel }) => kernel)]) {
    assert(text.includes(name), name);
  }
});
