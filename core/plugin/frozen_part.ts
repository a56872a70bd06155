/** The part of a model that training leaves as it is. @module */
import { OptionError } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Parameter } from "./model_options.ts";
import { patternOf } from "./pattern_of.ts";
import { beginning, join, type Node, type Tree } from "./tree.ts";

/**
 * The part of a model that training leaves as it is: parameters without gradients, and layers whose running statistics
 * stay, which are run as in evaluation. Made by {@linkcode Model.frozen}.
 */
export interface FrozenPart {
  /** The names of the parameters that stay. */
  readonly parameters: ReadonlySet<string>;
  /** Whether a place is run as in evaluation, so that its running statistics are used and not changed. */
  rests(path: string): boolean;
  /** The parameters of the plugin at a place: those that stay are tensors without a gradient, on the same numbers. */
  params(path: string): Readonly<Record<string, Tensor>>;
}

/**
 * Chooses what stays as it is.
 *
 * @param patterns regular expressions that the names of parameters and running state are searched for
 * @param at where they stand, for errors
 * @throws {OptionError} for a pattern that matches nothing, and when no parameter is left to be trained
 */
export function frozenPart(tree: Tree, patterns: readonly string[], at: string): FrozenPart {
  if (!Array.isArray(patterns)) throw new OptionError(at, "a list of patterns of parameters' names", patterns);
  const own = tree.parameters.map(({ name }) => name);
  const names = [...own, ...tree.state().keys()];
  const found = patterns.map((text, i) => {
    const pattern = patternOf(text, `${at}.${i}`);
    if (names.some((name) => pattern.test(name))) return pattern;
    throw new OptionError(`${at}.${i}`, `a pattern that matches one of ${names.join(", ")}`, text);
  });
  const matches = (name: string) => found.some((pattern) => pattern.test(name));
  const parameters = new Set(own.filter(matches));
  if (own.length > 0 && parameters.size === own.length) {
    throw new OptionError(at, "patterns that leave a parameter to be trained", patterns);
  }
  const resting = new Set<string>();
  const params = new Map<string, Readonly<Record<string, Tensor>>>();
  for (const node of tree.nodes.values()) {
    if (rests(tree, node, matches)) resting.add(node.path);
    const tensors = Object.entries(node.params).map(([name, tensor]) =>
      [name, parameters.has(join(node.path, name)) ? tensor.detach() : tensor] as const
    );
    params.set(node.path, Object.fromEntries(tensors));
  }
  return { parameters, rests: (path) => resting.has(path), params: (path) => params.get(path)! };
}

/** The parameters that are trained, in their order. */
export function trainedParameters(all: readonly Parameter[], frozen: FrozenPart | null): readonly Parameter[] {
  return frozen === null ? all : all.filter(({ name }) => !frozen.parameters.has(name));
}

/**
 * Whether a layer that takes statistics over the batch in training, such as batch norm, is at rest: its running ones are
 * chosen, or all of its parameters are. Under the same weights it would else give other outputs from step to step.
 */
function rests(tree: Tree, { path, plugin, params, state, role }: Node, matches: (name: string) => boolean): boolean {
  const { mixesRows = false } = plugin.definition;
  const [own, running] = [Object.keys(params), Object.keys(state)];
  if (role !== "layer" || running.length === 0 || typeof mixesRows === "boolean") return false;
  const options = tree.optionsOf(plugin, path, beginning);
  if (!mixesRows(options, "train") || mixesRows(options, "eval")) return false;
  const chosen = (names: readonly string[]) => names.length > 0 && names.every((name) => matches(join(path, name)));
  return chosen(own) || chosen(running);
}
