/** Who computes products: the choice from timings, what is asked for, and what is kept in the cache. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OptionError } from "../../core/errors.ts";
import { describeFolder } from "../../native/cache.ts";
import { machineOf, type timeProducts } from "../../native/library.ts";
import {
  allKinds,
  askedProducts,
  choosePlan,
  probeShapes,
  recordedPlan,
  recordPlan,
  timingOf,
  unmeasuredLeaves,
} from "../../native/products.ts";
import { prepareNative } from "../../native/build.ts";
import { hasBlas, nativeTest, open } from "./_native.ts";

/** Timings in which each kind takes as long as said. */
const timing = (core: string, kinds: readonly number[]) => ({
  core,
  seconds: probeShapes.map(({ kind }) => kinds[kind]),
});

Deno.test("the core type is taken that is fastest beside the own product, which keeps the kinds it is better at", () => {
  const own = timing("", [4, 1, 1, 1, 1]);
  const blas = [timing("Haswell", [2, 2, 2, 2, 2]), timing("SkylakeX", [1, 1.5, 0.8, 0.9, 1.2])];
  assertEquals(choosePlan(own, blas), { core: "SkylakeX", leaves: 0b10010 });
});

Deno.test("a difference that may be noise changes nothing: the first core type stays, and OpenBLAS keeps its products", () => {
  const own = timing("", [1, 1, 1, 1, 1]);
  const blas = [timing("Zen", [1.02, 1, 1.03, 1, 1]), timing("Haswell", [0.99, 1, 0.98, 1, 1])];
  assertEquals(choosePlan(own, blas), { core: "Zen", leaves: 0 });
});

Deno.test("of several turns the least counts, and what they differ by is taken for noise", () => {
  const turn = (seconds: number) => probeShapes.map(() => seconds);
  const calm = timingOf("Zen", [turn(1.3), turn(1), turn(1.01)]);
  assertEquals(calm.seconds, turn(1));
  assertEquals(Math.round(100 * calm.noise!), 1);
  const own = timingOf("", [turn(1.1), turn(1.5)]);
  // Clearly faster where turns agree; on a machine as crowded as this OpenBLAS keeps its products and its core type.
  const [first, fast] = [timingOf("Zen", [turn(1.3), turn(1.3)]), timingOf("Haswell", [turn(1), turn(1.02)])];
  assertEquals(choosePlan({ ...own, noise: 0 }, [first, fast]), { core: "Haswell", leaves: 0 });
  assertEquals(choosePlan({ ...own, noise: 0 }, [first]), { core: "Zen", leaves: allKinds });
  assertEquals(choosePlan(own, [first]), { core: "Zen", leaves: 0 });
  assertEquals(choosePlan({ ...own, noise: 0 }, [{ ...first, noise: 0.5 }, fast]), { core: "Zen", leaves: 0 });
});

Deno.test("without an OpenBLAS that works, all products are left to the own one", () => {
  assertEquals(choosePlan(timing("", [1, 1, 1, 1, 1]), []), { core: "", leaves: allKinds });
});

Deno.test("unmeasured, only kernels for narrower registers than the processor's are passed over", () => {
  assertEquals([unmeasuredLeaves("Haswell", "avx512"), unmeasuredLeaves("Cooperlake", "avx512")], [0b11110, 0]);
  assertEquals(unmeasuredLeaves("Haswell", "avx2"), 0);
});

Deno.test("THINNED_PRODUCTS overrides what was measured, and OpenBLAS's own variable the core types that are tried", async () => {
  const asked = (products: string, core?: string) =>
    askedProducts((name) => Promise.resolve({ THINNED_PRODUCTS: products, OPENBLAS_CORETYPE: core }[name]));
  assertEquals(await asked("own"), { plan: { core: "", leaves: allKinds } });
  assertEquals(await asked("openblas"), { plan: { core: "", leaves: 0 } });
  assertEquals(await asked("Haswell"), { plan: { core: "Haswell", leaves: 0 } });
  assertEquals(await asked("auto", "Zen"), { cores: ["Zen"] });
  assertEquals(await asked("auto"), { cores: undefined });
  await assertRejects(() => asked("two words"), OptionError, "THINNED_PRODUCTS");
});

Deno.test("a plan is kept for its machine, beside those of others; what is no plan is measured again", async () => {
  const path = await Deno.makeTempDir({ prefix: "thinned-test-" });
  try {
    const folder = await describeFolder(path);
    await recordPlan(folder, "one", { core: "Zen", leaves: 3 }, [timing("Zen", [1, 1, 1, 1, 1])]);
    await recordPlan(folder, "other", { core: "", leaves: 31 }, []);
    assertEquals(await recordedPlan(folder, "one"), { core: "Zen", leaves: 3 });
    assertEquals(await recordedPlan(folder, "other"), { core: "", leaves: 31 });
    assertEquals(await recordedPlan(folder, "third"), undefined);
    await Deno.writeTextFile(`${path}/products.json`, JSON.stringify({ one: { core: "Zen", leaves: 999 } }));
    assertEquals(await recordedPlan(folder, "one"), undefined);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

nativeTest("a plan says which kinds the own product does, in the line about the BLAS", () => {
  if (!hasBlas) return;
  const line = (leaves: number) => open("portable", { products: { core: "", leaves } }).info().blas;
  assertEquals(/own/.test(line(0)), false);
  assert(line(0b10001).endsWith("; own portable kernels for narrow, second transposed products"), line(0b10001));
  assert(line(allKinds).endsWith("; own portable kernels for all products"), line(allKinds));
});

nativeTest("each core type's kernels are timed under the name that OpenBLAS gives them", async () => {
  const prepared = await prepareNative();
  if ("missing" in prepared || prepared.blas.length === 0) return;
  // In another process: a library that is open keeps the kernels it has.
  const text = `
    import { machineOf, timeProducts } from ${JSON.stringify(new URL("../../native/library.ts", import.meta.url).href)};
    const { variant } = machineOf(${JSON.stringify(prepared.library)}, "auto");
    console.log(JSON.stringify(timeProducts(${JSON.stringify(prepared.library)}, ${
    JSON.stringify(prepared.blas)
  }, variant, ["Haswell", "Nehalem", "NoSuchCore"])));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-lock", `data:application/typescript,${encodeURIComponent(text)}`],
    stdout: "piped",
    stderr: "null",
  });
  const { own, blas } = JSON.parse(new TextDecoder().decode((await child.output()).stdout)) as ReturnType<
    typeof timeProducts
  >;
  const all = [own, ...blas].flatMap(({ seconds }) => seconds);
  assert(all.every((seconds) => seconds > 0 && seconds < 60), String(all));
  assertEquals(blas.every(({ core }) => ["Haswell", "Nehalem"].includes(core)), true);
  if (Deno.build.arch === "x86_64") assert(blas.length >= 1);
  assert(machineOf(prepared.library, "auto").variant !== undefined);
});
