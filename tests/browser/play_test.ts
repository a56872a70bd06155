/// <reference lib="dom" />
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "puppeteer-core";
import type { Losses, Shown } from "../../cli/play/page/messages.ts";
import { Playground } from "../../cli/play/page/playground.ts";
import { readScene, type Scene } from "../../cli/play/page/scene.ts";
import { writtenPage } from "../cli/play/_page.ts";
import { barriers, browserTest, Chromium, overhang } from "./_chromium.ts";

/** What the page says of itself to programs. */
interface Told {
  readonly scene: Scene;
  readonly shown?: Shown;
  readonly losses: readonly Losses[];
  readonly frame?: { readonly step: number };
}

const told = async (page: Page) =>
  JSON.parse(
    await page.evaluate(
      "JSON.stringify(playground, (_, value) => value instanceof Float32Array ? [...value] : value)",
    ) as string,
  ) as Told;

let made: Promise<string> | undefined;

/** Lets a test have the page as a file, by its address. */
async function withPage(body: (url: string) => Promise<void>): Promise<void> {
  const text = await (made ??= writtenPage());
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/play.html`, text);
    await body(`file://${folder}/play.html`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Opens the page and waits until its net stands. */
async function opened(browser: Chromium, url: string, options: Parameters<Chromium["open"]>[1] = {}): Promise<Page> {
  const page = await browser.open(url, options);
  await page.waitForFunction("playground.losses.length > 0");
  return page;
}

/** Sets a slider, as a person does who drags it. */
async function slide(page: Page, id: string, value: number): Promise<void> {
  await page.$eval(`#${id}`, (input, value) => {
    const slider = input as unknown as { value: string; dispatchEvent(event: Event): void };
    slider.value = String(value);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);
}

/** Presses Step and waits until the page shows it. */
async function step(page: Page): Promise<Told> {
  const before = (await told(page)).frame!.step;
  await page.click("#step");
  await page.waitForFunction(`playground.frame.step === ${before + 1} && playground.shown.step === ${before}`);
  return await told(page);
}

browserTest(
  "the playground trains in a page, with the masks that the library draws, and does what its buttons say",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/play.html`, await writtenPage());
      const url = `file://${folder}/play.html`;
      await using browser = await Chromium.launch();

      // A scene in the address is what the page shows, and its masks are the library's, step by step.
      const address = "rates=0.2,0.5,0.5&seed=7&batch=16";
      const page = await opened(browser, `${url}#${address}`);
      const same = new Playground(readScene(address));
      for (let i = 0; i < 3; i++) {
        const { shown } = await step(page);
        const expected = same.train(true)!;
        assertEquals(shown!.step, expected.step);
        assertEquals(
          shown!.sites.map(({ path, factors }) => [path, [...factors]]),
          expected.sites.map(({ path, factors }) => [path, [...factors]]),
        );
      }
      assertEquals((await told(page)).losses.at(-1), JSON.parse(JSON.stringify(same.measure())));
      const texts = await page.$$eval(
        "#train-loss, #test-loss, #gap",
        (all) => all.map(({ textContent }) => textContent),
      );
      const { train, test } = same.measure()!;
      assertEquals(
        texts,
        [train.loss, test.loss, test.loss - train.loss].map((value) => value.toFixed(3)),
      );

      // Playing, it learns; paused, it stays.
      await page.select("#speed", "Infinity");
      await page.click("#play");
      await page.waitForFunction("playground.frame.step > 300");
      await page.click("#play");
      await page.waitForFunction("playground.frame.spent[1] === 0"); // the answer to the pause itself
      const learned = await told(page);
      assert(learned.losses.at(-1)!.train.loss < 0.7 * learned.losses[0].train.loss);
      // What stands is what is seen: the masks of the last step.
      assertEquals([learned.shown!.step, (await told(page)).frame!.step], [
        learned.frame!.step - 1,
        learned.frame!.step,
      ]);

      // A rate that is moved holds from the next step on, and is in the address.
      await slide(page, "width-0", 32);
      await page.waitForFunction("playground.frame.step === 0");
      await slide(page, "rate-1", 0.9);
      await page.waitForFunction("playground.scene.rates[1] === 0.9");
      let dropped = 0;
      for (let i = 0; i < 6; i++) dropped += (await step(page)).shown!.sites[1].dropped / 6;
      assertAlmostEquals(dropped, 0.9, 0.04);
      assertMatch(page.url(), /rates=0.2,0.9,0.5/);

      // Another variant drops weights; reset begins anew.
      await page.select("#variants", "drop-connect");
      await page.waitForFunction("playground.scene.variant === 'drop-connect'");
      assertEquals((await step(page)).shown!.sites.map(({ weights }) => weights), [true, true, true]);
      assertMatch(await page.$eval("#about", ({ textContent }) => textContent!), /When: /);
      await page.click("#reset");
      await page.waitForFunction("playground.frame.step === 0");

      // Points of one's own, by pointer and by keys.
      await page.click('#patterns input[value="own"]');
      const plane = (await page.$("#probability"))!;
      await plane.click({ offset: { x: 60, y: 60 } });
      await page.click('#pen input[value="1"]');
      await plane.click({ offset: { x: 200, y: 200 } });
      await plane.focus();
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      const { scene: { points } } = await told(page);
      assertEquals(points.filter((_, i) => i % 3 === 2), [0, 1, 1]);
      assert(points[0] < 0 && points[1] > 0 && points[3] > 0 && points[4] < 0);

      // What cannot be is said, and the page goes on with what can.
      const wrong = await opened(browser, `${url}#data=moon`);
      assertMatch(
        await wrong.$eval("#notice", ({ textContent }) => textContent!),
        /scene: data: expected one of moons/,
      );
      assertEquals((await told(wrong)).scene.data, "moons");
      assertEquals(browser.complaints, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

browserTest("the playground can be used in both themes, on a phone, and by keys and readers", async () => {
  await withPage(async (url) => {
    await using browser = await Chromium.launch();
    const grounds = [];
    for (const [theme, width] of [["light", 1360], ["dark", 390]] as const) {
      const page = await opened(browser, `${url}#layers=32,32,32,32`, { theme, width });
      await page.keyboard.press(".");
      await page.waitForFunction("playground.shown !== undefined");
      assertEquals([await overhang(page), await barriers(page)], [0, []], theme);
      grounds.push(await page.$eval("body", () => getComputedStyle(document.body).backgroundColor));
      assertMatch(
        await page.$eval("#network", (canvas) => canvas.getAttribute("aria-label")!),
        /^Net of 2, 32, 32, 32, 32, 2 units. Units kept in step 0: inputs 2 of 2, layer 1 \d+ of 32/,
      );
      // Nothing is left blank: the canvases hold more than one colour.
      for (const id of ["network", "probability", "unsure"]) {
        const colours = await page.$eval(`#${id}`, (canvas) => {
          const sheet = canvas as unknown as { width: number; height: number; getContext(kind: "2d"): never };
          const { data } = (sheet.getContext("2d") as CanvasRenderingContext2D)
            .getImageData(0, 0, sheet.width, sheet.height);
          return new Set(new Uint32Array(data.buffer)).size;
        });
        assert(colours > 20, `${id} in ${theme}: ${colours} colours`);
      }
    }
    assertEquals(new Set(grounds).size, 2);
    assertEquals(browser.complaints, []);
  });
});
