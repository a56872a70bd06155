/** Attention and the transformer's encoder block. */
import { encoderBlock, multiHeadAttention } from "../../plugins/mod.ts";
import { checkLayer, type GoldenCase, numberOf, refuse, type Runner } from "./_golden.ts";

/** Cases that do not say how many heads there are have two. */
const headsOf = (golden: GoldenCase) => numberOf(golden, ["heads", "num_heads", "nhead"], /(\d+) heads/, 2);

const attention: Runner = (golden, dtype) => {
  refuse(golden, "dropout", "add_bias_kv", "add_zero_attn");
  const { attrs, params, name } = golden;
  const causal: boolean = attrs.causal ?? attrs.is_causal ?? name.startsWith("mha_causal");
  const bias = Object.keys(params).some((name) => name.endsWith("in_proj_bias"));
  checkLayer(multiHeadAttention(headsOf(golden), { causal, bias }), golden, dtype);
};

const encoder = (norm: "pre" | "post"): Runner => (golden, dtype) => {
  refuse(golden, "dropout");
  const { attrs, note, params } = golden;
  const layer = encoderBlock(headsOf(golden), {
    feedForward: params["linear1.weight"].shape[0],
    norm: attrs.norm_first === undefined ? norm : attrs.norm_first ? "pre" : "post",
    activation: attrs.activation ?? (/\bgelu\b/.test(note) ? "gelu" : "relu"),
    epsilon: numberOf(golden, ["eps", "layer_norm_eps"], /eps ([\d.e-]+)/, 1e-5),
    causal: attrs.causal ?? attrs.is_causal ?? false,
  });
  checkLayer(layer, golden, dtype);
};

/** By the beginning of a case's name. */
export const attentions: Record<string, Runner> = {
  encoder_layer: encoder("post"),
  encoder_layer_postnorm: encoder("post"),
  encoder_layer_prenorm: encoder("pre"),
  mha: attention,
};
