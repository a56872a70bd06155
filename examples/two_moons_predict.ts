/**
 * Predicts with the model of `two_moons_train.ts`: nothing of the program that made it is needed.
 *
 *     deno run --allow-read examples/two_moons_predict.ts moons.safetensors
 */
import { loadModel, predict, prepareInputs } from "@thinned/dropout";

const { model, preprocessing } = await loadModel(Deno.args[0] ?? "moons.safetensors");
const points = [[0, 1], [1, -0.5], [-1, 0.2], [2, 0.3], [0.5, 0.25]];
const { mean, variance } = predict(model, prepareInputs(preprocessing!, points), { softmax: true, samples: 100 });
const best = mean.argmax().ints;
points.forEach((point, i) => {
  const deviation = Math.sqrt(variance.slice([i, best[i]], [i + 1, best[i] + 1]).item());
  console.log(`${JSON.stringify(point)}: ${preprocessing!.classNames![best[i]]}, give or take ${deviation.toFixed(3)}`);
});
