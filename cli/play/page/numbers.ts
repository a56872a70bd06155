/// <reference lib="dom" />
/** The numbers on the page, and what people hear who do not see it. @module */
import { byId, type Slider } from "./controls.ts";
import type { Frame } from "./messages.ts";
import type { Stage } from "./stage.ts";

/** Milliseconds between two descriptions while training goes on. */
const DESCRIBE = 5000;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Writes how things stand. */
export class Numbers {
  readonly #stage: Stage;
  /** What share of each site's units has been dropped lately. */
  readonly #dropped = new Map<string, number>();
  #milliseconds = 0;
  #steps = 0;
  #described = 0;

  /** @param stage what is shown */
  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Begins to count anew what a change of the scene has changed. */
  forget(): void {
    this.#dropped.clear();
    this.#milliseconds = this.#steps = 0;
  }

  /**
   * Tells of a frame.
   *
   * @param playing whether training goes on
   * @param sliders those of the variant's sites, in their order
   */
  tell({ step, epoch, losses, shown, spent }: Frame, playing: boolean, sliders: readonly Slider[]): void {
    this.#milliseconds += spent[0];
    this.#steps += spent[1];
    byId("steps").textContent = step.toLocaleString("en");
    byId("pace").textContent = playing && this.#milliseconds > 200
      ? `· ${Math.round(this.#steps / this.#milliseconds * 1000).toLocaleString("en")}/s possible`
      : `· epoch ${epoch.toLocaleString("en")}`;
    if (losses !== undefined) {
      byId("train-loss").textContent = losses.train.loss.toFixed(3);
      byId("test-loss").textContent = losses.test.loss.toFixed(3);
      byId("gap").textContent = (losses.test.loss - losses.train.loss).toFixed(3);
      byId("test-error").textContent = percent(losses.test.error);
    }
    shown?.sites.forEach(({ path, dropped }, i) => {
      const lately = 0.9 * (this.#dropped.get(path) ?? dropped) + 0.1 * dropped;
      this.#dropped.set(path, lately);
      if (sliders[i] !== undefined) {
        sliders[i].note.textContent = lately === 0 ? "" : `dropped lately: ${percent(lately)}`;
      }
    });
    const inSight = this.#stage.shown;
    const line = inSight === undefined ? "No step yet." : `Masks of step ${inSight.step} for the ringed example`;
    if (byId("mask-line").textContent !== line) byId("mask-line").textContent = line;
    const now = performance.now();
    if (playing && now - this.#described < DESCRIBE) return;
    this.#described = now;
    this.#describe();
  }

  #describe(): void {
    const { shown, widths, history } = this.#stage;
    const kept = shown?.sites.filter(({ weights }) => !weights).map(({ layer, factors }) => {
      const row = factors.subarray(0, widths[layer]);
      return `${layer === 0 ? "inputs" : `layer ${layer}`} ${
        row.filter((factor) => factor > 0).length
      } of ${row.length}`;
    }) ?? [];
    byId("network").setAttribute(
      "aria-label",
      `Net of ${widths.join(", ")} units.` +
        (kept.length > 0 ? ` Units kept in step ${shown!.step}: ${kept.join(", ")}.` : ""),
    );
    const last = history.losses.at(-1);
    if (last === undefined) return;
    const losses = `training loss ${last.train.loss.toFixed(3)}, test loss ${last.test.loss.toFixed(3)}`;
    byId("curves").setAttribute("aria-label", `After ${last.step} steps: ${losses}`);
    byId("probability").setAttribute(
      "aria-label",
      `The plane with the points and the boundary between the classes; test error ${percent(last.test.error)}`,
    );
  }
}
