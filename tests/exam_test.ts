/** The exam: it fails each broken plugin for its fault, and passes those that are right. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import {
  type AnyFactory,
  type Backend,
  definePlugin,
  dense,
  dropout,
  type Factory,
  isFactory,
  OptionError,
  PluginError,
  rateSchema,
  reference,
  Tensor,
  useBackend,
} from "../mod.ts";
import { assertPasses, type Check, checkNames, ExamError, examine } from "../testing/mod.ts";
import { moduleOf, sources } from "./_sources.ts";

for (const file of sources("tests/broken/")) {
  const { fails, ...exports } = await moduleOf(file) as { fails: string[] };
  for (const plugin of Object.values(exports).filter(isFactory) as AnyFactory[]) {
    Deno.test(`the exam fails ${plugin.definition.name} by ${fails.join(", ")} at least`, async () => {
      // The other checks would only take time.
      const { passed, checks } = await examine(plugin, { only: fails });
      const failed = checks.filter((check) => check.status === "failed");
      const names = failed.map((check) => check.name);
      const found = failed.map((check) => `${check.name}: ${check.message}`).join("\n");
      assertEquals(fails.filter((name) => !names.includes(name)), [], found);
      assertEquals(passed, false);
    });
  }
}

/** Dropout of units that stand out from a running mean: a variant with state, and right. */
const running: Factory<"activation", { rate?: number }> = definePlugin({
  name: "running-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  init: ({ inputShape, dtype }) => ({ state: { mean: Tensor.zeros(inputShape, dtype) } }),
  activation(x, { mode, key, state, setState, options: { rate } }) {
    const centered = x.sub(state.mean.clone());
    if (mode === "train" && x.shape[0] > 0) setState("mean", state.mean.mul(0.9).add(x.detach().mean(0).mul(0.1)));
    return mode === "eval" ? centered : centered.dropout(key, rate);
  },
});

Deno.test("a variant with running state passes, and what was resumed is named", async () => {
  await assertPasses(running);
  const { checks } = await examine(running);
  const { status, message } = checks.find((check) => check.name === "saved and resumed")!;
  assertEquals([status, message], ["passed", "resuming with mean gives the same bits"]);
});

/** Dropout that acts in the first half of training only. */
const early: Factory<"activation", { rate?: number }> = definePlugin({
  name: "first-half-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, options, progress }) => 2 * progress.step > progress.totalSteps ? null : { key, rate: options.rate },
  },
  claims: { mean: "kept", eval: "identity" },
});

/** Dropout with a rate that grows over a run, so that it drops next to nothing at first; which it says. */
const growing: Factory<"activation", { rate?: number }> = definePlugin({
  name: "growing-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, options, progress }) => ({
      key,
      rate: options.rate * Math.min(1, (progress.step + 1) / progress.totalSteps),
    }),
  },
  claims: { mean: "kept", eval: "identity", dropped: "otherwise" },
});

/** Dropout whose draw three consecutive examples share, which its mask says. */
const grouped: Factory<"activation", { rate?: number }> = definePlugin({
  name: "grouped-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key, rate, group: 3 }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});

/** One mask for a sequence, which only a claim can say. */
const locked: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "locked-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["input", "output"],
  recurrent: { mask: ({ key, options: { rate } }, { place }) => ({ key: key.at(place), rate }) },
  claims: { mean: "kept", eval: "identity", shares: ["time"] },
});

/** Dropout that claims nothing. */
const silent: Factory<"activation" | "weight", { rate?: number }> = definePlugin({
  name: "silent-dropout",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
});

for (const plugin of [early, growing, grouped, locked, silent]) {
  Deno.test(`${plugin.definition.name} is right and passes, at several seeds`, async () => {
    for (const seed of plugin === growing ? [1014, 1021] : [1020]) await assertPasses(plugin, { seed });
  });
}

Deno.test("dropout with one draw for the batch passes where few draws look like those of another rate", async () => {
  for (const seed of [1020, 1021]) await assertPasses(dropout, { cases: [{ share: ["batch"] }], seed });
});

Deno.test("what is not claimed is not verified, rather than passed", async () => {
  const { checks } = await examine(silent);
  const unverified = checks.filter(({ status }) => status === "not verified").map(({ name }) => name);
  for (const name of ["claim: mean", "claim: variance", "claim: moments", "claim: evaluation"]) {
    assertEquals(unverified.includes(name), true, name);
  }
});

Deno.test("examine() makes only the checks that are asked for, and refuses names of none", async () => {
  const { checks } = await examine(dropout, { cases: [{}], only: ["claim: mean"] });
  const [first] = ["options", "refusals", "sites", "something is dropped"];
  assertEquals(checks.map(({ name }) => name).filter((name) => name.startsWith("claim")), ["claim: mean"]);
  assertEquals(checks[0].name, first);
  await assertRejects(() => examine(dropout, { only: ["claim: meen"] }), OptionError, "claim: mean");
});

Deno.test("examine() makes each check once, and says why one does not apply", async () => {
  const { plugin, passed, checks } = await examine(dropout, { cases: [{ rate: 0.3 }], seed: 7 });
  assertEquals([plugin, passed], ["dropout", true]);
  assertEquals(checks.map((check) => check.name), [...checkNames]);
  for (const check of checks) assert(check.message.length > 0, check.name);
});

Deno.test("examine() gives the same report for the same seed", async () => {
  const once = () => examine(dropout, { cases: [{}], seed: 3 });
  assertEquals(await once(), await once());
});

Deno.test("examine() examines the cases it is given", async () => {
  const classic = { convention: "classic" };
  const { checks } = await examine(dropout, { cases: [{ rate: 0.2 }, classic] });
  const sites = checks.find((check) => check.name === "sites")!;
  assertStringIncludes(sites.message, "activation");
  await assertRejects(() => examine(dropout, { cases: [] }), Error, "cases: expected at least one object");
  const { passed, checks: [first, ...rest] } = await examine(dropout, { cases: [{ rate: 2 }] });
  assertEquals([passed, first.status, rest.length], [false, "failed", 0]);
  assertStringIncludes(first.message, "rate: expected a number in [0, 1] or a schedule, found 2");
});

Deno.test("examine() refuses a plugin that is no variant, by its name and roles", async () => {
  await assertRejects(() => examine(dense), PluginError, "dense serves as layer");
  await assertRejects(() => examine(dropout({ rate: 0.5 }) as unknown as AnyFactory), PluginError, "definePlugin");
});

Deno.test("assertPasses() throws the failed checks, by name", async () => {
  const { wrongScale } = await moduleOf("tests/broken/wrong_scale.ts") as { wrongScale: AnyFactory };
  const error = await assertRejects(() => assertPasses(wrongScale), ExamError);
  assertMatch(error.message, /^wrong-scale fails \d+ of \d+ checks/);
  assertStringIncludes(error.message, "claim: mean: activation [");
  assertEquals(error.examination.passed, false);
});

/** Examines dropout while a backend is open, and returns the check that compares it with the reference. */
async function comparison(backend: Backend): Promise<Check> {
  const before = useBackend(backend);
  try {
    const { checks } = await examine(dropout, { cases: [{}] });
    return checks.find((check) => check.name === "native equals reference")!;
  } finally {
    useBackend(before);
  }
}

Deno.test("the exam compares the open backend with the reference", async () => {
  assertEquals((await comparison(reference)).status, "not verified");
  assertEquals((await comparison({ ...reference })).status, "passed");
  const shifted: Backend = {
    ...reference,
    implement: (kernel) =>
      kernel.kernel !== "mask"
        ? undefined
        : (x, out, draw, ...rest) => kernel.twin(x, out, { ...draw, offset: draw.offset + 1 }, ...rest),
  };
  const { status, message } = await comparison(shifted);
  assertEquals(status, "failed");
  assertMatch(message, /expected .* at entry \d+ in mode train, as on the reference, found/);
});

Deno.test("the exam fails a variant that draws in training though it says that nothing is drawn", async () => {
  const silent: Factory<"activation", { rate?: number }> = definePlugin({
    name: "silent-dropout",
    options: z.object({ rate: rateSchema.default(0.5) }),
    activation: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
    claims: { draw: "none" },
  });
  const { checks } = await examine(silent);
  const failed = checks.filter(({ status }) => status === "failed").map(({ name }) => name);
  assertEquals(failed.includes("something is dropped"), true, failed.join(", "));
});
