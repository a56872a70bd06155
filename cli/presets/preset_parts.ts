/** What published presets are made of. @module */
import { type Dataset, OptionError } from "../../core/mod.ts";
import type { PartConfig } from "../configuration/config.ts";

/** A part of a configuration, in full. */
export type Part = Exclude<PartConfig, string>;

/** The settings of a paper as a configuration, scaled down. */
export interface PublishedPreset {
  /** Its name, behind `preset:`. */
  readonly name: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** Who published the settings, where. */
  readonly source: string;
  /** The data set that it is trained on unless another is named. */
  readonly dataset: Part;
  /** What its data must be. */
  readonly needs: "images" | "text";
  /** What was scaled down or replaced, against the paper. */
  readonly scaled: string;
  /** The configuration but for its data set and description. */
  config(dataset: Dataset): Readonly<Record<string, unknown>>;
}

/** Drawn digits as images. */
export const images: Part = { plugin: "digits", flatten: false };

/** The characters of tiny Shakespeare. */
export const characters: Part = { plugin: "text", length: 32 };

/** A dense layer. */
export const dense = (units: number, more: Record<string, unknown> = {}): Part => ({ plugin: "dense", units, ...more });

/** Classic dropout. */
export const dropout = (rate: number, more: Record<string, unknown> = {}): Part => ({
  plugin: "dropout",
  rate,
  ...more,
});

/** A layer without options. */
export const plain = (plugin: string): Part => ({ plugin });

/** The same thing several times. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Rates that rise linearly from 0 at the first block to the last's. */
export function linearFromZero(last: number, count: number): number[] {
  return times(count, (i) => Number((last * i / Math.max(1, count - 1)).toFixed(6)));
}

/** A schedule that rises for an epoch and falls as a cosine to a share of its height. */
export const warmCosine = (from: number, share = 0): Part => ({
  plugin: "warm-up",
  then: { plugin: "cosine", from, to: from * share },
  over: 1,
});

/**
 * Refuses data that a preset cannot use.
 *
 * @throws {OptionError}
 */
export function needData({ name, needs }: PublishedPreset, dataset: Dataset): void {
  const { shape, labelsPerExample } = dataset.train;
  const fits = needs === "text" ? labelsPerExample !== undefined && shape.length === 1 : shape.length === 3;
  if (fits && dataset.classes > 0) return;
  const expected = needs === "text" ? "text, such as the data set text" : "classes of images [channels, height, width]";
  throw new OptionError("--dataset", `${expected}, for preset:${name}`, dataset.name);
}
