/** Activations, and the dropout that goes with one of them. */
import { buildModel, gradients, type LayerPlugin, Tensor } from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { assertGolden, type GoldenArray, type GoldenCase, type Runner, tensorOf, upstreamOf } from "./_golden.ts";

const activation = (make: (attrs: GoldenCase["attrs"]) => LayerPlugin): Runner => (golden, dtype) => {
  const x = tensorOf(golden.inputs.x, dtype).withGradient();
  const y = buildModel(make(golden.attrs), { inputShape: x.shape.slice(1), dtype }).forward(x);
  assertGolden(y, golden.outputs.y, "y");
  assertGolden(gradients(y, [x], upstreamOf(golden, dtype))[0], golden.grads.d_x, "d_x");
};

/** An element of a constant input becomes one of two numbers, whatever is drawn. */
const alphaDropout: Runner = (golden, dtype) => {
  for (const [rate, values] of Object.entries(golden.outputs as unknown as Record<string, Record<string, number[]>>)) {
    for (const [name, possible] of Object.entries(values)) {
      const input = Number(name.replace("values_for_input_", ""));
      const model = buildModel(plugins.alphaDropout({ rate: Number(rate) }), { inputShape: [200], dtype });
      const y = model.forward(Tensor.full([1, 200], input, dtype), { mode: "train", step: 0 });
      const nearest = Array.from(
        y.floats,
        (found) => possible.reduce((a, b) => Math.abs(found - a) <= Math.abs(found - b) ? a : b),
      );
      // The file's numbers have twelve decimals.
      const expected: GoldenArray = { shape: y.shape, data: nearest };
      assertGolden(y, expected, `rate ${rate}, input ${input}`);
    }
  }
};

/** By the beginning of a case's name. */
export const activations: Record<string, Runner> = {
  act_elu: activation(({ alpha }) => plugins.elu({ alpha })),
  act_gelu: activation(({ approximate }) => plugins.gelu({ approximate })),
  act_gelu_tanh: activation(({ approximate = "tanh" }) => plugins.gelu({ approximate })),
  act_leaky_relu: activation(({ negative_slope }) => plugins.leakyRelu({ negativeSlope: negative_slope })),
  act_log_softmax: activation(({ dim }) => plugins.logSoftmax({ axis: dim })),
  act_relu: activation(() => plugins.relu()),
  act_selu: activation(() => plugins.selu()),
  act_sigmoid: activation(() => plugins.sigmoid()),
  act_silu: activation(() => plugins.silu()),
  act_softmax: activation(({ dim }) => plugins.softmax({ axis: dim })),
  act_softplus: activation(() => plugins.softplus()),
  act_tanh: activation(() => plugins.tanh()),
  alpha_dropout: alphaDropout,
};
