/** Layers wired by name: models with several inputs, several outputs, and ways that part and meet. @module */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin, ShapeError, type Tensor } from "../../core/mod.ts";
import { sortNodes, wiringFault } from "./_graph_order.ts";

/** A node of a graph: a layer, and what it takes. */
export interface GraphNodeOptions {
  /** The layer; `merge("add")` and the like where ways meet. */
  layer: LayerPlugin;
  /** Names of the inputs or nodes that it takes, the main one first. */
  inputs: string | readonly string[];
}

/** Options of {@linkcode graph}. */
export interface GraphOptions {
  /** Names of the model's inputs, in the order in which they are given. */
  inputs?: readonly string[];
  /** The nodes by name, in any order. A node's name is its layer's place. */
  nodes: Readonly<Record<string, GraphNodeOptions>>;
  /** Names of the model's outputs: the first is what `forward` returns, `forwardAll` gives all by name. */
  outputs: readonly string[];
}

/**
 * A graph of layers. It is itself a layer, so graphs nest, and as JSON it is what is written here.
 *
 * @throws {OptionError} for a name that is unknown or used twice, and for nodes that wait for each other
 *
 * @example
 * ```ts
 * import { buildModel, dense, graph, merge, relu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const twoTowers = graph({
 *   inputs: ["image", "table"],
 *   nodes: {
 *     left: { layer: dense(8), inputs: "image" },
 *     right: { layer: dense(8), inputs: "table" },
 *     sum: { layer: merge("add"), inputs: ["left", "right"] },
 *     hidden: { layer: relu(), inputs: "sum" },
 *     label: { layer: dense(10), inputs: "hidden" },
 *     size: { layer: dense(1), inputs: "hidden" },
 *   },
 *   outputs: ["label", "size"],
 * });
 * const model = buildModel(twoTowers, { inputShape: [[16], [4]] });
 * const { output, emitted } = model.forwardAll([Tensor.ones([2, 16]), Tensor.ones([2, 4])]);
 * assertEquals(output.shape, [2, 10]);
 * assertEquals(emitted.get("size")!.shape, [2, 1]);
 * ```
 */
export const graph: Factory<"layer", GraphOptions> = definePlugin({
  name: "graph",
  summary: "Layers wired by name, with several inputs and outputs.",
  options: z.object({
    inputs: z.array(z.string().min(1)).min(1, "expected at least one input").readonly().default(["x"])
      .describe("names of the model's inputs"),
    nodes: z.record(
      z.string(),
      z.strictObject({
        layer: layerPart().describe("the layer"),
        inputs: z.union([z.string(), z.array(z.string()).min(1, "expected at least one name").readonly()])
          .transform((given): readonly string[] => typeof given === "string" ? [given] : given).describe(
            "what it takes, the main one first",
          ),
      }),
    ).readonly().describe("the nodes by name"),
    outputs: z.array(z.string()).min(1, "expected at least one output").readonly().describe("names of the outputs"),
  }).superRefine((wiring, context) => {
    const fault = wiringFault(wiring);
    if (fault !== undefined) context.addIssue({ code: "custom", ...fault });
  }),
  forward(_x, { options, inputs: given, run, emit }) {
    const { inputs, nodes, outputs } = options;
    if (given.length !== inputs.length) {
      throw new ShapeError(`expected ${inputs.length} inputs (${inputs.join(", ")}), found ${given.length}.`);
    }
    const values = new Map<string, Tensor>(inputs.map((name, i) => [name, given[i]]));
    for (const name of sortNodes(options).order) {
      const node = nodes[name];
      values.set(name, run(node.layer, node.inputs.map((input) => values.get(input)!), name));
    }
    for (const name of outputs) emit(name, values.get(name)!);
    return values.get(outputs[0])!;
  },
});
