/** The variant inside a recurrence as nodes, which must say its draw as a mask. @module */
import { type Mask, type OnnxValue, type RecurrentPlace, Tensor } from "../../../core/mod.ts";
import type { Cell, RecurrentSettings } from "./_cells.ts";
import { drawOf } from "./_masks.ts";
import { extentsOf } from "./_place.ts";
import type { Site } from "./_site.ts";

/** The variant inside the recurrence, which must say its draw as a mask. */
export class Inside {
  readonly places: ReadonlySet<RecurrentPlace>;
  readonly #name: string;
  readonly #site: Site<RecurrentSettings>;
  /** Draws of a sequence, made once before its first step, by their keys. */
  readonly #held = new Map<string, OnnxValue>();

  constructor(site: Site<RecurrentSettings>, cell: Cell, suffix: string) {
    this.#site = site;
    this.#name = `recurrent${suffix}`;
    this.places = site.recurrentPlaces(this.#name, ["input", "input-by-gate", ...cell.inside, "output"]);
  }

  /** The mask at a place, with what stands for the value of the step before. */
  #maskAt(
    place: RecurrentPlace,
    shape: readonly number[],
    previous: Tensor | null,
  ): { mask: Mask | null; held: boolean } {
    const variant = this.#site.at(this.#name);
    const part = variant.plugin.definition.recurrent;
    const [mask, later] = [0, 1].map((time) => variant.mask(part, { shape, place, time, previous }));
    if (mask === undefined || later === undefined) {
      return variant.refuse("inside a recurrence it acts by a method of its own, for which no nodes are known");
    }
    const told = (mask: Mask | null) => mask && [mask.rate, mask.a, mask.b, mask.c, mask.eval, mask.share];
    if (JSON.stringify(told(mask)) !== JSON.stringify(told(later))) {
      variant.refuse("its mask is another at each step");
    }
    return { mask, held: mask !== null && mask.key.path === later!.key.path && mask.key.time === later!.key.time };
  }

  /** A value `[batch, ...]` inside a step; `before` writes what is drawn once for a whole sequence. */
  act(place: RecurrentPlace, value: OnnxValue, previous?: OnnxValue): OnnxValue {
    if (!this.places.has(place)) return value;
    const probe = previous && Tensor.full(extentsOf(previous), NaN);
    const { mask, held } = this.#maskAt(place, extentsOf(value), probe ?? null);
    const variant = this.#site.at(this.#name);
    const placeholders = new Map(probe ? [[probe, previous!]] : []);
    if (mask === null) return value;
    return variant.maskedBy(value, mask, placeholders, held ? this.#held.get(drawName(mask)) : undefined);
  }

  /** Draws what places inside a step share over a sequence; `like` gives a value of a place's shape. */
  hold(cell: Cell, like: (place: RecurrentPlace) => OnnxValue): void {
    if (!this.#site.samples) return;
    for (const place of cell.inside.filter((place) => this.places.has(place))) {
      const value = like(place);
      const remembers = ["cell", "carried-cell", "hidden"].includes(place);
      const { mask, held } = this.#maskAt(
        place,
        extentsOf(value),
        remembers ? Tensor.full(extentsOf(value), NaN) : null,
      );
      if (mask === null || !held || this.#held.has(drawName(mask))) continue;
      this.#held.set(drawName(mask), drawOf(this.#site.at(this.#name), value, mask));
    }
  }

  /** A whole sequence `[time, batch, ...]` at a place outside of the steps. */
  everywhere(place: RecurrentPlace, sequence: OnnxValue): OnnxValue {
    if (!this.places.has(place)) return sequence;
    const { mask, held } = this.#maskAt(place, extentsOf(sequence).slice(1), null);
    if (mask === null) return sequence;
    const share = (mask.share ?? []).map((axis) => axis < 0 ? axis + sequence.shape.length : axis + 1);
    if (mask.group !== undefined && mask.group !== 1) {
      this.#site.refuse("examples of a sequence share its draws in groups");
    }
    return this.#site.at(this.#name).masked(sequence, { ...mask, share: held ? [0, ...share] : share });
  }
}

function drawName(mask: Mask): string {
  return `${mask.key.path} ${mask.key.time}`;
}
