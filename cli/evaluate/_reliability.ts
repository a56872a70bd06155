/** Reliability diagrams as text: a pure function from numbers to a string. @module */
import type { Calibration } from "../../mod.ts";

/** Characters between 0 and 1. */
const WIDTH = 50;

/**
 * A bar for each bin that has examples, as long as its accuracy; `·` fills the way to its mean confidence where that is larger,
 * and `|` stands at the confidence. Without a line feed at the end.
 */
export function reliability({ bins }: Calibration): string {
  const filled = bins.filter(({ count }) => count > 0);
  const digits = Math.max(8, ...filled.map(({ count }) => count.toLocaleString("en").length));
  const lines = filled.map(({ from, to, count, confidence, accuracy }) => {
    const bar = Math.round(accuracy * WIDTH);
    const mark = Math.round(confidence * WIDTH);
    const cells = Array.from({ length: WIDTH + 1 }, (_, at) => {
      if (at === mark) return "|";
      return at < bar ? "█" : at < mark ? "·" : " ";
    });
    const range = `${from.toFixed(2)} to ${to.toFixed(2)}`;
    return `${range} ${cells.join("")} ${accuracy.toFixed(3).padStart(8)}  ${
      count.toLocaleString("en").padStart(digits)
    }`;
  });
  const axis = `${"0".padEnd(WIDTH / 2)}${"0.5".padEnd(WIDTH / 2)}1`;
  const head = `${"confidence".padEnd(13)}${"accuracy (█), mean confidence (|)".padEnd(WIDTH + 1)} accuracy`;
  return [`${head}  ${"examples".padStart(digits)}`, ...lines, `${" ".repeat(13)}${axis}`].join("\n");
}
