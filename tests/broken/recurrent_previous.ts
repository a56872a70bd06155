/** Broken, in a recurrent layer: the gradient does not flow to the previous value. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["gradient"];

export const recurrentPrevious: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "recurrent-previous",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["cell"],
  recurrent(value, { previous, time }, { mode, key, options: { rate } }) {
    if (mode === "eval" || previous === null) return value;
    const draw = key.later(time);
    const before = previous.detach();
    return value.dropout(draw, rate, { scale: false }).add(before.sub(before.dropout(draw, rate, { scale: false })));
  },
});
