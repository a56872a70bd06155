/** Names of axes, for variants that share one draw along some of them. @module */
import { z } from "zod";
import { normalizeAxis, type Shape, ShapeError, showShape } from "../../core/mod.ts";

/** Which axis a name means, by the number of axes: `[batch, features]`, `[batch, time, features]` and so on. */
const axisOfName: Record<string, Partial<Record<number, number>>> = {
  batch: { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 },
  time: { 3: 1 },
  features: { 2: 1, 3: 2 },
  channels: { 3: 1, 4: 1, 5: 1 },
  length: { 3: 2 },
  depth: { 5: 2 },
  height: { 4: 2, 5: 3 },
  width: { 4: 3, 5: 4 },
};

/** An axis by name; `features` and `time` are those of sequences, `channels` and the rest those of images. */
export type AxisName = "batch" | "time" | "features" | "channels" | "length" | "depth" | "height" | "width";

/** An axis by name or number. */
export const axisNameSchema: z.ZodType<AxisName | number, AxisName | number> = z.union([
  z.enum(["batch", "time", "features", "channels", "length", "depth", "height", "width"]),
  z.int(),
], "expected the name or number of an axis");

/**
 * Axes as numbers.
 *
 * @throws {ShapeError} when a tensor of this shape has no such axis
 */
export function sharedAxes(names: readonly (AxisName | number)[], shape: Shape): number[] {
  return names.map((name) => {
    if (typeof name === "number") return normalizeAxis(name, shape.length, "share");
    const axis = axisOfName[name][shape.length];
    if (axis === undefined) {
      throw new ShapeError(`share: a tensor of shape ${showShape(shape)} has no axis named ${JSON.stringify(name)}.`);
    }
    return axis;
  });
}

/**
 * The axes that share a draw where whole channels are dropped: all but the batch and the channels.
 *
 * @param channels where the channels are
 * @param otherwise the variant that fits where there are no such axes
 * @throws {ShapeError} when there are none
 */
export function axesOfChannels(shape: Shape, channels: "first" | "last", otherwise: string): number[] {
  if (shape.length < 3) {
    throw new ShapeError(
      `expected [batch, channels, ...] with at least one further axis, found ${showShape(shape)}; ` +
        `for [batch, features] use ${otherwise}.`,
    );
  }
  const channel = channels === "first" ? 1 : shape.length - 1;
  return shape.map((_, axis) => axis).filter((axis) => axis !== 0 && axis !== channel);
}
