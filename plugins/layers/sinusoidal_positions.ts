/**
 * Sinusoidal positions.
 *
 * Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.5: `PE(t, 2i) = sin(t / 10000^(2i/d))`,
 * `PE(t, 2i + 1) = cos(t / 10000^(2i/d))`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, layerPart, type LayerPlugin, Tensor } from "../../core/mod.ts";
import { embeddingSum, sequenceShape } from "./_position_table.ts";

/** Options of {@linkcode sinusoidalPositions}. */
export interface SinusoidalPositionsOptions {
  /** Whether the input is first multiplied by the square root of its features, as in the paper (3.4). Default false. */
  scaled?: boolean;
  /** A variant on the sum of embeddings and positions, such as `dropout`. */
  dropout?: LayerPlugin;
}

/** Tables by `time x features`; a program has few. */
const tables = new Map<string, Float64Array>();

function positionTable(time: number, features: number): Float64Array {
  const name = `${time} x ${features}`;
  let table = tables.get(name);
  if (table === undefined) {
    table = Float64Array.from({ length: time * features }, (_, at) => {
      const feature = at % features;
      const angle = Math.floor(at / features) / 10000 ** ((feature - feature % 2) / features);
      return feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    });
    if (tables.size >= 16) tables.clear();
    tables.set(name, table);
  }
  return table;
}

/**
 * Adds a fixed pattern of sines and cosines to each position. Input and output: `[batch, time, features]`.
 *
 * @example
 * ```ts
 * import { buildModel, sinusoidalPositions, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const y = buildModel(sinusoidalPositions(), { inputShape: [1, 4] }).forward(Tensor.zeros([1, 1, 4]));
 * assertEquals(y.toArray(), [[[0, 1, 0, 1]]]);
 * ```
 */
export const sinusoidalPositions: Factory<"layer", SinusoidalPositionsOptions> = definePlugin({
  name: "sinusoidal-positions",
  summary: "Adds a fixed pattern of sines and cosines to each position.",
  paper: {
    authors: "Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin",
    year: 2017,
    title: "Attention Is All You Need",
    url: "https://arxiv.org/abs/1706.03762",
  },
  options: z.object({
    scaled: z.boolean().default(false).describe("whether the input is multiplied by the square root of its features"),
    dropout: layerPart().optional().describe("a variant on the sum of embeddings and positions"),
  }),
  forward(x, context) {
    const [time, features] = sequenceShape(x.shape.slice(1));
    const positions = Tensor.empty([time, features], x.dtype);
    positions.floats.set(positionTable(time, features));
    return embeddingSum(context, context.options.scaled ? x.mul(Math.sqrt(features)) : x, positions);
  },
});
