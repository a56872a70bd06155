/** The report's page in a browser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { reportPage } from "../../cli/report/html.ts";
import type { ReportData } from "../../cli/report/report_data.ts";
import { exampleReport } from "../cli/report/_example.ts";
import { barriers, browserTest, Chromium, overhang } from "./_chromium.ts";

/** Opens reports as files, as people do. */
async function withReport(data: ReportData, body: (browser: Chromium, url: string) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".html" });
  try {
    await Deno.writeTextFile(file, reportPage(data));
    await using browser = await Chromium.launch();
    await body(browser, `file://${file}`);
    assertEquals(browser.complaints, []);
  } finally {
    await Deno.remove(file);
  }
}

/** Every panel of the example, from top to bottom. */
const panels = [
  "results",
  "learning",
  "rates",
  "features",
  "activations",
  "weights",
  "confusion",
  "mistakes",
  "reliability",
  "uncertainty",
  "time",
  "again",
  "numbers",
];

browserTest(
  "a report is drawn in both themes and at a phone's width, nothing complains, and nobody is shut out",
  () =>
    withReport(exampleReport, async (browser, url) => {
      for (const theme of ["light", "dark"] as const) {
        const page = await browser.open(url, { theme });
        await page.waitForSelector("#time .chart svg");
        assertEquals(await page.$$eval("main > section", (sections) => sections.map(({ id }) => id)), panels);
        // What is folded is drawn when it is opened.
        const drawn = await page.$$eval(
          ".chart",
          (places) =>
            places.filter((place) => place.closest("details") === null).map((place) =>
              place.querySelector("svg") !== null
            ),
        );
        assertEquals([drawn.length > 20, drawn.includes(false)], [true, false]);
        // Between themes, colours differ and nothing else.
        assertEquals(await barriers(page, theme === "light" ? undefined : ["color-contrast"]), []);
        const paper = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
        const button = await page.$("#theme");
        for (const name of ["light", "dark"]) {
          await button!.click();
          assertEquals(await page.$eval("#theme", ({ textContent }) => textContent), `Theme: ${name}`);
          const now = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
          assertEquals(now === paper, name === theme);
        }
        await button!.click();
        await page.close();
      }
      const phone = await browser.open(url, { width: 390 });
      await phone.waitForSelector("#time .chart svg");
      for (const fold of await phone.$$("summary")) await fold.click();
      await phone.waitForFunction(
        '[...document.querySelectorAll(".chart")].every((place) => place.querySelector("svg"))',
      );
      assertEquals(await overhang(phone), 0);
    }),
);

browserTest(
  "the numbers on a report are those of the metrics, and runs can be switched off but the last",
  () =>
    withReport(exampleReport, async (browser, url) => {
      const page = await browser.open(url);
      for (const { name, history } of exampleReport.runs) {
        const shown = await page.$$eval(
          `[data-run="${name}"] tbody tr`,
          (rows) =>
            rows.map((row) => {
              const cells = [...row.querySelectorAll("data")].map((cell) => [cell.dataset.name!, Number(cell.value)]);
              return { epoch: Number(row.firstElementChild!.textContent), ...Object.fromEntries(cells) };
            }),
        );
        assertEquals(shown, history.map(({ step: _, ...line }) => line) as typeof shown);
      }
      const last = exampleReport.runs[1].history.at(-1)!;
      assertMatch(
        await page.$eval("h1", ({ textContent }) => textContent!),
        new RegExp(`^dropout is ahead: test error ${(last.testError! * 100).toFixed(2)}\u00a0%`),
      );
      const rows = () => page.$$eval("#results tbody th", (heads) => heads.map(({ textContent }) => textContent));
      assertEquals(await rows(), ["plain", "dropout"]);
      await page.click('.legend [data-variant="plain"]');
      assertEquals(await rows(), ["dropout"]);
      await page.click('.legend [data-variant="dropout"]');
      assertEquals(await rows(), ["dropout"]);
      assertEquals(await page.$$eval(".legend button", (all) => all.map((one) => one.ariaPressed)), ["false", "true"]);
      await page.click('.legend [data-variant="plain"]');
      assertEquals(await rows(), ["plain", "dropout"]);
    }),
);

browserTest("seeds of a variant have a line of means, and one switch", async () => {
  const [plain, dropout] = exampleReport.runs;
  const seeds = [0.01, 0.03].map((testError, i) => {
    const history = dropout.history.map((line) => ({ ...line, testError, trainError: 0 }));
    return { ...dropout, name: `dropout-${i}`, seed: i, history };
  });
  await withReport({ ...exampleReport, runs: [plain, ...seeds] }, async (browser, url) => {
    const page = await browser.open(url);
    const cells = () =>
      page.$$eval(
        "#results table:first-of-type tbody tr",
        (rows) =>
          rows.map((row) =>
            [...row.children].slice(0, 3).map(({ textContent }) => textContent!.replaceAll("\u00a0", " "))
          ),
      );
    const [, means] = await cells();
    assertEquals(means, ["dropout", "2", "2.00 ± 1.41 %"]);
    await page.click('.legend [data-variant="dropout"]');
    assertEquals((await cells()).map(([name]) => name), ["plain"]);
  });
});

browserTest(
  "a report prints with its folds open, and copies its command",
  () =>
    withReport(exampleReport, async (browser, url) => {
      const page = await browser.open(url);
      const context = page.browserContext();
      await context.overridePermissions(url, ["clipboard-read", "clipboard-write"]);
      await page.click("#again .copy");
      await page.waitForFunction('document.querySelector("#again .copy").textContent === "Copied"');
      assertEquals(await page.evaluate("navigator.clipboard.readText()"), exampleReport.runs[0].command);
      await page.waitForSelector("#time .chart svg");
      await page.evaluate(`addEventListener("beforeprint", () => globalThis.printed = {
      closed: document.querySelectorAll("details:not([open])").length,
      widths: [...new Set([...document.querySelectorAll("#learning .chart")].map(({ dataset }) => dataset.width))],
    })`);
      assert((await page.pdf({ format: "A4" })).length > 20_000);
      assertEquals(await page.evaluate("globalThis.printed"), { closed: 0, widths: ["330"] });
      await page.waitForFunction('document.querySelectorAll("details[open]").length === 0');
    }),
);

browserTest("a report of a run without classes, dropout or an epoch leaves out what it has nothing for", async () => {
  const [{ reliability: _, confusion: __, mistakes: ___, features: ____, ...plain }] = exampleReport.runs;
  const bare = {
    ...plain,
    classification: false,
    history: [],
    observed: [],
    sites: [],
    layers: [],
    weights: [],
    time: { steps: 0, evaluation: null, recording: null, stepMs: null },
  };
  await withReport({ ...exampleReport, runs: [bare] }, async (browser, url) => {
    const page = await browser.open(url);
    assertEquals(await page.$$eval("main > section", (all) => all.map(({ id }) => id)), ["results", "again"]);
    assertEquals(await page.$eval("h1", ({ textContent }) => textContent), "No epoch is done yet.");
  });
});
