/** Training a part of a model: the rest stays as it is to the last bit, and costs nothing on the way back. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Batch,
  batchesOf,
  buildModel,
  CheckpointError,
  fit,
  type FitOptions,
  gradients,
  kernels,
  type LayerPlugin,
  loadDataset,
  lossOf,
  type Model,
  optimizerFor,
  OptionError,
  reference,
  Tensor,
  Trainer,
  useBackend,
} from "../../../core/mod.ts";
import { ema } from "../../../plugins/averages/ema.ts";
import { dropConnect } from "../../../plugins/dropout/drop_connect/drop_connect.ts";
import { dropout } from "../../../plugins/dropout/dropout.ts";
import { fastDropout } from "../../../plugins/dropout/fast_dropout.ts";
import { batchNorm } from "../../../plugins/layers/batch_norm.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { lstm } from "../../../plugins/layers/lstm.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { reshape } from "../../../plugins/layers/reshape.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { adamw } from "../../../plugins/optimizers/adam/adamw.ts";
import { missing, open } from "../../native/_native.ts";
import { copy, corners, numbers, options } from "../_runs.ts";

/** A body with batch norm and dropout, and a head: `0` dense, `1` batch norm, `4` dense, `6` dense. */
const net = (): LayerPlugin =>
  sequential([dense(16), batchNorm(), relu(), dropout({ rate: 0.3 }), dense(8), relu(), dense(3)]);

const body = ["^[014]\\."];
const decays = adamw({ learningRate: 0.05, weightDecay: 0.5 });

async function run(root: LayerPlugin, changes: Partial<FitOptions>) {
  const trainer = await Trainer.create(root, options({ optimizer: decays, ...changes }));
  const before = numbers(copy(trainer.snapshot()));
  while (!trainer.done) await trainer.runEpoch();
  return { before, after: numbers(copy(trainer.snapshot())), trainer };
}

const backends = [{ name: "reference", use: () => reference }, { name: "native", use: () => open() }];

for (const { name, use } of backends) {
  Deno.test({
    name: `frozen parameters and running state stay bit for bit while the rest is trained (${name})`,
    ignore: name === "native" && missing !== undefined,
    async fn() {
      const previous = useBackend(use());
      try {
        for (const accumulate of [1, 3]) {
          const { before, after, trainer } = await run(net(), { freeze: body, accumulate, average: ema() });
          const stays = Object.keys(before).filter((key) => /^(model|state)\/[014]\./.test(key));
          assertEquals(stays.length, 8);
          for (const key of stays) assertEquals(after[key], before[key], key);
          for (const key of ["model/6.weight", "model/6.bias"]) assertNotEquals(after[key], before[key], key);
          assertEquals(trainer.info.parameters, 8 * 3 + 3);
          const slots = Object.keys(after).filter((key) => /^(optimizer|average|measured)\//.test(key));
          assert(slots.length > 0 && slots.every((key) => /\/6\.(weight|bias)$/.test(key)), slots.join());
        }
      } finally {
        useBackend(previous);
      }
    },
  });
}

Deno.test({
  name: "large weights whose update waits for the optimizer's kernel are frozen like others",
  ignore: missing !== undefined,
  async fn() {
    const previous = useBackend(open());
    try {
      const wide = sequential([dense(600), relu(), dense(600), relu(), dense(3)]);
      const { before, after } = await run(wide, { freeze: ["^2\\.weight$"], epochs: 1 });
      assertEquals(after["model/2.weight"], before["model/2.weight"]);
      for (const key of ["model/0.weight", "model/2.bias", "model/4.weight"]) assertNotEquals(after[key], before[key]);
      const { after: whole } = await run(wide, { epochs: 1 });
      assertNotEquals(whole["model/2.weight"], before["model/2.weight"]);
    } finally {
      useBackend(previous);
    }
  },
});

Deno.test("what is trained beside frozen weights gets the gradients that it gets without", async () => {
  const data = await loadDataset(corners());
  const [batch] = batchesOf(data, { epoch: 0, batchSize: 50 });
  const found = [[], ["^0\\.", "bias$"]].map((freeze) => {
    const model = buildModel(sequential([dense(16), relu(), dropout(), dense(8), relu(), dense(3)]), {
      inputShape: [6],
      seed: 3,
    });
    const optimizer = optimizerFor(model, decays, { freeze });
    const outputs = model.forward(batch.inputs, optimizer.run);
    const parameters = model.parameters().filter(({ tensor }) => optimizer.weights.includes(tensor));
    const values = gradients(lossOf(crossEntropy(), outputs, batch.targets), optimizer.weights);
    return new Map(parameters.map(({ name }, i) => [name, [...values[i].floats]]));
  });
  assertEquals([...found[1].keys()], ["3.weight", "5.weight"]);
  for (const [name, values] of found[1]) assertEquals(values, found[0].get(name), name);
});

/** Products of matrices in one update, and sums over rows for the gradients of biases. */
function products(model: Model, freeze: readonly string[], batch: Batch): [products: number, sums: number] {
  let [count, sums] = [0, 0];
  const before = useBackend({
    ...reference,
    implement(kernel) {
      if (kernel === kernels.biasActivationGradient) {
        return (...args: Parameters<typeof kernels.biasActivationGradient>) => {
          if (args[3] !== null) sums++;
          kernels.biasActivationGradient.twin(...args);
        };
      }
      return kernel !== kernels.gemm ? undefined : (...args: Parameters<typeof kernels.gemm>) => {
        count++;
        kernels.gemm.twin(...args);
      };
    },
  });
  try {
    const optimizer = optimizerFor(model, decays, { freeze });
    const loss = lossOf(crossEntropy(), model.forward(batch.inputs, optimizer.run), batch.targets);
    optimizer.update(gradients(loss, optimizer.weights));
    return [count, sums];
  } finally {
    useBackend(before);
  }
}

Deno.test("no product is computed for the gradients of frozen layers, nor for those below the first trained one", async () => {
  const [batch] = batchesOf(await loadDataset(corners()), { epoch: 0, batchSize: 50 });
  const built = () =>
    buildModel(sequential([dense(16), relu(), dense(8), relu(), dense(3)]), { inputShape: [6], seed: 1 });
  // Forward 3; backward a product for each weight, and one for each input but the data.
  assertEquals(products(built(), [], batch), [3 + 3 + 2, 3]);
  assertEquals(products(built(), ["^0\\."], batch), [3 + 2 + 1, 2]);
  assertEquals(products(built(), ["^[02]\\."], batch), [3 + 1, 1]);
  assertEquals(products(built(), ["^4\\."], batch), [3 + 2 + 2, 2]);
  assertEquals(products(built(), ["bias$"], batch), [3 + 3 + 2, 0]);
});

Deno.test("a frozen batch norm is run as in evaluation, one that is trained goes on, and dropout goes on everywhere", async () => {
  const [batch] = batchesOf(await loadDataset(corners()), { epoch: 0, batchSize: 50 });
  const made = (freeze: readonly string[]) => {
    const model = buildModel(sequential([dense(8), batchNorm(), dense(3)]), { inputShape: [6], seed: 1 });
    const mean = model.state().get("1.mean")!;
    const outputs = model.forward(batch.inputs, optimizerFor(model, decays, { freeze }).run).toArray();
    return {
      outputs,
      changed: mean.floats.some((value) => value !== 0),
      evaluated: model.forward(batch.inputs).toArray(),
    };
  };
  for (const freeze of [["^1\\."], ["^1\\.(weight|bias)$"], ["^1\\.(mean|variance)$"]]) {
    const { outputs, changed, evaluated } = made(freeze);
    assertEquals(changed, false, freeze[0]);
    assertEquals(outputs, evaluated);
  }
  for (const freeze of [["^0\\."], ["^1\\.weight$"], ["^1\\.mean$"]]) assert(made(freeze).changed, freeze[0]);
  const drops = buildModel(sequential([dense(64), dropout(), dense(3)]), { inputShape: [6], seed: 1 });
  const train = optimizerFor(drops, decays, { freeze: ["^0\\."] }).run;
  assertNotEquals(drops.forward(batch.inputs, train).toArray(), drops.forward(batch.inputs).toArray());
});

Deno.test("frozen weights under a variant, inside a recurrent layer and beside another way of learning stay, too", async () => {
  const connected = await run(sequential([dense(8, { weight: dropConnect() }), relu(), dense(3)]), {
    freeze: ["^0\\."],
  });
  assertEquals(connected.after["model/0.weight"], connected.before["model/0.weight"]);
  const recurrent = await run(sequential([reshape([2, 3]), lstm(4, { returnSequences: false }), dense(3)]), {
    freeze: ["weight_hh"],
    epochs: 1,
  });
  for (const key of Object.keys(recurrent.before)) {
    const frozen = key.includes("weight_hh");
    if (key.startsWith("model/")) {
      assertEquals(recurrent.after[key].join() === recurrent.before[key].join(), frozen, key);
    }
  }
  const learnt = await run(sequential([dropout(), dense(8), batchNorm(), relu(), dense(3)]), {
    freeze: ["^[12]\\."],
    learning: fastDropout(),
    epochs: 1,
  });
  for (const key of ["model/1.weight", "state/2.mean"]) assertEquals(learnt.after[key], learnt.before[key]);
  assertNotEquals(learnt.after["model/4.weight"], learnt.before["model/4.weight"]);
});

Deno.test("a run with frozen weights that is resumed ends as one that was not, and says so when others are frozen", async () => {
  const changes = { freeze: body, optimizer: decays };
  const whole = await run(net(), changes);
  const first = await Trainer.create(net(), options({ ...changes, epochs: 4 }));
  await first.runEpoch();
  const resume = copy(first.snapshot());
  const second = await Trainer.create(net(), options({ ...changes, resume }));
  while (!second.done) await second.runEpoch();
  assertEquals(numbers(copy(second.snapshot())), whole.after);
  await assertRejects(
    () => Trainer.create(net(), options({ optimizer: decays, resume })),
    CheckpointError,
    "in which 0.weight was frozen, and now it is trained: begin a new run with its weights",
  );
  const free = copy((await run(net(), { epochs: 1 })).trainer.snapshot());
  await assertRejects(
    () => Trainer.create(net(), options({ ...changes, resume: free })),
    CheckpointError,
    "in which 0.weight was trained, and now it is frozen",
  );
});

Deno.test("a pattern that matches nothing, and patterns that leave nothing to train, are refused", async () => {
  const refused = (changes: Partial<FitOptions>, text: string) =>
    assertRejects(() => fit(net(), options(changes)), OptionError, text);
  await refused({ freeze: ["^7"] }, "freeze.0: expected a pattern that matches one of 0.weight, 0.bias, 1.weight, ");
  await refused({ freeze: ["("] }, 'freeze.0: expected a regular expression, found "("');
  await refused({ freeze: "^0" as never }, 'freeze: expected a list of patterns of parameters\' names, found "^0"');
  await refused({ freeze: ["."] }, "freeze: expected patterns that leave a parameter to be trained");
  await refused(
    { freeze: ["^0"], parameterGroups: [{ match: "^0", set: { learningRate: 1 } }] },
    "parameterGroups.0.match: expected a pattern that matches one that is trained of 1.weight, ",
  );
  const model = buildModel(net(), { inputShape: [6] });
  assertThrows(() => optimizerFor(model, decays, { freeze: ["x"] }), OptionError, "optimizerFor.freeze.0: expected");
});

Deno.test("initialize gives a new run its weights, and is not called when one goes on", async () => {
  let calls = 0;
  const initialize = (model: Model) => {
    calls++;
    for (const { tensor } of model.parameters()) tensor.assign(Tensor.full(tensor.shape, 0.5));
  };
  const trainer = await Trainer.create(net(), options({ initialize }));
  assertEquals(new Set(trainer.model.parameters()[0].tensor.floats), new Set([0.5]));
  await trainer.runEpoch();
  const resume = copy(trainer.snapshot());
  const again = await Trainer.create(net(), options({ initialize, resume }));
  assertEquals(numbers(again.snapshot()), numbers(resume));
  assertEquals(calls, 1);
  await assertRejects(
    () => fit(net(), options({ initialize: 3 as never })),
    OptionError,
    "initialize: expected a function",
  );
});

Deno.test("a loop of one's own with frozen weights gives those that fit() gives, bit for bit", async () => {
  const settings = { batchSize: 8, seed: 5 };
  const run = await fit(net(), options({ optimizer: decays, freeze: body, epochs: 2, ...settings }));
  const data = await loadDataset(corners());
  const model = buildModel(net(), { inputShape: [6], seed: 5 });
  const optimizer = optimizerFor(model, decays, { freeze: body, seed: 5 });
  for (let epoch = 0; epoch < 2; epoch++) {
    for (const { inputs, targets } of batchesOf(data, { epoch, ...settings })) {
      const loss = lossOf(crossEntropy(), model.forward(inputs, optimizer.run), targets);
      optimizer.update(gradients(loss, optimizer.weights));
    }
  }
  assertEquals(optimizer.weights.length, 2);
  const values = (found: Model) => found.parameters().map(({ tensor }) => [...tensor.floats]);
  assertEquals(values(model), values(run.model));
});
