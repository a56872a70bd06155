/** One plugin with options at one role: the panels of draws that the statistical checks share, at rates of all sizes. @module */
import { type AnyFactory, type Mode, OptionError, type Plugin, type Progress, ShapeError } from "../core/mod.ts";
import { Picker } from "./chance.ts";
import { dependences, type Findings } from "./dependence.ts";
import { Panel, type PanelRequest } from "./panel.ts";
import type { Options } from "./rates.ts";
import { drawnSites, type Site, wideSites } from "./sites.ts";
import { makePlugin, Trial } from "./trial.ts";

/** Rates are drawn from each of these. */
const strata: readonly (readonly [number, number])[] = [[0.05, 0.2], [0.2, 0.45], [0.55, 0.8], [0.8, 0.9], [0.9, 0.95]];

/** Number of windows of steps in a panel. */
const DRAWS = 240;

/** Columns of a panel, at most so many about. */
const COLUMNS = 320;

/** Panels of a plugin at one role. */
export class Draws {
  readonly trial: Trial;
  readonly label: string;
  readonly #sites: readonly ((pick: Picker, most: number) => Site)[];
  readonly #requests: readonly Omit<PanelRequest, "mode" | "pick">[];
  readonly #panels = new Map<string, Panel>();
  #wide: readonly Panel[] | undefined;
  readonly #findings = new Map<Panel, Findings>();

  constructor(trial: Trial, sites: readonly ((pick: Picker, most: number) => Site)[], label: string) {
    this.trial = trial;
    this.label = label;
    this.#sites = sites;
    this.#requests = this.#plan();
  }

  /** Rates, points of training, sizes of batches and shapes, all at random. */
  #plan(): Omit<PanelRequest, "mode" | "pick">[] {
    const { trial } = this;
    const pick = trial.picker("panels");
    const rates = trial.rates.length === 0 ? [undefined, undefined] : strata.map(([low, high]) => pick.real(low, high));
    const batches = pick.shuffled([17, 3, 1, pick.whole(2, 9), pick.whole(2, 9)]);
    const parts = pick.shuffled([0, 1, 2, 3, pick.whole(0, 3)]);
    const positive = pick.whole(0, 1);
    return rates.map((rate, i) => {
      const batch = batches[i];
      const layers = batch > 9 ? 2 : 3;
      const site = this.site(pick, Math.max(4, Math.min(24, Math.floor(COLUMNS / (batch * layers * 2)))));
      const progress = trial.moment(pick, parts[i], 4);
      // A whole product costs more, and tells of no entry by itself.
      const draws = site.role === "product" ? 160 : DRAWS;
      return { site, rate, progress, batch, layers, window: 2, draws, positive: i % 2 === positive };
    });
  }

  /** A site in a random shape that the variant takes, with so many entries at most for each example. */
  site(pick: Picker, most: number): Site {
    for (let tries = 0; tries < 24; tries++) {
      // A variant may need more than the smallest shapes.
      const site = pick.of(this.#sites)(pick, most * 2 ** Math.floor(tries / 6));
      try {
        this.trial.subject({ site });
        return site;
      } catch {
        // A variant may refuse a shape.
      }
    }
    return this.trial.site;
  }

  /** A point of training at random at which the variant acts in a mode, if there is one. */
  moment(pick: Picker, mode: Mode): Progress {
    const moments = pick.shuffled([0, 1, 2, 3]).map((part) => this.trial.moment(pick, part, 4));
    return moments.find((progress) => this.trial.acts(mode, progress)) ?? moments[0];
  }

  /** The panels of a mode, each made once. */
  *panels(mode: Mode): Generator<Panel> {
    for (const [i, request] of this.#requests.entries()) {
      const key = `${mode} ${i}`;
      let panel = this.#panels.get(key);
      if (panel === undefined) {
        // Both modes see the same inputs, at the same steps.
        panel = new Panel(this.trial, { ...request, mode, pick: this.trial.picker(`panel ${i}`) });
        this.#panels.set(key, panel);
      }
      yield panel;
    }
  }

  /** Panels of one place with very many entries, at a middling rate; none where the role has no such sites. */
  wide(): readonly Panel[] {
    this.#wide ??= this.#makeWide();
    return this.#wide;
  }

  #makeWide(): Panel[] {
    const { trial } = this;
    const pick = trial.picker("wide");
    const plugin = trial.subject({ rate: 0.5 }).variant;
    return wideSites(trial.site.role, trial.definition, plugin, pick, 1500).flatMap((sites) => {
      const site = sites.find((site) => {
        try {
          trial.subject({ site });
          return true;
        } catch {
          return false; // a shape that the variant refuses
        }
      });
      if (site === undefined) return [];
      const rate = trial.rates.length === 0 ? undefined : pick.real(0.35, 0.65);
      const mode = pick.of(["train", "sample"] as const);
      const progress = this.moment(pick, mode);
      const request = { site, rate, mode, progress, batch: 1, layers: 1, window: 1, draws: 112, positive: true, pick };
      return [new Panel(trial, request)];
    });
  }

  /** The dependence that is found in a panel. */
  findings(panel: Panel): Findings {
    let found = this.#findings.get(panel);
    if (found === undefined) this.#findings.set(panel, found = dependences(panel));
    return found;
  }

  /** How messages call the circumstances of a panel. */
  static circumstances({ request }: Panel): string {
    const { site, rate, mode, batch, progress } = request;
    const at = rate === undefined ? "" : `, rate ${rate.toFixed(3)}`;
    return `${site.label}, mode ${mode}${at}, batch ${batch}, step ${progress.step} of ${progress.totalSteps}`;
  }
}

/** The roles of a plugin with options at which it can be built, each with its panels; what refuses says why. */
export function drawsOf(factory: AnyFactory, options: Options, seed: number): Draws[] {
  const plugin: Plugin = makePlugin(factory, options);
  return drawnSites(factory.definition, plugin).flatMap((sites) => {
    const pick = new Picker(seed, `sites ${JSON.stringify(options)}`);
    for (let tries = 0; tries < 12; tries++) {
      const site = sites[tries % sites.length](pick, tries < 6 ? 12 : 48);
      const trial = new Trial(factory, options, site, seed);
      try {
        trial.subject();
      } catch (error) {
        if (error instanceof ShapeError || error instanceof OptionError) continue;
        throw error;
      }
      return [new Draws(trial, sites, trial.label)];
    }
    return [];
  });
}
