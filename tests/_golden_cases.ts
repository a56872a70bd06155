/** Reading golden files: the inputs, parameters, outputs and gradients that another framework computed in float64. */
import { assertEquals } from "@std/assert";
import { gradients, type Shape, Tensor } from "../core/mod.ts";

/** An array as it is written in a golden file. */
interface Written {
  shape: Shape;
  data: number[];
}

type Group = Record<string, Written>;

/** One golden file. Groups that a case does not have are empty. */
export interface Case {
  /** The file's name without its ending, such as `act_relu`. */
  name: string;
  /** Settings, under the names that the other framework gives them. */
  // deno-lint-ignore no-explicit-any
  attrs: Record<string, any>;
  /** What the operation is applied to. */
  inputs: Group;
  /** Its parameters. */
  params: Group;
  /** The gradient towards each output. */
  upstream: Group;
  /** What it gave. */
  outputs: Group;
  /** The gradient towards inputs and parameters: `d_x`, `d_weight`. */
  grads: Group;
}

/** The folder named by the environment variable THINNED_GOLDEN, if it is set and may be read. */
export function goldenFolder(): string | undefined {
  const asked = Deno.permissions.querySync({ name: "env", variable: "THINNED_GOLDEN" });
  return asked.state === "granted" ? Deno.env.get("THINNED_GOLDEN") : undefined;
}

/** All cases of a folder, by name. */
export function goldenCases(folder: string): Case[] {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) => name.endsWith(".json"))
    .sort();
  return names.map((file) => {
    const read = JSON.parse(Deno.readTextFileSync(`${folder}/${file}`));
    const name = file.slice(0, -".json".length);
    return { attrs: {}, inputs: {}, params: {}, upstream: {}, outputs: {}, grads: {}, ...read, name };
  });
}

/** An array as a float64 tensor. */
export function tensor({ shape, data }: Written): Tensor {
  return Tensor.from(Float64Array.from(data), shape);
}

/** An array as an int32 tensor of labels or indices. */
export function labels({ shape, data }: Written): Tensor {
  return Tensor.from(Int32Array.from(data), shape);
}

/** Throws unless a tensor has the expected shape and numbers, within 1e-9 of the largest. */
export function assertClose(found: Tensor, expected: Written, what: string): void {
  assertEquals(found.shape, expected.shape, `shape of ${what}`);
  const largest = expected.data.reduce((size, value) => Math.max(size, Math.abs(value)), 0) || 1;
  expected.data.forEach((value, i) => {
    const difference = Math.abs(found.floats[i] - value) / largest;
    if (difference <= 1e-9) return;
    throw new Error(`${what}, entry ${i}: found ${found.floats[i]}, expected ${value}, ${difference} of the largest.`);
  });
}

/**
 * Checks the only output of a function, and its gradients towards its inputs and parameters.
 *
 * @param given the case
 * @param f the function of the case's inputs and parameters, by name
 * @param names the inputs and parameters that carry gradients
 */
export function checkFunction(
  given: Case,
  f: (tensors: Record<string, Tensor>) => Tensor,
  names: readonly string[],
): void {
  const written = { ...given.inputs, ...given.params };
  const leaves = Object.fromEntries(names.map((name) => [name, tensor(written[name]).withGradient()]));
  const output = f(leaves);
  const [outputName, expected] = Object.entries(given.outputs)[0];
  assertClose(output, expected, outputName);
  const upstream = Object.values(given.upstream)[0];
  const found = gradients(output, names.map((name) => leaves[name]), upstream && tensor(upstream));
  names.forEach((name, i) => assertClose(found[i], given.grads[`d_${name}`], `d_${name}`));
}
