/** The native bias with an activation against its plain twin. */
import type { Floats } from "../../core/backend/arrays.ts";
import { type Backend, reference } from "../../core/backend/backend.ts";
import { epilogues } from "../../core/backend/epilogue.ts";
import { compare } from "./_compare.ts";
import { forSeeds, nativeTest, on } from "./_native.ts";

for (const epilogue of epilogues) {
  nativeTest(`bias and ${epilogue}: value, gradient and the bias's gradient agree with the reference`, () => {
    forSeeds(12, (draws) => {
      const [rows, cols] = [draws.pick([1, 2, 33, 130]), draws.pick([1, 10, 257, 800])];
      const [x, dy, bias] = [draws.floats(rows * cols), draws.floats(rows * cols), draws.floats(cols)];
      const none = draws.next() < 0.3;
      const forward = (backend: Backend, [x]: Floats[]) =>
        on(backend).biasActivation(x, none ? null : bias, epilogue, rows, cols);
      compare(`${epilogue} [${rows}, ${cols}]`, [x], forward);
      const y = x.slice();
      forward(reference, [y]);
      const outputs = [dy, new Float32Array(cols)];
      const backward = (backend: Backend, [dx, dBias]: Floats[]) =>
        on(backend).biasActivationGradient(dx, y, dx, none ? null : dBias, epilogue, rows, cols);
      compare(`${epilogue} gradient [${rows}, ${cols}]`, outputs, backward, 1e-6, 2e-6);
    });
  });
}
