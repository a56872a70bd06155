/** Masks that the op in front applies: one pass forward, none that draws backward, and the same bits. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  definePlugin,
  type Factory,
  gradients,
  type Kernel,
  type LayerPlugin,
  type Mode,
  reference,
  type Shape,
  ShapeError,
  Tensor,
  useBackend,
} from "../../../core/mod.ts";
import { addMasked, plainMask } from "../../../core/tensor/ops/mask.ts";
import { Key } from "../../../core/random/key.ts";
import {
  alphaDropout,
  batchNorm,
  conv1d,
  conv2d,
  dense,
  dropout,
  encoderBlock,
  flatten,
  relu,
  sequential,
  spatialDropout,
  tanh,
} from "../../../plugins/mod.ts";
import { random } from "../_tensors.ts";

/** A layer that does nothing, and through which nothing is known of what comes later. */
const blind = definePlugin({
  name: "blind",
  options: z.object({}),
  forward: (x: Tensor) => x.mul(1),
}) as Factory<"layer", Record<never, never>>;

/** The layers with names of their own, so that blind ones in front of masks change no address. */
function net(layers: readonly LayerPlugin[], blinded: boolean): LayerPlugin {
  const named = layers.map((layer, i) => layer.with({ name: `layer${i}` }) as LayerPlugin);
  return sequential(
    !blinded ? named : named.flatMap((layer) => layer.definition.activation === undefined ? [layer] : [blind(), layer]),
  );
}

/** Output and gradients, and how often each kernel was called. */
function results(
  layer: LayerPlugin,
  inputShape: Shape,
  { mode = "train", batch = 6, dtype = "float32", upstream }: {
    mode?: Mode;
    batch?: number;
    dtype?: "float32" | "float64";
    upstream?: number;
  } = {},
) {
  const model = buildModel(layer, { inputShape, seed: 3, dtype });
  const cast = (x: Tensor) => x.cast(dtype);
  const x = cast(random([batch, ...inputShape], 5)).withGradient();
  const calls = new Map<string, number>();
  const before = useBackend({
    ...reference,
    implement: (kernel: Kernel) => (...args: unknown[]) => {
      calls.set(kernel.kernel, (calls.get(kernel.kernel) ?? 0) + 1);
      kernel.twin(...args);
    },
  });
  try {
    const y = model.forward(x, { mode, step: 4, sample: 24 });
    const parameters = model.parameters();
    const from = upstream === undefined ? cast(random(y.shape, 9)) : Tensor.full(y.shape, upstream, dtype);
    const found = gradients(y, [x, ...parameters.map(({ tensor }) => tensor)], from);
    return { all: [y, ...found].map((tensor) => Array.from(tensor.floats)), calls };
  } finally {
    useBackend(before);
  }
}

function assertSame(found: number[][], expected: number[][]): void {
  assertEquals(found.length, expected.length);
  found.forEach((values, i) =>
    values.forEach((value, j) => assert(value === expected[i][j], `${i}, ${j}: ${value}, not ${expected[i][j]}`))
  );
}

const half = () => dropout({ rate: 0.5 });
const nets: Record<string, { layers: LayerPlugin[]; shape: Shape; masks: number }> = {
  "dense layers": {
    layers: [dense(20), relu(), half(), dense(12, { bias: false }), relu(), dropout({ rate: 0.3 }), dense(4)],
    shape: [9],
    masks: 2,
  },
  "a dense layer at the end, classic, and a rate of 32 bits": {
    layers: [
      dense(7),
      relu(),
      dropout({ rate: 0.001 }),
      dense(5),
      relu(),
      dropout({ rate: 0.5, convention: "classic" }),
    ],
    shape: [9],
    masks: 2,
  },
  "a dense layer over a sequence": { layers: [dense(20), relu(), half(), dense(3)], shape: [5, 9], masks: 1 },
  "examples that share a draw in pairs": {
    layers: [dense(20), relu(), dropout({ rate: 0.5, group: 2 }), dense(3)],
    shape: [9],
    masks: 1,
  },
  "layers in layers": {
    layers: [sequential([sequential([dense(20), relu()])]), half(), dense(3)],
    shape: [9],
    masks: 1,
  },
};

for (const [what, { layers, shape, masks }] of Object.entries(nets)) {
  for (const mode of ["train", "sample"] as const) {
    Deno.test(`${what}, ${mode}: bias, ReLU and mask are one pass, and nothing is drawn backward`, () => {
      const fused = results(net(layers, false), shape, { mode });
      assertEquals(fused.calls.get("rectifyMask"), masks);
      assertEquals(fused.calls.get("rectifyMaskGradient"), masks);
      assertEquals(fused.calls.get("mask"), undefined);
      const apart = results(net(layers, true), shape, { mode });
      assertEquals(apart.calls.get("rectifyMask"), undefined);
      assertSame(fused.all, apart.all);
    });
  }
  Deno.test(`${what}: evaluation has no mask, and float64 the same numbers`, () => {
    assertEquals(results(net(layers, false), shape, { mode: "eval" }).calls.get("rectifyMask"), undefined);
    const [fused, apart] = [false, true].map((blinded) => results(net(layers, blinded), shape, { dtype: "float64" }));
    assertSame(fused.all, apart.all);
  });
}

Deno.test("behind a convolution with ReLU the mask is drawn once, and the gradient passes both at once", () => {
  for (
    const [layers, shape] of [
      [[conv2d(4, 3), relu(), half(), flatten(), dense(3)], [2, 6, 6]],
      [[conv1d(4, 3, { bias: false }), relu(), half()], [2, 9]],
    ] as [LayerPlugin[], Shape][]
  ) {
    const [fused, apart] = [false, true].map((blinded) => results(net(layers, blinded), shape));
    assertEquals(fused.calls.get("mask"), 1);
    assertEquals(fused.calls.get("rectifyMaskGradient"), 1);
    assertEquals(apart.calls.get("mask"), 2);
    assertSame(fused.all, apart.all);
  }
});

Deno.test("the feed-forward part of a transformer's block masks its hidden layer in one pass", () => {
  const block = encoderBlock(2, { hidden: half() });
  assertEquals(results(block, [3, 8]).calls.get("rectifyMask"), 1);
});

for (const norm of ["post", "pre"] as const) {
  Deno.test(`a transformer's block, norm ${norm}: a sub-layer is masked while it is added to the shortcut`, () => {
    const block = (variant: LayerPlugin) => encoderBlock(2, { norm, dropout: variant });
    // What hands out its input lets nothing be known of its mask.
    const told = definePlugin({
      name: "told",
      options: z.object({}),
      activation: { mask: ({ key }) => ({ key, rate: 0.5 }) },
      penalty: () => Tensor.full([], 0),
    }) as Factory<"activation", Record<never, never>>;
    for (const dtype of ["float32", "float64"] as const) {
      const fused = results(block(half()), [3, 8], { dtype });
      const apart = results(block(told()), [3, 8], { dtype });
      if (dtype === "float32") {
        assertEquals([fused.calls.get("maskAdd"), fused.calls.get("mask")], [2, 2]);
        assertEquals([apart.calls.get("maskAdd"), apart.calls.get("mask")], [undefined, 4]);
      }
      assertSame(fused.all, apart.all);
    }
    const idle = results(block(dropout({ rate: 0 })), [3, 8]);
    assertEquals([idle.calls.get("maskAdd"), idle.calls.get("mask")], [undefined, undefined]);
  });
}

Deno.test("a masked branch and its shortcut have one shape", () => {
  const mask = plainMask({ key: Key.seed(1).at("mask"), rate: 0.5 }, [4, 6])!;
  assertThrows(() => addMasked(Tensor.ones([6]), Tensor.ones([4, 6]), mask), ShapeError, "shortcut of shape [4, 6]");
});

Deno.test("masks that do more, other activations and what looks at the output before are left alone", () => {
  const others: LayerPlugin[][] = [
    [dense(8), tanh(), half()],
    [dense(8), half()],
    [dense(8), relu(), alphaDropout({ rate: 0.5 })],
    [dense(8), relu(), dropout({ rate: 0.5, share: ["batch"] })],
    [dense(8), relu(), dropout({ rate: 0.5, group: 8 })],
    [dense(8), relu(), dropout({ rate: 0 })],
    [dense(8), relu(), dropout({ rate: 1 })],
    [dense(8), relu(), batchNorm(), half()],
  ];
  for (const layers of others) {
    const [fused, apart] = [false, true].map((blinded) => results(net(layers, blinded), [9]));
    assertEquals(fused.calls.get("rectifyMask"), undefined);
    assertSame(fused.all, apart.all);
  }
  const spatial = [conv2d(4, 3), relu(), spatialDropout({ rate: 0.5 })];
  assertEquals(results(net(spatial, false), [2, 6, 6]).calls.get("rectifyMaskGradient"), undefined);
});

Deno.test("a rate of 0 leaves bias and ReLU fused, and nothing is drawn", () => {
  const { calls } = results(net([dense(8), relu(), dropout({ rate: 0 }), dense(3)], false), [9]);
  assertEquals([calls.get("biasActivation"), calls.get("mask"), calls.get("unary")], [2, undefined, undefined]);
});

Deno.test("what hands out or replaces outputs sees them before the mask", () => {
  const model = buildModel(sequential([dense(20), relu(), half()]), { inputShape: [9], seed: 3 });
  const x = random([4, 9], 5).cast("float32");
  const run = { mode: "train", step: 4 } as const;
  const y = model.forward(x, { ...run, variants: (x) => x });
  assert(y.floats.filter((value) => value === 0).length < 60);
  assertEquals(Array.from(model.forwardAll(x, run).output.floats), Array.from(model.forward(x, run).floats));
});

Deno.test("a penalty of the variant is told the output before the mask", () => {
  const told: number[] = [];
  const watching = definePlugin({
    name: "watching",
    options: z.object({}),
    activation: { mask: ({ key }) => ({ key, rate: 0.5 }) },
    penalty: (_, { input }) => {
      told.push(input!.floats.filter((value) => value === 0).length);
      return Tensor.full([], 0);
    },
  }) as Factory<"activation", Record<never, never>>;
  const model = buildModel(sequential([dense(40), relu(), watching()]), { inputShape: [9], seed: 3 });
  told.length = 0;
  model.forwardWithPenalty(random([10, 9], 5).cast("float32"), { mode: "train", step: 1 });
  const zeros = model.forward(random([10, 9], 5).cast("float32")).floats.filter((value) => value === 0).length;
  assertEquals(told, [zeros]);
});

Deno.test("an infinite or NaN gradient of what was dropped is 0", () => {
  const layers = [dense(8, { bias: false }), relu(), half()];
  for (const upstream of [Infinity, NaN]) {
    const { all: [y, , weight] } = results(net(layers, false), [9], { batch: 1, upstream });
    y.forEach((value, unit) => {
      const row = weight.slice(9 * unit, 9 * unit + 9);
      if (value === 0) assert(row.every((entry) => entry === 0), `unit ${unit}`);
      else assert(row.every((entry) => !Number.isFinite(entry)), `unit ${unit}`);
    });
  }
});

Deno.test("a factor below 1 could round what is kept to 0, so that mask comes by itself", () => {
  const key = Key.seed(1).at("mask");
  assertEquals(plainMask({ key, rate: 0.5, a: 0.9 }, [4, 6]), null);
  assertEquals(plainMask({ key, rate: 0.5, a: -2 }, [4, 6]), null);
  assertEquals(plainMask({ key, rate: 0.5, a: 1 }, [4, 6])?.scale, 1);
  assertEquals(plainMask({ key, rate: 0.5 }, [4, 6])?.scale, 2);
});
