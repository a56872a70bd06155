/** Variational recurrent dropout with masks for each gate, as in the program of Gal and Ghahramani. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { gradients, type LayerPlugin, OptionError, type Plugin, Tensor } from "../../../core/mod.ts";
import { dropConnect, gru, lstm, rnn, variationalRecurrentDropout, weightDrop } from "../../../plugins/mod.ts";
import { mean } from "../../core/_statistics.ts";
import { random } from "../../core/_tensors.ts";
import { built, checkModel, close, parameter, train, within } from "./_sequences.ts";

interface Options {
  recurrent?: Plugin<"recurrent">;
  inputWeight?: Plugin<"weight"> | Plugin<"product">;
}

const layers: Record<string, { gates: number; make: (units: number, options: Options) => LayerPlugin }> = {
  lstm: { gates: 4, make: (units, options) => lstm(units, options) },
  gru: { gates: 3, make: (units, options) => gru(units, options) },
  rnn: { gates: 1, make: (units, options) => rnn(units, options) },
};

/** Which columns of a weight a pass of one example leaves without a gradient, gate by gate. */
function droppedColumns(slope: Tensor, gates: number): boolean[][] {
  const [rows, columns] = slope.shape;
  const units = rows / gates;
  return Array.from(
    { length: gates },
    (_, gate) =>
      Array.from(
        { length: columns },
        (_, column) =>
          Array.from({ length: units }, (_, unit) => slope.floats[(gate * units + unit) * columns + column])
            .every((value) => value === 0),
      ),
  );
}

for (const [kind, { gates, make }] of Object.entries(layers)) {
  Deno.test(`separate gates of ${kind} see an input and a state with masks of their own, the same at every step`, () => {
    const [units, features] = [6, 7];
    const recurrent = variationalRecurrentDropout({ input: 0.5, hidden: 0.5, output: 0, gates: "separate" });
    const model = built(make(units, { recurrent }), [5, features]);
    const x = random([1, 5, features], 2);
    const y = model.forward(x, train);
    const names = ["weight_ih_l0", "weight_hh_l0"];
    const slopes = gradients(y.square().sum(), names.map((name) => parameter(model, name)));
    const plain = built(make(units, {}), [5, features]);
    for (const { name, tensor } of model.parameters()) parameter(plain, name).assign(tensor);
    names.forEach((name, i) => {
      const masks = droppedColumns(slopes[i], gates);
      const columns = masks[0].length;
      assert(masks.flat().includes(true) && masks.flat().includes(false));
      if (gates > 1) assert(new Set(masks.map(String)).size > 1, "expected gates that differ");
      const factors = Float64Array.from(masks.flat(), (dropped) => dropped ? 0 : 2);
      const weight = parameter(plain, name);
      const masked = weight.reshape([gates, units, columns]).mul(Tensor.from(factors, [gates, 1, columns]));
      weight.assign(masked.reshape(weight.shape));
    });
    close(y, plain.forward(x), "the layer with masked weights");
  });

  Deno.test(`separate gates of ${kind} have the gradient that differences give, masks held`, () => {
    const recurrent = variationalRecurrentDropout({ gates: "separate" });
    checkModel(built(make(3, { recurrent }), [3, 2]), random([2, 3, 2], 6));
  });

  Deno.test(`separate gates of ${kind} leave it as it is at rate 0 and in evaluation, and give zeros at rate 1`, () => {
    const x = random([2, 4, 3], 3);
    const plain = built(make(3, {}), [4, 3]).forward(x);
    const at = (rate: number) =>
      built(
        make(3, {
          recurrent: variationalRecurrentDropout({ input: rate, hidden: rate, output: rate, gates: "separate" }),
        }),
        [4, 3],
      );
    close(at(0).forward(x, train), plain, "rate 0");
    close(at(0.5).forward(x), plain, "evaluation");
    assert(at(1).forward(x, train).floats.every((value) => value === 0));
  });

  Deno.test(`separate gates of ${kind} take any variant at the input's weight`, () => {
    const recurrent = variationalRecurrentDropout({ input: 0.5, hidden: 0, output: 0, gates: "separate" });
    const x = random([2, 4, 3], 3);
    const expected = built(make(3, { recurrent }), [4, 3]).forward(x, train);
    for (const inputWeight of [weightDrop({ rate: 0 }), dropConnect({ rate: 0 })]) {
      close(built(make(3, { recurrent, inputWeight }), [4, 3]).forward(x, train), expected, inputWeight.plugin);
    }
  });
}

Deno.test("separate gates drop at the rate asked for, each pair of them independently", () => {
  const [features, rate] = [4000, 0.3];
  const recurrent = variationalRecurrentDropout({ input: rate, hidden: 0, output: 0, gates: "separate" });
  const model = built(lstm(1, { recurrent }), [2, features]);
  const y = model.forward(Tensor.full([1, 2, features], 1e-3, "float64"), train);
  const [slope] = gradients(y.sum(), [parameter(model, "weight_ih_l0")]);
  const masks = droppedColumns(slope, 4).map((mask) => mask.map(Number));
  masks.forEach((mask, i) => {
    within(mean(mask), rate, Math.sqrt(rate * (1 - rate) / features), `gate ${i}`);
    for (const [j, other] of masks.slice(0, i).entries()) {
      const both = rate * rate;
      const found = mean(mask.map((value, k) => value * other[k]));
      within(found, both, Math.sqrt(both * (1 - both) / features), `gates ${i} and ${j}`);
    }
  });
});

Deno.test("shared gates are the default, and gates are refused by another name", () => {
  assertEquals(variationalRecurrentDropout().options.gates, "shared");
  assertThrows(() => variationalRecurrentDropout({ gates: "own" as "shared" }), OptionError, "gates");
});
