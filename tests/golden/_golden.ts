/** PyTorch's answers, one JSON file a case: reading them, and comparing with them. */
import { assert, assertEquals } from "@std/assert";
import {
  buildModel,
  type DType,
  type FloatType,
  gradients,
  type LayerPlugin,
  type Model,
  type RunOptions,
  type Shape,
  Tensor,
} from "../../core/mod.ts";
import { fromPyTorch } from "../../mod.ts";

/** An array as the files hold it. */
export interface GoldenArray {
  readonly shape: Shape;
  readonly data: readonly number[];
}

type Arrays = Readonly<Record<string, GoldenArray>>;

/** One file. Groups that it does not have are empty. */
export interface GoldenCase {
  /** The file's name without its ending, such as `act_relu`. */
  readonly name: string;
  /** What the file says in words, where it says no setting. */
  readonly note: string;
  /** Settings, by the other framework's names. */
  // deno-lint-ignore no-explicit-any
  readonly attrs: Readonly<Record<string, any>>;
  /** What the operation is applied to. */
  readonly inputs: Arrays;
  /** Parameters and running state, by the names of a state dict. */
  readonly params: Arrays;
  /** The gradient towards the output. */
  readonly upstream: Arrays;
  /** What it gave. */
  readonly outputs: Arrays;
  /** Gradients towards inputs and parameters: `d_x`, `d_weight`. */
  readonly grads: Arrays;
}

/** Checks one case in one element type. */
export type Runner = (golden: GoldenCase, dtype: FloatType) => void;

/** The folder that THINNED_GOLDEN names, if it is set and may be read. */
export function goldenFolder(): string | undefined {
  const granted = Deno.permissions.querySync({ name: "env", variable: "THINNED_GOLDEN" }).state === "granted";
  return granted ? Deno.env.get("THINNED_GOLDEN") || undefined : undefined;
}

/** All cases of a folder. */
export function goldenCases(folder: string): GoldenCase[] {
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();
  return files.map((file) => {
    const empty = { note: "", attrs: {}, inputs: {}, params: {}, upstream: {}, outputs: {}, grads: {} };
    const read = JSON.parse(Deno.readTextFileSync(`${folder}/${file}`));
    return { ...empty, ...read, name: file.slice(0, -".json".length) };
  });
}

/** An array of a case as a tensor; labels and indices as int32. */
export function tensorOf({ shape, data }: GoldenArray, dtype: DType): Tensor {
  return Tensor.from(data, shape, dtype);
}

/**
 * A setting by any of its names, or as the note says it, or otherwise the other framework's default.
 *
 * @param noted finds it in the note, as its first group
 */
export function numberOf(golden: GoldenCase, names: readonly string[], noted: RegExp, otherwise: number): number {
  const name = names.find((name) => golden.attrs[name] !== undefined);
  const found = name === undefined ? golden.note.match(noted)?.[1] : golden.attrs[name];
  return found === undefined ? otherwise : Number(found);
}

/** Refuses a case that asks for what layers here do not have, so that it cannot pass unseen. */
export function refuse(golden: GoldenCase, ...names: string[]): void {
  for (const name of names) {
    const value = golden.attrs[name];
    assert(!value, `${golden.name}: nothing here does ${name} = ${JSON.stringify(value)}.`);
  }
}

/** Throws unless a tensor agrees with an answer: float64 to 1e-9 of each entry, float32 to 2e-5 of the largest. */
export function assertGolden(found: Tensor, expected: GoldenArray, what: string): void {
  assertEquals(found.shape, expected.shape, `shape of ${what}`);
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expected.data.forEach((value, i) => {
    // Entries that cancel out are as exact as what cancels.
    const allowed = found.dtype === "float64" ? 1e-9 * Math.abs(value) + 1e-13 * largest : 2e-5 * largest;
    const difference = Math.abs(found.floats[i] - value);
    assert(difference <= allowed, `${what}, element ${i}: found ${found.floats[i]}, expected ${value}`);
  });
}

/** How a layer is checked. */
export interface LayerCheck {
  /** How the model is run. Default `eval`. */
  readonly run?: RunOptions;
  /** Shape of the input without its batch axis; by default the case's. */
  readonly inputShape?: Shape;
  /** From the case's layout to that of layers here, and back. Default none. */
  readonly swap?: (x: Tensor) => Tensor;
}

/**
 * Checks a layer's output and its gradients towards the input and all parameters. Parameters and running state come in by
 * `fromPyTorch`, so their names are checked as well.
 */
export function checkLayer(layer: LayerPlugin, golden: GoldenCase, dtype: FloatType, check: LayerCheck = {}): Model {
  const { inputShape, swap = (x: Tensor) => x, run } = check;
  const x = tensorOf(golden.inputs.x, dtype).withGradient();
  const model = buildModel(layer, { inputShape: inputShape ?? swap(x).shape.slice(1), dtype });
  const prefix = prefixOf(golden);
  const stateDict = Object.entries(golden.params).map(([name, array]) => [name, tensorOf(array, dtype)] as const);
  fromPyTorch(model, new Map(stateDict), prefix === "" ? {} : { names: { "": prefix } });
  const y = swap(model.forward(swap(x), run));
  assertGolden(y, golden.outputs.y, "y");
  const parameters = model.parameters();
  const found = gradients(y, [x, ...parameters.map(({ tensor }) => tensor)], upstreamOf(golden, dtype));
  const names = ["x", ...parameters.map(({ name }) => prefix === "" ? name : `${prefix}.${name}`)];
  assertEquals(names.map((name) => `d_${name}`).sort(), Object.keys(golden.grads).sort());
  names.forEach((name, i) => assertGolden(found[i], golden.grads[`d_${name}`], `d_${name}`));
  return model;
}

/** The gradient towards the output; undefined for a loss. */
export function upstreamOf(golden: GoldenCase, dtype: FloatType): Tensor | undefined {
  const [given] = Object.values(golden.upstream);
  return given === undefined ? undefined : tensorOf(given, dtype);
}

/** The name of the module that holds a case's only layer, `m` in `m.in_proj_weight`; empty when it is the layer itself. */
function prefixOf({ params }: GoldenCase): string {
  const names = Object.keys(params);
  return names.length > 0 && names.every((name) => name.startsWith("m.")) ? "m" : "";
}
