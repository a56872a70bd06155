/**
 * HiddenCut: a span of consecutive positions vanishes from the hidden states of a sequence.
 *
 * Chen, Shen, Chen, Yang, "HiddenCut: Simple Data Augmentation for Natural Language Understanding with Better
 * Generalizability", ACL 2021, section 3: at the output of every feed-forward part, before it is added to the shortcut,
 * the states of one span for each example are set to zero, without scaling. Its length is `max(1, floor(rate n))` of n
 * positions; it begins at a position that is drawn from the 40 % that received the most attention.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  OptionError,
  rateSchema,
  type Scheduled,
  scheduled,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode hiddenCut}. */
export interface HiddenCutOptions {
  /** Share of the positions that the span covers, in [0, 1], or a schedule. Default 0.1, as in the paper. */
  rate?: Scheduled;
  /**
   * Where a span begins: at a position that received much `attention`, as in the paper, or at any, `uniform` (default). Only
   * the option `output` of `encoderBlock` and `decoderBlock` tells of attention.
   */
  select?: "uniform" | "attention";
  /** With `attention`: the share of the positions, those that received most, from which one is drawn, in (0, 1]. Default 0.4. */
  top?: number;
}

/** {@linkcode HiddenCutOptions} with defaults filled in. */
interface Settings {
  readonly rate: number;
  readonly top: number;
}

/** The whole part of a share of a count, at least 1; a product such as 0.29 times 100 is just below what it stands for. */
function part(share: number, count: number): number {
  return Math.max(1, Math.floor(share * count + 1e-9));
}

/** First position and length of an example's span, of u in (0, 1). */
function uniformSpan(u: number, time: number, { rate }: Settings): [number, number] {
  const length = part(rate, time);
  return [Math.floor(u * (time - length + 1)), length];
}

/** First position and length of an example's span, which begins at one of those with the most attention. */
function attendedSpan(u: number, attention: ArrayLike<number>, { rate, top }: Settings): [number, number] {
  const order = Array.from(attention, (_, position) => position).filter((position) => attention[position] > 0)
    .sort((a, b) => attention[b] - attention[a] || a - b);
  // Padding behind a sequence, which nobody sees, does not count.
  const time = order.length === 0 ? attention.length : Math.max(...order) + 1;
  const length = part(rate, time);
  const chosen = order.length === 0 ? 0 : order[Math.floor(u * Math.min(part(top, time), order.length))];
  return [Math.min(chosen, time - length), length];
}

const share = "expected a number in (0, 1]";

/**
 * HiddenCut (Chen et al., 2021), for any layer position whose input is `[batch, time, ...]`; the paper's place is the option
 * `output` of a transformer block. Each example loses one span of its own, with all features; nothing is scaled, and
 * evaluation is the identity.
 *
 * With `select: "attention"` the span begins as in the paper: attention is what a position received in the block's own
 * self-attention, summed over heads and queries, and positions that nobody sees, such as padding, are not counted. A span
 * that would reach over the end of a sequence is moved back to end there; the authors' program cuts it short. With
 * `select: "uniform"`, which needs no attention, all spans inside of the sequence are as likely. A rate of 0 is the
 * identity, and 1 gives zeros; any rate between drops at least one position, so the share that vanishes is
 * `max(1, floor(rate n)) / n` exactly, not in the mean.
 *
 * The paper trains on the plain output, the cut one, and their agreement, `CE + CE + JS`. That loss is not part of this
 * plugin: `rDrop` is the like of it, with both passes cut and `KL + KL` in place of `JS`.
 *
 * When: a transformer is fine-tuned on few sentences and should not need each of their words.
 * Cost: one number an example, and one pass over the activations; attention is added up once a block.
 *
 * @example
 * ```ts
 * import { buildModel, encoderBlock, hiddenCut, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const block = encoderBlock(2, { output: hiddenCut({ rate: 0.2, select: "attention" }) });
 * const model = buildModel(block, { inputShape: [10, 8] });
 * assertEquals(model.forward(Tensor.ones([3, 10, 8]), { mode: "train", step: 0 }).shape, [3, 10, 8]);
 * ```
 */
export const hiddenCut: Factory<"activation", HiddenCutOptions> = definePlugin({
  name: "hidden-cut",
  summary: "Zeroes a span of consecutive positions of each sequence, where much attention went.",
  paper: {
    authors: "Chen, Shen, Chen, Yang",
    year: 2021,
    title: "HiddenCut: Simple Data Augmentation for Natural Language Understanding with Better Generalizability",
    url: "https://arxiv.org/abs/2106.00149",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.1).describe("share of the positions that the span covers, in [0, 1]"),
    select: z.enum(["uniform", "attention"]).default("uniform").describe("where a span begins"),
    top: z.number(share).gt(0, share).max(1, share).default(0.4)
      .describe("share of the positions, by attention, at which a span may begin"),
  }),
  activation(x, { mode, key, options, inputs: [, received] }) {
    if (x.rank < 3) throw new ShapeError(`expected an input [batch, time, ...], found ${showShape(x.shape)}.`);
    const [batch, time] = x.shape;
    if (options.select === "attention" && received === undefined) {
      const place =
        "uniform, where no attention is told of: only a transformer block without branch does, at its output";
      throw new OptionError("select", place, options.select);
    }
    if (mode === "eval" || options.rate === 0 || time === 0) return x;
    const draws = Tensor.uniform([batch, 1], key, "float64").floats;
    const kept = Tensor.ones([batch, time, ...x.shape.slice(2).map(() => 1)], x.floatType);
    for (let row = 0; row < batch; row++) {
      const [start, length] = options.select === "uniform"
        ? uniformSpan(draws[row], time, options)
        : attendedSpan(draws[row], received.floats.subarray(row * time, (row + 1) * time), options);
      kept.floats.fill(0, row * time + start, row * time + start + length);
    }
    return x.mask(kept);
  },
  claims: ({ select }) => ({
    eval: "identity",
    dropped: "otherwise",
    shares: [2, 3, "entries"],
    rates: ["rate"],
    ...(select === "attention" ? { adaptive: true } : {}),
  }),
  cases: [{}, { rate: 0.5 }],
});
