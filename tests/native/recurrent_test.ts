/** The steps of an LSTM and a GRU: native kernels against the reference, and whole layers on both. */
import { assertEquals } from "@std/assert";
import {
  type Backend,
  buildModel,
  gradients,
  Key,
  type LayerPlugin,
  reference,
  Tensor,
  useBackend,
} from "../../core/mod.ts";
import { gru, lstm, rnn, zoneout } from "../../plugins/mod.ts";
import { assertClose, forSeeds, missing, nativeTest, on, open } from "./_native.ts";

const backends: Backend[] = missing === undefined ? [open("auto"), open("portable")] : [];

type Array32 = Float32Array<ArrayBuffer>;

/** Runs a kernel on the reference and on each native backend, and compares all arrays afterwards. */
function compare(what: string, arrays: Array32[], run: (backend: Backend, arrays: Array32[]) => void): void {
  const expected = arrays.map((array) => array.slice());
  run(reference, expected);
  for (const backend of backends) {
    const found = arrays.map((array) => array.slice());
    run(backend, found);
    found.forEach((array, i) => assertClose(array, expected[i], 2e-6, 2e-6, `${what}, array ${i}`));
  }
}

nativeTest("the steps of an LSTM and a GRU and their gradients agree with the reference", () => {
  forSeeds(3, (draws) => {
    for (const [rows, units] of [[1, 1], [3, 7], [0, 4], [5, 16], [33, 129], [64, 650]]) {
      const n = rows * units;
      const state = () => draws.floats(n, 1);
      compare(
        "lstmCell",
        [draws.floats(4 * n, 4), state(), state(), state()],
        (backend, [gates, previous, cell, hidden]) => {
          on(backend).lstmCell(gates, previous, cell, hidden, rows, units);
        },
      );
      const activations = draws.floats(4 * n, 0.5).map((value) => value + 0.5);
      compare(
        "lstmCellGradient",
        [activations, state(), state(), state(), state(), draws.floats(4 * n)],
        (backend, a) => {
          on(backend).lstmCellGradient(a[0], a[1], a[2], a[3], a[4], a[5], rows, units);
        },
      );
      for (const bias of [null, draws.floats(3 * units, 1)]) {
        compare("gruCell", [draws.floats(3 * n), draws.floats(3 * n), state(), state(), state()], (backend, a) => {
          on(backend).gruCell(a[0], a[1], bias, a[2], a[3], a[4], rows, units);
        });
      }
      const gates = activations.subarray(0, 3 * n) as Array32;
      compare(
        "gruCellGradient",
        [gates, state(), state(), state(), draws.floats(3 * n), draws.floats(3 * n)],
        (backend, a) => {
          on(backend).gruCellGradient(a[0], a[1], a[2], a[3], a[4], a[5], rows, units);
        },
      );
    }
  });
});

nativeTest("the steps of an LSTM saturate without NaN", () => {
  for (const backend of backends) {
    const gates = Float32Array.of(100, -100, 100, -100, -100, 100, -100, 100, 100, -100, 100, -100, 100, 100, 100, 100);
    const [cell, hidden] = [new Float32Array(4), new Float32Array(4)];
    on(backend).lstmCell(gates, Float32Array.of(1, 1, 1, 1), cell, hidden, 1, 4);
    assertEquals([...cell].map((value) => Math.abs(value)), [1, 1, 1, 1]);
    hidden.forEach((value) => assertClose(Float32Array.of(Math.abs(value)), Float32Array.of(Math.tanh(1)), 1e-6, 0));
  }
});

/** Output and gradients of a layer on a backend. */
function all(backend: Backend, layer: LayerPlugin): Array32[] {
  const before = useBackend(backend);
  try {
    const model = buildModel(layer, { inputShape: [-1, 5], seed: 1 });
    const x = Tensor.normal([9, 11, 5], Key.seed(2)).withGradient();
    x.floats.fill(0, x.size - 20);
    const y = model.forward(x, { mode: "train", step: 0 });
    const dy = Tensor.normal(y.shape, Key.seed(3));
    const found = gradients(y, [x, ...model.parameters().map((p) => p.tensor)], dy);
    return [y, ...found].map((tensor) => tensor.floats as Array32);
  } finally {
    useBackend(before);
  }
}

for (const [name, make] of Object.entries({ rnn, lstm, gru })) {
  nativeTest(`${name}() gives natively what the reference gives, to 2e-5 of the largest entry`, () => {
    for (
      const layer of [make(13, { layers: 2, bidirectional: true, padding: 0 }), make(13, { recurrent: zoneout() })]
    ) {
      const expected = all(reference, layer);
      for (const backend of backends) {
        all(backend, layer).forEach((array, i) => {
          const largest = expected[i].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          assertClose(array, expected[i], 0, 2e-5 * largest, `${name}, array ${i}`);
        });
      }
    }
  });
}
