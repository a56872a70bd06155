/** Layers one after the other. @module */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin } from "../../core/mod.ts";

/** Options of {@linkcode sequential}. */
export interface SequentialOptions {
  /** The layers, first to last. A layer's place is its number, or its own name. */
  layers: readonly LayerPlugin[];
}

/**
 * Layers one after the other. An activation that follows a dense layer is fused into it where the backend can, and what a
 * mask drops for all examples alike is not computed. A mask behind a ReLU that is fused is applied in the same pass.
 * Further inputs, such as a mask, are given to every layer alike.
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, sequential } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(sequential([dense(4, { name: "hidden" }), relu(), dense(2)]), { inputShape: [3] });
 * assertEquals(model.parameters().map((p) => p.name), ["hidden.weight", "hidden.bias", "2.weight", "2.bias"]);
 * ```
 */
export const sequential: Factory<"layer", SequentialOptions, ["layers"]> = definePlugin({
  name: "sequential",
  summary: "Layers one after the other.",
  options: z.object({ layers: z.array(layerPart()).readonly().describe("the layers, first to last") }),
  positional: ["layers"],
  handsOn: true,
  forward(x, { options: { layers }, run, building, inputs, foresee, foresees, ahead, masks }) {
    const rest = inputs.slice(1);
    const nameOf = (i: number) => layers[i].name ?? String(i);
    let y = x;
    for (let i = 0; i < layers.length; i++) {
      const next = layers[i + 1]?.definition.epilogue;
      const fused = !building && layers[i].definition.fuses === true && next !== undefined;
      const after = i + (fused ? 2 : 1);
      const last = after >= layers.length;
      y = run(layers[i], [y, ...rest], nameOf(i), {
        epilogue: fused ? next : "none",
        foresee: building ? undefined : last ? foresee : foresees(layers[after], nameOf(after)),
        ahead: building ? undefined : last ? ahead : masks(layers[after], nameOf(after)),
      });
      if (fused) i++;
    }
    return y;
  },
  moments: (x, { options: { layers }, moments }) =>
    layers.reduce((y, layer, i) => moments(layer, y, layer.name ?? String(i)), x),
});
