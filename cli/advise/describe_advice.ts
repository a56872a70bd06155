/** Advice as text, and as the one object of `--json`. @module */
import type { AdviceSource } from "../../mod.ts";
import { invocation } from "../arguments/invocation.ts";
import { wrap } from "../print/columns.ts";
import { table } from "../print/table.ts";
import type { Advice, Verdict } from "./advice.ts";

const verdicts: Readonly<Record<Verdict, string>> = {
  needed: "Dropout is needed: there is a gap, and dropout makes the loss on validation smaller.",
  unclear: "There is a gap, but no rate that was tried made the loss on validation smaller by more than the noise.",
  "too-early": "It is too early to tell: there is no gap yet, but the net still learns.",
  "not-needed": "Dropout is not needed: there is no gap for it to close.",
};

function cited({ paper, where, url }: AdviceSource): string {
  return `[${paper}, ${where}; ${url}]`;
}

/** Lines of a paragraph, all but the first indented. */
function indented(text: string, by = "  "): string {
  return wrap(text).join(`\n${by}`);
}

/** A change as an option that makes it. */
function setting(path: string, value: unknown): string {
  const json = typeof value === "string" ? value : JSON.stringify(value);
  return `--set ${/[ "{}[\]]/.test(json) ? `'${path}=${json}'` : `${path}=${json}`}`;
}

/** The advice for a person. */
export function describeAdvice(advice: Advice, file: string | undefined): string {
  const { findings, trained, verdict, statements, stopped, classification } = advice;
  const lines: string[] = [""];
  if (findings.length === 0) lines.push("Nothing is wrong with the dropout of this configuration.", "");
  for (const { severity, path, problem, remedy, changes, source } of findings) {
    lines.push(indented(`${severity}: ${path}: ${problem}`), `  ${indented(remedy)}`);
    // A change of an entry of a list to nothing moves all behind it: one at a time.
    for (const { path, value } of changes.slice(0, 4)) lines.push(`  ${setting(path, value)}`);
    if (changes.length > 4) lines.push(`  ... and ${changes.length - 4} more of the kind`);
    lines.push(`  ${indented(cited(source))}`, "");
  }
  if (trained.length > 0) {
    const number = (value: number) => value.toPrecision(3);
    const rows = trained.map((net) => [
      net.name,
      net.epochs,
      `${number(net.trainLoss.mean)} ± ${number(net.trainLoss.standardError)}`,
      `${number(net.validationLoss.mean)} ± ${number(net.validationLoss.standardError)}`,
      `${number(net.gap.mean)} ± ${number(net.gap.standardError)}`,
      classification ? `${(100 * net.validationError).toFixed(2)} %` : number(net.validationError),
      net.againstPlain === undefined
        ? ""
        : `${number(net.againstPlain.mean)} ± ${number(net.againstPlain.standardError)}`,
    ]);
    const head = ["net", "epochs", "training loss", "validation loss", "gap", "validation error", "against plain"];
    lines.push(table(rows, head), "± standard error over parts of the examples", "");
  }
  for (const { said, source } of statements) {
    lines.push(`- ${indented(said)}`);
    if (source !== undefined) lines.push(`  ${indented(cited(source))}`);
  }
  if (statements.length > 0) lines.push("");
  if (verdict !== undefined) lines.push(verdicts[verdict], "");
  if (stopped) lines.push("Stopped before all was measured.", "");
  if (file !== undefined) {
    lines.push(`The advised configuration is in ${file}: ${invocation(`train --config ${file}`)}`, "");
  } else if (trained.length > 0 || findings.some(({ changes }) => changes.length > 0)) {
    lines.push("--write FILE writes the advised configuration.", "");
  }
  return lines.join("\n");
}

/** The advice as JSON: what is infinite, a standard error over a single part, has no number there. */
export function summarizeAdvice(advice: Advice, file: string | undefined): unknown {
  const { dataset, run, findings, trained, verdict, statements, begin, config, stopped } = advice;
  return { dataset, run, verdict, findings, trained, statements, begin, stopped, written: file, config };
}
