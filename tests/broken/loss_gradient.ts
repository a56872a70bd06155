/** Broken, as a loss: the gradient of its second pass is lost. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["gradient"];

const squared = (a: Tensor, b: Tensor) => a.sub(b).square().sum();

export const lossGradient: Factory<"loss", Record<never, never>> = definePlugin({
  name: "loss-gradient",
  options: z.object({}),
  loss: (outputs, targets) => ({ sum: squared(outputs, targets), weight: outputs.size }),
  objective: (forward, targets) => ({
    sum: squared(forward(0), targets).add(squared(forward(1).detach(), targets)),
    weight: targets.size,
  }),
});
