/** Attention and the transformer's encoder block against PyTorch's answers. */
import { buildModel, gradients, type LayerPlugin } from "../../core/mod.ts";
import { encoderBlock, multiHeadAttention } from "../../plugins/mod.ts";
import { assertGolden, goldenTensor, goldenTest } from "../_golden.ts";

const layers: Record<string, [layer: LayerPlugin, prefix: string]> = {
  mha_full: [multiHeadAttention(2), "m."],
  mha_causal: [multiHeadAttention(2, { causal: true }), "m."],
  encoder_layer_postnorm: [encoderBlock(2, { feedForward: 16 }), ""],
  encoder_layer_prenorm: [encoderBlock(2, { feedForward: 16, norm: "pre" }), ""],
};

for (const [name, [layer, prefix]] of Object.entries(layers)) {
  goldenTest(name, ({ inputs, params, upstream, outputs, grads }, dtype) => {
    const x = goldenTensor(inputs.x, dtype).withGradient();
    const model = buildModel(layer, { inputShape: x.shape.slice(1), dtype });
    for (const { name, tensor } of model.parameters()) tensor.assign(goldenTensor(params[prefix + name], dtype));
    const y = model.forward(x);
    assertGolden(y, outputs.y, "y");
    const parameters = model.parameters();
    const [dx, ...found] = gradients(
      y,
      [x, ...parameters.map(({ tensor }) => tensor)],
      goldenTensor(upstream.dy, dtype),
    );
    assertGolden(dx, grads.d_x, "d_x");
    parameters.forEach(({ name }, i) => assertGolden(found[i], grads[`d_${prefix}${name}`], `d_${name}`));
  });
}
