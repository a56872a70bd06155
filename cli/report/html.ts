/** A page as one file: its scripts and its data stand in it, and it asks nobody for anything. @module */
import plot from "./bundle/plot.js" with { type: "text" };
import script from "./bundle/report.js" with { type: "text" };
import type { ReportData } from "./report_data.ts";

/** What a page is made of. */
export interface PageParts {
  /** Its title. */
  readonly title: string;
  /** What it shows, as JSON in an element with the id `report-data`. */
  readonly data: unknown;
  /** Scripts that run in this order once everything else stands. */
  readonly scripts: readonly string[];
}

/** Text in which nothing is taken for HTML. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** JSON that may stand in a script element: no text in it can end the element, or begin a comment. */
export function embeddedJson(data: unknown): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

/** Script text that may stand in a script element. */
function embeddedScript(text: string): string {
  return text.replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3c!--");
}

/** A page as one file, in UTF-8. */
export function htmlPage({ title, data, scripts }: PageParts): string {
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    // A report that is opened as a file is not to ask a server for an icon.
    '<link rel="icon" href="data:,">',
    `<title>${escaped(title)}</title>`,
    "</head>",
    "<body>",
    `<script type="application/json" id="report-data">${embeddedJson(data)}</script>`,
    ...scripts.map((text) => `<script>${embeddedScript(text)}</script>`),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** The scripts of a report's page, in their order. */
export const reportScripts: readonly string[] = [plot, script];

/** A report as one file. */
export function reportPage(data: ReportData): string {
  return htmlPage({ title: `${data.title}: report`, data, scripts: reportScripts });
}
