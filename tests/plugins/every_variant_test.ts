/**
 * Every built-in variant with each of its cases: it trains from a configuration file at a site that fits it, is the same after
 * a trip through JSON, and has its rate changed by `--set`. The plugins are found by their folder, so that a new one is
 * tried too.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  type AnyFactory,
  builtins,
  type Dataset,
  loadDataset,
  type Plugin,
  Registry,
  rolesOf,
  ThinnedError,
  Trainer,
} from "../../mod.ts";
import { describeDefinition } from "../../cli/configuration/describe_definition.ts";
import { trainCommand } from "../../cli/arguments/commands/train.ts";
import { configuredDataset, type ConfiguredRun, configuredRun } from "../../cli/configuration/configured_run.ts";
import { makePlan, type Plan } from "../../cli/configuration/make_plan.ts";
import { readArguments } from "../../cli/arguments/read_arguments.ts";
import { entries } from "../../release/catalogue.ts";
import { inFolder } from "../cli/_run.ts";

const registry = new Registry(builtins);

/** A part of a configuration. */
type Part = Record<string, unknown>;

/** A small net with a site. */
interface Host {
  /** The configuration without its data, with the variant in its place. */
  readonly config: (variant: Part) => Part;
  /** Where the variant stands in the configuration. */
  readonly path: string;
}

const flat: Part = { plugin: "flatten" };
const classes: Part = { plugin: "dense", units: 2 };
const layers = (path: string, model: (variant: Part) => readonly Part[]): Host => ({
  config: (variant) => ({ model: model(variant) }),
  path,
});

/** Before the site: features, images of channels, sequences, and words. */
const dense: Part = { plugin: "dense", units: 12 };
const image: Part = { plugin: "conv2d", channels: 12, kernel: 1 };
const sequence: Part = { plugin: "reshape", shape: [8, 4] };
const last: Part = { plugin: "gru", units: 3, returnSequences: false };

/** Nets with a site for each role; those of a role are tried in their order. */
const hosts: Readonly<Record<string, readonly Host[]>> = {
  activation: [
    layers("model.2", (variant) => [flat, dense, variant, classes]),
    layers("model.1", (variant) => [image, variant, flat, classes]),
    layers("model.1", (variant) => [sequence, variant, last, classes]),
    layers("model.1.hidden", (variant) => [
      sequence,
      { plugin: "encoder-block", heads: 2, feedForward: 8, hidden: variant },
      flat,
      classes,
    ]),
  ],
  weight: [
    layers("model.1.weight", (variant) => [flat, { ...dense, weight: variant }, { plugin: "relu" }, classes]),
    layers("model.0.weight", (variant) => [{ ...image, weight: variant }, flat, classes]),
    layers("model.1.weight", (variant) => [sequence, { plugin: "lstm", units: 3, weight: variant }, flat, classes]),
  ],
  product: [
    layers("model.1.weight", (variant) => [flat, { ...dense, weight: variant }, { plugin: "relu" }, classes]),
    layers("model.0.weight", (variant) => [{ ...image, weight: variant }, flat, classes]),
  ],
  recurrent: ["lstm", "gru"].map((plugin) =>
    layers(
      "model.1.recurrent",
      (variant) => [sequence, { plugin, units: 3, layers: 2, recurrent: variant }, flat, classes],
    )
  ),
  branch: [
    layers(
      "model.2.branch",
      (variant) => [flat, dense, { plugin: "residual", block: dense, branch: variant }, classes],
    ),
  ],
  attention: [
    layers("model.1.attention", (variant) => [
      sequence,
      { plugin: "multi-head-attention", heads: 2, attention: variant },
      flat,
      classes,
    ]),
  ],
  embedding: [
    layers("model.1.embedding", (variant) => [
      flat,
      { plugin: "embedding", vocabulary: 6, features: 3, embedding: variant },
      flat,
      classes,
    ]),
  ],
  layer: [
    layers("model.1", (variant) => [image, variant, flat, classes]),
    layers("model.1", (variant) => [sequence, variant, last, classes]),
    layers("model.2", (variant) => [flat, dense, variant, classes]),
    layers("model.2", (variant) => [flat, dense, variant]),
  ],
  loss: [
    { config: (loss) => ({ model: [flat, dense, { plugin: "dropout" }, classes], loss }), path: "loss" },
  ],
  learning: [
    {
      config: (learning) => ({ model: [flat, { plugin: "dropout" }, dense, { plugin: "relu" }, classes], learning }),
      path: "learning",
    },
  ],
};

/** Eight examples in two classes, `[2, 4, 4]`, whose numbers are words too. */
const data: Part = {
  plugin: "arrays",
  train: examples(),
  test: examples(),
  classes: 2,
};

function examples(): unknown[] {
  const x = Array.from({ length: 8 }, (_, i) => image2(i));
  return [x, x.map((_, i) => i % 2)];
}

function image2(example: number): number[][][] {
  const at = (c: number, row: number, column: number) =>
    (7 * example + 5 * c + 3 * row + column * (example % 2 + 1)) % 6;
  return [0, 1].map((c) => [0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((column) => at(c, row, column))));
}

/** Reads a configuration from a file, as `deno task train --config FILE [--set path=value]` does. */
async function planned(folder: string, config: Part, ...set: string[]): Promise<Plan> {
  const optimizer = { plugin: "sgd", learningRate: 0.05 };
  const whole = { dataset: data, optimizer, epochs: 1, batchSize: 4, seed: 3, ...config };
  await Deno.writeTextFile(`${folder}/given.json`, JSON.stringify(whole));
  const args = [
    "--config",
    `${folder}/given.json`,
    "--out",
    `${folder}/run`,
    ...set.flatMap((pair) => ["--set", pair]),
  ];
  return await makePlan(readArguments(args, trainCommand));
}

const runOf = (plan: Plan) => configuredRun(plan.config, "run", plan.registry);

/** The numbers of a run after its two steps: parameters and running state. */
async function trained(run: ConfiguredRun, dataset: Dataset): Promise<number[]> {
  const { model, validationSeed: _, ...settings } = run;
  const trainer = await Trainer.create(model, { ...settings, data: dataset });
  while (!trainer.done) await trainer.runEpoch();
  assertEquals(trainer.history.length, 1);
  const tensors = [...trainer.snapshot().tensors.values()];
  return tensors.flatMap((tensor) => [...tensor.storage.array]);
}

/** The same run with its parts made again from their JSON. */
function again(run: ConfiguredRun): ConfiguredRun {
  const copy = <P extends Plugin | undefined>(part: P): P =>
    part === undefined ? part : registry.create(JSON.parse(JSON.stringify(part)), "again") as unknown as P;
  return { ...run, model: copy(run.model), loss: copy(run.loss), learning: copy(run.learning) };
}

/** Options with other numbers that they accept: the rate first, then those that are claimed to be rates, then any. */
function changes({ definition }: AnyFactory, options: Part): [name: string, value: number][] {
  const names = Object.keys((definition.options as unknown as { shape: object }).shape);
  const { claims } = definition;
  const rates = typeof claims === "object" ? claims.rates ?? [] : [];
  const made = (more: Part) => {
    try {
      return registry.create({ plugin: definition.name, ...options, ...more }, "changed").options;
    } catch (error) {
      if (error instanceof ThinnedError) return undefined; // it refuses the number
      throw error;
    }
  };
  const before = made({})!;
  return [...names.includes("rate") ? ["rate"] : [], ...rates, ...names].flatMap((name) =>
    [0.35, 0.25, 1.5, 3].filter((value) => before[name] !== value && made({ [name]: value }) !== undefined)
      .map((value): [string, number] => [name, value])
  );
}

/** Layers for those options that must be given and are layers. */
function needed({ definition }: AnyFactory): Part {
  const { options } = describeDefinition(definition);
  const fill = (schema: Part): unknown =>
    Array.isArray(schema.prefixItems)
      ? schema.prefixItems.map(fill)
      : (schema.roles as string[] | undefined)?.includes("layer")
      ? dense
      : undefined;
  return Object.fromEntries(
    options.filter(({ required }) => required).map(({ name, schema }) => [name, fill(schema)]),
  );
}

/** What stands at a path of a configuration. */
function at(config: unknown, path: string): Part {
  return path.split(".").reduce((part, key) => (part as Record<string, unknown>)[key], config) as Part;
}

/** A variant in a net. */
interface Trial {
  readonly host: Host;
  readonly role: string;
  readonly variant: Part;
  readonly factory: AnyFactory;
}

/** Tries a variant in a net: undefined where all is well, or why it does not fit this net. */
async function tried(folder: string, trial: Trial): Promise<string | undefined> {
  const { host, role, variant } = trial;
  const plan = await planned(folder, host.config(variant));
  const dataset = await loadDataset(configuredDataset(plan.config, registry));
  const run = runOf(plan);
  let numbers: number[];
  try {
    numbers = await trained(run, dataset);
  } catch (error) {
    if (error instanceof ThinnedError) return error.message;
    throw error;
  }
  const what = `${role}: ${JSON.stringify(variant)}`;
  assert(numbers.every(Number.isFinite), what);
  assertEquals(await trained(again(run), dataset), numbers, `${what} from its JSON`);
  await changedBySet(folder, trial, dataset);
  return undefined;
}

/** Trains with another rate, or another number where there is none; throws when there are numbers and none can be changed. */
async function changedBySet(folder: string, { host, role, variant, factory }: Trial, dataset: Dataset): Promise<void> {
  const { plugin: name, ...options } = variant;
  const problems: string[] = [];
  for (const [option, value] of changes(factory, options)) {
    const set = await planned(folder, host.config(variant), `${host.path}.${option}=${value}`);
    assertEquals(at(set.config, host.path)[option], value);
    try {
      const numbers = await trained(runOf(set), dataset);
      assert(numbers.every(Number.isFinite), `${role}: ${JSON.stringify(variant)} with ${option} ${value}`);
      return;
    } catch (error) {
      // Some numbers fit no net of this size; a rate always does.
      if (!(error instanceof ThinnedError) || option === "rate") throw error;
      problems.push(error.message);
    }
  }
  assertEquals(problems, [], `${name} as ${role}`);
}

const variants = (await entries()).filter(({ file }) => file.startsWith("plugins/dropout/"));

for (const { definition: { name } } of variants) {
  const factory = registry.get(name)!;
  const { definition } = factory;
  const roles = rolesOf(definition).filter((role) => role in hosts);

  Deno.test(`${name} trains from a configuration at each of its sites, is the same from its JSON, and obeys --set`, () =>
    inFolder(async (folder) => {
      assert(roles.length > 0, `no net has a site for ${rolesOf(definition)}`);
      const problems: string[] = [];
      const served = new Set<string>();
      for (const options of definition.cases ?? [needed(factory)]) {
        const variant = { plugin: name, ...JSON.parse(JSON.stringify(options)) as Part };
        let sites = 0;
        for (const role of roles) {
          for (const host of hosts[role]) {
            const problem = await tried(folder, { host, role, variant, factory });
            if (problem === undefined) {
              sites++;
              served.add(role);
              break;
            }
            problems.push(`${role} with ${JSON.stringify(options)}: ${problem}`);
          }
        }
        assert(sites > 0, `no net fits:\n${problems.join("\n")}`);
      }
      // Some options are for one of the sites alone, but each site is for some options.
      for (const role of roles) assert(served.has(role), `no net fits as ${role}:\n${problems.join("\n")}`);
    }));
}

Deno.test("a rate that --set changes changes what is learned", () =>
  inFolder(async (folder) => {
    const [host] = hosts.activation;
    const plan = await planned(folder, host.config({ plugin: "dropout" }));
    const set = await planned(folder, host.config({ plugin: "dropout" }), `${host.path}.rate=0.1`);
    const dataset = await loadDataset(configuredDataset(plan.config, registry));
    assertNotEquals(await trained(runOf(set), dataset), await trained(runOf(plan), dataset));
  }));
