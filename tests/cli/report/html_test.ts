import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { embeddedJson, reportPage } from "../../../cli/report/html.ts";
import { exampleReport } from "./_example.ts";

Deno.test("no text in embedded JSON can end its element, and it is read back as it was", () => {
  const data = { text: "</script><!-- <script>", quote: '"\u2028' };
  const text = embeddedJson(data);
  assert(!text.includes("<"));
  assertEquals(JSON.parse(text), data);
});

Deno.test("a report is one file that names no other, well below 2 MB, with its data in it", () => {
  const page = reportPage({ ...exampleReport, title: "<mnist> & co" });
  assertStringIncludes(page, "<title>&lt;mnist&gt; &amp; co: report</title>");
  assert(page.length < 1e6, `${page.length} characters`);
  // Addresses of namespaces are names; nothing is loaded from elsewhere.
  assertEquals([...page.matchAll(/<(?:script|img|link)[^>]*(?:src|href)="([^"]*)"/g)].map((found) => found[1]), [
    "data:,",
  ]);
  const [, json] = /id="report-data">(.*?)<\/script>/s.exec(page)!;
  assertEquals(JSON.parse(json).runs, JSON.parse(JSON.stringify(exampleReport.runs)));
});
