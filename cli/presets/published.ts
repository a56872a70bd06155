/** Settings of papers as configurations, by name: `--config preset:alexnet`. @module */
import { type Dataset, didYouMean, OptionError } from "../../core/mod.ts";
import { type Config, parseConfig, type PartConfig } from "../configuration/config.ts";
import { imagePresets } from "./image_presets.ts";
import { needData, type PublishedPreset } from "./preset_parts.ts";
import { textPresets } from "./text_presets.ts";

/** All of them. */
export const publishedPresets: readonly PublishedPreset[] = [...imagePresets, ...textPresets];

/** The preset that a value of `--config` names; undefined for a file. */
export function publishedPreset(config: string | undefined): PublishedPreset | undefined {
  const name = config?.match(/^preset:(.*)$/)?.[1];
  if (name === undefined) return undefined;
  const found = publishedPresets.find((preset) => preset.name === name);
  if (found !== undefined) return found;
  const names = publishedPresets.map((preset) => preset.name);
  throw new OptionError("--config", `one of the presets ${names.join(", ")}`, name, didYouMean(name, names));
}

/**
 * A preset's configuration for data.
 *
 * @param part the data set as the configuration has it
 * @throws {OptionError} for data that it cannot use
 */
export function publishedConfig(preset: PublishedPreset, part: PartConfig, dataset: Dataset): Config {
  needData(preset, dataset);
  return parseConfig({
    description: `${preset.summary}. Source: ${preset.source}. Against it: ${preset.scaled}`,
    dataset: part,
    ...preset.config(dataset),
    seed: 1,
  });
}
