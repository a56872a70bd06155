/** Checks that nothing lives on but what is saved: running state, and no tensors of earlier steps. @module */
import { gradients, recycling } from "../../core/mod.ts";
import { ensure } from "../report.ts";
import { sameBits, type Subject, type Trial } from "../trial.ts";

const MODES = ["train", "eval", "sample"] as const;

/** Runs that go on after a snapshot give the same bits again: in the same model, and in a new one. */
export function resume(trial: Trial): string {
  trial.findMoment();
  const subject = trial.subject({ rate: 0.5 });
  const x = subject.inputs(6);
  const train = (from: number, to: number) => {
    for (let step = from; step < to; step++) subject.output(x, { step, goOn: step > 0 });
  };
  const goOn = (resumed: Subject) => [
    ...MODES.map((mode) => resumed.output(x, { mode, step: 4, goOn: true }).clone()),
    resumed.output(x, { mode: "eval", goOn: true }).clone(),
    ...resumed.state().values(),
  ];
  train(0, 3);
  const snapshot = subject.state();
  const straight = goOn(subject);
  // Whatever hides outside of the state is somewhere else by now.
  train(5, 8);
  subject.restore(snapshot);
  const other = trial.subject({ rate: 0.5 });
  other.copyFrom(subject);
  other.restore(snapshot);
  for (const [resumed, where] of [[subject, "the same model"], [other, "a new model"]] as const) {
    const found = goOn(resumed);
    const at = straight.findIndex((y, i) => !sameBits(y, found[i]));
    const what = at < 3
      ? `the output in mode ${MODES[at]}`
      : at === 3
      ? "the evaluation afterwards"
      : "the state afterwards";
    ensure(
      at < 0,
      `expected the same bits after resuming in ${where}, found others in ${what}: all state must be in init`,
    );
  }
  const names = [...snapshot.keys()];
  return names.length === 0 ? "resuming gives the same bits" : `resuming with ${names.join(", ")} gives the same bits`;
}

/** Steps inside a training step's scope, whose tensors are taken back at its end, give what they give outside. */
export function keepsNothing(trial: Trial): string {
  trial.findMoment();
  const subject = trial.subject({ rate: 0.5 });
  // No other check has a batch of this size: what is kept by shape is first made in here.
  const inputs = subject.inputs(7);
  const step = (number: number) => {
    const x = inputs.map((input) => input.dtype === "int32" ? input : input.withGradient());
    const y = subject.run(x, { step: number, goOn: number > 0 });
    const points = [...x, ...subject.model.parameters().map(({ tensor }) => tensor)].filter((p) => p.requiresGradient);
    const all = y.requiresGradient ? [y, ...gradients(y.sum(), points)] : [y];
    return all.flatMap((tensor) => [...tensor.floats]);
  };
  const inside = [0, 1, 2].map((number) => recycling(() => step(number)));
  const outside = [0, 1, 2].map(step);
  const at = inside.findIndex((values, number) => values.some((value, i) => !Object.is(value, outside[number][i])));
  ensure(at < 0, `expected the same bits when buffers are used again from step to step, found others at step ${at}`);
  return "nothing is kept from step to step but parameters and state";
}
