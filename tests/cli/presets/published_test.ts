/** Presets of published settings: each builds, trains on small data, and has the rates of its source. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { parseConfig } from "../../../cli/configuration/config.ts";
import { configuredRun } from "../../../cli/configuration/configured_run.ts";
import { loadRegistry } from "../../../cli/configuration/load_registry.ts";
import { publishedConfig, publishedPreset, publishedPresets } from "../../../cli/presets/published.ts";
import {
  type Dataset,
  digits,
  fit,
  inspectDropout,
  loadDataset,
  OptionError,
  text,
  tryOpenNative,
} from "../../../mod.ts";
import { cli, inFolder } from "../_run.ts";

/** What a preset must have: the rates of each variant in the order of the model, and what else of the loss and optimizer. */
interface Published {
  /** Where the rates are published. */
  readonly source: string;
  readonly rates: Readonly<Record<string, readonly number[]>>;
  readonly labelSmoothing?: number;
  readonly weightDecay?: number;
}

const table: Readonly<Record<string, Published>> = {
  alexnet: {
    source: "Krizhevsky et al. 2012, sections 4.2 and 5",
    rates: { "model.dropout": [0.5, 0.5] },
    weightDecay: 5e-4,
  },
  "vgg-16": {
    source: "Simonyan, Zisserman 2015, section 3.1",
    rates: { "model.dropout": [0.5, 0.5] },
    weightDecay: 5e-4,
  },
  vit: {
    source: "Dosovitskiy et al. 2021, table 3 and appendix B.1",
    // Positions, then each block's dense layers: behind attention and behind the feed-forward part, and inside of it.
    rates: { "dropout.dropout": [0.1, 0.1, 0.1, 0.1, 0.1], "hidden.dropout": [0.1, 0.1, 0.1, 0.1] },
    weightDecay: 0.3,
  },
  deit: {
    source: "Touvron et al. 2021, and the authors' code",
    rates: { "branch.stochastic-depth": [0, 0.02, 0.04, 0.06, 0.08, 0.1] },
    labelSmoothing: 0.1,
    weightDecay: 0.05,
  },
  convnext: {
    source: "Liu et al. 2022, table 5, and the authors' code",
    rates: { "branch.stochastic-depth": [0, 0.02, 0.04, 0.06, 0.08, 0.1] },
    labelSmoothing: 0.1,
    weightDecay: 0.05,
  },
  nfnet: {
    source: "Brock et al. 2021, table 1, and the authors' code: 0.25 i / n",
    rates: {
      "branch.layer-drop": [0, 1, 2, 3, 4, 5].map((i) => Number((0.25 * i / 6).toFixed(6))),
      "model.dropout": [0.2],
    },
    labelSmoothing: 0.1,
    weightDecay: 2e-5,
  },
  transformer: {
    source: "Vaswani et al. 2017, section 5.4",
    rates: { "dropout.dropout": [0.1, 0.1, 0.1] },
    labelSmoothing: 0.1,
  },
  bert: {
    source: "Devlin et al. 2019, appendix A.2, and the authors' code",
    rates: {
      "model.dropout": [0.1, 0.1],
      "attention.attention-dropout": [0.1, 0.1],
      "dropout.dropout": [0.1, 0.1],
    },
    weightDecay: 0.01,
  },
  "gpt-2": {
    source: "the released configuration: embd_pdrop, attn_pdrop, resid_pdrop 0.1",
    rates: { "dropout.dropout": [0.1, 0.1, 0.1], "attention.attention-dropout": [0.1, 0.1] },
  },
  "gpt-3": { source: "Brown et al. 2020, appendix B: none is stated", rates: {}, weightDecay: 0.1 },
  palm: { source: "Chowdhery et al. 2023, section 5: none in pretraining", rates: {} },
  llama: { source: "Touvron et al. 2023, section 2.3: none is named", rates: {}, weightDecay: 0.1 },
  "awd-lstm": {
    source: "Merity et al. 2018, and the authors' command for the Penn Treebank",
    rates: {
      "embedding.embedding-dropout": [0.1],
      "model.dropout": [0.4, 0.25, 0.25, 0.4],
      "weight.weight-drop": [0.5, 0.5, 0.5],
    },
    weightDecay: 1.2e-6,
  },
};

/** All rates of a model's description, by the option that holds the variant and its name. */
function ratesOf(model: unknown): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  const visit = (value: unknown, option: string) => {
    if (Array.isArray(value)) return value.forEach((entry) => visit(entry, option));
    if (typeof value !== "object" || value === null) return;
    const { plugin, rate } = value as { plugin?: string; rate?: number };
    if (rate !== undefined) (found[`${option}.${plugin}`] ??= []).push(rate);
    for (const [name, inner] of Object.entries(value)) visit(inner, name === "layers" ? "model" : name);
  };
  visit(model, "model");
  return found;
}

const prose = "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer. ".repeat(40);

async function smallData(needs: string): Promise<Dataset> {
  if (needs === "images") return await loadDataset(digits({ train: 16, test: 4, flatten: false }));
  let data: Dataset | undefined;
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/prose.txt`, prose);
    data = await loadDataset(text({ path: `${folder}/prose.txt`, length: 16, stride: 64 }));
  });
  return data!;
}

Deno.test("there is a preset for each line of the table of sources", () => {
  assertEquals(publishedPresets.map(({ name }) => name).sort(), Object.keys(table).sort());
});

for (const preset of publishedPresets) {
  const { name } = preset;
  const { source, rates, labelSmoothing, weightDecay } = table[name];
  Deno.test(`preset:${name} builds, trains, and has the rates of ${source}`, async () => {
    await tryOpenNative();
    const data = await smallData(preset.needs);
    const config = publishedConfig(preset, preset.dataset, data);
    assertEquals(ratesOf(config.model), rates);
    assertEquals((config.loss as { labelSmoothing?: number } | undefined)?.labelSmoothing, labelSmoothing);
    assertEquals((config.optimizer as { weightDecay?: number }).weightDecay, weightDecay);
    // What it is, who says so and what was scaled down stand in front.
    const [first] = Object.keys(JSON.parse(JSON.stringify(config)));
    assertEquals(first, "description");
    for (const said of [preset.summary, preset.source, preset.scaled]) assertStringIncludes(config.description!, said);
    const run = configuredRun(config, "run", await loadRegistry([], "."));
    const { model, loss, optimizer, validationSeed: _, ...settings } = run;
    const result = await fit(model, { ...settings, loss, optimizer, data, epochs: 1, batchSize: 4 });
    assert(Number.isFinite(result.trainLoss) && Number.isFinite(result.testLoss), `${result.trainLoss}`);
    assert(result.history[0].step >= 3);
    const wrong = inspectDropout(model, { loss, optimizer }).filter(({ severity }) => severity === "fault");
    assertEquals(wrong, []);
    // A published setting without dropout draws nothing, and those with it do.
    assertEquals(result.model.drawingSites().length > 0, Object.values(rates).flat().some((rate) => rate > 0));
    assertEquals(parseConfig(JSON.parse(JSON.stringify(config))), config);
  });
}

Deno.test("a preset that there is not is refused with the nearest name", () => {
  assertEquals(publishedPreset("my.json"), undefined);
  assertThrows(
    () => publishedPreset("preset:alexnut"),
    OptionError,
    '--config: expected one of the presets alexnet, vgg-16, vit, deit, convnext, nfnet, transformer, bert, gpt-2, gpt-3, palm, llama, awd-lstm, found "alexnut"; did you mean "alexnet"?',
  );
});

Deno.test("train takes a preset, with another data set and changes, and refuses data that does not fit", () =>
  inFolder(async (folder) => {
    const words = `${folder}/prose.txt`;
    await Deno.writeTextFile(words, prose);
    const small = ["--data", words, "--set", "dataset.length=16", "--set", "dataset.stride=64", "--epochs", "1"];
    const ran = await cli(["train", "--config", "preset:gpt-2", ...small, "--json", "--out", `${folder}/run`]);
    assertEquals(ran.status, 0, ran.err);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/run/config.json`));
    assertMatch(written.description, /^GPT-2: dropout 0\.1 .*Source: Radford/);
    assertEquals(written.model[1].dropout.rate, 0.1);
    const refused = await cli(["train", "--config", "preset:vit", "--dataset", "text", "--data", words]);
    assertEquals(refused.status, 2);
    assertStringIncludes(refused.err, "--dataset: expected classes of images");
  }));
