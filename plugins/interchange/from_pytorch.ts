/**
 * Weights that were trained with PyTorch. Layers here have PyTorch's layouts and gate orders, so that numbers are taken
 * over as they are; names differ where a definition's `pytorch` says so.
 *
 * @module
 */
import { CheckpointError, Model, OptionError, sameShape, showShape, type Tensor } from "../../core/mod.ts";
import { type PyTorchNames, targetsOf } from "./_pytorch_names.ts";

/** Options of {@linkcode fromPyTorch}. */
export type FromPyTorchOptions = PyTorchNames;

/** What batch norms count beside their statistics. */
const COUNTER = /(^|\.)num_batches_tracked$/;

/**
 * Overwrites a model's parameters and running statistics by those of a PyTorch model, by name: `state_dict()` as it comes
 * out of a safetensors file. Names are those of `nn.Sequential`, and of a single layer when the model is one: `0.weight`,
 * `1.running_mean`, `2.weight_ih_l0_reverse`, `self_attn.in_proj_weight`.
 *
 * Layouts and the order of gates are PyTorch's (LSTM i, f, g, o; GRU r, z, n; queries, keys and values stacked), for
 * dense, convolution, normalisation, embedding, recurrent, attention and transformer layers. Element types are converted
 * to the model's. `num_batches_tracked` is left out. Running state that PyTorch does not keep, as that of a stateful
 * recurrent layer, and what belongs to a variant, such as a learned rate, stay as they are unless they are given.
 *
 * @param model a built model; a layer by itself is one too: `buildModel(lstm(8), { inputShape: [-1, 3] })`
 * @param stateDict tensors by PyTorch's names, such as `decodeSafetensors(bytes, file).tensors`
 * @throws {CheckpointError} naming all entries that are missing, surplus or of another shape; nothing has been changed then
 * @throws {OptionError} when `layer` or a key of `names` is the beginning of no name in the model
 *
 * @example
 * ```ts
 * import { batchNorm, buildModel, dense, fromPyTorch, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dense(2, { name: "hidden" }), batchNorm()]), { inputShape: [1] });
 * const stateDict = { // nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2)).state_dict()
 *   "0.weight": Tensor.of([[3], [4]]),
 *   "0.bias": Tensor.of([0, 1]),
 *   "1.weight": Tensor.of([1, 1]),
 *   "1.bias": Tensor.of([0, 0]),
 *   "1.running_mean": Tensor.of([3, 5]),
 *   "1.running_var": Tensor.of([1, 1]),
 *   "1.num_batches_tracked": Tensor.from([1], [], "int32"),
 * };
 * fromPyTorch(model, stateDict, { names: { hidden: "0" } });
 * assertEquals(model.forward(Tensor.of([[1]])).toArray(), [[0, 0]]);
 * ```
 */
export function fromPyTorch(
  model: Model,
  stateDict: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: FromPyTorchOptions = {},
): void {
  if (!(model instanceof Model)) {
    throw new OptionError("fromPyTorch: model", "a model made by buildModel", model);
  }
  const given: ReadonlyMap<string, Tensor> = stateDict instanceof Map ? stateDict : new Map(Object.entries(stateDict));
  const targets = targetsOf(model, options, "fromPyTorch");
  const problems: string[] = [];
  for (const { ours, theirs, tensor, optional } of targets) {
    const found = given.get(theirs);
    if (found === undefined ? optional : sameShape(found.shape, tensor.shape)) continue;
    problems.push(
      `${ours} takes ${JSON.stringify(theirs)} of shape ${showShape(tensor.shape)}, ` +
        `found ${found === undefined ? "none" : showShape(found.shape)}`,
    );
  }
  const taken = new Set(targets.map(({ theirs }) => theirs));
  for (const [name, tensor] of given) {
    if (taken.has(name) || COUNTER.test(name)) continue;
    problems.push(`nothing takes ${JSON.stringify(name)} of shape ${showShape(tensor.shape)}`);
  }
  if (problems.length > 0) {
    throw new CheckpointError(`PyTorch's weights do not fit the model: ${problems.join("; ")}.`);
  }
  for (const { theirs, tensor } of targets) {
    const found = given.get(theirs);
    if (found !== undefined) tensor.assign(found);
  }
}
