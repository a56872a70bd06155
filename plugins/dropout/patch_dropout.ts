/**
 * Patch dropout: a transformer sees some of an image's patches in training, and all of them afterwards.
 *
 * Liu, Matsoukas, Strand, Azizpour, Smith, "PatchDropout: Economizing Vision Transformers Using Patch Dropout", WACV 2023,
 * section 3: of L patches, `max(1, floor(L (1 - rate)))` chosen uniformly go on, in their order and unscaled, behind the
 * tokens that are no patches.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Key, type Scheduled, scheduled, Tensor } from "../../core/mod.ts";
import { ShapeError, showShape } from "../../core/mod.ts";

/** Options of {@linkcode patchDropout}. */
export interface PatchDropoutOptions {
  /**
   * Share of the patches that are left out, in [0, 1), or a schedule. Of L patches, `max(1, floor(L (1 - rate)))` are kept.
   * Default 0.5.
   */
  rate?: Scheduled;
  /** Tokens at the beginning that are no patches, such as that of the class: always kept. At least 0. Default 1. */
  prefix?: number;
}

const range = "expected a number in [0, 1): at 1 no patch would be left";
const whole = "expected a whole number of at least 0";

/** How many of a number of patches are kept. */
function keptOf(patches: number, rate: number): number {
  // A product that rounding left just below a whole number is that number: 100 (1 - 0.9) is 9.999999999999998.
  return Math.max(1, Math.floor(patches * (1 - rate) + 1e-9));
}

/**
 * Positions that are kept, in their order: those of the prefix, and of the patches with the least of uniform numbers.
 *
 * @returns int32 `[batch, prefix + count]`
 */
function choose(batch: number, patches: number, prefix: number, count: number, key: Key): Tensor {
  const noise = Tensor.uniform([batch, patches], key).floats;
  const chosen = Tensor.empty([batch, prefix + count], "int32");
  for (let row = 0; row < batch; row++) {
    const own = noise.subarray(row * patches, (row + 1) * patches);
    const order = Uint32Array.from(own.keys()).sort((a, b) => own[a] - own[b]);
    const tokens = chosen.ints.subarray(row * (prefix + count), (row + 1) * (prefix + count));
    for (let token = 0; token < prefix; token++) tokens[token] = token;
    order.subarray(0, count).sort().forEach((patch, i) => tokens[prefix + i] = prefix + patch);
  }
  return chosen;
}

/**
 * A layer from `[batch, tokens, features]` to a shorter sequence: in training and in mode `sample` each example keeps as
 * many patches as all others, chosen anew in every step; evaluation keeps all tokens. Kept tokens stay in their order and
 * are not scaled, since attention over fewer of them needs no scale. `[batch, tokens, ...]` is taken, too.
 *
 * Positions have to be added before, and what comes behind must take sequences of any length: attention, norms, dense
 * layers and a head that reads the token of the class, but not `flatten`. `Model.forwardAll` gives the positions that were
 * kept, int32 `[batch, kept]`, as `positions`. A rate of 0 is the identity; 1 is refused.
 *
 * When: in training of vision transformers, for the time and memory that it saves, and as a regularizer of small data.
 * Cost: less than nothing: attention over half of the tokens takes a quarter of the time, the rest half of it.
 *
 * @throws {ShapeError} for an input without a patch behind the prefix
 *
 * @example
 * ```ts
 * import { buildModel, patchDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(patchDropout({ rate: 0.75 }), { inputShape: [17, 8] }); // a class token and 16 patches
 * const x = Tensor.ones([2, 17, 8]);
 * assertEquals(model.forward(x, { mode: "train", step: 0 }).shape, [2, 5, 8]);
 * assertEquals(model.forward(x).shape, [2, 17, 8]);
 * ```
 */
export const patchDropout: Factory<"layer", PatchDropoutOptions> = definePlugin({
  name: "patch-dropout",
  summary: "Leaves out tokens of a sequence at random in training, so that it is shorter.",
  paper: {
    authors: "Liu, Matsoukas, Strand, Azizpour, Smith",
    year: 2023,
    title: "PatchDropout: Economizing Vision Transformers Using Patch Dropout",
    url: "https://arxiv.org/abs/2208.07220",
  },
  options: z.object({
    rate: scheduled(z.number(range).min(0, range).lt(1, range)).default(0.5)
      .describe("share of the patches that are left out, in [0, 1)"),
    prefix: z.int(whole).min(0, whole).default(1).describe("tokens at the beginning that are always kept"),
  }),
  forward(x, { mode, key, options: { rate, prefix }, emit }) {
    const [batch, tokens = 0, ...features] = x.shape;
    if (x.rank < 3 || tokens <= prefix) {
      throw new ShapeError(
        `expected [batch, tokens, features] with at least ${prefix + 1} tokens, found ${showShape(x.shape)}.`,
      );
    }
    const patches = tokens - prefix;
    const count = mode === "eval" ? patches : keptOf(patches, rate);
    if (count === patches) return x;
    const chosen = choose(batch, patches, prefix, count, key);
    emit("positions", chosen);
    const rows = Tensor.from(
      chosen.ints.map((token, i) => token + tokens * Math.floor(i / (prefix + count))),
      chosen.shape,
    );
    return x.reshape([batch * tokens, ...features]).take(rows);
  },
  claims: { eval: "identity", shares: ["entries"] },
});
