/** The page of a report: reads the data that stand in it, and draws them. @module */
/// <reference lib="dom" />
import * as Plot from "@observablehq/plot";
import type { ReportData } from "../report_data.ts";

const data: ReportData = JSON.parse(document.getElementById("report-data")!.textContent!);

for (const run of data.runs) {
  const title = document.createElement("h1");
  title.textContent = `${data.title}: ${run.name}`;
  const line = (key: "trainError" | "testError") => Plot.lineY(run.history, { x: "epoch", y: key });
  document.body.append(title, Plot.plot({ marks: [line("trainError"), line("testError")] }));
}
