/**
 * Weights that were trained with PyTorch. Layers here have PyTorch's layouts and gate orders, so that numbers are taken
 * over as they are; names differ where a definition's `pytorch` says so.
 *
 * @module
 */
import { CheckpointError, Model, OptionError, sameShape, showShape, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode fromPyTorch}. */
export interface FromPyTorchOptions {
  /** Path of the one layer that the weights are for, such as `encoder`; its own names begin behind it. Default: all. */
  layer?: string;
  /**
   * Where names differ: from the beginning of ours to the beginning of PyTorch's, in whole parts between dots, or whole
   * names. `{ hidden: "fc1" }` makes `fc1.weight` the model's `hidden.weight`; `{ "": "m" }` puts `m.` before all names;
   * null keeps what stands there, as for a learned initial state, which PyTorch's layers do not have. The longest
   * beginning counts.
   */
  names?: Readonly<Record<string, string | null>>;
}

/** One of the model's tensors, and the name under which PyTorch would have it. */
interface Target {
  readonly ours: string;
  readonly theirs: string;
  readonly tensor: Tensor;
  /** Whether it may be missing: running state that PyTorch does not keep. */
  readonly optional: boolean;
}

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
 * recurrent layer, stays as it is unless it is given.
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
  const targets = targetsOf(model, options);
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

/** Whether a dotted name begins with another in whole parts; every name begins with the empty one. */
function begins(name: string, beginning: string): boolean {
  return beginning === "" || name === beginning || name.startsWith(`${beginning}.`);
}

/** What follows a beginning. */
function rest(name: string, beginning: string): string {
  return beginning === "" ? name : name.slice(beginning.length + 1);
}

/** Parts of a name joined by dots, empty ones left out. */
function dotted(...parts: string[]): string {
  return parts.filter((part) => part !== "").join(".");
}

/** All tensors that are to be overwritten. */
function targetsOf(model: Model, { layer = "", names = {} }: FromPyTorchOptions): Target[] {
  const plugins = [...model.plugins()];
  const beginnings = Object.keys(names).sort((a, b) => b.length - a.length);
  const used = new Set<string>();
  const targets: Target[] = [];
  const add = (ours: string, tensor: Tensor, running: boolean) => {
    if (!begins(ours, layer)) return;
    // The innermost plugin at the beginning of the name owns it; what is left of the name is its own.
    const [path, plugin] = plugins.filter(([path]) => path !== ours && begins(ours, path))
      .reduce((outer, inner) => inner[0].length >= outer[0].length ? inner : outer);
    const translated = plugin.definition.pytorch?.[rest(ours, path)];
    const full = translated === undefined ? ours : dotted(path, translated);
    const matching = beginnings.filter((one) => begins(ours, one));
    for (const one of matching) used.add(one);
    const optional = running && translated === undefined;
    if (matching.length === 0) {
      targets.push({ ours, theirs: rest(full, layer), tensor, optional });
      return;
    }
    const [beginning] = matching;
    const name = names[beginning];
    if (name === null) return;
    // The empty beginning stands before the names of the layer in question; a whole name for a whole name.
    const end = beginning === "" ? rest(full, layer) : ours === beginning ? "" : rest(full, beginning);
    targets.push({ ours, theirs: dotted(name, end), tensor, optional });
  };
  for (const { name, tensor } of model.parameters()) add(name, tensor, false);
  for (const [name, tensor] of model.state()) add(name, tensor, true);
  if (layer !== "" && ![...model.plugins().keys()].some((path) => begins(path, layer))) {
    throw new OptionError("fromPyTorch: layer", "the path of a layer in the model", layer);
  }
  const idle = beginnings.find((one) => one !== "" && !used.has(one));
  if (idle !== undefined) throw new OptionError("fromPyTorch: names", "beginnings of the model's names", idle);
  return targets;
}
