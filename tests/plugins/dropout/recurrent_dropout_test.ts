/** Recurrent dropout: the facts of Semeniuta, Severyn and Barth. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type LayerPlugin, OptionError, type Plugin, PluginError, Tensor } from "../../../core/mod.ts";
import { gru, linear, lstm, recurrentDropout, rnn } from "../../../plugins/mod.ts";
import { mean, variance } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built, checkModel, close, constantGates, OPEN, parameter, train, within } from "./_sequences.ts";

type Recurrent = Plugin<"recurrent">;
const [q, T] = [0.75, 20];

/** The cell of an LSTM whose gates are open and whose candidate is 1, after T steps: 20,000 units. */
function openCell(recurrent: Recurrent, mode: "train" | "sample" | "eval" = "train"): ArrayLike<number> {
  const model = built(lstm(10, { recurrent }), [T, 1]);
  constantGates(model, [OPEN, OPEN, OPEN, OPEN]);
  const { emitted } = model.forwardAll(Tensor.zeros([2000, T, 1], "float64"), { mode, step: 0 });
  return emitted.get("cell_l0")!.floats;
}

Deno.test("with open gates the cell has the mean q T, and the variance T q p per step, T^2 q p per sequence", () => {
  const p = 1 - q;
  for (const mode of ["train", "sample"] as const) {
    for (const per of ["step", "sequence"] as const) {
      const cell = openCell(recurrentDropout({ rate: p, per, convention: "classic" }), mode);
      const expected = per === "step" ? T * q * p : T * T * q * p;
      assertEquals(expected, per === "step" ? 3.75 : 75);
      const fourth = per === "step" ? T * q * p * (1 + 3 * (T - 2) * q * p) : T ** 4 * q * p * (q ** 3 + p ** 3);
      within(mean(cell), 15, Math.sqrt(expected / cell.length), `mean per ${per}`);
      within(variance(cell), expected, Math.sqrt((fourth - expected ** 2) / cell.length), `variance per ${per}`);
      if (per === "sequence") assert(Array.from(cell).every((value) => value === 0 || value === T));
    }
  }
});

Deno.test("the inverted convention keeps the mean, and evaluation is that of the layer without it", () => {
  const cell = openCell(recurrentDropout({ rate: 1 - q }));
  within(mean(cell), T, Math.sqrt(T * (1 - q) / q / cell.length), "mean");
  assert(Array.from(openCell(recurrentDropout({ rate: 1 - q }), "eval")).every((value) => value === T));
  const classic = openCell(recurrentDropout({ rate: 1 - q, convention: "classic" }), "eval");
  assert(Array.from(classic).every((value) => value === 15));
});

Deno.test("a GRU's mask multiplies z times the candidate, so its state says which steps were dropped", () => {
  // With an update gate of 1/2 and a candidate of 1 the state is the sum of m_t / 2^(T - t): its binary digits are masks.
  const [units, batch, rate] = [40, 50, 0.3];
  const model = built(gru(units, { recurrent: recurrentDropout({ rate, convention: "classic" }) }), [T, 1]);
  constantGates(model, [OPEN, 0, OPEN]);
  const state = model.forward(Tensor.zeros([batch, T, 1], "float64"), train).slice([0, T - 1]).floats;
  const digits = Array.from(state, (value) => {
    const whole = value * 2 ** T;
    assert(Number.isInteger(whole) && whole < 2 ** T);
    return Array.from({ length: T }, (_, t) => Math.floor(whole / 2 ** t) % 2);
  });
  const kept = digits.flat();
  within(mean(kept), 1 - rate, Math.sqrt(rate * (1 - rate) / kept.length), "kept");
  const both = digits.flatMap((row) => row.slice(1).map((digit, t) => digit * row[t]));
  const square = (1 - rate) ** 2;
  // Products of overlapping pairs are correlated: 3 times their variance is enough for any.
  within(mean(both), square, Math.sqrt(3 * square * (1 - square) / both.length), "kept at two steps running");
  const perSequence = built(gru(units, { recurrent: recurrentDropout({ rate, per: "sequence" }) }), [T, 1]);
  constantGates(perSequence, [OPEN, 0, OPEN]);
  const y = perSequence.forward(Tensor.zeros([2, T, 1], "float64"), train);
  const zero = (t: number) => Array.from(y.slice([0, t], [2, t + 1]).floats, (value) => value === 0);
  assertEquals(zero(T - 1), zero(0));
  assert(zero(0).includes(true) && zero(0).includes(false));
});

Deno.test("the memory is never dropped: at rate 1 a state lives as its gates say, with gradients of zero", () => {
  const recurrent = recurrentDropout({ rate: 1 });
  const model = built(gru(3, { initialState: "learned", recurrent }), [4, 2]);
  constantGates(model, [0, 0, OPEN]);
  parameter(model, "initial_hidden_l0").assign(Tensor.of([1, -2, 3], "float64"));
  const y = model.forward(random([1, 4, 2], 1), train);
  close(y.slice([0, 3]), Tensor.of([[[1 / 16, -2 / 16, 3 / 16]]], "float64"));
  const cell = built(lstm(3, { recurrent }), [4, 2]);
  assert(cell.forward(random([2, 4, 2], 1), train).floats.every((value) => value === 0));
});

const layers: Record<string, (recurrent?: Recurrent) => LayerPlugin> = {
  lstm: (recurrent) => lstm(3, { layers: 2, bidirectional: true, recurrent }),
  gru: (recurrent) => gru(3, { bidirectional: true, recurrent }),
};

for (const [kind, make] of Object.entries(layers)) {
  Deno.test(`recurrentDropout() in ${kind} has the gradient that differences give, the masks held`, () => {
    for (const per of ["step", "sequence"] as const) {
      checkModel(built(make(recurrentDropout({ rate: 0.4, per })), [3, 2]), random([2, 3, 2], 4));
    }
  });

  Deno.test(`recurrentDropout() in ${kind} is the plain layer at rate 0, and where a schedule begins at 0`, () => {
    const x = random([2, 3, 2], 5);
    const plain = built(make(), [3, 2]).forward(x);
    close(built(make(recurrentDropout({ rate: 0 })), [3, 2]).forward(x, train), plain, "rate 0");
    close(built(make(recurrentDropout({ rate: 0.5 })), [3, 2]).forward(x), plain, "evaluation");
    const later = built(make(recurrentDropout({ rate: linear({ from: 0, to: 0.5 }) })), [3, 2]);
    const at = (step: number) =>
      later.forward(x, { mode: "train", step, progress: { step, stepsPerEpoch: 5, totalSteps: 10 } });
    close(at(0), plain, "first step");
    assertNotEquals(at(9).toArray(), plain.toArray());
  });
}

Deno.test("in a plain recurrent layer the state is dropped in the product, and a candidate is refused by name", () => {
  const candidate = recurrentDropout({ place: "candidate" });
  assertThrows(() => built(rnn(3, { recurrent: candidate }), [4, 2]), PluginError, "candidate");
  const model = built(rnn(3, { recurrent: recurrentDropout({ rate: 1 }) }), [4, 2]);
  const same = built(rnn(3, { recurrent: recurrentDropout({ rate: 1, place: "previous-hidden" }) }), [4, 2]);
  const plain = built(rnn(3), [4, 2]);
  const hidden = parameter(plain, "weight_hh_l0");
  hidden.assign(Tensor.zeros(hidden.shape, "float64"));
  const x = random([2, 4, 2], 1);
  close(model.forward(x, train), plain.forward(x));
  close(same.forward(x, train), plain.forward(x));
});

Deno.test("recurrentDropout() refuses rates outside of [0, 1], and other words, by name", () => {
  for (const rate of [-0.1, 1.5, NaN]) assertThrows(() => recurrentDropout({ rate }), OptionError, "rate");
  assertThrows(() => recurrentDropout({ per: "batch" as "step" }), OptionError, "per");
  assertThrows(() => recurrentDropout({ convention: "none" as "classic" }), OptionError, "convention");
});
