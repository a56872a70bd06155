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
export class FrozenPart {
  /** The names of the parameters that stay. */
  readonly parameters: ReadonlySet<string>;
  /** The places at which running statistics stay. */
  readonly #resting: ReadonlySet<string>;
  readonly #params: ReadonlyMap<string, Readonly<Record<string, Tensor>>>;

  /** Prefer {@linkcode Model.frozen}. */
  constructor(tree: Tree, patterns: readonly string[], path: string) {
    if (!Array.isArray(patterns)) throw new OptionError(path, "a list of patterns of parameters' names", patterns);
    const names = [...tree.parameters.map(({ name }) => name), ...tree.state().keys()];
    const found = patterns.map((text, i) => {
      const pattern = patternOf(text, `${path}.${i}`);
      if (names.some((name) => pattern.test(name))) return pattern;
      throw new OptionError(`${path}.${i}`, `a pattern that matches one of ${names.join(", ")}`, text);
    });
    const matches = (name: string) => found.some((pattern) => pattern.test(name));
    this.parameters = new Set(tree.parameters.map(({ name }) => name).filter(matches));
    if (tree.parameters.length > 0 && this.parameters.size === tree.parameters.length) {
      throw new OptionError(path, "patterns that leave a parameter to be trained", patterns);
    }
    this.#resting = new Set(
      [...tree.nodes.values()].filter((node) => rests(tree, node, matches)).map(({ path }) => path),
    );
    this.#params = new Map([...tree.nodes.values()].map((node) => [node.path, this.#paramsOf(node)]));
  }

  #paramsOf({ path, params }: Node): Readonly<Record<string, Tensor>> {
    const own = Object.entries(params).map(([name, tensor]) =>
      [name, this.parameters.has(join(path, name)) ? tensor.detach() : tensor] as const
    );
    return Object.fromEntries(own);
  }

  /** Whether a place is run as in evaluation, so that its running statistics are used and not changed. */
  rests(path: string): boolean {
    return this.#resting.has(path);
  }

  /** The parameters of the plugin at a place: those that stay are tensors without a gradient, on the same numbers. */
  params(path: string): Readonly<Record<string, Tensor>> {
    return this.#params.get(path)!;
  }

  /** The parameters that are trained, in their order. */
  static trained(all: readonly Parameter[], frozen: FrozenPart | null): readonly Parameter[] {
    return frozen === null ? all : all.filter(({ name }) => !frozen.parameters.has(name));
  }
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
