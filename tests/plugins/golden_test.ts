/** Activations, losses and optimizers against PyTorch's answers. */
import { assert } from "@std/assert";
import { buildModel, gradients, type LayerPlugin, type Plugin, Tensor } from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { assertGolden, type GoldenCase, goldenTensor, goldenTest } from "../_golden.ts";
import { lossOf, updates } from "./_apply.ts";

const activations: Record<string, LayerPlugin> = {
  act_elu: plugins.elu(),
  act_gelu: plugins.gelu(),
  act_gelu_tanh: plugins.gelu({ approximate: "tanh" }),
  act_leaky_relu: plugins.leakyRelu(),
  act_log_softmax: plugins.logSoftmax(),
  act_relu: plugins.relu(),
  act_selu: plugins.selu(),
  act_sigmoid: plugins.sigmoid(),
  act_silu: plugins.silu(),
  act_softmax: plugins.softmax(),
  act_softplus: plugins.softplus(),
  act_tanh: plugins.tanh(),
};

for (const [name, layer] of Object.entries(activations)) {
  goldenTest(name, ({ inputs, upstream, outputs, grads }, dtype) => {
    const x = goldenTensor(inputs.x, dtype).withGradient();
    const y = buildModel(layer, { inputShape: x.shape.slice(1), dtype }).forward(x);
    assertGolden(y, outputs.y, "y");
    assertGolden(gradients(y, [x], goldenTensor(upstream.dy, dtype))[0], grads.d_x, "d_x");
  });
}

goldenTest("alpha_dropout", ({ outputs }, dtype) => {
  for (const [rate, values] of Object.entries(outputs as unknown as Record<string, Record<string, [number, number]>>)) {
    for (const input of [0, 1]) {
      const layer = plugins.alphaDropout({ rate: Number(rate) });
      const y = buildModel(layer, { inputShape: [100], dtype }).forward(Tensor.full([1, 100], input, dtype), {
        mode: "train",
      });
      for (const found of y.floats) {
        const near = values[`values_for_input_${input}`].some((value) => Math.abs(value - found) < 2e-6);
        assert(near, `rate ${rate}, input ${input}: found ${found}`);
      }
    }
  }
});

const classifications: Record<string, (golden: GoldenCase) => Plugin<"loss">> = {
  cross_entropy_plain: () => plugins.crossEntropy(),
  cross_entropy_smooth: ({ attrs }) => plugins.crossEntropy({ labelSmoothing: attrs.label_smoothing as number }),
  cross_entropy_weight: ({ attrs }) => plugins.crossEntropy({ classWeights: attrs.weight as number[] }),
  cross_entropy_ignore: ({ attrs }) => plugins.crossEntropy({ ignoreIndex: attrs.ignore_index as number }),
  cross_entropy_sum: () => plugins.crossEntropy({ reduction: "sum" }),
};

for (const [name, make] of Object.entries(classifications)) {
  goldenTest(name, (golden, dtype) => {
    const x = goldenTensor(golden.inputs.x, dtype).withGradient();
    const loss = lossOf(make(golden), x, goldenTensor(golden.inputs.target, "int32"));
    assertGolden(loss, golden.outputs.loss, "loss");
    assertGolden(gradients(loss, [x])[0], golden.grads.d_x, "d_x");
  });
}

const regressions: Record<string, Plugin<"loss">> = {
  loss_huber: plugins.huber(),
  loss_l1: plugins.meanAbsoluteError(),
  loss_mse: plugins.meanSquaredError(),
};

for (const [name, loss] of Object.entries(regressions)) {
  goldenTest(name, ({ inputs, outputs, grads }, dtype) => {
    const a = goldenTensor(inputs.a, dtype).withGradient();
    const value = lossOf(loss, a, goldenTensor(inputs.b, dtype));
    assertGolden(value, outputs.loss, "loss");
    assertGolden(gradients(value, [a])[0], grads.d_a, "d_a");
  });
}

goldenTest("loss_bce_logits", ({ inputs, outputs, grads }, dtype) => {
  const a = goldenTensor(inputs.a, dtype).withGradient();
  const value = lossOf(plugins.binaryCrossEntropy(), a, goldenTensor(inputs.b, dtype).sigmoid());
  assertGolden(value, outputs.loss, "loss");
  assertGolden(gradients(value, [a])[0], grads.d_a, "d_a");
});

goldenTest("loss_gaussian_nll", ({ inputs, outputs, grads }, dtype) => {
  const a = goldenTensor(inputs.a, dtype).withGradient();
  const variance = goldenTensor(inputs.var, dtype);
  for (const kind of ["value", "log"] as const) {
    const heads = Tensor.concat([a, kind === "log" ? variance.log() : variance], 1);
    const loss = plugins.gaussianNll({ variance: kind, full: true });
    const value = lossOf(loss, heads, goldenTensor(inputs.b, dtype));
    assertGolden(value, outputs.loss, `loss (${kind})`);
    assertGolden(gradients(value, [a])[0], grads.d_a, `d_a (${kind})`);
  }
});

type Attributes = Record<string, number> & { betas: [number, number]; nesterov: boolean };

const optimizers: Record<string, (attrs: Attributes) => Plugin<"optimizer">> = {
  optim_adagrad: ({ lr }) => plugins.adagrad({ learningRate: lr }),
  optim_adam: ({ lr, betas: [beta1, beta2], eps }) => plugins.adam({ learningRate: lr, beta1, beta2, epsilon: eps }),
  optim_adamw: ({ lr, weight_decay }) => plugins.adamw({ learningRate: lr, weightDecay: weight_decay }),
  optim_rmsprop: ({ lr, alpha, eps }) => plugins.rmsprop({ learningRate: lr, alpha, epsilon: eps }),
};
for (const name of ["optim_momentum", "optim_nesterov", "optim_sgd", "optim_sgd_decay"]) {
  optimizers[name] = ({ lr, momentum, nesterov, weight_decay }) =>
    plugins.sgd({ learningRate: lr, momentum, nesterov, weightDecay: weight_decay });
}

for (const [name, make] of Object.entries(optimizers)) {
  goldenTest(name, ({ attrs, inputs, outputs }, dtype) => {
    const [x, y, start] = [inputs.X, inputs.Y, inputs.w0].map((array) => goldenTensor(array, dtype));
    const optimizer = make(attrs as Attributes);
    const path = updates(optimizer, start, (w) => x.matmul(w).sub(y).square().mean(), 10);
    path.forEach((values, i) =>
      assertGolden(Tensor.from(values, start.shape, dtype), outputs[`w${i + 1}`], `w${i + 1}`)
    );
  });
}
