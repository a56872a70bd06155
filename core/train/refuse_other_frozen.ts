/** Refusing to go on with other frozen parameters. @module */
import { CheckpointError } from "../errors.ts";
import type { Parameter } from "../plugin/model.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Says what it is when parameters were frozen that are trained now, or the other way round: an optimizer has slots for those
 * that are trained alone.
 *
 * @param parameters the model's
 * @param mine all that learning changes, by name
 * @param saved the same of a checkpoint
 * @throws {CheckpointError} naming the first parameter
 */
export function refuseOtherFrozen(
  parameters: readonly Parameter[],
  mine: ReadonlyMap<string, Tensor>,
  saved: ReadonlyMap<string, Tensor>,
): void {
  const slots = (all: ReadonlyMap<string, Tensor>) => [...all.keys()].filter((name) => name.startsWith("optimizer/"));
  const [now, then] = [slots(mine), slots(saved)];
  // An optimizer without slots does not tell.
  if (now.length === 0 || then.length === 0) return;
  for (const { name } of parameters) {
    const [trains, trained] = [now, then].map((all) => all.some((slot) => slot.endsWith(`/${name}`)));
    if (trains === trained || !saved.has(`model/${name}`)) continue;
    const [was, is] = trains ? ["frozen", "trained"] : ["trained", "frozen"];
    throw new CheckpointError(
      `The checkpoint is of a run in which ${name} was ${was}, and now it is ${is}: ` +
        "begin a new run with its weights to change that.",
    );
  }
}
