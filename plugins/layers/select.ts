/** Some of the features, for branches that each read a part of a table. @module */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode select}. */
export interface SelectOptions {
  /** The first feature, from 0. Default 0. */
  from?: number;
  /** The one behind the last, above `from`. Default: the number of features. */
  to?: number;
}

function selected(x: Tensor, { from, to = x.shape[x.rank - 1] }: { from: number; to?: number }): Tensor {
  const features = x.rank < 2 ? 0 : x.shape[x.rank - 1];
  if (!(from < to && to <= features)) {
    throw new ShapeError(
      `select: expected an input with the features from ${from} to below ${Math.max(to, from + 1)}, found ` +
        `${showShape(x.shape)}.`,
    );
  }
  const start = x.shape.map(() => 0);
  return x.slice([...start.slice(1), from], [...x.shape.slice(0, -1), to]);
}

/**
 * The features from `from` to below `to`: `[batch, ..., features]` to `[batch, ..., to - from]`. With `concat`, columns of a
 * table that are categories get an embedding each, beside the numbers.
 *
 * @example
 * ```ts
 * import { buildModel, concat, embedding, flatten, select, sequential, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * // Two numbers, and one of five categories.
 * const city = sequential([select({ from: 2 }), embedding(5, 3), flatten()]);
 * const model = buildModel(concat([select({ to: 2 }), city]), { inputShape: [3] });
 * assertEquals(model.forward(Tensor.of([[0.1, 0.2, 4]])).shape, [1, 5]);
 * ```
 */
export const select: Factory<"layer", SelectOptions> = definePlugin({
  name: "select",
  summary: "Some of the features.",
  options: z.object({
    from: z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0").default(0)
      .describe("the first feature"),
    to: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").optional()
      .describe("the one behind the last"),
  }),
  forward: (x, { options }) => selected(x, options),
  moments: ({ mean, variance }, { options }) => ({
    mean: selected(mean, options),
    variance: selected(variance, options),
  }),
});
