/** The dense (fully connected, linear) layer. @module */
import { z } from "zod";
import {
  affine,
  definePlugin,
  type Factory,
  part,
  type Plugin,
  PluginError,
  ShapeError,
  showShape,
} from "../../core/mod.ts";
import { initialBias, type Initializer, initializerSchema, initialWeight } from "./_initializers.ts";
import { product, weightPart, type WeightVariant } from "./_product.ts";

/** Options of {@linkcode dense}. */
export interface DenseOptions {
  /** Number of outputs, at least 1. */
  units: number;
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /**
   * How the weight begins. Default `lecun-normal`: outputs begin with the variance of the inputs. Of the rules compared over
   * small nets (bench/defaults.ts) it is never far from the best; `he-normal` is better in deep nets of ReLUs without batch
   * norm, and worse at a net's output, where it begins with large logits.
   */
  initializer?: Initializer;
  /** Multiplies the weight's first values. Default 1. */
  initializerGain?: number;
  /** Applied to each unit's incoming weights after an update. */
  constraint?: Plugin<"constraint">;
  /** A variant that the weight passes through before it is used. */
  weight?: WeightVariant;
}

/**
 * `y = x W^T + b`. Input `[batch, ..., inputs]`, output `[batch, ..., units]`. Parameters: `weight: [units, inputs]`,
 * `bias: [units]`, as in PyTorch.
 *
 * @example
 * ```ts
 * import { buildModel, dense, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(dense(3), { inputShape: [5], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 5])).shape, [2, 3]);
 * ```
 */
export const dense: Factory<"layer", DenseOptions, ["units"]> = definePlugin({
  name: "dense",
  summary: "A linear layer with bias: y = x W^T + b.",
  options: z.object({
    units: z.int().min(1, "expected a whole number of at least 1").describe("number of outputs"),
    bias: z.boolean().default(true).describe("whether a bias is added"),
    initializer: initializerSchema.default("lecun-normal").describe("how the weight begins"),
    initializerGain: z.number().positive().default(1).describe("multiplies the weight's first values"),
    constraint: part("constraint").optional().describe("applied to each unit's incoming weights after an update"),
    weight: weightPart().optional().describe("a variant that the weight passes through"),
  }),
  positional: ["units"],
  fuses: true,
  init({ options, inputShape, key, dtype }) {
    const { units, constraint, initializer, initializerGain } = options;
    const inputs = inputShape[inputShape.length - 1];
    if (inputs === undefined || inputs === 0) {
      throw new ShapeError(`expected an input [batch, ..., features], found [batch, ...${showShape(inputShape)}].`);
    }
    const weight = initialWeight(initializer, [units, inputs], inputs, units, key.at("weight"), dtype);
    return {
      params: {
        weight: { value: initializerGain === 1 ? weight : weight.mul(initializerGain), constraint },
        ...(options.bias ? { bias: initialBias(initializer, units, inputs, key.at("bias"), dtype) } : {}),
      },
    };
  },
  forward(x, context) {
    const { params, options } = context;
    return product(context, options.weight, x, params.weight, params.bias ?? null);
  },
  moments({ mean, variance }, { params, options }) {
    if (options.weight !== undefined) throw new PluginError("has no moments with a variant at its weight.");
    // Independent inputs: variances add up with the squares of the weights.
    return {
      mean: affine(mean, params.weight, params.bias ?? null),
      variance: affine(variance, params.weight.square(), null),
    };
  },
});
