/** Weights that were trained elsewhere, as far as they fit. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { buildModel, CheckpointError, decodeSafetensors, loadWeights, OptionError } from "../../../core/mod.ts";
import { batchNorm } from "../../../plugins/layers/batch_norm.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";

const built = (classes: number, seed: number, hidden = 5) =>
  buildModel(sequential([dense(hidden), batchNorm(), relu(), dense(classes)]), { inputShape: [4], seed });

const except = ["^3\\."];

Deno.test("a model takes what fits from a file and from another model, and keeps a new head", async () => {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  const base = built(10, 1);
  base.state().get("1.mean")!.assign(base.state().get("1.variance")!);
  await base.save(path);
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
  await Deno.remove(path);
  for (const source of [base, tensors]) {
    const model = built(2, 2);
    const head = [...model.parameters().at(-2)!.tensor.floats];
    const told = loadWeights(model, source, { except });
    assertEquals(told.taken, ["0.weight", "0.bias", "1.weight", "1.bias", "1.mean", "1.variance"]);
    assertEquals(told.left, ["3.weight", "3.bias"]);
    assertEquals([...told.unused].sort(), ["3.bias", "3.weight"]);
    assertEquals(model.parameters()[0].tensor.toArray(), base.parameters()[0].tensor.toArray());
    assertEquals(model.state().get("1.mean")!.toArray(), [1, 1, 1, 1, 1]);
    assertEquals([...model.parameters().at(-2)!.tensor.floats], head);
  }
});

Deno.test("what is missing, surplus or of another shape is refused in one sentence, and nothing is changed", () => {
  const model = built(2, 2, 6);
  const before = model.parameters()[0].tensor.toArray();
  const base = built(10, 1);
  assertThrows(
    () => loadWeights(model, base, { except }),
    CheckpointError,
    "The weights do not fit the model: expected 0.weight of shape [6, 4], found [5, 4]; expected 0.bias of shape [6], ",
  );
  assertThrows(
    () => loadWeights(built(2, 1), base),
    CheckpointError,
    "expected 3.weight of shape [2, 5], found [10, 5]",
  );
  const small = buildModel(sequential([dense(5)]), { inputShape: [4] });
  assertThrows(() => loadWeights(small, base), CheckpointError, "nothing takes 1.weight of shape [5]; nothing takes ");
  assertThrows(() => loadWeights(base, small), CheckpointError, "expected 1.weight of shape [5], found none");
  assertThrows(
    () => loadWeights(base, small, { except: ["^9"] }),
    OptionError,
    "except.0: expected a pattern that matches",
  );
  assertThrows(() => loadWeights({} as never, small), OptionError, "loadWeights: model: expected a model");
  assertEquals(model.parameters()[0].tensor.toArray(), before);
  assertNotEquals(before, base.parameters()[0].tensor.toArray());
});
