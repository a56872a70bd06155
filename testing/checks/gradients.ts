/** Checks of gradients: that they are those of what was computed, with the mask of the forward pass. @module */
import { gradients, noGrad, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../gradient_check.ts";
import { applies, ensure } from "../report.ts";
import { type Subject, type Trial, TRIES } from "../trial.ts";

/** Gradients agree with central differences while the mask is held. */
export function numericGradient(trial: Trial): string {
  applies(trial.claims.gradient !== "surrogate", "the claims say that the gradient is a surrogate");
  trial.findMoment();
  for (const rate of trial.rates.length === 0 ? [undefined] : [0.5, 0.2]) {
    const subject = trial.subject({ rate });
    const inputs = subject.inputs(2);
    const leaves = inputs.filter((x) => x.dtype !== "int32");
    const parameters = subject.model.parameters().map(({ tensor }) => tensor);
    const whole = (given: readonly Tensor[]) => inputs.map((x) => x.dtype === "int32" ? x : given[leaves.indexOf(x)]);
    const check = (f: (x: Tensor[]) => Tensor, step: number) =>
      checkGradient((given) => f(whole(given)), leaves, { parameters, seed: step });
    // Where a step leaves everything out there is no gradient to compare.
    const steps: number[] = [];
    for (let step = 3; step < 3 + TRIES && steps.length < 2; step++) {
      if (hasHistory(subject, inputs, step)) steps.push(step);
    }
    ensure(steps.length > 0, `expected an output with a gradient in one of ${TRIES} steps, found none`);
    for (const step of steps) check((x) => seen(trial, subject.run(x, { step })), step);
    const penalty = subject.penalty(withGradients(inputs));
    if (penalty?.requiresGradient) check((x) => subject.penalty(x)!, 3);
  }
  return "gradients agree with central differences to 1e-6, with the mask held";
}

/** What gradients are taken of. */
function seen(trial: Trial, y: Tensor): Tensor {
  return trial.site.readout?.(y) ?? y;
}

function withGradients(inputs: readonly Tensor[]): Tensor[] {
  return inputs.map((x) => x.dtype === "int32" ? x : x.withGradient());
}

function hasHistory(subject: Subject, inputs: readonly Tensor[], step: number): boolean {
  return subject.run(withGradients(inputs), { step }).requiresGradient;
}

/** Where the output is 0 because its entry was dropped, the gradient is 0. */
export function backwardMask(trial: Trial): string {
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  applies(trial.site.source === undefined, `${trial.site.label}: an entry of the input stands for several`);
  const subject = trial.subject({ rate: 0.5 });
  let dropped = 0;
  for (let step = 0; step < 8; step++) {
    const inputs = withGradients(subject.inputs(8));
    const probe = trial.site.probe(subject.model, inputs);
    applies(probe !== null, `${trial.site.label}: no entry stands for one of the input`);
    const y = seen(trial, subject.run(inputs, { step }));
    if (!y.requiresGradient) continue;
    const upstream = noGrad(() => trial.site.plain(subject.model, inputs).square().add(1));
    const [gradient] = gradients(y, [probe], upstream);
    y.floats.forEach((value, i) => {
      if (value !== 0 || probe.floats[i] === 0) return;
      dropped++;
      ensure(
        gradient.floats[i] === 0,
        () =>
          `expected a gradient of 0 at entry ${i}, where the output is 0, found ${
            gradient.floats[i]
          } at step ${step}: ` +
          "the backward pass has another mask",
      );
    });
  }
  applies(dropped > 0, `${trial.site.label}: no entry of the output is 0`);
  return "the gradient is 0 where the output was dropped";
}

/** Axes that share a draw do, and the others do not. */
export function sharedAxes(trial: Trial): string {
  const { shape } = trial.definition.options;
  const axes = trial.site.inputShapes[0].map((_, i) => i + 1);
  const accepts = "share" in shape && shape.share.safeParse([1]).success;
  applies(accepts, "there is no option share with axes");
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  for (const axis of [0, ...axes]) {
    const subject = trial.subject({ rate: 0.5, options: { share: [axis] } });
    const x = subject.inputs(6).map((input) => Tensor.ones(input.shape, "float64"));
    const varies = (along: number) =>
      Array.from({ length: TRIES }, (_, step) => step).some((step) => {
        const y = subject.output(x, { step });
        return noGrad(() => y.max(along).sub(y.min(along)).max().item()) > 1e-12;
      });
    ensure(!varies(axis), `expected one draw along axis ${axis} with share: [${axis}], found several`);
    const others = [0, ...axes].filter((other) => other !== axis && (other === 0 ? 6 : x[0].shape[other]) > 1);
    ensure(
      others.length === 0 || others.some(varies),
      `expected draws that differ along other axes with share: [${axis}], found one draw for all`,
    );
  }
  return "axes that share a draw do, and others do not";
}
