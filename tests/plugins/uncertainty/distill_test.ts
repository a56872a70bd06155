/** Students that learn what their teachers say in the mean. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  adam,
  assessClassification,
  buildModel,
  type Dataset,
  definePlugin,
  dense,
  distill,
  dropout,
  type Factory,
  fit,
  gaussianNll,
  type LayerPlugin,
  type Model,
  OptionError,
  predict,
  type Predictor,
  sequential,
  sgd,
  type Snapshot,
  Tensor,
} from "../../../mod.ts";
import { z } from "zod";
import { copy, corners, line, network, options } from "../../core/_runs.ts";

const near = (found: number, expected: number, tolerance = 1e-5) => assertAlmostEquals(found, expected, tolerance);

/** A predictor whose passes say the same of every example. */
function constant(passes: readonly (readonly number[])[]): Predictor {
  return {
    passes: passes.length,
    run: ({ inputs }, visit) => {
      const count = inputs.shape[0];
      passes.forEach((pass, i) =>
        visit(Tensor.from(Array.from({ length: count }, () => pass).flat(), [count, pass.length]), i)
      );
    },
  };
}

const zeros: LayerPlugin = dense(3, { initializerGain: 1e-30 });
const biasOf = (model: Model) => [...model.parameters().find(({ name }) => name === "bias")!.tensor.floats];

Deno.test("a step of a student follows the mean probabilities of the teacher's passes", async () => {
  // Passes say 0.8, 0.1, 0.1 and 0.2, 0.7, 0.1: in the mean 0.5, 0.4, 0.1; a student without knowledge says thirds.
  const teacher = constant([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]].map((p) => p.map(Math.log)));
  const data: Dataset = corners(10);
  const settings = { ...options(), data, optimizer: sgd({ learningRate: 1 }), epochs: 1, batchSize: 10 };
  const { model, trainLoss } = await distill(zeros, { ...settings, teacher });
  [0.5, 0.4, 0.1].forEach((p, i) => near(biasOf(model)[i], p - 1 / 3));
  assert(trainLoss > 0); // measured on the labels
  const long = await distill(zeros, { ...settings, teacher, epochs: 1500 });
  const x = Tensor.zeros([1, 6]);
  [0.5, 0.4, 0.1].forEach((p, i) => near(long.model.forward(x).softmax().floats[i], p, 1e-3));
});

Deno.test("a student of numbers learns their mean, and with a loss for that the variance of passes and noise", async () => {
  const teacher = constant([[-1], [3]]); // mean 1, variance 4
  const settings = {
    ...options(),
    data: line(20),
    optimizer: adam({ learningRate: 0.05 }),
    epochs: 800,
    batchSize: 20,
  };
  const x = Tensor.zeros([1, 2]);
  const mean = await distill(dense(1), { ...settings, loss: undefined, teacher });
  near(mean.model.forward(x).item(), 1, 1e-3);
  const { model } = await distill(dense(2), { ...settings, loss: gaussianNll(), teacher, noise: 5 });
  const [m, logVariance] = model.forward(x).floats;
  near(m, 1, 1e-2);
  near(Math.exp(logVariance), 9, 0.1);
  // A teacher that says variances itself, 1 and 2: they are added in the mean.
  const says = constant([[-1, 0], [3, Math.log(2)]]);
  const second = await distill(dense(2), { ...settings, loss: gaussianNll(), teacher: says });
  near(Math.exp(second.model.forward(x).floats[1]), 5.5, 0.1);
});

Deno.test("a student of a net with dropout comes near its Monte Carlo mean, and is resumed with the same bits", async () => {
  const data = corners(40);
  const { model: teacher } = await fit(network(), { ...options(), data, epochs: 10 });
  const settings = { ...options(), data, optimizer: adam({ learningRate: 0.02 }), epochs: 40, batchSize: 20 };
  const student = sequential([dense(16), dropout({ rate: 0 }), dense(3)]);
  const { model } = await distill(student, { ...settings, teacher, samples: 5 });
  const x = Tensor.from(data.train.inputs, [40, 6]);
  const wanted = predict(teacher, x, { samples: 400, softmax: true }).mean.floats;
  const distance = (of: Model) => {
    const found = of.forward(x).softmax().floats;
    return Math.sqrt(Array.from(found, (p, i) => (p - wanted[i]) ** 2).reduce((a, b) => a + b) / found.length);
  };
  const { model: alone } = await fit(student, settings);
  assert(distance(model) < 0.05, `${distance(model)}`);
  assert(distance(model) < distance(alone) / 2, `${distance(model)} beside ${distance(alone)}`);
  assertEquals(assessClassification(model, data).passes, 1);
  // One that goes on from the middle has the same lessons.
  const kept: Snapshot[] = [];
  const keeper: Factory<"observer", Record<never, never>> = definePlugin({
    name: "keeper",
    options: z.object({}),
    observe: () => ({
      epoch: ({ epoch, snapshot }) => {
        if (epoch === 20) kept.push(copy(snapshot()));
      },
    }),
  });
  const whole = await distill(student, { ...settings, teacher, samples: 5, observers: [keeper()] });
  const resumed = await distill(student, { ...settings, teacher, samples: 5, resume: kept[0] });
  const weights = ({ model }: { model: Model }) => model.parameters().map(({ tensor }) => [...tensor.floats]);
  assertEquals(weights(whole), weights({ model }));
  assertEquals(weights(resumed), weights(whole));
});

Deno.test("distill() refuses wrong options", async () => {
  const data = corners(10);
  const teacher = buildModel(dense(3), { inputShape: [6] });
  const refuses = (more: object, text: string) =>
    assertRejects(() => distill(dense(3), { ...options(), data, teacher, ...more }), OptionError, text);
  await refuses({ noise: -1 }, "noise: expected a variance of at least 0");
  await refuses({ samples: -1 }, "samples: expected a whole number");
  await refuses({ teacher: [] }, "models: expected at least one");
  await refuses({ teacher: constant([[0]]), samples: 3 }, "samples: expected nothing for a predictor");
  await refuses({ epoch: 3 }, "epoch");
});
