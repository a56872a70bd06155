/** The observer `progress-bar`. @module */
import { z } from "zod";
import { currentNotebook, definePlugin, type Factory } from "../../core/mod.ts";
import { Board, ProgressBar, type Screen } from "./_bar.ts";
import { NotebookProgress } from "./_notebook_progress.ts";

/** Standard error, for as long as somebody reads it. */
function standardError(): Screen {
  let open = true;
  return {
    terminal: Deno.stderr.isTerminal(),
    columns: () => {
      try {
        return Deno.consoleSize().columns;
      } catch {
        return 80;
      }
    },
    write: (text) => {
      try {
        for (let bytes = new TextEncoder().encode(text); open && bytes.length > 0;) {
          bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
        }
      } catch (error) {
        // Training goes on when nobody watches any more.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        open = false;
      }
    },
  };
}

/** Shared by all runs of a program, so that runs side by side do not draw over each other. */
let board: Board | undefined;

/**
 * Shows on standard error how a run is doing: the epoch, the step, loss and accuracy as seen in training, images a
 * second, and the time that is left. Each finished epoch leaves one line. Where standard error is not a terminal, these
 * lines are all there is. In a notebook of Deno's Jupyter kernel it is one output that changes in place, with curves of
 * loss and error that grow, and the notebook's button to interrupt ends the run after its step: the cell then goes on, with
 * the weights so far.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, fit, progressBar, sgd } from "@thinned/dropout";
 *
 * await fit(dense(10), {
 *   data: digits({ train: 200, test: 100 }), loss: crossEntropy(), optimizer: sgd(), epochs: 2,
 *   observers: [progressBar()], name: "softmax",
 * });
 * ```
 */
export const progressBar: Factory<"observer", Record<never, never>> = definePlugin({
  name: "progress-bar",
  summary:
    "Shows on standard error how a run is doing, in place on a terminal or in a notebook, else one line an epoch.",
  options: z.object({}),
  observe({ run, stop }) {
    const notebook = currentNotebook();
    if (notebook !== undefined) return new NotebookProgress(run, notebook, stop);
    board ??= new Board(standardError());
    return new ProgressBar(run, board);
  },
});
