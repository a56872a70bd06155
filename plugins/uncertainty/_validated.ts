/** Choosing a prior by a validation part. @module */
import { type Dataset, negativeLogLikelihood, normalLogDensity, type Tensor } from "../../core/mod.ts";
import { eachBatch } from "./_gather.ts";
import type { LastLayerLaplace } from "./laplace_posterior.ts";

/** Precisions that are tried: from 1e-4 to 1e6, four to a power of ten. */
const PRECISIONS = Array.from({ length: 41 }, (_, i) => 10 ** (-4 + i / 4));

/** The approximation with the precision under which the validation part is likeliest, by one pass each. */
export function bestOnValidation(made: (precision: number) => LastLayerLaplace, data: Dataset): LastLayerLaplace {
  const candidates = PRECISIONS.map((precision) => ({ laplace: made(precision), loss: 0 }));
  const held = data.validation!;
  eachBatch(data, held, (batch) => {
    for (const candidate of candidates) {
      if (data.classes === 0) candidate.loss += numberLoss(candidate.laplace, batch.inputs, batch.targets);
      else {
        candidate.laplace.probit().run({ inputs: batch.inputs, examples: [] }, (logits) => {
          const rows = batch.targets.size;
          const logs = logits.cast("float64").logSoftmax();
          candidate.loss += rows * negativeLogLikelihood(logs.exp().reshape([rows, -1]), batch.targets.ints);
        });
      }
    }
  });
  return candidates.reduce((best, candidate) => candidate.loss < best.loss ? candidate : best).laplace;
}

/** The negative log-likelihood of targets under the outputs' variances and the noise. */
function numberLoss(laplace: LastLayerLaplace, inputs: Tensor, targets: Tensor): number {
  const { mean, covariance } = laplace.outputs(inputs);
  const units = mean.shape[1];
  let loss = 0;
  for (let i = 0; i < mean.size; i++) {
    const variance = covariance.floats[i * units + i % units] + laplace.noise!;
    loss -= normalLogDensity(targets.floats[i], mean.floats[i], variance);
  }
  return loss;
}
