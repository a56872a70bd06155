/**
 * A page that shows training while it goes on, served on this machine alone. Training never waits for it but where a person
 * has pressed "Pause", and its bits are the same with and without.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Observation, OptionError, type Plugin, type RunInfo } from "../../mod.ts";
import { reportPage } from "../report/html.ts";
import type { ReportData } from "../report/report_data.ts";
import { isAllowed, makeToken } from "./allowed.ts";
import { Listeners } from "./listeners.ts";
import { Pace } from "./pace.ts";
import type { Progress, RunProgress, State } from "./progress.ts";

/** What a dashboard needs. */
export interface DashboardOptions {
  /** The port; 0 for any that is free. */
  readonly port: number;
  /** What is known of the runs now. */
  report(): Promise<ReportData>;
  /** Ends training after its step, with a checkpoint. */
  stop(): void;
  /** Aborted when training is to end, whoever has asked for it. */
  readonly signal: AbortSignal;
  /** The line that goes on with training. */
  readonly resume: string;
}

/** Milliseconds between two messages about a run that is in an epoch. */
const PROGRESS_MS = 250;

/** The part of the time that messages may take, and reports. */
const SHARE = 0.002;
const REPORT_SHARE = 0.006;

/** Milliseconds after the end in which listeners are told it. */
const FAREWELL_MS = 1000;

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
    "img-src data:; connect-src 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A finite number, or null. */
const finite = (value: number) => Number.isFinite(value) ? value : null;

/** The page, its server, and what it hears. */
export class Dashboard {
  /** Its address, with the token. */
  readonly url: string;
  readonly #options: DashboardOptions;
  readonly #token = makeToken();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #listeners = new Listeners();
  readonly #runs = new Map<string, RunProgress>();
  readonly #pace = new Pace({ share: SHARE, leastMs: PROGRESS_MS });
  readonly #reportPace = new Pace({ share: REPORT_SHARE, allowanceMs: 100, leastMs: 500 });
  #report: { readonly json: string; readonly data: ReportData } | undefined;
  #stale = true;
  #announcing: ReturnType<typeof setTimeout> | undefined;
  #state: State = "training";
  #paused: PromiseWithResolvers<void> | undefined;
  #pausedMs = 0;
  #closed = false;

  /**
   * Begins to serve.
   *
   * @throws {OptionError} when the port is taken, or may not be had
   */
  constructor(options: DashboardOptions) {
    this.#options = options;
    try {
      this.#server = Deno.serve({
        hostname: "127.0.0.1",
        port: options.port,
        onListen: () => {},
        onError: () => new Response("A fault in this program.\n", { status: 500 }),
      }, (request) => this.#answer(request));
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      throw new OptionError("--dashboard", "a port that is free and may be used", options.port);
    }
    this.url = `http://127.0.0.1:${this.#server.addr.port}/?token=${this.#token}`;
    options.signal.addEventListener("abort", () => this.#stopping());
  }

  /** Resolved when the last connection has ended, too. */
  get finished(): Promise<void> {
    return this.#server.finished;
  }

  /** Seconds for which training has been paused. */
  get pausedSeconds(): number {
    return this.#pausedMs / 1000;
  }

  /** An observer that tells this dashboard of one run. */
  observer(): Plugin<"observer"> {
    const observer: Factory<"observer", Record<never, never>> = definePlugin({
      name: "dashboard",
      summary: "Tells a page that is open in a browser how a run is doing.",
      options: z.object({}),
      observe: ({ run }) => this.#watch(run),
    });
    return observer();
  }

  /** Says that there is more to report. Pages hear it when there is time to make a report anew. */
  news(): void {
    this.#stale = true;
    if (this.#announcing !== undefined || this.#listeners.count === 0) return;
    this.#announcing = setTimeout(() => {
      this.#announcing = undefined;
      this.#listeners.tell("report", null);
    }, this.#reportWait());
  }

  /** Milliseconds until a report may be made anew; while nothing is computed, there is time. */
  #reportWait(): number {
    return this.#paused === undefined ? this.#reportPace.wait(performance.now()) : 0;
  }

  /**
   * Tells the end to those who listen, and serves no more. A second call does nothing.
   *
   * @param state how training has ended
   * @param report what came out of it
   */
  async close(state: "stopped" | "failed" | "done", report?: ReportData): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#announcing);
    this.#state = state;
    this.#listeners.tell("end", { progress: this.#progress(), report });
    this.#listeners.close();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FAREWELL_MS);
    await Promise.race([this.#server.shutdown(), late.promise]);
    // Who does not take the last message is not waited for: such a connection ends with the process.
    this.#server.unref();
    clearTimeout(timer);
  }

  #watch(run: RunInfo): Observation {
    const { name, epochs, stepsPerEpoch: steps, classification, resumedAt } = run;
    const common = { name, epochs, steps, classification };
    const begun = { epoch: Math.ceil(resumedAt / steps), step: resumedAt % steps || Math.min(resumedAt, steps) };
    const unknown = { loss: null, error: null, speed: null };
    this.#runs.set(name, { ...common, ...begun, ...unknown });
    return {
      step: ({ epoch, stepInEpoch, loss, error, examples, seconds }) => {
        const now = performance.now();
        if (stepInEpoch === steps || this.#pace.wait(now) === 0) {
          const speed = seconds > 0 ? examples / seconds : null;
          const told = { ...common, epoch, step: stepInEpoch, loss: finite(loss), error: finite(error), speed };
          this.#runs.set(name, told);
          this.#listeners.tell("run", told);
          this.#pace.done(now, performance.now() - now);
        }
        return this.#paused?.promise;
      },
    };
  }

  #progress(): Progress {
    const resume = this.#state === "stopped" ? { resume: this.#options.resume } : {};
    return { state: this.#state, runs: [...this.#runs.values()], ...resume };
  }

  #enter(state: State): void {
    this.#state = state;
    this.#listeners.tell("progress", this.#progress());
  }

  #pause(): void {
    if (this.#state !== "training") return;
    this.#paused = Promise.withResolvers();
    const began = performance.now();
    void this.#paused.promise.then(() => this.#pausedMs += performance.now() - began);
    this.#enter("paused");
    if (!this.#stale) return;
    clearTimeout(this.#announcing);
    this.#announcing = undefined;
    this.news();
  }

  #resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
    if (this.#state === "paused") this.#enter("training");
  }

  #stopping(): void {
    this.#resume();
    this.#enter("stopping");
  }

  /** What is known of the runs: made anew when there are news and time for it, else what was made last. */
  async #current(): Promise<{ readonly json: string; readonly data: ReportData }> {
    const now = performance.now();
    if (this.#report !== undefined && !(this.#stale && this.#reportWait() === 0)) return this.#report;
    this.#stale = false;
    const data = await this.#options.report();
    this.#report = { json: JSON.stringify(data), data };
    this.#reportPace.done(performance.now(), performance.now() - now);
    return this.#report;
  }

  async #answer(request: Request): Promise<Response> {
    if (!isAllowed(request, this.#token)) {
      return new Response("The token is missing or wrong.\n", { status: 403, headers });
    }
    const { pathname } = new URL(request.url);
    const call = `${request.method} ${pathname}`;
    const reply = (body: BodyInit, type: string) =>
      new Response(body, { headers: { ...headers, "content-type": type } });
    const done = () => reply("Done.\n", "text/plain; charset=utf-8");
    switch (call) {
      case "GET /":
        return reply(reportPage((await this.#current()).data), "text/html; charset=utf-8");
      case "GET /report.json":
        return reply((await this.#current()).json, "application/json");
      case "GET /events":
        return reply(this.#listeners.add("progress", this.#progress()), "text/event-stream");
      case "POST /stop":
        this.#options.stop();
        return done();
      case "POST /pause":
        this.#pause();
        return done();
      case "POST /resume":
        this.#resume();
        return done();
      default:
        return new Response("There is nothing here.\n", { status: 404, headers });
    }
  }
}
