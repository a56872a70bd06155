/** Checks of the edges: rates of 0 and 1, infinities at dropped entries, and batches of any size. @module */
import { gradients, type Mode, noGrad, OptionError, sameShape, showShape, type Tensor } from "../../core/mod.ts";
import { atRate, type Options } from "../rates.ts";
import { applies, ensure } from "../report.ts";
import { ensureFinite, type Subject, type Trial } from "../trial.ts";

const modes: readonly Mode[] = ["train", "eval", "sample"];

/** The output has the shape of what stands there without the variant, in every mode and for batches of 0, 1 and 3. */
export function shape(trial: Trial): string {
  trial.findMoment();
  for (const dtype of ["float64", "float32"] as const) {
    const subject = trial.subject({ rate: 0.5, dtype });
    for (const batch of [3, 1, 0]) {
      const x = subject.inputs(batch);
      const plain = noGrad(() => trial.site.plain(subject.model, x));
      for (const mode of modes) {
        const y = subject.output(x, { mode });
        const free = trial.site.reshapes === true && mode !== "eval";
        const fits = free ? y.rank === plain.rank && y.shape[0] === batch : sameShape(y.shape, plain.shape);
        ensure(
          fits && y.dtype === dtype,
          `expected an output ${showShape(plain.shape)} of ${dtype} in mode ${mode}, ` +
            `found ${showShape(y.shape)} of ${y.dtype}`,
        );
      }
    }
  }
  return "the shape and type are kept in every mode, for batches of 3, 1 and 0";
}

/** Options in which some or all of the rates stand at an edge. */
function edges(trial: Trial): Options[] {
  const all = [0, 1].map((rate) => atRate(trial.rates, rate));
  const single = trial.rates.length < 2 ? [] : trial.rates.flatMap((name) => [{ [name]: 0 }, { [name]: 1 }]);
  return [...all, ...single];
}

/** At rates of 0 and 1 all is finite, forward and backward, unless the rate is refused by its name. */
export function edgeRates(trial: Trial): string {
  applies(trial.rates.length > 0, "there is no rate");
  trial.findMoment();
  let refused = "";
  for (const options of edges(trial)) {
    const text = JSON.stringify(options);
    try {
      for (const dtype of ["float64", "float32"] as const) {
        const subject = trial.subject({ options, dtype });
        for (const mode of modes) finite(subject, mode, `mode ${mode} with ${text}`);
      }
    } catch (error) {
      const named = error instanceof OptionError && trial.rates.some((name) => error.message.includes(name));
      if (!named) throw error;
      refused = `; ${text} is refused by name`;
    }
  }
  return `rates of 0 and 1 are finite, forward and backward${refused}`;
}

function finite(subject: Subject, mode: Mode, what: string): void {
  const inputs = subject.inputs(4).map((x) => x.dtype === "int32" ? x : x.withGradient());
  const points = [...inputs, ...subject.model.parameters().map(({ tensor }) => tensor)]
    .filter((x) => x.requiresGradient);
  const check = (y: Tensor, name: string) => {
    ensureFinite(y, `${name} in ${what}`);
    // What is left out altogether has no history, and so no gradient that could be wrong.
    if (!y.requiresGradient) return;
    gradients(y.sum(), points).forEach((gradient) => ensureFinite(gradient, `a gradient of ${name} in ${what}`));
  };
  check(subject.run(inputs, { mode }), "the output");
  const penalty = mode === "train" ? subject.penalty(inputs) : null;
  if (penalty !== null) check(penalty, "the penalty");
}

/** An infinity at a dropped entry gives 0, not NaN. */
export function infinities(trial: Trial): string {
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  const subject = trial.subject({ rate: 0.5 });
  const x = subject.inputs(4);
  const probe = trial.site.probe(subject.model, x);
  applies(probe !== null, `${trial.site.label}: no entry stands for one of the input`);
  let tried = 0;
  for (let step = 0; step < 4; step++) {
    const at = subject.output(x, { step }).floats.indexOf(0);
    if (at < 0) continue;
    const source = trial.site.source?.(x, at) ?? at;
    const before = probe.floats[source];
    probe.floats[source] = Infinity;
    const found = subject.output(x, { step }).floats[at];
    probe.floats[source] = before;
    tried++;
    ensure(!Number.isNaN(found), `expected 0 for an infinity at a dropped entry, found NaN at step ${step}`);
  }
  applies(tried > 0, `${trial.site.label}: no entry of the output is 0`);
  return "an infinity at a dropped entry gives 0";
}
