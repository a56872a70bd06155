/** The committed scripts of pages are what their sources give. */
import { assertEquals } from "@std/assert";
import { stale, stop } from "../../release/pages.ts";

Deno.test("the scripts of pages are those that their sources give: else run deno task pages", async () => {
  try {
    assertEquals((await stale()).map(({ path }) => path), []);
  } finally {
    await stop();
  }
});
