/** Monte Carlo passes run together are those run one by one, and compute no more than they must. */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  layerPart,
  type LayerPlugin,
  predict,
  Rows,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import {
  conv2d,
  dense,
  dropConnect,
  dropout,
  embedding,
  embeddingDropout,
  flatten,
  gaussianDropout,
  lstm,
  masksembles,
  maxPool2d,
  parallel,
  relu,
  residual,
  sequential,
  spatialDropout,
  stochasticDepth,
  weightDrop,
  zoneout,
} from "../../../plugins/mod.ts";
import { random } from "../_tensors.ts";

/** Rows that reached it, call by call. */
let computed: number[] = [];

const counted: Factory<"layer", Record<never, never>> = definePlugin({
  name: "counted-rows",
  options: z.object({}),
  forward(x) {
    computed.push(x.shape[0]);
    return x.mul(2);
  },
});

/** Runs its layer twice at one place: on the input, and on what a draw made of it. */
const twice: Factory<"layer", { layer: LayerPlugin; drop: LayerPlugin }> = definePlugin({
  name: "twice",
  options: z.object({ layer: layerPart(), drop: layerPart() }),
  forward(x, { options: { layer, drop }, run, building }) {
    const y = run(layer, x, "layer");
    const z = run(drop, y, "drop");
    return building ? z : run(layer, z, "layer");
  },
});

/** Centres each column over the batch, and says so. */
const centred: Factory<"layer", Record<never, never>> = definePlugin({
  name: "centred-columns",
  options: z.object({}),
  mixesRows: true,
  forward: (x) => x.sub(x.mean(0, true)),
});

const drop = () => dropout({ rate: 0.5 });

const models: Record<string, [layer: LayerPlugin, shape: Shape]> = {
  "dropout from the beginning": [sequential([drop(), dense(8), relu(), drop(), dense(3)]), [6]],
  "dropout behind layers": [sequential([dense(8), relu(), dense(7), drop(), dense(3)]), [6]],
  "dropout at the end": [sequential([dense(8), relu(), drop()]), [6]],
  "layers within layers": [sequential([sequential([dense(8), sequential([relu(), drop()])]), dense(3)]), [6]],
  "a branch that draws beside one that does not": [parallel([dense(4), sequential([dense(4), drop()])]), [6]],
  "a branch that draws before one that does not": [parallel([sequential([dense(4), drop()]), dense(4)]), [6]],
  "a residual block": [sequential([dense(6), residual(sequential([dense(6), drop()])), dense(2)]), [6]],
  "a block that is left out": [residual(sequential([dense(5), drop()]), { branch: stochasticDepth() }), [5]],
  "a layer that is run twice": [sequential([twice({ layer: dense(6), drop: drop() }), dense(2)]), [6]],
  "a mask that the batch shares": [sequential([dense(9), dropout({ rate: 0.5, share: ["batch"] }), dense(3)]), [6]],
  "a mask that groups share": [sequential([dense(9), dropout({ rate: 0.5, group: 8 }), dense(3)]), [6]],
  "channels": [
    sequential([conv2d(4, 3), relu(), spatialDropout({ rate: 0.5 }), maxPool2d(2), flatten(), dense(2)]),
    [2, 6, 6],
  ],
  "noise": [sequential([dense(5), gaussianDropout({ rate: 0.3 }), dense(2)]), [5]],
  "connections for each example": [sequential([dense(5), dense(4, { weight: dropConnect() })]), [5]],
  "connections for the batch": [sequential([dense(5), dense(4, { weight: dropConnect({ per: "batch" }) })]), [5]],
  "weights": [sequential([dense(5), dense(4, { weight: weightDrop() })]), [5]],
  "zoneout": [sequential([lstm(3, { recurrent: zoneout() })]), [4, 2]],
  "word types": [sequential([embedding(9, 3, { embedding: embeddingDropout() }), flatten(), dense(2)]), [3]],
  "masksembles": [sequential([dense(64), masksembles(), dense(2)]), [4]],
  "a layer that mixes rows": [sequential([dense(5), drop(), centred(), dense(2)]), [5]],
  "no draw at all": [sequential([dense(5), relu()]), [5]],
  "nothing but a draw": [drop(), [5]],
};

for (const [name, [layer, shape]] of Object.entries(models)) {
  Deno.test(`passes run together are those run one by one: ${name}`, () => {
    const model = buildModel(layer, { inputShape: shape, seed: 3, dtype: "float64" });
    const x = name === "word types"
      ? Tensor.from(Float64Array.from({ length: 12 }, (_, i) => i % 9), [4, 3], "float64")
      : random([4, ...shape], 5);
    for (const passes of [1, 2, 9]) {
      const at = { sample: 2, step: 6 };
      const rows = Rows.range({ first: at.sample, step: at.step });
      const found: unknown[] = [];
      model.sample(x, { passes, rows }, (output, pass) => {
        assertEquals(pass, found.length);
        found.push(output.toArray());
      });
      const single = Array.from(
        { length: passes },
        (_, pass) => model.forward(x, { mode: "sample", ...at, pass }).toArray(),
      );
      assertEquals(found, single);
    }
  });
}

Deno.test("what comes before the first draw is computed once, and passes are run many at a time", () => {
  const layers = sequential([counted(), dense(4), counted(), drop(), counted(), dense(2)]);
  const model = buildModel(layers, { inputShape: [3] });
  computed = [];
  predict(model, random([5, 3], 1).cast("float32"), { samples: 50 });
  assertEquals(computed, [5, 5, 5, 49 * 5]);
});

Deno.test("a batch of passes is not larger than a cache holds", () => {
  const model = buildModel(sequential([drop(), counted(), dense(2)]), { inputShape: [2 ** 15] });
  computed = [];
  predict(model, Tensor.ones([4, 2 ** 15]), { samples: 20 });
  assertEquals(computed, [4, 32, 32, 12]);
});

Deno.test("layers that mix rows, and masks for the whole batch, are run a pass at a time, behind what is shared", () => {
  for (const layer of [sequential([drop(), centred()]), dense(4, { weight: weightDrop() })]) {
    const model = buildModel(sequential([counted(), layer, counted()]), { inputShape: [3] });
    computed = [];
    predict(model, Tensor.ones([5, 3]), { samples: 4 });
    assertEquals(computed, [5, 5, 5, 5, 5]);
  }
});

Deno.test("rows tell when they are looked at, also through rows made of them", () => {
  const told: boolean[] = [];
  const rows = Rows.range({ step: 2 }).watched((alone) => told.push(alone));
  const derived = rows.shared().atPass(3).gather([0, 1]).grouped(2).atStep(1);
  assertEquals(told, []);
  derived.table(2);
  rows.at(1);
  assert(rows.common !== undefined);
  assertEquals(told, [false, false, true]);
});
