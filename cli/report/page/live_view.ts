/** The box of a page that is served while training: progress, and buttons. @module */
/// <reference lib="dom" />
import type { Progress, RunProgress, State } from "../../dashboard/progress.ts";
import { button, copyable, element } from "./dom.ts";
import { brief, count, percent } from "./format.ts";

/** Points of a curve of the running loss; when there are more, every other one is left out. */
const MOST_POINTS = 600;

const sayings: Readonly<Record<State, string>> = {
  training: "Training.",
  paused: "Paused: nothing is computed until you resume.",
  stopping: "Stopping after this step, with a checkpoint.",
  stopped: "Stopped, with a checkpoint. To go on:",
  failed: "Training has failed; the terminal says why.",
  done: "Done. This page stays as it is; the same is in report.html in the run’s folder.",
};

const LOST =
  "Nobody answers: training has ended, or its program was closed. What stands here is the last that was heard.";

/** A run's line, its bar and its curve. */
class RunView {
  readonly box: HTMLElement;
  readonly #text = element("p", { class: "note" });
  readonly #bar = element("progress", { max: 1, value: 0 });
  readonly #curve: SVGPathElement;
  #points: (readonly [at: number, loss: number])[] = [];

  constructor(name: string, colour: string) {
    this.#bar.setAttribute("aria-label", `Progress of ${name}`);
    this.#bar.style.setProperty("--colour", colour);
    const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    for (const [key, value] of Object.entries({ viewBox: "0 0 300 40", preserveAspectRatio: "none", width: "100%" })) {
      svg.setAttribute(key, value);
    }
    svg.setAttribute("height", "40");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Loss of ${name} as trained, since this page was opened`);
    this.#curve = path as SVGPathElement;
    for (const [key, value] of Object.entries({ fill: "none", "vector-effect": "non-scaling-stroke" })) {
      path.setAttribute(key, value);
    }
    this.#curve.style.stroke = colour;
    this.#curve.style.strokeWidth = "1.5";
    svg.append(path);
    this.box = element("div", {}, element("p", {}, element("b", {}, name)), this.#bar, this.#text, svg);
  }

  show(run: RunProgress): void {
    const { epoch, epochs, step, steps, loss, error, speed, classification } = run;
    const done = epoch === 0 ? 0 : (epoch - 1 + step / steps) / epochs;
    this.#bar.value = done;
    this.#text.textContent = epoch === 0 ? "has not begun" : [
      `epoch ${epoch} of ${epochs}`,
      `step ${count(step)} of ${count(steps)}`,
      `loss ${brief(loss)}`,
      `error ${classification ? percent(error) : brief(error)}`,
      ...(speed === null ? [] : [`${count(Math.round(speed))} examples/s`]),
    ].join(" · ");
    if (loss === null || epoch === 0 || done <= (this.#points.at(-1)?.[0] ?? -1)) return;
    this.#points.push([done, loss]);
    if (this.#points.length > MOST_POINTS) this.#points = this.#points.filter((_, i) => i % 2 === 1);
    this.#drawCurve();
  }

  #drawCurve(): void {
    const [first] = this.#points[0];
    const [last] = this.#points.at(-1)!;
    const losses = this.#points.map(([, loss]) => loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const x = (at: number) => 300 * (at - first) / (last - first || 1);
    const y = (loss: number) => 38 - 36 * (loss - low) / (high - low || 1);
    const corners = this.#points.map(([at, loss]) => `${x(at).toFixed(1)},${y(loss).toFixed(1)}`);
    this.#curve.setAttribute("d", `M${corners.join("L")}`);
  }
}

/** The box. */
export class LiveView {
  /** Its element. */
  readonly box: HTMLElement;
  readonly #status = element("p", { role: "status", id: "state" }, "Connecting …");
  readonly #more = element("div");
  readonly #runs = element("div", { class: "multiples" });
  readonly #views = new Map<string, RunView>();
  readonly #pause: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #colourOf: (name: string) => string;
  #state: State = "training";

  /**
   * @param ask asks the program for something
   * @param colourOf a run's colour
   */
  constructor(ask: (what: "stop" | "pause" | "resume") => Promise<unknown>, colourOf: (name: string) => string) {
    this.#colourOf = colourOf;
    const demand = (what: "stop" | "pause" | "resume") => void ask(what).catch(() => this.lost());
    this.#pause = button("Pause", () => demand(this.#state === "paused" ? "resume" : "pause"), { id: "pause" });
    this.#stop = button("Stop", () => demand("stop"), {
      id: "stop",
      title: "Ends training after its step with a checkpoint, as Ctrl-C does",
    });
    this.box = element(
      "section",
      { class: "live", "aria-label": "Training now" },
      element("div", { class: "bar" }, this.#status, element("div", { class: "tools" }, this.#pause, this.#stop)),
      this.#more,
      this.#runs,
    );
  }

  /** Shows where all of it stands. */
  show({ state, runs, resume }: Progress): void {
    this.#state = state;
    this.#status.textContent = sayings[state];
    this.box.dataset.state = state;
    this.#pause.textContent = state === "paused" ? "Resume" : "Pause";
    this.#pause.disabled = state !== "training" && state !== "paused";
    this.#stop.disabled = this.#pause.disabled;
    this.#more.replaceChildren(
      ...(resume === undefined ? [] : [copyable(resume, "Copy the command that goes on with training")]),
    );
    for (const run of runs) this.step(run);
  }

  /** Shows how far a run is. */
  step(run: RunProgress): void {
    let view = this.#views.get(run.name);
    if (view === undefined) {
      view = new RunView(run.name, this.#colourOf(run.name));
      this.#views.set(run.name, view);
      this.#runs.append(view.box);
    }
    view.show(run);
  }

  /** Says that nobody answers any more. */
  lost(): void {
    if (["stopped", "failed", "done"].includes(this.#state)) return;
    this.#status.textContent = LOST;
    this.#pause.disabled = this.#stop.disabled = true;
  }
}
