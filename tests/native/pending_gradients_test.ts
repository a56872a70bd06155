/** Gradients of weights that are computed when they are looked at: nobody can tell but by the memory that is not used. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  adam,
  adamw,
  buildModel,
  crossEntropy,
  type Dataset,
  definePlugin,
  dense,
  DivergenceError,
  dropConnect,
  dropout,
  type Factory,
  gradients,
  Key,
  type LayerPlugin,
  type LearningOptions,
  lookahead,
  maxNorm,
  part,
  type Plugin,
  RecycledError,
  recycling,
  relu,
  rmsprop,
  sequential,
  sgd,
  Tensor,
  useBackend,
} from "../../mod.ts";
import { Learner } from "../../core/train/learner.ts";
import { nativeTest, open } from "./_native.ts";

/** An optimizer that looks at each gradient before another one updates by it. */
const looking = definePlugin({
  name: "looking",
  summary: "Looks at gradients.",
  options: z.object({ inner: part("optimizer") }),
  positional: ["inner"],
  wraps: ({ inner }) => [inner],
  update({ gradient, options, inner }) {
    void gradient.floats;
    assertEquals(gradient.storage.pending, null);
    inner(options.inner);
  },
}) as Factory<"optimizer", { inner: Plugin<"optimizer"> }, ["inner"]>;

const width = 520;
const batch = 64;

function native(name: string, body: () => void): void {
  nativeTest(name, () => {
    const before = useBackend(open());
    try {
      body();
    } finally {
      useBackend(before);
    }
  });
}

/** The bits of all parameters after three steps. */
function trained(layers: () => LayerPlugin[], optimizer: Plugin<"optimizer">, changes: Partial<LearningOptions>) {
  const model = buildModel(sequential([...layers(), dense(3)]), { inputShape: [width], seed: 2 });
  const inputs = Tensor.normal([batch, width], Key.seed(1));
  const labels = Int32Array.from({ length: batch }, (_, i) => i % 3);
  const split = { count: batch, shape: [width], inputs: new Float32Array(inputs.floats), scale: 1, labels };
  const data: Dataset = { name: "noise", classes: 3, outputs: 0, train: split, test: split };
  const learner = new Learner(model, data, { loss: crossEntropy(), optimizer, ...changes });
  for (let step = 0; step < 3; step++) {
    const targets = Tensor.from(labels.slice(), [batch]);
    recycling(() => learner.learn({ inputs, targets }, { step, stepsPerEpoch: 3, totalSteps: 3 }));
  }
  return model.parameters().map(({ tensor }) => new Int32Array(tensor.floats.slice().buffer as ArrayBuffer));
}

const hidden = () => dense(width);
const thin = (options: object) => dropout({ rate: 0.5, ...options });
const plain = () => [hidden(), relu(), hidden(), relu()];
const momentum = sgd({ learningRate: 0.05, momentum: 0.9 });

const cases: Record<string, [() => LayerPlugin[], Plugin<"optimizer">, Partial<LearningOptions>?]> = {
  "plain descent": [plain, sgd({ learningRate: 0.05 })],
  "Nesterov's momentum and weight decay": [
    plain,
    sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true, dampening: 0, weightDecay: 0.01 }),
  ],
  "adam": [plain, adam({ weightDecay: 0.01 })],
  "adamw and masks that the batch shares": [() => [hidden(), relu(), thin({ share: ["batch"] }), hidden()], adamw()],
  "masks that groups share": [() => [hidden(), relu(), thin({ group: 32 }), hidden()], momentum],
  "gradients that are added up": [plain, momentum, { accumulate: 3 }],
  "clipping": [plain, momentum, { clip: { norm: 0.1, value: 0.01 } }],
  "lookahead": [plain, lookahead(momentum, { every: 2 })],
  "a weight variant": [() => [dense(width, { weight: dropConnect() }), relu(), hidden()], momentum],
  "a constraint": [() => [dense(width, { constraint: maxNorm({ max: 0.5 }) }), relu()], momentum],
};

for (const [name, [layers, optimizer, changes = {}]] of Object.entries(cases)) {
  native(`training with ${name} has the same bits whether gradients are looked at or not`, () => {
    const expected = trained(layers, looking(optimizer), changes);
    assertEquals(trained(layers, optimizer, changes), expected);
  });
}

native("training with parameter groups has the same bits whether gradients are looked at or not", () => {
  const faster = sgd({ learningRate: 0.2, momentum: 0.9 });
  const groups = (set: Record<string, unknown>) => ({ parameterGroups: [{ match: "^0", set }] });
  const expected = trained(plain, looking(momentum), groups({ inner: faster }));
  assertEquals(trained(plain, momentum, groups({ learningRate: 0.2 })), expected);
});

const numbers = (label: string, rows: number, cols = width) => Tensor.normal([rows, cols], Key.seed(5).at(label));

/** What `body` makes of a weight and the gradient of `x W` that nobody has looked at. */
function withPending(body: (weight: Tensor, gradient: Tensor, x: Tensor) => void): void {
  recycling(() => {
    const [weight, x] = [numbers("w", width).withGradient(), numbers("x", batch)];
    const [gradient] = gradients(x.matmul(weight).square().sum(), [weight]);
    assert(gradient.storage.pending !== null);
    body(weight, gradient, x);
  });
}

native("an optimizer that can takes the product, and any other the numbers", () => {
  const model = buildModel(dense(width), { inputShape: [width] });
  const [weight] = model.parameters();
  for (const [optimizer, pending] of [[momentum, true], [adam(), true], [rmsprop(), false]] as const) {
    withPending((_, gradient) => {
      const { update, slots } = optimizer.definition;
      const names = slots?.(optimizer.options) ?? [];
      update({
        parameter: weight.tensor.clone(),
        gradient,
        slots: Object.fromEntries(names.map((name) => [name, Tensor.zeros([width, width])])),
        options: optimizer.options as never,
        iteration: 1,
        name: "weight",
        key: Key.seed(1),
        progress: { step: 0, stepsPerEpoch: 1, totalSteps: 1 },
        inner() {},
      });
      assertEquals(gradient.storage.pending !== null, pending, optimizer.plugin);
    });
  }
});

/** The gradient of the weight in `withPending`, computed by itself. */
function expected(): number[] {
  let found: number[] = [];
  withPending((_, gradient) => found = [...gradient.floats]);
  return found;
}

native("a gradient is that of the numbers that there were, whatever becomes of them before it is looked at", () => {
  const wanted = expected();
  withPending((_, gradient, x) => {
    x.assign(Tensor.zeros(x.shape));
    assertEquals([...gradient.floats], wanted);
  });
  recycling(() => {
    const [weight, x] = [numbers("w", width).withGradient(), numbers("x", batch)];
    const product = x.matmul(weight);
    const upstream = product.detach().mul(2);
    const [gradient] = gradients(product, [weight], upstream);
    upstream.floats.fill(0);
    assertEquals([...gradient.floats], wanted);
    // The gradient of what lies between belongs to the caller too.
    const between = x.matmul(weight);
    const [ofWeight, ofProduct] = gradients(between.square().sum(), [weight, between]);
    ofProduct.floats.fill(0);
    assertEquals([...ofWeight.floats], wanted);
  });
});

native("a weight that is used twice has the sum of both gradients", () => {
  recycling(() => {
    const [weight, x, y] = [numbers("w", width).withGradient(), numbers("x", batch), numbers("y", batch)];
    const of = (...inputs: Tensor[]) =>
      gradients(inputs.map((input) => input.matmul(weight).sum()).reduce((a, b) => a.add(b)), [weight])[0];
    assertEquals([...of(x, y).floats], [...of(x).add(of(y)).floats]);
  });
});

native("a gradient that is kept is computed, and one that is not cannot be read after its step", () => {
  const wanted = expected();
  const found: Tensor[] = [];
  withPending((_, gradient) => found.push(gradient.keep()));
  withPending((_, gradient) => found.push(gradient));
  assertEquals([...found[0].floats], wanted);
  assertThrows(() => found[1].floats, RecycledError);
  assert(found[1].storage.recycled);
});

native("a gradient that is not finite is refused though nobody looks at it, and a large one is not", () => {
  const part = (scale: number) => {
    const inputs = new Float32Array(batch * width).fill(scale);
    return { count: batch, shape: [width], inputs, scale: 1, labels: new Int32Array(batch) };
  };
  for (const [scale, finite] of [[1e18, true], [3e38, false]] as const) {
    const split = part(scale);
    const model = buildModel(sequential([dense(width), dense(3, { bias: false })]), { inputShape: [width] });
    for (const { tensor } of model.parameters()) tensor.floats.fill(0);
    const [weight, , last] = model.parameters();
    last.tensor.floats.fill(50).fill(-50, width);
    const before = weight.tensor.toArray();
    const data: Dataset = { name: "large", classes: 3, outputs: 0, train: split, test: split };
    const learner = new Learner(model, data, { loss: crossEntropy(), optimizer: momentum });
    const inputs = Tensor.from(split.inputs, [batch, width]);
    const learn = () =>
      recycling(() =>
        learner.learn({ inputs, targets: Tensor.from(split.labels, [batch]) }, {
          step: 0,
          stepsPerEpoch: 1,
          totalSteps: 1,
        })
      );
    if (finite) learn();
    else {
      assertThrows(learn, DivergenceError);
      assertEquals(weight.tensor.toArray(), before);
    }
  }
});
