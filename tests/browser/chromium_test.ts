import { assertEquals } from "@std/assert";
import { barriers, browserTest, Chromium, overhang } from "./_chromium.ts";

const page = (body: string) =>
  "data:text/html," + encodeURIComponent(`<!doctype html><html lang="en"><title>t</title>${body}`);

browserTest(
  "the browser of the tests collects what a page complains of, measures its width, and finds barriers",
  async () => {
    await using browser = await Chromium.launch();
    const good = await browser.open(page("<main><h1>Good</h1></main>"), { width: 390 });
    assertEquals([browser.complaints.length, await overhang(good), await barriers(good)], [0, 0, []]);
    const bad = page(
      "<main><h1>Bad</h1><div style='width: 500px'>wide</div><img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>" +
        "<script>console.error('one'); setTimeout(() => { throw new Error('two') })</script></main>",
    );
    const wide = await browser.open(bad, { width: 390, theme: "dark" });
    assertEquals(await wide.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"), true);
    assertEquals(await overhang(wide) > 0, true);
    assertEquals((await barriers(wide)).map((line) => line.split(":")[0]), ["image-alt"]);
    assertEquals(browser.complaints.slice(0, 2), ["one", "Error: two"]);
  },
);
