/** One plugin with options at one role: the panels of draws that the statistical checks share, at rates of all sizes. @module */
import { type AnyFactory, type Mode, OptionError, type Plugin, ShapeError } from "../core/mod.ts";
import { Picker } from "./chance.ts";
import { dependences, type Findings } from "./dependence.ts";
import { Panel, type PanelRequest } from "./panel.ts";
import type { Options } from "./rates.ts";
import { drawnSites, type Site } from "./sites.ts";
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
      return { site, rate, progress, batch, layers, window: 2, draws: DRAWS, positive: i % 2 === positive };
    });
  }

  /** A site in a random shape that the variant takes, with so many entries at most for each example. */
  site(pick: Picker, most: number): Site {
    let refused: unknown;
    for (let tries = 0; tries < 24; tries++) {
      // A variant may need more than the smallest shapes.
      const site = pick.of(this.#sites)(pick, most * 2 ** Math.floor(tries / 6));
      try {
        this.trial.subject({ site });
        return site;
      } catch (error) {
        refused = error;
      }
    }
    throw refused;
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
