/**
 * Weights for PyTorch. Layers here have PyTorch's layouts and gate orders, so that numbers are handed over as they are; names
 * differ where a definition's `pytorch` says so.
 *
 * @module
 */
import {
  Model,
  OptionError,
  type Plugin,
  PluginError,
  type Progress,
  refuseUnknown,
  rolesOf,
  siteRoles,
  type Tensor,
} from "../../core/mod.ts";
import { folded } from "../shrinking/folded.ts";
import { type PyTorchNames, targetsOf } from "./_pytorch_names.ts";

/** Options of {@linkcode toPyTorch}. */
export interface ToPyTorchOptions extends PyTorchNames {
  /** The point of training at which schedules among the options are looked at. Default the beginning. */
  progress?: Progress;
}

/** Whether a plugin is a variant that evaluation is no different for. */
function isPlain({ definition, options }: Plugin): boolean {
  const roles = rolesOf(definition);
  const { claims } = definition;
  const found = typeof claims === "function" ? claims(options) : claims;
  if (found === undefined && !siteRoles.some((role) => roles.includes(role))) return true;
  return found?.eval === "identity";
}

/**
 * A model's parameters and running statistics under the names that PyTorch gives them: the `state_dict()` of the same net
 * there, which evaluates as this one does. As a file: `encodeSafetensors(toPyTorch(model))`, read there by
 * `safetensors.torch.load_file` and `load_state_dict`.
 *
 * Names are those of `nn.Sequential`, and of a single layer when the model is one: `0.weight`, `1.running_mean`,
 * `2.weight_ih_l0_reverse`, `self_attn.in_proj_weight`. Layouts and the order of gates are PyTorch's already. PyTorch makes
 * up `num_batches_tracked` by itself. Left out is what PyTorch's layers do not have: running state such as that of a stateful
 * recurrent layer, and what belongs to a variant, such as a learned rate. {@linkcode fromPyTorch} with the same options takes the tensors back, bit for bit.
 *
 * Dropout there is the inverted one: factors of the classic convention are first folded into weights, as
 * {@linkcode folded} does. Other variants have to be the identity at evaluation; those that take weights for gone can be
 * taken out by `pruned`.
 *
 * @param model a built model
 * @returns tensors by name, which share their numbers with the model where nothing was folded
 * @throws {PluginError} naming a variant whose evaluation PyTorch's layers do not have
 * @throws {OptionError} when `layer` or a key of `names` is the beginning of no name in the model
 *
 * @example
 * ```ts
 * import { batchNorm, buildModel, dense, encodeSafetensors, relu, sequential, toPyTorch } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(8, { name: "hidden" }), batchNorm(), relu(), dense(2)]);
 * const model = buildModel(net, { inputShape: [4], seed: 1 });
 * // nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
 * const stateDict = toPyTorch(model, { names: { hidden: "0" } });
 * assertEquals([...stateDict.keys()].slice(0, 4), ["0.weight", "0.bias", "1.weight", "1.bias"]);
 * encodeSafetensors(stateDict); // the bytes of a file
 * ```
 */
export function toPyTorch(model: Model, options: ToPyTorchOptions = {}): Map<string, Tensor> {
  if (!(model instanceof Model)) throw new OptionError("toPyTorch: model", "a model made by buildModel", model);
  refuseUnknown(options, ["layer", "names", "progress"], "toPyTorch");
  const { progress, ...naming } = options;
  const { model: plain, table } = folded(model, { batchNorm: false, ...(progress && { progress }) });
  const within = (path: string) => {
    const { layer = "" } = naming;
    return layer === "" || path === layer || path.startsWith(`${layer}.`);
  };
  for (const [path, plugin] of plain.plugins()) {
    if (isPlain(plugin) || !within(path)) continue;
    const left = table.find((row) => row.path === path)?.left;
    throw new PluginError(
      `model${
        path === "" ? "" : `.${path}`
      } (${plugin.plugin}): expected a variant that is the identity at evaluation, as ` +
        `PyTorch's layers have no other${left ? `; its factor could not be folded: ${left}` : ""}.`,
    );
  }
  const targets = targetsOf(table.length === 0 ? model : plain, naming, "toPyTorch").filter(({ optional }) =>
    !optional
  );
  return new Map(targets.map(({ theirs, tensor }) => [theirs, tensor.detach()]));
}
