/** Broken, as a loss: it adds noise from Math.random. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../mod.ts";

export const fails: readonly string[] = ["same key, same bits", "gradient"];

export const lossDraws: Factory<"loss", Record<never, never>> = definePlugin({
  name: "loss-draws",
  options: z.object({}),
  loss: (outputs, targets) => ({ sum: outputs.sub(targets).square().sum(), weight: outputs.size }),
  objective(forward, targets) {
    const noise = 1 + Math.random();
    const outputs = forward(0).add(forward(1)).mul(noise);
    return { sum: outputs.sub(targets).square().sum(), weight: outputs.size };
  },
});
