/** A page that is served while training: progress as it is made, new data after each epoch, and buttons. @module */
/// <reference lib="dom" />
import type { Progress, RunProgress } from "../../dashboard/progress.ts";
import type { ReportData } from "../report_data.ts";
import { LiveView } from "./live_view.ts";

/** Milliseconds before lost training is looked for again. */
const AGAIN_MS = 2000;

/**
 * Hears the program that serves this page, if one does: a page that was opened as a file, or without a token, is silent.
 *
 * @param draw draws data that are new
 * @param place puts the box with progress and buttons onto the page
 * @param colourOf a run's colour
 */
export function listen(
  draw: (data: ReportData) => void,
  place: (box: HTMLElement) => void,
  colourOf: (name: string) => string,
): void {
  const token = new URLSearchParams(location.search).get("token");
  if (token === null || location.protocol !== "http:") return;
  const address = (path: string) => `${path}?token=${encodeURIComponent(token)}`;
  const ask = (what: "stop" | "pause" | "resume") =>
    fetch(address(what), { method: "POST" }).then((response) => response.text());
  const view = new LiveView(ask, colourOf);
  place(view.box);
  let fetching = false;
  let missed = false;
  let ended = false;
  const fetchReport = async () => {
    // While one is under way, the next waits: the last one asked for is always fetched.
    if (ended) return;
    if (fetching) return void (missed = true);
    fetching = true;
    try {
      const response = await fetch(address("report.json"));
      const data: ReportData | undefined = response.ok ? await response.json() : undefined;
      // What was asked for before the end is older than what came with it.
      if (data !== undefined && !ended) draw(data);
    } catch {
      view.lost();
    }
    fetching = false;
    if (!missed) return;
    missed = false;
    setTimeout(fetchReport, AGAIN_MS / 2);
  };
  const source = new EventSource(address("events"));
  source.addEventListener("progress", ({ data }) => view.show(JSON.parse(data) as Progress));
  source.addEventListener("run", ({ data }) => view.step(JSON.parse(data) as RunProgress));
  source.addEventListener("report", fetchReport);
  source.addEventListener("end", ({ data }) => {
    source.close();
    ended = true;
    const { progress, report } = JSON.parse(data) as { progress: Progress; report?: ReportData };
    view.show(progress);
    if (report !== undefined) draw(report);
  });
  source.addEventListener("error", () => view.lost());
}
