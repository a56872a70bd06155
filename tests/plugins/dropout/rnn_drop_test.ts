/** RNNDrop: the facts of Moon, Choi, Lee and Song. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { OptionError, Tensor } from "../../../core/mod.ts";
import { gru, linear, lstm, rnn, rnnDrop } from "../../../plugins/mod.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built, checkModel, close, constantGates, indices, OPEN, parameter, train, within } from "./_sequences.ts";

const [q, T] = [0.75, 20];
const rate = 1 - q;

/** What the cell of an LSTM with open gates and a candidate of 1 is after T steps: 20,000 units. */
function openCell(per: "step" | "sequence", mode: "train" | "sample" | "eval", input = OPEN, start = 0): Float64Array {
  const model = built(lstm(10, { recurrent: rnnDrop({ rate, per }), initialState: "learned" }), [T, 1]);
  constantGates(model, [input, OPEN, OPEN, OPEN]);
  parameter(model, "initial_cell_l0").assign(Tensor.full([10], start, "float64"));
  const { emitted } = model.forwardAll(Tensor.zeros([2000, T, 1], "float64"), { mode, step: 0 });
  return emitted.get("cell_l0")!.floats as Float64Array;
}

for (const [kind, layer, gates] of [["LSTM", lstm, 4], ["GRU", gru, 3], ["plain layer", rnn, 1]] as const) {
  Deno.test(`with its mask held a ${kind} is the smaller one without the dropped units`, () => {
    const [units, features, time] = [12, 3, 6];
    const model = built(layer(units, { recurrent: rnnDrop({ rate: 0.5 }) }), [time, features]);
    const x = random([1, time, features], 3);
    const { output: y, emitted } = model.forwardAll(x, train);
    const memory = emitted.get(layer === lstm ? "cell_l0" : "hidden_l0")!.floats;
    const kept = Array.from(memory.keys()).filter((i) => memory[i] !== 0);
    assert(kept.length > 0 && kept.length < units);
    const small = built(layer(kept.length), [time, features]);
    const rows = indices(Array.from({ length: gates }, (_, gate) => kept.map((i) => gate * units + i)).flat());
    for (const { name, tensor } of model.parameters()) {
      const some = tensor.take(rows);
      const columns = (weight: Tensor) => weight.transpose([1, 0]).take(indices(kept)).transpose([1, 0]);
      parameter(small, name).assign(name === "weight_hh_l0" ? columns(some) : some);
    }
    const outputs = y.reshape([time, units]).transpose([1, 0]);
    close(outputs.take(indices(kept)).transpose([1, 0]).reshape([1, time, kept.length]), small.forward(x));
    const dropped = Array.from(memory.keys()).filter((i) => memory[i] === 0);
    assert(outputs.take(indices(dropped)).floats.every((value) => value === 0));
  });
}

Deno.test("per sequence a unit holds all or nothing; per step the cell has the mean q (1 - q^T) / (1 - q)", () => {
  for (const mode of ["train", "sample"] as const) {
    const held = openCell("sequence", mode);
    assert(held.every((value) => value === 0 || value === T));
    within(mean(held), q * T, Math.sqrt(T * T * q * rate / held.length), "mean per sequence");
    const cell = openCell("step", mode);
    // The cell counts the steps since its last drop: P(c > k) = q^(k + 1), so E c^2 is the sum of (2 k + 1) q^(k + 1).
    const expected = q * (1 - q ** T) / (1 - q);
    assertAlmostEquals(expected, 2.990486, 1e-6);
    const square = Array.from({ length: T }, (_, k) => (2 * k + 1) * q ** (k + 1)).reduce((a, b) => a + b);
    within(mean(cell), expected, Math.sqrt((square - expected ** 2) / cell.length), "mean per step");
  }
});

Deno.test("an old memory survives T masks with probability q^T, or as long as its one mask", () => {
  const survive = q ** T;
  assertAlmostEquals(survive, 0.003171, 1e-6);
  const alive = (per: "step" | "sequence") =>
    mean(openCell(per, "train", -OPEN, 7).map((value) => value === 7 ? 1 : 0));
  within(alive("step"), survive, Math.sqrt(survive / 20_000), "per step");
  within(alive("sequence"), q, Math.sqrt(q * rate / 20_000), "per sequence");
});

Deno.test("evaluation replaces the mask by the keep probability at every step", () => {
  for (const per of ["step", "sequence"] as const) {
    const cell = openCell(per, "eval");
    assert(cell.every((value) => Math.abs(value - q * (1 - q ** T) / (1 - q)) < 1e-12));
  }
});

Deno.test("rnnDrop() has the gradient that differences give, the masks held", () => {
  for (const per of ["step", "sequence"] as const) {
    const layer = lstm(3, { bidirectional: true, layers: 2, recurrent: rnnDrop({ rate: 0.4, per }) });
    checkModel(built(layer, [3, 2]), random([2, 3, 2], 4));
  }
});

Deno.test("each example, layer, direction and step of training has a mask of its own", () => {
  const layer = lstm(60, { layers: 2, bidirectional: true, recurrent: rnnDrop({ rate: 0.5 }) });
  const model = built(layer, [3, 2]);
  const masks = [0, 1].flatMap((step) => {
    const { emitted } = model.forwardAll(random([2, 3, 2], 1), { mode: "train", step });
    return ["_l0", "_l0_reverse", "_l1", "_l1_reverse"].flatMap((suffix) => {
      const cell = emitted.get(`cell${suffix}`)!;
      return [0, 1].map((row) => Array.from(cell.slice([row], [row + 1]).floats, (value) => value === 0));
    });
  });
  const share = (agreeing: boolean[]) => mean(agreeing.map(Number));
  masks.forEach((mask, i) => {
    for (const other of masks.slice(0, i)) {
      // 5 standard errors of a share that is 1/2 where masks are independent.
      within(share(mask.map((value, k) => value === other[k])), 0.5, Math.sqrt(0.25 / 60), "agreement of two masks");
    }
  });
});

Deno.test("rnnDrop() at the ends of its range, and under a schedule", () => {
  const x = random([2, 4, 2], 2);
  const plain = built(lstm(3), [4, 2]).forward(x);
  for (const mode of ["train", "eval", "sample"] as const) {
    const at = (rate: number) => built(lstm(3, { recurrent: rnnDrop({ rate }) }), [4, 2]).forward(x, { mode, step: 0 });
    close(at(0), plain, "rate 0");
    assert(at(1).floats.every((value) => value === 0));
  }
  const model = built(lstm(3, { recurrent: rnnDrop({ rate: linear({ from: 0, to: 1 }) }) }), [4, 2]);
  const at = (step: number) =>
    model.forward(x, { mode: "train", step, progress: { step, stepsPerEpoch: 5, totalSteps: 10 } });
  close(at(0), plain, "first step");
  assertNotEquals(at(5).toArray(), plain.toArray());
});

Deno.test("rnnDrop() refuses rates outside of [0, 1], and other words, by name", () => {
  for (const rate of [-0.1, 1.5, NaN]) assertThrows(() => rnnDrop({ rate }), OptionError, "rate");
  assertThrows(() => rnnDrop({ per: "batch" as "step" }), OptionError, "per");
  assertEquals(rnnDrop().toJSON(), { plugin: "rnn-drop", rate: 0.25, per: "sequence" });
});
