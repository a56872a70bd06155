/**
 * PyTorch's answers, from the folder that THINNED_GOLDEN names: one JSON file a case, with inputs, outputs and gradients.
 * Without that folder the tests that need it are left out.
 */
import { assert, assertEquals } from "@std/assert";
import { type FloatType, type Shape, Tensor } from "../core/mod.ts";

/** An array as the files hold it. */
export interface GoldenArray {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** One file. */
export interface GoldenCase {
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, GoldenArray>>;
  readonly params: Readonly<Record<string, GoldenArray>>;
  readonly upstream: Readonly<Record<string, GoldenArray>>;
  readonly outputs: Readonly<Record<string, GoldenArray>>;
  readonly grads: Readonly<Record<string, GoldenArray>>;
}

function folderOf(): string | undefined {
  const granted = Deno.permissions.querySync({ name: "env", variable: "THINNED_GOLDEN" }).state === "granted";
  return granted ? Deno.env.get("THINNED_GOLDEN") : undefined;
}

const folder = folderOf();

/** Whether the answers are at hand. */
export const hasGolden: boolean = folder !== undefined;

/** Reads a case. */
export function goldenCase(name: string): GoldenCase {
  return JSON.parse(Deno.readTextFileSync(`${folder}/${name}.json`));
}

/** An array of a case as a tensor; labels as int32. */
export function goldenTensor({ shape, data }: GoldenArray, dtype: FloatType | "int32"): Tensor {
  return Tensor.from(data, shape, dtype);
}

/** A test on one case, once in float64 and once in float32; left out where the answers are not at hand. */
export function goldenTest(name: string, body: (golden: GoldenCase, dtype: FloatType) => void): void {
  for (const dtype of ["float64", "float32"] as const) {
    Deno.test({
      name: `${name} agrees with PyTorch in ${dtype}`,
      ignore: folder === undefined,
      fn: () => body(goldenCase(name), dtype),
    });
  }
}

/** Throws unless a tensor agrees with an answer: float64 to 1e-9 of each entry, float32 to 2e-5 of the largest. */
export function assertGolden(found: Tensor, expected: GoldenArray, what: string): void {
  assertEquals(found.shape, expected.shape, what);
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expected.data.forEach((value, i) => {
    const allowed = found.dtype === "float64" ? 1e-9 * Math.abs(value) + 1e-14 * largest : 2e-5 * largest;
    const difference = Math.abs(found.floats[i] - value);
    assert(difference <= allowed, `${what}, element ${i}: found ${found.floats[i]}, expected ${value}`);
  });
}
