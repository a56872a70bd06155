/** The page of a run in training, in a browser. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cli, command, inFolder, writeConfig } from "../cli/_run.ts";
import { barriers, browserTest, Chromium, overhang } from "./_chromium.ts";

/** A process of `train --dashboard`: the page's address, and what it leaves behind. */
async function trainingWithPage(args: readonly string[]) {
  const process = command(["train", ...args, "--dashboard"]).spawn();
  const decoder = new TextDecoder();
  const address = Promise.withResolvers<string>();
  const ended = Promise.all([
    new Response(process.stdout).text(),
    (async () => {
      let err = "";
      for await (const piece of process.stderr) {
        err += decoder.decode(piece, { stream: true });
        const found = /http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}\n/.exec(err);
        if (found !== null) address.resolve(found[0].trim());
      }
      address.reject(new Error(err));
      return err;
    })(),
    process.status,
  ]);
  address.promise.catch(() => {});
  const url = await address.promise;
  const ask = (what: string) => {
    const { origin, search } = new URL(url);
    return fetch(`${origin}/${what}${search}`, { method: "POST", headers: { origin } });
  };
  return { url, ask, ended: ended.then(([out, err, { code }]) => ({ out, err, code })) };
}

/** The lines of a run's metrics. */
async function metrics(folder: string): Promise<Record<string, number>[]> {
  return (await Deno.readTextFile(`${folder}/metrics.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
}

browserTest(
  "a run is watched, paused, resumed and stopped on its page, and goes on to the bits of one that was not",
  () =>
    inFolder(async (folder) => {
      const config = await writeConfig(folder, { epochs: 120 });
      await using browser = await Chromium.launch();
      const { url, ask, ended } = await trainingWithPage(["--config", config, "--out", `${folder}/watched`, "--json"]);
      assertEquals((await ask("pause")).status, 200); // until the browser is ready
      const page = await browser.open(url);
      const state = (text: string) =>
        page.waitForFunction(`document.querySelector("#state").textContent.startsWith(${JSON.stringify(text)})`);
      await state("Paused");
      const progress = () => page.$eval(".live .note", ({ textContent }) => textContent!);
      const before = await progress();
      await page.click("#pause");
      await state("Training");
      // Steps are told while it goes on, and all epochs are drawn when there is time.
      await page.waitForFunction(`document.querySelector(".live .note").textContent !== ${JSON.stringify(before)}`);
      await page.click("#pause");
      await state("Paused");
      await page.waitForFunction('document.querySelectorAll("[data-run] tbody tr").length > 0');
      await page.setViewport({ width: 390, height: 900 });
      assertEquals([await overhang(page), await barriers(page)], [0, []]);
      // The step that was under way has ended by now, and no other begins.
      const heldAt = await progress();
      await new Promise((resolve) => setTimeout(resolve, 100));
      assertEquals(await progress(), heldAt);
      await page.click("#stop");
      await state("Stopped");
      const { code, err, out } = await ended;
      assertEquals(code, 130, err);
      assertEquals(JSON.parse(out).runs.length, 1);
      // What stands on the page at the end is what stands in the run's folder.
      const lines = await metrics(`${folder}/watched`);
      assert(lines.length < 120);
      const shown = await page.$$eval('[data-run="run"] tbody tr', (rows) =>
        rows.map((row) =>
          [...row.querySelectorAll("data")].map((cell) => [cell.dataset.name, Number(cell.value)])
        ));
      assertEquals(shown.length, lines.length);
      assertEquals(
        shown,
        lines.map((line, i) => shown[i].map(([name]) => [name, line[name as string]])),
      );
      const again = await page.$eval(".live code", ({ textContent }) => textContent!);
      assertEquals(again, `deno task train --resume ${folder}/watched`);
      assertStringIncludes(err, again);
      assertEquals(browser.complaints, []);

      const resumed = await cli(["train", "--resume", `${folder}/watched`]);
      assertEquals(resumed.status, 0, resumed.err);
      const whole = await cli(["train", "--config", config, "--out", `${folder}/whole`]);
      assertEquals(whole.status, 0, whole.err);
      const [one, other] = ["watched", "whole"].map((run) => `${folder}/${run}/model.safetensors`);
      assertEquals(await Deno.readFile(one), await Deno.readFile(other));
    }),
);

browserTest(
  "a page that stays open sees the end, with the last numbers",
  () =>
    inFolder(async (folder) => {
      await using browser = await Chromium.launch();
      const config = await writeConfig(folder, { epochs: 3 });
      const done = await trainingWithPage(["--config", config, "--out", `${folder}/done`]);
      await done.ask("pause");
      const page = await browser.open(done.url);
      await page.waitForFunction('document.querySelector("#pause").textContent === "Resume"');
      await page.click("#pause");
      assertEquals((await done.ended).code, 0);
      await page.waitForFunction('document.querySelector("#state").textContent.startsWith("Done")');
      const [last] = (await metrics(`${folder}/done`)).slice(-1);
      const shown = await page.$$eval("#results data", (cells) => cells.map(({ value }) => Number(value)));
      assertEquals(shown, [last.testError, last.trainError, last.testLoss]);
      // The server may end between two requests; the page has then what came with the end.
      assertEquals(browser.complaints.filter((line) => !/report\.json|ERR_CONNECTION_REFUSED/.test(line)), []);
    }),
);
