/** How short trainings are doing, on standard error. @module */
import { z } from "zod";
import { definePlugin, type Factory, type Plugin } from "../../mod.ts";
import { note } from "../arguments/deliver.ts";

/** Milliseconds between two lines of a training, and between two looks at the line of a terminal. */
const LINE_MS = 2000;
const LOOK_MS = 100;

/** An observer that tells of each training: in place on a terminal, else in a line now and then, and when it is done. */
const adviseProgress: Factory<"observer", Record<never, never>> = definePlugin({
  name: "advise-progress",
  summary: "Tells how a short training is doing.",
  options: z.object({}),
  observe({ run }) {
    const terminal = Deno.stderr.isTerminal();
    let last = performance.now();
    const due = (ms: number) => {
      const now = performance.now();
      if (now - last < ms) return false;
      last = now;
      return true;
    };
    const show = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
    return {
      step({ epoch, stepInEpoch, loss }) {
        if (!terminal || !due(LOOK_MS)) return;
        show(
          `${run.name}: epoch ${epoch} of ${run.epochs}, step ${stepInEpoch} of ${run.stepsPerEpoch}, loss ${
            loss.toPrecision(3)
          }`,
        );
      },
      epoch({ epoch, trainLoss, validationLoss }) {
        const ends = epoch === run.epochs;
        if (!ends && (terminal || !due(LINE_MS))) return;
        if (terminal) show("");
        note(
          `${run.name}: epoch ${epoch} of ${run.epochs}, loss ${trainLoss.toPrecision(3)} on training, ${
            (validationLoss ?? NaN).toPrecision(3)
          } on validation`,
        );
      },
      end() {
        if (terminal) show("");
      },
    };
  },
});

/** The observer. */
export function progressOfAdvice(): Plugin<"observer"> {
  return adviseProgress();
}
