/** Running ONNX files in ONNX Runtime, and comparing them with the models that they were made of. @module */
import { assert, assertEquals } from "@std/assert";
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { buildModel, type BuildOptions, Key, type LayerPlugin, type Model, Tensor } from "../../../core/mod.ts";
import { toOnnx, type ToOnnxOptions } from "../../../plugins/mod.ts";

env.wasm.numThreads = 1;

/** A file that is ready to run. */
export interface Opened {
  /** Names of its inputs and outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Its outputs by name. */
  run(...inputs: readonly Tensor[]): Promise<Map<string, Tensor>>;
}

/** Opens a file. */
export async function open(bytes: Uint8Array): Promise<Opened> {
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(...inputs) {
      const feeds = inputs.map((tensor, i) => {
        const whole = tensor.dtype === "int32";
        const data = whole ? Int32Array.from(tensor.ints) : Float32Array.from(tensor.floats);
        return [session.inputNames[i], new OrtTensor(whole ? "int32" : "float32", data, [...tensor.shape])] as const;
      });
      const found = await session.run(Object.fromEntries(feeds));
      return new Map(
        Object.entries(found).map(([name, { data, dims }]) => [name, Tensor.from(data as Float32Array, dims)] as const),
      );
    },
  };
}

/** The largest difference between two tensors of one shape, relative to numbers above 1. */
export function difference(a: Tensor, b: Tensor): number {
  assertEquals(a.shape, b.shape);
  assert(a.size > 0);
  let most = 0;
  for (let i = 0; i < a.size; i++) {
    const [x, y] = [a.floats[i], b.floats[i]];
    if (!(Math.abs(x - y) <= most * Math.max(1, Math.abs(y)))) most = Math.abs(x - y) / Math.max(1, Math.abs(y));
  }
  return most;
}

/** A model whose numbers are none that a layer begins with: biases, gains and running statistics are disturbed. */
export function disturbed(layer: LayerPlugin, options: BuildOptions): Model {
  const model = buildModel(layer, { seed: 1, ...options });
  const key = Key.seed(9);
  for (const { name, tensor } of model.parameters()) {
    tensor.assign(tensor.add(Tensor.normal(tensor.shape, key.at(name), tensor.floatType).mul(0.2)).detach());
  }
  for (const [name, tensor] of model.state()) {
    if (/variance$/.test(name)) tensor.assign(Tensor.uniform(tensor.shape, key.at(name), tensor.floatType).add(0.5));
    if (/mean$/.test(name)) tensor.assign(Tensor.normal(tensor.shape, key.at(name), tensor.floatType));
  }
  return model;
}

/** Inputs for a model, as large a batch as is asked for; `open` extents are 5. Whole numbers below 6 for int32 inputs. */
export function inputsOf(model: Model, batch: number, open = 5): Tensor[] {
  const { inputType } = model.built;
  return model.inputShapes.map((shape, i) => {
    const type = typeof inputType === "string" ? inputType : inputType[i];
    const extents = [batch, ...shape.map((extent) => extent === -1 ? open : extent)];
    const key = Key.seed(5).at(`input ${i}`);
    if (type !== "int32") return Tensor.normal(extents, key);
    const words = Tensor.uniform(extents, key).floats;
    return Tensor.from(Int32Array.from(words, (u) => Math.floor(6 * u)), extents);
  });
}

/** Asserts that a model's file gives what the model does, for batches of several sizes, to 1e-5. */
export async function assertSame(model: Model, options: ToOnnxOptions = {}, given?: readonly Tensor[]): Promise<void> {
  const { run } = await open(await toOnnx(model, options));
  for (const inputs of given === undefined ? [inputsOf(model, 3), inputsOf(model, 1, 7)] : [given]) {
    const { output, emitted } = model.forwardAll(inputs, { progress: options.progress });
    const found = await run(...inputs);
    const [first, ...further] = found;
    const error = difference(first[1], output);
    assert(error < 1e-5, `${first[0]} differs by ${error}`);
    for (const [name, value] of further) assert(difference(value, emitted.get(name)!) < 1e-5, name);
  }
}
