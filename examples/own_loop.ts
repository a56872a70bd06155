/**
 * A loop of one's own: batches, a pass, gradients, an update, evaluation.
 *
 *     deno run --allow-read --allow-env --allow-ffi examples/own_loop.ts
 */
import { batchesOf, buildModel, crossEntropy, dense, digits, dropout, evaluate, gradients } from "@thinned/dropout";
import { loadDataset, lossOf, optimizerFor, recycling, relu, sequential, sgd, tryOpenNative } from "@thinned/dropout";

await tryOpenNative();
const data = await loadDataset(digits({ train: 500, test: 500 }));
const net = sequential([dropout({ rate: 0.2 }), dense(256), relu(), dropout({ rate: 0.5 }), dense(10)]);
const model = buildModel(net, { inputShape: data.train.shape, seed: 1 });
const optimizer = optimizerFor(model, sgd({ learningRate: 0.05, momentum: 0.9 }), { clip: { norm: 5 } });

for (let epoch = 0; epoch < 10; epoch++) {
  let sum = 0;
  for (const { inputs, targets } of batchesOf(data, { epoch, batchSize: 50, seed: 1 })) {
    sum += recycling(() => {
      const loss = lossOf(crossEntropy(), model.forward(inputs, optimizer.run), targets);
      optimizer.update(gradients(loss, optimizer.weights));
      return loss.item();
    });
  }
  const { error } = evaluate(model, data);
  console.log(`epoch ${epoch + 1}: loss ${(sum / 10).toFixed(3)}, test error ${(100 * error).toFixed(1)} %`);
}
