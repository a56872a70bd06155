/** Taking over weights that were trained elsewhere, as far as they fit. @module */
import { CheckpointError, OptionError, refuseUnknown, showShape } from "../errors.ts";
import { Model } from "../plugin/model.ts";
import { patternOf } from "../plugin/pattern_of.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Options of {@linkcode loadWeights}. */
export interface LoadWeightsOptions {
  /**
   * What is new in the model, such as a head for other classes, and stays as it was initialised: regular expressions that
   * the names of parameters and running state are searched for, such as `^5\\.`. Default: nothing.
   */
  except?: readonly string[];
}

/** What {@linkcode loadWeights} did, by the names of parameters and running state. */
export interface LoadedWeights {
  /** Those that were overwritten. */
  readonly taken: readonly string[];
  /** Those of the model that stayed as they were. */
  readonly left: readonly string[];
  /** Those of the source that nothing took. */
  readonly unused: readonly string[];
}

/**
 * Overwrites a model's parameters and running state by those of the same names: what fine-tuning begins with. What is named
 * by `except` is neither asked for in the source nor taken from it; everything else has to be there with the same shape, so
 * that no layer is forgotten by a slip in a name. Element types are converted to the model's.
 *
 * @param model a built model
 * @param source another model, or tensors as a file of `model.save` holds them: `decodeSafetensors(bytes, path).tensors`, with
 * running state under `state/`. For the names of PyTorch see `fromPyTorch`
 * @throws {CheckpointError} naming all that are missing, surplus or of another shape; nothing has been changed then
 * @throws {OptionError} for a pattern that matches nothing in the model
 *
 * @example
 * ```ts
 * import { buildModel, dense, loadWeights, relu, sequential } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const body = () => [dense(8, { name: "hidden" }), relu()];
 * const base = buildModel(sequential([...body(), dense(10, { name: "head" })]), { inputShape: [4], seed: 1 });
 * const model = buildModel(sequential([...body(), dense(2, { name: "head" })]), { inputShape: [4], seed: 2 });
 * const { taken, left } = loadWeights(model, base, { except: ["^head\\."] });
 * assertEquals(taken, ["hidden.weight", "hidden.bias"]);
 * assertEquals(left, ["head.weight", "head.bias"]);
 * ```
 */
export function loadWeights(
  model: Model,
  source: Model | ReadonlyMap<string, Tensor>,
  options: LoadWeightsOptions = {},
): LoadedWeights {
  if (!(model instanceof Model)) throw new OptionError("loadWeights: model", "a model made by buildModel", model);
  refuseUnknown(options, ["except"], "loadWeights");
  const mine = tensorsOf(model);
  const given = source instanceof Model ? tensorsOf(source) : plainNames(source);
  const patterns = (options.except ?? []).map((text, i) => {
    const pattern = patternOf(text, `except.${i}`);
    if ([...mine.keys()].some((name) => pattern.test(name))) return pattern;
    throw new OptionError(`except.${i}`, `a pattern that matches one of ${[...mine.keys()].join(", ")}`, text);
  });
  const isNew = (name: string) => patterns.some((pattern) => pattern.test(name));
  const [taken, left, problems] = [[] as string[], [] as string[], [] as string[]];
  for (const [name, tensor] of mine) {
    const found = given.get(name);
    if (isNew(name)) left.push(name);
    else if (found !== undefined && sameShape(found.shape, tensor.shape)) taken.push(name);
    else {
      const what = found === undefined ? "none" : showShape(found.shape);
      problems.push(`expected ${name} of shape ${showShape(tensor.shape)}, found ${what}`);
    }
  }
  const unused = [...given.keys()].filter((name) => !mine.has(name) || isNew(name));
  for (const name of unused) {
    if (!isNew(name)) problems.push(`nothing takes ${name} of shape ${showShape(given.get(name)!.shape)}`);
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      `The weights do not fit the model: ${problems.join("; ")}; name what is new in it by except, such as ^5\\.`,
    );
  }
  for (const name of taken) mine.get(name)!.assign(given.get(name)!);
  return { taken, left, unused };
}

/** A model's parameters and running state, by name. */
function tensorsOf(model: Model): Map<string, Tensor> {
  return new Map([...model.parameters().map(({ name, tensor }) => [name, tensor] as const), ...model.state()]);
}

/** The tensors of a file or a snapshot without what its names say of their kind. */
function plainNames(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, tensor]) => [name.replace(/^(state|model)\//, ""), tensor]));
}
