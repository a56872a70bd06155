/** The native projections against their plain twins. */
import { maxNormKernel } from "../../plugins/constraints/max_norm/_kernel.ts";
import { compare } from "./_compare.ts";
import { forSeeds, nativeTest, running } from "./_native.ts";

nativeTest("maxNorm shrinks the long rows and leaves the others as they are", () => {
  forSeeds(10, (draws) => {
    const [rows, cols] = [draws.whole(1, 200), draws.whole(1, 300)];
    const weight = draws.floats(rows * cols, draws.pick([0.1, 1]));
    compare("maxNorm", [weight], (backend, [weight]) => running(backend, maxNormKernel)(weight, rows, cols, 2));
  });
});
