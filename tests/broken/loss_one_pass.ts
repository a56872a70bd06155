/** Broken, as a loss: it compares a pass with itself. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["passes"];

const squared = (a: Tensor, b: Tensor) => a.sub(b).square().sum();

export const lossOnePass: Factory<"loss", Record<never, never>> = definePlugin({
  name: "loss-one-pass",
  options: z.object({}),
  loss: (outputs, targets) => ({ sum: squared(outputs, targets), weight: outputs.size }),
  objective: (forward, targets) => ({
    sum: squared(forward(0), targets).add(squared(forward(0), forward(0))),
    weight: targets.size,
  }),
});
