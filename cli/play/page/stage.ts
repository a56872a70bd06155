/// <reference lib="dom" />
/** What is drawn: the net, the plane twice, and the curves, each only while it changes. @module */
import { byId } from "./controls.ts";
import { readTheme, sheet, type Theme } from "./draw/canvas.ts";
import { drawCurves, History } from "./draw/curves.ts";
import { drawPoints, EasedField } from "./draw/field.ts";
import { drawNetwork, Lamps, type NetState } from "./draw/network.ts";
import type { Field, Losses, Shown, Views } from "./messages.ts";
import type { Pen } from "./pen.ts";
import type { Points } from "./points.ts";

/** Milliseconds in which lamps, and fields, come most of the way to what is so. */
const FADES = { net: 75, field: 120 } as const;

/** Milliseconds after a change in which something still moves. */
const RESTLESS = 700;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** The page's canvases. */
export class Stage {
  /** The points. */
  points: Points | undefined;
  /** The losses so far. */
  readonly history: History = new History();
  readonly #net: { -readonly [Part in keyof NetState]: NetState[Part] } = {
    widths: [],
    weights: [],
    shown: undefined,
    views: undefined,
  };
  readonly #lamps = new Lamps();
  readonly #field = new EasedField();
  readonly #pen: Pen;
  readonly #until = { net: 0, field: 0 };
  #dirty = { net: true, field: true, curves: true };
  #theme: Theme = readTheme();
  /** The last step that was watched, and when one was shown. */
  #latest: Shown | undefined;
  #shownAt = -Infinity;
  #painted = 0;

  /** @param pen who sets points on the plane */
  constructor(pen: Pen) {
    this.#pen = pen;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#theme = readTheme();
      this.redraw();
    });
    addEventListener("resize", () => this.redraw());
  }

  /** The step in sight. */
  get shown(): Shown | undefined {
    return this.#net.shown;
  }

  /** Units of each layer, inputs and outputs among them. */
  get widths(): readonly number[] {
    return this.#net.widths;
  }

  /** Draws all anew. */
  redraw(): void {
    this.#dirty = { net: true, field: true, curves: true };
  }

  /** Shows another net, whose weights are still to come. */
  reshape(hidden: readonly number[]): void {
    this.#net.widths = [2, ...hidden, 2];
    this.#net.weights = [];
    this.#net.views = undefined;
    this.#show(undefined);
  }

  /** Forgets what was before a run began. */
  forget(): void {
    this.#show(undefined);
    this.history.clear();
    this.redraw();
  }

  #show(shown: Shown | undefined): void {
    this.#net.shown = this.#latest = shown;
    this.#lamps.set(this.#net);
    this.#dirty.net = this.#dirty.field = true;
  }

  /**
   * Takes how the net stands.
   *
   * @param shown what was drawn in a step, if one was watched
   * @param hurried whether steps follow each other faster than eyes: masks then stay for a while
   */
  see(weights: readonly Float32Array[], shown: Shown | undefined, hurried: boolean): void {
    this.#net.weights = weights;
    this.#dirty.net = true;
    this.#latest = shown ?? this.#latest;
    const now = performance.now();
    if (this.#latest === this.#net.shown || (hurried && now - this.#shownAt < (calm.matches ? 700 : 160))) return;
    this.#shownAt = now;
    this.#show(this.#latest);
  }

  /** Takes what the net says of the plane, and what its units do. */
  takeField(field: Field, views: Views | undefined): void {
    this.#field.set(field);
    this.#net.views = views;
    this.#dirty.field = this.#dirty.net = true;
  }

  /** Takes losses. */
  takeLosses(losses: Losses): void {
    this.history.add(losses);
    this.#dirty.curves = true;
  }

  /** Paints what has changed or is still moving. */
  paint(now: number): void {
    const passed = Math.min(100, now - this.#painted);
    this.#painted = now;
    const share = (time: number) => calm.matches ? 1 : 1 - Math.exp(-passed / time);
    for (const part of ["net", "field"] as const) if (this.#dirty[part]) this.#until[part] = now + RESTLESS;
    if (now < this.#until.net) {
      this.#lamps.move(share(FADES.net));
      drawNetwork(sheet(byId<HTMLCanvasElement>("network")), this.#net, this.#lamps, this.#theme);
    }
    if (now < this.#until.field) {
      this.#field.move(share(FADES.field));
      this.#drawPlanes();
    }
    if (this.#dirty.curves) {
      drawCurves(sheet(byId<HTMLCanvasElement>("curves")), this.history.losses, this.#theme);
    }
    this.#dirty = { net: false, field: false, curves: false };
  }

  #drawPlanes(): void {
    const [theme, points] = [this.#theme, this.points];
    const probability = sheet(byId<HTMLCanvasElement>("probability"));
    this.#field.drawProbability(probability, theme);
    if (points !== undefined) drawPoints(probability, points, theme, false, this.shown?.example);
    this.#pen.draw(probability, theme);
    const doubt = sheet(byId<HTMLCanvasElement>("unsure"));
    this.#field.drawDoubt(doubt, theme);
    if (points !== undefined) drawPoints(doubt, points, theme, true);
  }
}
