/** The nets of the examples as ONNX files: the same outputs, to 1e-5. */
import { assert, assertEquals } from "@std/assert";
import { type BuildOptions, Key, Registry, Tensor } from "../../../core/mod.ts";
import { builtins } from "../../../plugins/builtins.ts";
import { toOnnx } from "../../../plugins/mod.ts";
import { configuredRun } from "../../../cli/configuration/configured_run.ts";
import { readConfig } from "../../../cli/configuration/read_config.ts";
import { runsOf } from "../../../cli/configuration/runs_of.ts";
import { fadingDropout } from "../../../examples/fading_dropout.ts";
import { disturbed } from "../_disturbed.ts";
import { assertSame } from "./_onnx_runtime.ts";

const folder = new URL("../../../examples/", import.meta.url).pathname;
const registry = new Registry([...builtins, fadingDropout]);

/** What the nets of an example take: images of digits, rows of a table, or indices of characters below 66. */
const takes: Readonly<Record<string, BuildOptions>> = {
  "char-lstm.json": { inputShape: [20] },
  "char-transformer.json": { inputShape: [64] },
  "cnn-mnist.json": { inputShape: [1, 28, 28] },
  "houses.json": { inputShape: [12] },
  "mnist-paper.json": { inputShape: [784] },
  "sparse-lenet-300-100.json": { inputShape: [784] },
  "sparse-lenet-5.json": { inputShape: [1, 28, 28] },
};

for (const [name, options] of Object.entries(takes)) {
  Deno.test(`the nets of ${name} give the same in ONNX Runtime`, async () => {
    const config = await readConfig(`${folder}${name}`, "config");
    for (const run of runsOf(config)) {
      const { model: root } = configuredRun(config, run.name, registry);
      // Wide layers keep outputs of the size that training gives them: rounding grows with their numbers.
      const model = disturbed(root, options, 0.01);
      const shape = [3, ...model.inputShape];
      const x = Tensor.normal(shape, Key.seed(2));
      const words = Tensor.from(x.floats.map((value) => Math.abs(Math.floor(20 * value)) % 66), shape);
      await assertSame(model, {}, [name.startsWith("char") ? words : x]);
      await toOnnx(model, { monteCarlo: true }).catch(({ message }) => {
        // A variant that learns what it drops, and one of a file's own, draw by methods of their own.
        assert(/sparse-variational-dropout|fading-dropout/.test(message), message);
      });
    }
  });
}

Deno.test("every example with a net is tried", () => {
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".json"));
  assertEquals(files.filter((name) => !(name in takes)), []);
});
