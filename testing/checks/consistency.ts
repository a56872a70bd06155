/**
 * Checks that a variant is one and the same whatever the element type, the mode, the rate, the point of training and the values
 * that it is given.
 *
 * @module
 */
import { definePlugin, type Factory, keepProbability, noGrad, rateThreshold, type Tensor } from "../../core/mod.ts";
import { z } from "zod";
import { LEVEL } from "../chance.ts";
import { Draws } from "../draws.ts";
import { halves } from "../panel.ts";
import { atRate } from "../rates.ts";
import { applies, ensure } from "../report.ts";
import { sameBits, type Subject, type Trial } from "../trial.ts";

/** In float32 the same is drawn and computed as in float64, up to rounding. */
export function precision({ trial }: Draws): string {
  const pick = trial.picker("precision");
  // Where values decide what is dropped, rounding may decide otherwise; a method may compute its rate in float32.
  const role = trial.definition[trial.site.role];
  const allowed = trial.claims.adaptive ? 0.03 : typeof role === "function" ? 0.003 : 0;
  let [compared, others, first] = [0, 0, ""];
  for (let i = 0; i < 24; i++) {
    const rate = trial.rates.length === 0
      ? undefined
      : pick.of([pick.real(0.05, 0.5), pick.real(0.5, 0.8), pick.real(0.8, 0.95)]);
    const progress = trial.moment(pick, i % 4, 4);
    const batch = [1, 3, 17, pick.whole(2, 12)][pick.whole(0, 3)];
    const run = {
      mode: i % 2 === 0 ? "train" : "sample",
      step: pick.whole(0, 2 ** 20),
      sample: pick.whole(0, 99),
    } as const;
    const [double, single] = (["float64", "float32"] as const).map((dtype) => {
      const subject = trial.subject({ rate, progress, dtype });
      return subject.output(subject.inputs(batch, { draw: String(i) }), run);
    });
    ensure(single.dtype === "float32", () => `expected float32 from float32, found ${single.dtype}`);
    double.floats.forEach((wanted, at) => {
      const found = single.floats[at];
      compared++;
      const near = Math.abs(found - wanted) <= 1e-3 * Math.max(1, Math.abs(wanted));
      if ((near && (found === 0) === (wanted === 0)) || Math.abs(wanted) < 1e-30 && Math.abs(found) < 1e-30) return;
      others++;
      const circumstances =
        `mode ${run.mode}${rate === undefined ? "" : `, rate ${rate.toFixed(3)}`}, batch ${batch}, ` +
        `step ${progress.step} of ${progress.totalSteps}`;
      if (first === "") first = `${wanted} in float64 and ${found} in float32 at entry ${at} (${circumstances})`;
    });
  }
  ensure(others <= allowed * compared, () => `expected the same in both element types up to rounding, found ${first}`);
  return `${compared} entries are the same in float32 and float64, up to rounding`;
}

/** Mode `sample` draws as training does: entries have the same distribution, unless the claims say otherwise. */
export function sampleAsTrain(draws: Draws): string {
  const { trial } = draws;
  applies(trial.claims.sample !== "otherwise", "mode sample is said to draw otherwise");
  applies(trial.claims.draw !== "fixed", `${draws.label}: masks are drawn once`);
  const others = [...draws.panels("sample")];
  let compared = 0;
  for (const [i, panel] of [...draws.panels("train")].entries()) {
    const other = others[i];
    const count = panel.request.draws;
    // Massart's bound of the distance of two empirical distributions, with its constant e for small samples.
    const allowed = Math.sqrt((Math.log(panel.columns.length / LEVEL) + 1) / count);
    panel.columns.forEach((column, k) => {
      const distance = apart(column.values, other.columns[k].values);
      ensure(
        distance <= allowed,
        () =>
          `expected mode sample to draw as training does, found the distributions of an entry ${
            distance.toFixed(2)
          } apart ` +
          `in ${count} draws of each (${Draws.circumstances(panel)})`,
      );
      compared++;
    });
  }
  return `the distributions of ${compared} entries are the same in modes train and sample`;
}

/** The largest distance of two empirical distribution functions; values that differ by rounding count as one. */
function apart(first: Float64Array, second: Float64Array): number {
  const [a, b] = [first.toSorted(), second.toSorted()];
  let [i, j, largest] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    // A run of values between which there are no gaps but those of rounding.
    let value = Math.min(a[i], b[j]);
    for (;;) {
      const next = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
      if (next - value > 1e-8 * Math.max(Math.abs(value), Math.abs(next), 1e-12)) break;
      value = next;
      if (a[i] === next) i++;
      else if (b[j] === next) j++;
      else break;
    }
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length));
  }
  return largest;
}

const [DIVIDED, LEFT] = ["divided by the keep probability", "left as they are"];

/** Entries that are kept are scaled by one rule at all rates, in both modes, at all points of training. */
export function oneScale(draws: Draws): string {
  const { trial } = draws;
  applies(trial.rates.length > 0, `${draws.label}: no option is a rate`);
  const { claims, site } = trial;
  const plain = site.role !== "product" && claims.adaptive !== true && claims.dropped !== "otherwise";
  const alone = claims.shares?.some((one) => one === "entries" || one === "examples") !== true;
  applies(plain && alone, `${draws.label}: entries are not only scaled by the rate`);
  const panels: { where: string; rules: Map<string, number> }[] = [];
  for (const mode of ["train", "sample"] as const) {
    for (const panel of draws.panels(mode)) {
      if (panel.idle || panel.dropped === null) continue;
      const keep = keepProbability(rateThreshold(panel.request.rate!));
      const rules = new Map<string, number>();
      panel.columns.forEach(({ values, plain }, i) => {
        if (plain === 0) return;
        values.forEach((value, draw) => {
          if (panel.dropped![i][draw] === 1) return;
          const factor = value / plain;
          const near = (wanted: number) => Math.abs(factor - wanted) <= 2e-4 * wanted;
          const rule = near(1 / keep) ? DIVIDED : near(1) ? LEFT : "changed otherwise";
          rules.set(rule, (rules.get(rule) ?? 0) + 1);
        });
      });
      if (rules.size > 0) panels.push({ where: Draws.circumstances(panel), rules });
    }
  }
  applies(panels.length > 0, `${draws.label}: no value marks what is dropped`);
  // Some entries may happen to look so under any rule: what most do in some panel counts.
  const most = panels.map(({ rules }) => [...rules].reduce((a, b) => b[1] > a[1] ? b : a)[0]);
  const known = most.filter((rule) => rule === DIVIDED || rule === LEFT);
  applies(known.length > 0, `${draws.label}: kept entries are changed otherwise than by the keep probability`);
  for (const { where, rules } of panels) {
    const other = [...rules.keys()].find((rule) => rule !== known[0]);
    ensure(
      other === undefined,
      () => `expected one rule of scaling, by which kept entries are ${known[0]}, found some ${other} (${where})`,
    );
  }
  return `kept entries are ${known[0]}, at all rates, in both modes`;
}

/** What is dropped does not depend on the values it is dropped from, unless the claims say so. */
export function blind({ trial, label }: Draws): string {
  applies(trial.claims.adaptive !== true, "what is dropped is said to depend on values");
  const { site } = trial;
  applies(site.role !== "product", `${label}: an entry of the output is not one that is dropped`);
  const pick = trial.picker("values");
  let compared = 0;
  for (let i = 0; i < 4; i++) {
    const rate = trial.rates.length === 0 ? undefined : pick.of([pick.real(0.1, 0.45), pick.real(0.55, 0.9)]);
    const mode = i % 2 === 0 ? "train" : "sample";
    const subject = trial.subject({ rate, progress: trial.moment(pick, i, 4) });
    const batch = [3, 1, 17, pick.whole(2, 9)][i];
    const steps = Array.from({ length: 48 }, () => pick.whole(0, 2 ** 20));
    const inputs = ["one", "other"].map((draw) => subject.inputs(batch, { draw: `${draw} ${i}` }));
    const found = inputs.map((x, which) => {
      if (which === 1) changeTable(subject, pick.real(0.5, 3));
      return {
        plain: noGrad(() => site.plain(subject.model, x)).clone(),
        all: steps.map((step) => subject.output(x, { mode, step })),
      };
    });
    const [a, b] = found.map(({ all }) => all.map(({ floats }) => Float64Array.from(floats)));
    const [plainA, plainB] = found.map(({ plain }) => plain.floats);
    const zeros = a.some((values) => values.some((value, at) => value === 0 && plainA[at] !== 0));
    for (let at = 0; at < plainA.length; at++) {
      if (plainA[at] === 0 || plainB[at] === 0) continue;
      const [one, other] = [a, b].map((all) => Float64Array.from(all, (values) => values[at]));
      const atoms = [one, other].map(commonest);
      // Without zeros, what an entry is most of the time is what it is if nothing happens to it.
      const common = atoms.every(({ share }) => share > 0.2);
      if (!zeros && atoms.some(({ share }) => share === 1)) continue;
      // What becomes of an entry may depend on others that it is said to depend on.
      if (!zeros && !common && trial.claims.shares?.includes("entries")) continue;
      const bits = (values: Float64Array, plain: number, usual: number) =>
        zeros || common
          ? Uint8Array.from(values, (value) => value === (zeros ? 0 : usual) ? 1 : 0)
          : halves({ at: [], plain, values });
      const mine = bits(one, plainA[at], atoms[0].value);
      const theirs = bits(other, plainB[at], atoms[1].value);
      const same = mine.reduce((count, bit, draw) => count + (bit === theirs[draw] ? 1 : 0), 0);
      // Without zeros only the order of the values is known, perhaps turned round.
      const agree = zeros ? same : Math.max(same, mine.length - same);
      ensure(
        agree >= (zeros ? 1 : 0.75) * mine.length,
        () =>
          `expected the same to be dropped whatever the values, found entry ${at} (${plainA[at]} or ${
            plainB[at]
          }) dropped ` +
          `alike in ${agree} of ${mine.length} draws in mode ${mode}; a variant that looks at values claims adaptive: true`,
      );
      compared++;
    }
  }
  applies(compared > 0, `${label}: no entry shows whether it was dropped`);
  return `what is dropped of ${compared} entries does not depend on their values`;
}

/** The value that comes most often, and its share. */
function commonest(values: Float64Array): { value: number; share: number } {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [value, count] = [...counts].reduce((a, b) => b[1] > a[1] ? b : a);
  return { value, share: count / values.length };
}

/** Gives the weight or table of a host other values, of both signs. */
function changeTable(subject: Subject, size: number): void {
  noGrad(() => {
    for (const { name, tensor } of subject.model.parameters()) {
      if (!/(^|\.)(weight|table)$/.test(name)) continue;
      // In the opposite order, so that large ones stand where small ones stood.
      const turned = Float64Array.from(tensor.floats).reverse().map((value) => -size * value);
      tensor.floats.set(turned);
    }
  });
}

/** A schedule whose value is a share of the run that is over. */
const ramp: Factory<"schedule", { from: number; to: number }> = definePlugin({
  name: "exam-ramp",
  options: z.object({ from: z.number(), to: z.number() }),
  value: ({ step, totalSteps }, { from, to }) => from + (to - from) * step / totalSteps,
});

/** Where a rate is a schedule, the rate of the moment counts. */
export function schedules(trial: Trial): string {
  const { definition, rates } = trial;
  const shape = definition.options.shape as Record<string, { safeParse(value: unknown): { success: boolean } }>;
  const schedule = ramp({ from: 0.125, to: 0.625 });
  const accepted = rates.filter((name) => shape[name]?.safeParse(schedule).success);
  applies(accepted.length > 0, "no rate can be a schedule");
  const pick = trial.picker("schedules");
  const scheduled = Object.fromEntries(accepted.map((name) => [name, ramp(turned(name, 0.125, 0.625))]));
  for (let i = 0; i < 4; i++) {
    const progress = trial.moment(pick, i, 4);
    const rate = 0.125 + 0.5 * progress.step / progress.totalSteps;
    const constant = Object.fromEntries(accepted.map((name) => {
      const { from, to } = turned(name, 0.125, 0.625);
      return [name, from + (to - from) * progress.step / progress.totalSteps];
    }));
    const moving = trial.subject({ options: scheduled, progress });
    const still = trial.subject({ options: constant, progress });
    still.copyFrom(moving);
    const x = moving.inputs(3);
    for (const mode of ["train", "eval", "sample"] as const) {
      for (const step of [progress.step, pick.whole(0, 9999)]) {
        const [a, b]: Tensor[] = [moving, still].map((subject) => subject.output(x, { mode, step }));
        ensure(
          sameBits(a, b),
          () =>
            `expected a schedule of ${accepted.join(", ")} to act in mode ${mode} as the rate of the moment, ` +
            `${rate.toFixed(3)}, does, found other numbers`,
        );
      }
    }
  }
  return `a schedule of ${accepted.join(", ")} acts as the rate of the moment does`;
}

/** The ends of the ramp of one option, which may be a probability of keeping. */
function turned(name: string, from: number, to: number): { from: number; to: number } {
  return { from: atRate([name], from)[name] as number, to: atRate([name], to)[name] as number };
}
