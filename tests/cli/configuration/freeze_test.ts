/** Fine-tuning from a configuration: weights of another run, and parts that stay as they are. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { decodeSafetensors } from "../../../core/mod.ts";
import { cli, inFolder, small, writeConfig } from "../_run.ts";

const weights = async (run: string) => {
  const path = `${run}/model.safetensors`;
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
  return Object.fromEntries([...tensors].map(([name, { floats }]) => [name, floats.join()]));
};

Deno.test("a run begins with the weights of another, trains its new head alone, and goes on so when resumed", () =>
  inFolder(async (folder) => {
    const base = `${folder}/base`;
    await Deno.mkdir(`${folder}/configs`);
    const config = await writeConfig(folder, { dataset: { ...small.dataset, train: 100, test: 50 } });
    const trained = await cli(["train", "--config", config, "--epochs", "1", "--out", base]);
    assertEquals(trained.status, 0, trained.err);
    const tune = ["--set", 'freeze=["^1\\\\."]', "--set", "optimizer.learningRate=0.01"];
    const pretrained = { path: "../base/model.safetensors", except: ["^4\\."] };
    const own = await writeConfig(`${folder}/configs`, {
      dataset: { ...small.dataset, train: 100, test: 50 },
      pretrained,
      seed: 2,
    });
    const once = await cli(["train", "--config", own, ...tune, "--epochs", "2", "--out", `${folder}/tuned`]);
    assertEquals(once.status, 0, once.err);
    assertStringIncludes(
      once.err,
      `2 tensors of ${await Deno.realPath(base)}/model.safetensors; left as initialised: 4.`,
    );
    const [before, after] = [await weights(base), await weights(`${folder}/tuned`)];
    for (const name of ["1.weight", "1.bias"]) assertEquals(after[name], before[name], name);
    for (const name of ["4.weight", "4.bias"]) assertNotEquals(after[name], before[name], name);

    const first = await cli(["train", "--config", own, ...tune, "--epochs", "1", "--out", `${folder}/parted`]);
    assertEquals(first.status, 0, first.err);
    await Deno.remove(`${base}/model.safetensors`);
    const goes = await cli(["train", "--resume", `${folder}/parted`, "--epochs", "2"]);
    assertEquals(goes.status, 0, goes.err);
    assertEquals(await weights(`${folder}/parted`), after);
    const gone = await cli(["train", "--config", own, "--out", `${folder}/gone`]);
    assertEquals(gone.status, 2);
    assertStringIncludes(gone.err, "base/model.safetensors cannot be read");
    const wrong = await cli(["train", "--config", config, "--set", 'freeze=["^9"]', "--out", `${folder}/gone`]);
    assertEquals(wrong.status, 2);
    assertStringIncludes(
      wrong.err,
      "freeze.0: expected a pattern that matches one of 1.weight, 1.bias, 4.weight, 4.bias",
    );
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).includes("gone"), false);
  }));
