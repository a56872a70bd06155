/** Products around masks that groups of examples share: what is dropped is not computed, and the numbers are the same. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  kernels,
  type LayerPlugin,
  type Mode,
  reference,
  type Shape,
  Tensor,
  useBackend,
} from "../../../core/mod.ts";
import {
  averagePool2d,
  conv2d,
  dense,
  dropout,
  flatten,
  lstm,
  maxPool2d,
  relu,
  residual,
  sequential,
  spatialDropout,
  tanh,
} from "../../../plugins/mod.ts";
import { reshapedThinning, thinned, thinningOf } from "../../../core/tensor/thinning.ts";
import { random } from "../_tensors.ts";

/** A layer that does nothing, and through which nothing is known of zeros or of what comes later. */
const blind = definePlugin({
  name: "blind",
  options: z.object({}),
  forward: (x: Tensor) => x.mul(1),
}) as Factory<"layer", Record<never, never>>;

/** The layers with blind ones around each mask. */
function blinded(layers: readonly LayerPlugin[]): LayerPlugin {
  return sequential(
    layers.flatMap((layer) => layer.definition.activation === undefined ? [layer] : [blind(), layer, blind()]),
  );
}

/** Layers with names of their own, so that blind ones change no address. */
function named(layers: readonly LayerPlugin[]): LayerPlugin[] {
  return layers.map((layer, i) => layer.with({ name: `layer${i}` }) as LayerPlugin);
}

const floats = (shape: Shape, seed: number) => Tensor.from(Float32Array.from(random(shape, seed).floats), shape);

/** Output, and the gradients of the input and of all parameters. */
function results(layer: LayerPlugin, inputShape: Shape, mode: Mode, batch: number): Map<string, Tensor> {
  const model = buildModel(layer, { inputShape, seed: 3 });
  const x = floats([batch, ...inputShape], 5).withGradient();
  const y = model.forward(x, { mode, step: 4, sample: 24 });
  const parameters = model.parameters();
  const found = gradients(y.mul(floats(y.shape, 9)).sum(), [x, ...parameters.map(({ tensor }) => tensor)]);
  return new Map([
    ["output", y],
    ["input", found[0]],
    ...parameters.map(({ name }, i) => [name, found[i + 1]] as const),
  ]);
}

/** Multiplications of a product of groups: rows times what each group keeps of two axes. */
function multiplications(starts: Int32Array, rows: number, ...axes: [list: Int32Array, extent: number][]): number {
  return [...starts].reduce((sum, start, group) => {
    const kept = axes.map(([list, extent]) => list.filter((place) => Math.floor(place / extent) === group).length);
    return sum + ((starts[group + 1] ?? rows) - start) * kept[0] * kept[1];
  }, 0);
}

/** Multiplications of products and convolutions while a body runs. */
function counted<T>(body: () => T): { result: T; parts: number; whole: number } {
  let [parts, whole] = [0, 0];
  const before = useBackend({
    ...reference,
    implement(kernel) {
      if (kernel === kernels.groupedGemm) {
        return (...args: Parameters<typeof kernels.groupedGemm>) => {
          const [, , , starts, inners, cols, { allRows, allInners, allCols }] = args;
          parts += multiplications(starts, allRows, [inners, allInners], [cols, allCols]);
          kernels.groupedGemm.twin(...args);
        };
      }
      if (kernel === kernels.groupedWeightGradient) {
        return (...args: Parameters<typeof kernels.groupedWeightGradient>) => {
          const [, , , starts, units, inputs, { rows, allUnits, allInputs }] = args;
          parts += multiplications(starts, rows, [units, allUnits], [inputs, allInputs]);
          kernels.groupedWeightGradient.twin(...args);
        };
      }
      if (kernel !== kernels.gemm) return undefined;
      return (...args: Parameters<typeof kernels.gemm>) => {
        const { m, n, k, batch } = args[3];
        whole += m * n * k * batch;
        kernels.gemm.twin(...args);
      };
    },
  });
  try {
    return { result: body(), parts, whole };
  } finally {
    useBackend(before);
  }
}

function assertSame(found: Map<string, Tensor>, expected: Map<string, Tensor>): void {
  assertEquals([...found.keys()], [...expected.keys()]);
  for (const [name, tensor] of expected) {
    const size = Math.max(...[...tensor.floats].map(Math.abs), 1e-3);
    found.get(name)!.floats.forEach((value, i) =>
      assertAlmostEquals(value, tensor.floats[i], 2e-5 * size, `${name}, entry ${i}`)
    );
  }
}

const shared = { rate: 0.5, share: ["batch"] } as const;
const nets: Record<string, { layers: LayerPlugin[]; shape: Shape; share?: number; batch?: number }> = {
  "dense layers, one mask for the batch": {
    layers: [
      dropout({ rate: 0.2, share: ["batch"] }),
      dense(96),
      relu(),
      dropout(shared),
      dense(80),
      tanh(),
      dropout(shared),
      dense(64),
    ],
    shape: [128],
    share: 0.5,
  },
  "dense layers, a mask for every 32 examples": {
    layers: [
      dense(96),
      relu(),
      dropout({ rate: 0.5, group: 32 }),
      dense(96),
      relu(),
      dropout({ rate: 0.5, group: 64 }),
      dense(64),
    ],
    shape: [96],
    batch: 128,
    share: 0.6,
  },
  "a sequence, one mask for all its steps and examples": {
    layers: [
      lstm(48),
      dropout({ rate: 0.6, share: ["batch", "time"] }),
      dense(96),
      dropout({ rate: 0.6, share: ["batch", "time"] }),
      dense(40),
    ],
    shape: [6, 20],
  },
  "convolutions, one mask of channels for the batch": {
    layers: [
      conv2d(16, 3, { padding: 1 }),
      relu(),
      spatialDropout({ rate: 0.5, share: "batch" }),
      maxPool2d(2),
      conv2d(24, 3, { stride: 2 }),
      dropout({ rate: 0.5, share: ["batch", "height", "width"] }),
      averagePool2d(2),
      flatten(),
      dense(64),
    ],
    shape: [3, 16, 16],
  },
};
for (const [name, { layers, shape, share, batch = 64 }] of Object.entries(nets)) {
  for (const mode of ["train", "sample"] as const) {
    Deno.test(`${name}: output and gradients in mode ${mode} are those of masks on whole products`, () => {
      const all = named(layers);
      const plain = counted(() => results(blinded(all), shape, mode, batch));
      const skipped = counted(() => results(sequential(all), shape, mode, batch));
      assertSame(skipped.result, plain.result);
      if (share === undefined) return;
      assertEquals(plain.parts, 0);
      const left = (skipped.parts + skipped.whole) / plain.whole;
      assert(left < share, `${left} of the multiplications are left, expected less than ${share}`);
    });
  }
}

Deno.test("what is dropped before a product of a branch is not computed in it, and the shortcut stays whole", () => {
  const block = () => named([dropout(shared), dense(96), relu(), dropout(shared), dense(96)]);
  const skipped = results(residual(sequential(block())), [96], "train", 64);
  assertSame(skipped, results(residual(blinded(block())), [96], "train", 64));
});

Deno.test("a mask for each example, an evaluation and a small product are computed whole", () => {
  const run = (layer: LayerPlugin, mode: Mode, width = 96) =>
    counted(() => results(sequential([dense(width), relu(), layer, dense(width)]), [width], mode, 64)).parts;
  assert(run(dropout(shared), "train") > 0);
  assertEquals(run(dropout({ rate: 0.5 }), "train"), 0);
  assertEquals(run(dropout(shared), "eval"), 0);
  assertEquals(run(dropout(shared), "train", 8), 0);
  assertEquals(run(dropout({ rate: 0.5, group: 2 }), "train"), 0);
  // Groups that fill half of a register, or lose little, are faster whole.
  for (const [rate, group, inParts] of [[0.6, 16, true], [0.5, 8, false], [0.8, 8, true], [0.1, 32, false]] as const) {
    assertEquals(run(dropout({ rate, group }), "train") > 0, inParts, `rate ${rate}, groups of ${group}`);
  }
});

Deno.test("a layer that follows a mask of the batch with all units dropped, or none, gives what it does of zeros, or of all", () => {
  for (const rate of [0, 1]) {
    const layers = named([dense(96), relu(), dropout({ rate, share: ["batch"] }), dense(64)]);
    assertSame(results(sequential(layers), [96], "train", 64), results(blinded(layers), [96], "train", 64));
  }
});

Deno.test("zeros that are known stay known through a reshape that keeps units together, and through no other", () => {
  const thinning = { axis: 1, extent: 4, groups: [{ from: 0, to: 2, units: Int32Array.of(1, 3) }] };
  const flat = reshapedThinning(thinning, [2, 4, 3], [2, 12])!;
  assertEquals([flat.axis, flat.extent, [...flat.groups[0].units]], [1, 12, [3, 4, 5, 9, 10, 11]]);
  assertEquals(reshapedThinning(thinning, [2, 4, 3], [2, 4, 3, 1])?.axis, 1);
  assertEquals(reshapedThinning(thinning, [2, 4, 3], [2, 2, 6]), undefined);
  assertEquals(reshapedThinning(thinning, [2, 4, 3], [8, 3]), undefined);
  const last = { axis: 2, extent: 4, groups: thinning.groups };
  assertEquals(reshapedThinning(last, [2, 5, 4], [2, 5, 2, 2]), undefined);
  assertEquals(reshapedThinning(last, [2, 5, 4], [2, 20]), undefined);
  const x = thinned(Tensor.ones([2, 4, 3]), thinning);
  assertEquals(thinningOf(x.reshape([2, 12]))?.extent, 12);
  assertEquals(thinningOf(x.relu())?.extent, 4);
  assertEquals(thinningOf(x.sigmoid()), undefined);
  assertEquals(thinningOf(x.add(1)), undefined);
});
