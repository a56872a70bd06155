/** The result of a run in a notebook. @module */
import type { EpochMetrics } from "../train/events.ts";
import { displayHistory, errorText } from "./display_history.ts";
import { type DisplayBundle, escaped } from "./jupyter.ts";

/** What is told of a run. */
export interface ShownResult extends EpochMetrics {
  readonly name: string;
  readonly parameters: number;
  readonly history: readonly EpochMetrics[];
  readonly interrupted: boolean;
  readonly stopped: boolean;
  readonly backend: { readonly name: string; readonly instructions: string };
}

/** What a run shows of itself: where it ended, and how it came there. */
export function displayResult(result: ShownResult, classification: boolean): DisplayBundle {
  const { name, epoch, step, history, testError, trainError, parameters, backend, interrupted, stopped } = result;
  const numbers = parameters.toLocaleString("en");
  const ended = interrupted ? "interrupted" : stopped ? "stopped early" : `${history.length} epochs`;
  const gap = errorText(testError - trainError, classification);
  const sentence = `test error ${errorText(testError, classification)}, ` +
    `training error ${errorText(trainError, classification)} (gap ${gap}) after epoch ${epoch}`;
  const detail = `${ended}, ${step} steps, ${numbers} trained numbers, ${backend.name} (${backend.instructions})`;
  const course = displayHistory(history, classification);
  return {
    "text/plain": `${name}: ${sentence}; ${detail}`,
    "text/html": `<div><strong>${escaped(name)}</strong>: ${escaped(sentence)}</div>` +
      `<div style="opacity:.7;margin-bottom:.5em">${escaped(detail)}</div>${course["text/html"]}`,
  };
}
