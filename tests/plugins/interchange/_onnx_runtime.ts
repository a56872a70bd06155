/** Running ONNX files in ONNX Runtime, and comparing them with the models that they were made of. @module */
import { assert } from "@std/assert";
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { type Model, Tensor } from "../../../core/mod.ts";
import { toOnnx, type ToOnnxOptions } from "../../../plugins/mod.ts";
import { difference, inputsOf } from "../_disturbed.ts";

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
