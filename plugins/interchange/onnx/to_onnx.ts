/**
 * A model as an ONNX file: https://onnx.ai, of the default operators at version 17, for ONNX Runtime and whatever else reads
 * such files.
 *
 * @module
 */
import {
  type AnyDefinition,
  type AnyFactory,
  Model,
  type OnnxContext,
  type OnnxRun,
  type OnnxType,
  type OnnxValue,
  OptionError,
  type Plugin,
  PluginError,
  type Preprocessing,
  type Progress,
  refuseUnknown,
  type Shape,
  type Tensor,
} from "../../../core/mod.ts";
import { folded } from "../../shrinking/folded.ts";
import { attentions } from "./_attention.ts";
import { elementwise } from "./_elementwise.ts";
import { batch, Graph } from "./_graph.ts";
import { normalizations } from "./_normalization.ts";
import { poolings } from "./_pooling.ts";
import { prepared, preparedShape, restored } from "./_preprocessing.ts";
import { products } from "./_products.ts";
import { recurrents } from "./_recurrent.ts";
import { type OnnxPart, Site, type SiteExport } from "./_site.ts";
import { structure } from "./_structure.ts";
import { tokens } from "./_tokens.ts";
import { productVariants } from "./_product_variants.ts";
import { branchVariants, variants } from "./_variants.ts";

/** Options of {@linkcode toOnnx}. */
export interface ToOnnxOptions {
  /**
   * Whether the graph draws masks anew at each run, as mode `sample` does, in place of evaluating. It takes its random numbers
   * from the program that runs it, so that single runs differ from those here, and means over many agree. Default false.
   */
  monteCarlo?: boolean;
  /**
   * What the data set did to inputs and targets, to do it in the graph: the file then takes inputs as they were given to the
   * data set, and gives numbers in the targets' own units. Default: the file takes and gives what the model does.
   */
  preprocessing?: Preprocessing;
  /** The point of training at which schedules among the options are looked at. Default the beginning. */
  progress?: Progress;
  /**
   * Whether batch norms and classic dropout's factors are first folded into weights, as {@linkcode folded} does. A graph that
   * draws is never folded. Default true.
   */
  fold?: boolean;
}

/** What is known of built-in plugins. */
function table<Part>(entries: readonly (readonly [AnyFactory, Part])[]): ReadonlyMap<AnyDefinition, Part> {
  return new Map(entries.map(([factory, part]) => [factory.definition, part]));
}

const parts = table<OnnxPart>([
  ...elementwise,
  ...structure,
  ...tokens,
  ...products,
  ...normalizations,
  ...poolings,
  ...attentions,
  ...recurrents,
  ...variants,
]);
const productParts = table(productVariants);
const branchParts = table(branchVariants);

/** How a plugin at a layer position is written: as it says itself, or as is known of it. */
function partOf(plugin: Plugin): OnnxPart | undefined {
  const { definition } = plugin;
  const own = (definition as { onnx?: (x: OnnxValue, context: OnnxContext<unknown>) => OnnxValue }).onnx;
  if (own !== undefined) return (x, site) => own.call(definition, x, site.outside());
  const known = parts.get(definition);
  if (known !== undefined) return known;
  return "layer" in plugin.serves ? undefined : (x, site) => site.activation(x);
}

/** Writes the plugin at a place. */
function run(shared: SiteExport, path: string, inputs: readonly OnnxValue[], how: OnnxRun = {}): OnnxValue {
  const site = new Site(shared, path, inputs, how);
  try {
    const part = partOf(site.plugin);
    if (part === undefined) return site.refuse("it does not say how: its definition has no part onnx");
    const y = part(inputs[0], site);
    if (typeof y?.name !== "string" || !Array.isArray(y.shape)) {
      throw new PluginError(`expected a value of the graph from its part onnx, found ${String(y)}.`);
    }
    return y;
  } catch (error) {
    throw site.located(error);
  }
}

/** Whether there is anything that draws, now or at another point of training. */
function canDraw(model: Model, progress: Progress): boolean {
  return model.summary().some(({ site }) => site !== null) || model.drawingSites(progress).length > 0;
}

/** Names of the model's own tensors, as they are in a saved model. */
function namesOf(model: Model): Map<Tensor, string> {
  return new Map([
    ...model.parameters().map(({ name, tensor }) => [tensor, name] as const),
    ...[...model.state()].map(([name, tensor]) => [tensor, `state/${name}`] as const),
  ]);
}

/** What the inputs are called: by a graph at the root, else `input`, or `input_0` and so on. */
function inputNames({ root, inputShapes }: Model): readonly string[] {
  const { inputs } = root.options as { inputs?: unknown };
  if (root.plugin === "graph" && Array.isArray(inputs)) return inputs as string[];
  return inputShapes.length === 1 ? ["input"] : inputShapes.map((_, i) => `input_${i}`);
}

function inputsOf(model: Model, graph: Graph, shapes: readonly Shape[]): OnnxValue[] {
  const { inputType } = model.built;
  return inputNames(model).map((wanted, i) => {
    const type = typeof inputType === "string" ? inputType : inputType[i] ?? model.dtype;
    const given: OnnxType = type === "int32" ? "int32" : "float32";
    const extents = shapes[i].map((extent) => extent === -1 ? graph.unknown() : extent);
    return { name: graph.name(wanted), type: given, shape: [batch, ...extents] };
  });
}

/**
 * A model as the bytes of an ONNX file: the graph of its evaluation, with any number of examples in a batch. Where the model
 * was built for any extent (-1), the file takes any, too. Operators are the default ones at version 17; numbers are float32,
 * also those of a float64 model.
 *
 * The inputs are called as a `graph` at the root calls them, else `input` (`input_0`, `input_1` where there are several); the
 * outputs as such a graph calls them, else `output`. Outputs are the model's: logits where the loss is `crossEntropy`.
 * Constants have the names of a saved model: `0.weight`, `state/1.mean`. Recurrent layers begin with their initial state.
 *
 * All built-in layers and variants have nodes for evaluation, but `dropConnect` with `inference: "normal"` before an
 * activation that it averages. With `monteCarlo`, variants that say their draw as a mask do at every site (dropout, spatial
 * and alpha dropout, stochastic depth, zoneout, attention dropout, variational recurrent dropout, ...), and so do Gaussian
 * and uniform noise, concrete dropout, DropConnect in dense layers, standout, swapout, shake-shake, ShakeDrop, masksembles
 * and max-pooling dropout; others are refused by name. A plugin of yours says its nodes in its part `onnx`.
 *
 * @param model a built model
 * @throws {PluginError} naming the first layer or variant that cannot be exported, and why
 * @throws {OptionError} for what is no model, an unknown option, and `monteCarlo` for a model without dropout
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, relu, sequential, toOnnx } from "@thinned/dropout";
 * import { assert } from "@std/assert";
 *
 * const model = buildModel(sequential([dense(8), relu(), dropout(), dense(2)]), { inputShape: [4], seed: 1 });
 * const bytes = await toOnnx(model); // await Deno.writeFile("model.onnx", bytes)
 * const draws = await toOnnx(model, { monteCarlo: true }); // another mask at each run
 * assert(draws.length > bytes.length);
 * ```
 *
 * @example A layer of one's own
 * ```ts
 * import { buildModel, definePlugin, type Factory, toOnnx } from "@thinned/dropout";
 * import { z } from "zod";
 *
 * const squared: Factory<"layer", Record<never, never>> = definePlugin({
 *   name: "squared",
 *   options: z.object({}),
 *   forward: (x) => x.square(),
 *   onnx: (x, { op }) => op("Mul", [x, x]),
 * });
 * await toOnnx(buildModel(squared(), { inputShape: [4] }));
 * ```
 */
export async function toOnnx(model: Model, options: ToOnnxOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  if (!(model instanceof Model)) throw new OptionError("toOnnx: model", "a model made by buildModel", model);
  refuseUnknown(options, ["monteCarlo", "preprocessing", "progress", "fold"], "toOnnx");
  const { monteCarlo: samples = false, preprocessing, fold = true } = options;
  const progress = options.progress ?? { step: 0, stepsPerEpoch: 1, totalSteps: 1 };
  if (samples && !canDraw(model, progress)) {
    throw new OptionError("monteCarlo", "false, since the model has no dropout and all runs would agree", samples);
  }
  const given = fold && !samples ? folded(model, { progress }).model : model;
  const graph = new Graph(namesOf(given));
  const emitted = new Map<string, OnnxValue>();
  const shared: SiteExport = {
    model: given,
    graph,
    progress,
    samples,
    emitted,
    run: (path, inputs, how) => run(shared, path, inputs, how),
    productPart: ({ definition }) => productParts.get(definition),
    branchPart: ({ definition }) => branchParts.get(definition),
  };
  const raw = preprocessing !== undefined;
  const shapes = raw ? [preparedShape(preprocessing), ...given.inputShapes.slice(1)] : given.inputShapes;
  const inputs = inputsOf(given, graph, shapes);
  const [first, ...rest] = inputs;
  const y = run(shared, "", [raw ? prepared(graph, preprocessing, first) : first, ...rest]);
  const output = raw ? restored(graph, preprocessing, y) : y;
  const [main, ...further] = emitted.size === 0 ? ["output"] : emitted.keys();
  const outputs = [graph.output(main, output), ...further.map((name) => graph.output(name, emitted.get(name)!))];
  const { encodeModel } = await import("./_encode.ts");
  return encodeModel({ inputs, outputs, nodes: graph.nodes }, graph.constants.values(), {
    description: samples
      ? "Draws masks anew at each run: the mean over many runs is the Monte Carlo estimate."
      : "Evaluates: nothing is drawn.",
    metadata: metadataOf(given, samples, preprocessing),
  });
}

/** What the file says of itself. */
function metadataOf(
  model: Model,
  samples: boolean,
  preprocessing: Preprocessing | undefined,
): Record<string, string> {
  return {
    mode: samples ? "sample" : "eval",
    preprocessing: preprocessing === undefined ? "none: inputs are as the model takes them" : "in the graph",
    ...(preprocessing?.classNames ? { classes: JSON.stringify(preprocessing.classNames) } : {}),
    model: model.root.plugin,
  };
}
