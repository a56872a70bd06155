/** Recurrent layers, fused and step by step. */
import { z } from "zod";
import { definePlugin, type Factory, type LayerPlugin, type Plugin, type Tensor } from "../../core/mod.ts";
import { gru, lstm, rnn, type RnnOptions } from "../../plugins/mod.ts";
import { checkLayer, type GoldenCase, refuse, type Runner } from "./_golden.ts";

/** Acts everywhere and changes nothing, so that steps are not fused. */
const onlooker: Factory<"recurrent", Record<never, never>> = definePlugin({
  name: "onlooker",
  options: z.object({}),
  recurrent: (value) => value,
});

/** Between time first and batch first. */
const swap = (x: Tensor) => x.transpose([1, 0, 2]);

type Options = Pick<RnnOptions, "layers" | "bidirectional" | "bias" | "recurrent">;

const recurrent =
  (make: (units: number, options: Options, golden: GoldenCase) => LayerPlugin): Runner => (golden, dtype) => {
    refuse(golden, "proj_size", "dropout");
    const { attrs, params, inputs } = golden;
    const names = Object.keys(params);
    const layers: number = attrs.layers ?? attrs.num_layers ??
      names.filter((name) => /^weight_ih_l\d+$/.test(name)).length;
    const units = params.weight_hh_l0.shape[1];
    const options = {
      layers,
      bidirectional: names.some((name) => name.endsWith("_reverse")),
      bias: names.includes("bias_ih_l0"),
    };
    const variants: (Plugin<"recurrent"> | undefined)[] = [undefined, onlooker()];
    for (const variant of variants) {
      checkLayer(make(units, { ...options, recurrent: variant }, golden), golden, dtype, {
        inputShape: [-1, inputs.x.shape[2]],
        swap: attrs.batch_first ? undefined : swap,
      });
    }
  };

/** By the beginning of a case's name. */
export const recurrents: Record<string, Runner> = {
  gru: recurrent((units, options) => gru(units, options)),
  lstm: recurrent((units, options) => lstm(units, options)),
  rnn: recurrent((units, options, { name, attrs }) => {
    const activation = attrs.nonlinearity ?? (name.startsWith("rnn_relu") ? "relu" : "tanh");
    return rnn(units, { ...options, activation });
  }),
};
