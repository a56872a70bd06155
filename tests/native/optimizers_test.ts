/** The native optimizers' updates against their plain twins. */
import { adamKernel } from "../../plugins/optimizers/adam/_kernel.ts";
import { sgdKernel } from "../../plugins/optimizers/sgd/_kernel.ts";
import { compare, lengths } from "./_compare.ts";
import { forSeeds, nativeTest, running } from "./_native.ts";

nativeTest("sgd agrees with the reference in all its forms", () => {
  forSeeds(24, (draws) => {
    const n = draws.pick(lengths);
    const gradient = draws.floats(n);
    const momentum = draws.pick([0, 0.9]);
    const settings = {
      learningRate: 0.1,
      momentum,
      dampening: draws.pick([0, 0.3]),
      nesterov: draws.next() < 0.5,
      weightDecay: draws.pick([0, 0.01]),
      first: draws.next() < 0.3,
    };
    compare(JSON.stringify(settings), [draws.floats(n), draws.floats(n)], (backend, [weight, velocity]) => {
      running(backend, sgdKernel)(weight, gradient, momentum === 0 ? null : velocity, settings);
    });
  });
});

nativeTest("adam agrees with the reference in all its forms", () => {
  forSeeds(24, (draws) => {
    const n = draws.pick(lengths);
    const gradient = draws.floats(n);
    const settings = {
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: draws.pick([0, 0.01]),
      decoupled: draws.next() < 0.5,
      iteration: draws.pick([1, 2, 1000]),
    };
    const outputs = [draws.floats(n), draws.floats(n), draws.floats(n).map((v) => v * v)];
    compare(JSON.stringify(settings), outputs, (backend, [weight, first, second]) => {
      running(backend, adamKernel)(weight, gradient, first, second, settings);
    });
  });
});
