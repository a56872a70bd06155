/** What a data set did to inputs and targets, as nodes. @module */
import { type OnnxValue, type Preprocessing, type Shape, Tensor } from "../../../core/mod.ts";
import type { Graph } from "./_graph.ts";

/** The path that its nodes have. */
const path = "preprocessing";

/** The shape of an example as it was given to the data set. */
export function preparedShape({ shape, layout }: Preprocessing): Shape {
  return layout === undefined ? shape : [...shape.slice(1), shape[0]];
}

/** Numbers beside the first axis of an example. */
function alongFirst(numbers: readonly number[], shape: Shape): Tensor {
  return Tensor.from(numbers, [numbers.length, ...shape.slice(1).map(() => 1)]);
}

/** `(input scale - mean) / deviation`, channels first. */
export function prepared(graph: Graph, { shape, layout, scale, inputUnits }: Preprocessing, x: OnnxValue): OnnxValue {
  let y = x;
  if (layout !== undefined) {
    const perm = [0, shape.length, ...shape.slice(1).map((_, axis) => axis + 1)];
    y = graph.op(path, "Transpose", [y], { attributes: { perm }, shape: [x.shape[0], ...shape] });
  }
  if (scale !== 1) y = graph.op(path, "Mul", [y, graph.constant(scale)]);
  if (inputUnits === undefined) return y;
  const { mean, deviation } = inputUnits;
  const centered = graph.op(path, "Sub", [y, graph.constant(alongFirst(mean, shape))]);
  return graph.op(path, "Div", [centered, graph.constant(alongFirst(deviation, shape))]);
}

/** `output deviation + mean`, where targets have units. */
export function restored(graph: Graph, { targetUnits }: Preprocessing, y: OnnxValue): OnnxValue {
  if (targetUnits === undefined) return y;
  const { mean, deviation } = targetUnits;
  return graph.op(path, "Add", [graph.op(path, "Mul", [y, graph.constant(deviation)]), graph.constant(mean)]);
}
