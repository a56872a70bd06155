/** Checks of joint draws: what a variant does not say is shared is independent, and no mask comes back after a period. @module */
import { LEVEL, logChoose } from "../chance.ts";
import { type Along, bitsOf, pack } from "../dependence.ts";
import { Draws } from "../draws.ts";
import { Panel, randomBases } from "../panel.ts";
import { applies, ensure } from "../report.ts";

const shared: Readonly<Record<Along, string>> = {
  layers: "places of a model",
  steps: "steps",
  examples: "examples",
  entries: "entries of an example",
};

/** Draws of what differs along one kind of axis are independent, unless the variant says otherwise. */
export function independent(along: Along): (draws: Draws) => string {
  return (draws) => {
    let [compared, panels] = [0, 0];
    for (const mode of ["train", "sample"] as const) {
      for (const panel of draws.panels(mode)) {
        if (along === "steps") ensureMoves(draws, panel);
        const findings = draws.findings(panel);
        const first = findings.found.find((one) => one.along === along);
        ensure(
          first === undefined,
          () =>
            `expected independent draws for the ${shared[along]}, found ${first!.found} (${
              Draws.circumstances(panel)
            }); what is shared is said by the mask, or as a claim`,
        );
        compared += findings.compared[along];
        panels++;
      }
    }
    applies(compared > 0, `${draws.label}: no two ${shared[along]} are expected to have draws of their own`);
    return `${compared} pairs in ${panels} panels of draws are independent`;
  };
}

/** Throws if some entries are dropped and others are not, and which they are is the same at all steps. */
function ensureMoves({ trial }: Draws, panel: Panel): void {
  const { dropped, sharing } = panel;
  if (dropped === null || sharing.fixed || trial.claims.adaptive === true) return;
  const ones = dropped.map(onesOf);
  const still = ones.every((count, i) => count === 0 || count === dropped[i].length);
  ensure(
    !still || ones.every((count) => (count === 0) === (ones[0] === 0)),
    () => `expected masks that differ from step to step, found one in all draws (${Draws.circumstances(panel)})`,
  );
}

/** Throws if two of many signatures are the same. `alike` is the logarithm of the probability that two given ones are. */
function distinct(signatures: Iterable<readonly [string, string, number]>, count: number, what: string): number {
  const seen = new Map<string, string>();
  let compared = 0;
  for (const [signature, where, alike] of signatures) {
    if (alike > Math.log(LEVEL) - 2 * Math.log(count)) continue;
    const before = seen.get(signature);
    ensure(before === undefined, () => `expected ${what} of their own, found the same at ${before} and at ${where}`);
    seen.set(signature, where);
    compared++;
  }
  return compared;
}

/** Bits as text, the same for a column and its opposite. */
function textOf(bits: Uint8Array): string {
  return pack(bits[0] === 1 ? bits.map((bit) => 1 - bit) : bits).join();
}

function onesOf(bits: Uint8Array): number {
  return bits.reduce((sum, bit) => sum + bit, 0);
}

/** No mask comes back along many entries, whatever the period. */
export function periodOfEntries(draws: Draws): string {
  const panels = draws.wide();
  applies(panels.length > 0, `${draws.label}: entries of an example are not told apart`);
  let compared = 0;
  for (const panel of panels) {
    applies(!panel.sharing.entries, `${draws.label}: entries of an example are said to depend on each other`);
    const bits = bitsOf(panel);
    const signatures = bits.map((column, i) => {
      const where = panel.axes.map((axis, k) => `${axis} ${panel.columns[i].at[k]}`).join(", ");
      return [textOf(column), where, -logChoose(column.length, onesOf(column))] as const;
    });
    compared += distinct(signatures, bits.length, "draws for the entries of an example");
  }
  applies(compared > 1, `${draws.label}: entries of an example have no draws of their own`);
  return `${compared} entries of an example have draws of their own`;
}

/** No mask comes back from example to example, whatever the period. */
export function periodOfExamples(draws: Draws): string {
  const { trial, label } = draws;
  const pick = trial.picker("examples");
  const site = draws.site(pick, 4);
  const rate = trial.rates.length === 0 ? undefined : pick.real(0.4, 0.6);
  const mode = pick.of(["train", "sample"] as const);
  const progress = draws.moment(pick, mode);
  const count = 72;
  const bases = randomBases(pick, count, 1);
  const common = { site, rate, mode, progress, layers: 1, window: 1, draws: count, positive: false, bases };
  // Blocks of examples that are far from each other, so that no example and no group is met in two of them.
  const far = pick.shuffled(Array.from({ length: 1000 }, (_, i) => i)).slice(0, site.role === "product" ? 5 : 12);
  const blocks = [
    { batch: site.role === "product" ? 150 : pick.whole(150, 300), sample: pick.whole(0, 5000) },
    ...far.map((place) => ({ batch: 40, sample: 10_240 + 1024 * place + pick.whole(0, 500) })),
  ];
  const signatures: [string, string, number][] = [];
  const examined = new Set<number>();
  for (const { batch, sample } of blocks) {
    const panel = new Panel(trial, { ...common, batch, sample, pick: trial.picker("rows") });
    const { sharing } = panel;
    applies(!sharing.examples, `${label}: examples of a batch are said to depend on each other`);
    applies(!sharing.axes.has("examples") && site.batched, `${label}: examples share a draw`);
    const row = panel.axes.indexOf("examples");
    const all = bitsOf(panel).map((bits, i) => ({ bits, at: panel.columns[i].at }));
    for (const [example, columns] of Map.groupBy(all, ({ at }) => at[row])) {
      // Blocks may overlap, and an example looks like itself.
      if (examined.has(sample + example)) continue;
      examined.add(sample + example);
      // Of entries that depend on each other, one tells how likely it is that two examples look alike.
      const independent = sharing.entries || sharing.rows ? columns.slice(0, 1) : columns;
      const alike = independent.reduce((sum, { bits }) => sum - logChoose(count, onesOf(bits)), 0);
      signatures.push([columns.map(({ bits }) => textOf(bits)).join("|"), `example ${sample + example}`, alike]);
    }
  }
  const compared = distinct(signatures, signatures.length, "draws for examples");
  applies(compared > 1, `${label}: no two examples have draws of their own`);
  return `${compared} examples, up to number 2^20, have draws of their own`;
}

/** No mask comes back from step to step, whatever the period. */
export function periodOfSteps(draws: Draws): string {
  const { trial, label } = draws;
  const pick = trial.picker("steps");
  const site = draws.site(pick, 120);
  const rate = trial.rates.length === 0 ? undefined : pick.real(0.35, 0.65);
  const mode = pick.of(["train", "sample"] as const);
  const progress = draws.moment(pick, mode);
  // Where a step tells little, only runs of steps can be told apart.
  const [start, count] = [pick.whole(0, 20_000), site.role === "product" ? 1200 : 2000];
  const bases = [
    ...Array.from({ length: count }, (_, i) => start + i),
    ...Array.from({ length: site.mixes ? 0 : 1000 }, () => pick.whole(start + count, 2 ** 20)),
  ];
  const panel = new Panel(trial, {
    site,
    rate,
    mode,
    progress,
    batch: 1,
    layers: 1,
    window: 1,
    draws: bases.length,
    positive: false,
    pick,
    bases: [...new Set(bases)],
  });
  const { sharing } = panel;
  applies(!sharing.fixed, `${label}: masks are said to be drawn once`);
  const total = panel.columns[0].values.length;
  const columns = bitsOf(panel).filter((bits) => onesOf(bits) > 0 && onesOf(bits) < total);
  applies(columns.length > 0, `${label}: nothing is dropped at step ${progress.step} of ${progress.totalSteps}`);
  const independent = sharing.entries || sharing.rows ? columns.slice(0, 1) : columns;
  // Logarithm of the largest probability that a step looks like a given one.
  const each = independent.reduce((sum, bits) => {
    const share = onesOf(bits) / total;
    return sum + Math.log(Math.max(share, 1 - share));
  }, 0);
  const needed = Math.log(LEVEL) - 2 * Math.log(total);
  const length = Math.max(1, Math.ceil(needed / each));
  const steps = Array.from({ length: total }, (_, draw) => columns.map((bits) => bits[draw]).join(""));
  const signatures: [string, string, number][] = [];
  for (let draw = 0; draw + length <= count; draw++) {
    const run = steps.slice(draw, draw + length).join("|");
    signatures.push([run, `step ${start + draw}`, length * each]);
  }
  if (length === 1) {
    for (let draw = count; draw < total; draw++) {
      signatures.push([steps[draw], `step ${panel.request.bases![draw]}`, each]);
    }
  }
  const compared = distinct(signatures, total, "masks for steps");
  applies(compared > 1, `${label}: too little is drawn at a step`);
  return `${compared} ${length === 1 ? "steps" : `runs of ${length} steps`} have masks of their own`;
}
