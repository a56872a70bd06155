/** Recurrent layers and the embedding against PyTorch's answers, fused and step by step. */
import { assertEquals } from "@std/assert";
import { buildModel, definePlugin, type Factory, gradients, type LayerPlugin, type Tensor } from "../../core/mod.ts";
import { embedding, gru, lstm, rnn } from "../../plugins/mod.ts";
import { assertGolden, goldenTensor, goldenTest } from "../_golden.ts";
import { z } from "zod";

/** Acts everywhere and changes nothing, so that steps are not fused. */
const onlooker: Factory<"recurrent", Record<never, never>> = definePlugin({
  name: "onlooker",
  options: z.object({}),
  recurrent: (value) => value,
});

const swap = (x: Tensor) => x.transpose([1, 0, 2]);

const layers: Record<string, (recurrent?: ReturnType<typeof onlooker>) => LayerPlugin> = {
  lstm_1: (recurrent) => lstm(4, { recurrent }),
  lstm_2: (recurrent) => lstm(4, { layers: 2, recurrent }),
  gru_1: (recurrent) => gru(4, { recurrent }),
  gru_2: (recurrent) => gru(4, { layers: 2, recurrent }),
  rnn_tanh_1: (recurrent) => rnn(4, { recurrent }),
  rnn_tanh_2: (recurrent) => rnn(4, { layers: 2, recurrent }),
};

for (const [name, layerOf] of Object.entries(layers)) {
  goldenTest(name, ({ inputs, params, upstream, outputs, grads }, dtype) => {
    for (const layer of [layerOf(), layerOf(onlooker())]) {
      const x = goldenTensor(inputs.x, dtype).withGradient(); // [time, batch, features]
      const model = buildModel(layer, { inputShape: [-1, x.shape[2]], dtype });
      assertEquals(model.parameters().map((p) => p.name).sort(), Object.keys(params).sort());
      for (const { name, tensor } of model.parameters()) tensor.assign(goldenTensor(params[name], dtype));
      const y = swap(model.forward(swap(x)));
      assertGolden(y, outputs.y, "y");
      const parameters = model.parameters();
      const wanted = [x, ...parameters.map((p) => p.tensor)];
      const [dx, ...found] = gradients(y, wanted, goldenTensor(upstream.dy, dtype));
      assertGolden(dx, grads.d_x, "d_x");
      parameters.forEach(({ name }, i) => assertGolden(found[i], grads[`d_${name}`], `d_${name}`));
    }
  });
}

goldenTest("embedding", ({ inputs, params, upstream, outputs, grads }, dtype) => {
  const [vocabulary, features] = params.weight.shape;
  for (const type of ["int32", dtype] as const) {
    const ids = goldenTensor(inputs.ids, type);
    const model = buildModel(embedding(vocabulary, features), { inputShape: [-1], inputType: type, dtype });
    const [{ tensor: weight }] = model.parameters();
    weight.assign(goldenTensor(params.weight, dtype));
    const y = model.forward(ids);
    assertGolden(y, outputs.y, "y");
    assertGolden(gradients(y, [weight], goldenTensor(upstream.dy, dtype))[0], grads.d_weight, "d_weight");
  }
});
