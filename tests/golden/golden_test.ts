/**
 * Layers, losses and optimizers against what PyTorch computed in float64: the cases in `cases/`, and more from the folder that
 * THINNED_GOLDEN names; each in float64 on the reference backend, and in float32 on the native one. A case without a runner
 * fails.
 */
import { assert } from "@std/assert";
import { type Backend, currentBackend, reference, useBackend } from "../../core/mod.ts";
import { tryOpenNative } from "../../native/mod.ts";
import { activations } from "./_activations.ts";
import { attentions } from "./_attention.ts";
import { type GoldenCase, goldenCases, goldenFolder, type Runner } from "./_golden.ts";
import { layers } from "./_layers.ts";
import { losses } from "./_losses.ts";
import { optimizers } from "./_optimizers.ts";
import { recurrents } from "./_recurrent.ts";

const runners: Record<string, Runner> = {
  ...activations,
  ...attentions,
  ...layers,
  ...losses,
  ...optimizers,
  ...recurrents,
};

/** The runner with the longest beginning of the case's name, up to an underscore. */
function runnerOf({ name }: GoldenCase): Runner {
  const beginning = Object.keys(runners).filter((one) => `${name}_`.startsWith(`${one}_`))
    .sort((a, b) => b.length - a.length)[0];
  assert(beginning !== undefined, `${name}.json: there is no runner for it; add one in tests/golden/.`);
  return runners[beginning];
}

/** Runs `body` on a backend, and goes back to the one before. */
function on(backend: Backend, body: () => void): void {
  const before = useBackend(backend);
  try {
    body();
  } finally {
    useBackend(before);
  }
}

const before = currentBackend();
const { backend: native, reason } = await tryOpenNative();
useBackend(before);
const hasNative = native !== before;
if (!hasNative) console.warn(`Golden files are not compared on the native backend: ${reason}`);

/** Declares a test for each case of a folder and element type. */
function compare(folder: string, where: string): void {
  const cases = goldenCases(folder);
  for (const golden of cases) {
    Deno.test(`${golden.name} ${where} agrees with PyTorch in float64 on the reference backend`, () => {
      on(reference, () => runnerOf(golden)(golden, "float64"));
    });
    Deno.test({
      name: `${golden.name} ${where} agrees with PyTorch in float32 on the native backend`,
      ignore: !hasNative,
      fn: () => on(native, () => runnerOf(golden)(golden, "float32")),
    });
  }
  Deno.test(`there are golden files ${where}`, () => {
    assert(cases.length > 0, `expected .json files in ${folder}, found none`);
  });
}

compare(new URL("cases", import.meta.url).pathname, "of this project");
const folder = goldenFolder();
if (folder === undefined) {
  const why = "THINNED_GOLDEN does not name their folder, or --allow-env is missing";
  console.warn(`Further golden files are left out: ${why}.`);
  Deno.test({ name: `further golden files are left out: ${why}`, ignore: true, fn: () => {} });
} else compare(folder, "of THINNED_GOLDEN");
