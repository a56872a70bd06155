/** The parameter that a variant at a weight stands at. @module */
import { join } from "./_description.ts";
import type { Tensors } from "./_units.ts";

/** Which rows of which parameter a variant stands at, by the path of its host and its name there. */
export function weightAt(host: string, name: string, tensors: Tensors): { weight: string; rows?: [number, number] } {
  const at = (parameter: string) => `model/${join(host, parameter)}`;
  const recurrent = /^(weight|inputWeight)(_l\d+(?:_reverse)?)$/.exec(name);
  const projection = ["weight_query", "weight_key", "weight_value"].indexOf(name);
  if (recurrent !== null) return { weight: at(`weight_${recurrent[1] === "weight" ? "hh" : "ih"}${recurrent[2]}`) };
  if (name === "weight_out") return { weight: at("out_proj.weight") };
  if (projection < 0) return { weight: at(name) };
  const packed = tensors.get(at("in_proj_weight"));
  if (packed === undefined) return { weight: at(`${"qkv"[projection]}_proj_weight`) };
  const features = packed.shape[1];
  return { weight: at("in_proj_weight"), rows: [projection * features, (projection + 1) * features] };
}
