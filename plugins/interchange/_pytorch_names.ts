/** Names that PyTorch gives to a model's tensors. @module */
import { type Model, OptionError, rolesOf, type Tensor } from "../../core/mod.ts";

/** How a model's names and PyTorch's go together. */
export interface PyTorchNames {
  /** Path of the one layer that the weights are those of, such as `encoder`; its own names begin behind it. Default: all. */
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
export interface Target {
  readonly ours: string;
  readonly theirs: string;
  readonly tensor: Tensor;
  /** Whether it may be missing: running state that PyTorch does not keep, and what belongs to a variant. */
  readonly optional: boolean;
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

/**
 * All of a model's tensors that have a name there.
 *
 * @param caller whose options they are, for errors
 */
export function targetsOf(model: Model, { layer = "", names = {} }: PyTorchNames, caller: string): Target[] {
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
    // PyTorch's layers have nothing of a variant's own, such as a learned rate.
    const variant = rolesOf(plugin.definition).every((role) => role !== "layer");
    const optional = translated === undefined && (running || variant);
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
    throw new OptionError(`${caller}: layer`, "the path of a layer in the model", layer);
  }
  const idle = beginnings.find((one) => one !== "" && !used.has(one));
  if (idle !== undefined) throw new OptionError(`${caller}: names`, "beginnings of the model's names", idle);
  return targets;
}
