/** Configurations without dropout, and with that of the literature. */
import { assert, assertEquals } from "@std/assert";
import { withChanges, withList, withoutDropout, withUsualDropout } from "../../../cli/advise/change_model.ts";
import { type Config, parseConfig, type PartConfig } from "../../../cli/configuration/config.ts";
import { configuredRun } from "../../../cli/configuration/configured_run.ts";
import { loadRegistry } from "../../../cli/configuration/load_registry.ts";
import { buildModel, inspectDropout } from "../../../mod.ts";

const registry = await loadRegistry([], ".");

const configOf = (model: PartConfig[] | PartConfig, more: Partial<Config> = {}): Config =>
  parseConfig({ dataset: "digits", optimizer: "adam", model, ...more });

const dense = (units: number) => ({ plugin: "dense", units });
const drop = (rate: number) => ({ plugin: "dropout", rate });

/** The model of a configuration, built for an input: what is made must be buildable. */
function built(config: Config, inputShape: readonly number[]) {
  return buildModel(configuredRun(config, "run", registry).model, { inputShape });
}

/** What the literature puts into a model for an input, as pairs of place and plugin, and the findings it leaves. */
function placed(model: PartConfig[], inputShape: readonly number[], share = 1) {
  const { config, places } = withUsualDropout(withoutDropout(configOf(model), registry), share, inputShape);
  const found = inspectDropout(built(config, inputShape));
  assertEquals(found.filter(({ severity }) => severity !== "hint"), [], JSON.stringify(config.model));
  return { config, found, places: places.map(({ path, plugin, rate }) => `${path} ${plugin} ${rate}`) };
}

Deno.test("withoutDropout() takes variants of all sites away, and leaves places as they were", () => {
  const config = configOf([
    drop(0.2),
    { plugin: "dense", units: 8, weight: { plugin: "drop-connect" }, constraint: { plugin: "max-norm" } },
    "relu",
    {
      plugin: "residual",
      block: { plugin: "sequential", layers: [dense(8), drop(0.5)] },
      branch: { plugin: "layer-drop" },
    },
    "alpha-dropout",
    dense(10),
  ], { loss: { plugin: "r-drop", loss: { plugin: "cross-entropy", labelSmoothing: 0.1 } }, learning: "fast-dropout" });
  const plain = withoutDropout(config, registry);
  assertEquals(plain.model, [
    drop(0),
    { plugin: "dense", units: 8, constraint: { plugin: "max-norm" } },
    "relu",
    { plugin: "residual", block: { plugin: "sequential", layers: [dense(8), drop(0)] } },
    drop(0),
    dense(10),
  ]);
  assertEquals(plain.loss, { plugin: "cross-entropy", labelSmoothing: 0.1 });
  assertEquals(plain.learning, undefined);
  assertEquals(built(plain, [4]).drawingSites(), []);
});

Deno.test("a net of dense layers gets 0.2 on many inputs, 0.5 on hidden units, and nothing at the output", () => {
  const net = [dense(64), "relu", dense(64), "relu", dense(10)];
  const { places, config } = placed(net, [784]);
  assertEquals(places, ["model.0 dropout 0.2", "model.3 dropout 0.5", "model.6 dropout 0.5"]);
  assertEquals(config.model, [
    drop(0.2),
    dense(64),
    { plugin: "relu" },
    drop(0.5),
    dense(64),
    { plugin: "relu" },
    drop(0.5),
    dense(10),
  ]);
  assertEquals(placed(net, [8]).places, ["model.2 dropout 0.5", "model.5 dropout 0.5"], "8 inputs are few");
  assertEquals(placed(net, [784], 0.5).places[1], "model.3 dropout 0.25");
});

Deno.test("dropout that was there is replaced where it was", () => {
  const { config } = placed([drop(0.3), dense(64), "relu", drop(0.9), dense(10)], [784]);
  assertEquals(config.model, [drop(0.2), dense(64), { plugin: "relu" }, drop(0.5), dense(10)]);
});

Deno.test("feature maps get spatial dropout behind their pooling, and nothing stands before batch norm", () => {
  const conv = { plugin: "conv2d", channels: 4, kernel: 3, padding: "same" };
  const pool = { plugin: "max-pool2d", kernel: 2 };
  const net = [conv, "relu", pool, conv, "relu", "flatten", dense(64), "relu", dense(10)];
  assertEquals(placed(net, [1, 8, 8]).places, [
    "model.3 spatial-dropout 0.1",
    "model.6 spatial-dropout 0.1",
    "model.10 dropout 0.5",
  ]);
  const normed = [
    conv,
    "batch-norm",
    "relu",
    pool,
    conv,
    "batch-norm",
    "relu",
    "flatten",
    dense(64),
    "relu",
    dense(10),
  ];
  const { places, found } = placed(normed, [1, 8, 8]);
  assertEquals(places, ["model.7 spatial-dropout 0.1", "model.11 dropout 0.5"]);
  assertEquals(found, []);
});

Deno.test("hidden units before the last batch norm are not dropped, nor are inputs", () => {
  const net = [dense(64), "relu", dense(64), "batch-norm", "relu", dense(10)];
  const { places, found } = placed(net, [784]);
  assertEquals(places, ["model.5 dropout 0.5"]);
  assertEquals(found, []);
});

Deno.test("changes are made where they were meant, whatever goes", () => {
  const config = configOf([dense(1), dense(2), dense(3), dense(4), dense(5)]);
  const changed = withChanges(config, [
    { path: "model.1", value: null },
    { path: "model.3", value: null },
    { path: "model.4.units", value: 6 },
    { path: "model.4.units", value: 7 },
    { path: "optimizer", value: "sgd" },
    { path: "optimizer.learningRate", value: 1 },
  ]);
  assertEquals(changed.model, [dense(1), dense(3), dense(6)]);
  assertEquals(changed.optimizer, "sgd", "what stands under another change has lost its place");
});

Deno.test("recurrent nets get one mask for each sequence, transformers dropout in attention and on sub-layers", () => {
  const embedding = { plugin: "embedding", vocabulary: 9, features: 8 };
  const recurrent = placed([embedding, { plugin: "lstm", units: 8 }, dense(9)], [5]);
  assertEquals(recurrent.places, ["model.0.embedding embedding-dropout 0.1", "model.2 dropout 0.3"]);
  assertEquals(recurrent.found, []);
  const block = { plugin: "encoder-block", heads: 2 };
  const transformer = placed([embedding, "learned-positions", block, block, dense(9)], [5]);
  assertEquals(transformer.places, [
    "model.1.dropout dropout 0.1",
    "model.2.attention attention-dropout 0.1",
    "model.2.dropout dropout 0.1",
    "model.3.attention attention-dropout 0.1",
    "model.3.dropout dropout 0.1",
  ]);
  assertEquals(transformer.found, []);
});

Deno.test("deep residual nets get stochastic depth that rises with depth, shallow ones none; selu gets alpha dropout", () => {
  const block = { plugin: "residual", block: dense(8) };
  const deep = placed([dense(8), block, block, block, block, dense(10)], [4]);
  assertEquals(deep.places.map((place) => place.split(" ").at(-1)), ["0.05", "0.1", "0.15", "0.2"]);
  assertEquals(deep.found, []);
  assertEquals(placed([dense(8), block, dense(10)], [4]).places, []);
  assertEquals(placed([dense(64), "selu", dense(10)], [4]).places, ["model.2 alpha-dropout 0.1"]);
});

Deno.test("parameters keep their names where groups of them, what is frozen or pretrained goes by names", () => {
  const more: Partial<Config>[] = [
    { parameterGroups: [{ match: "^2\\.", set: { learningRate: 0.1 } }] },
    { freeze: ["^0\\."] },
    { pretrained: { path: "weights.safetensors", except: [] } },
  ];
  for (const options of more) {
    const config = configOf([dense(64), "relu", dense(10)], options);
    const { config: changed } = withUsualDropout(withoutDropout(config, registry), 1, [784]);
    const names = built(changed, [784]).parameters().map(({ name }) => name);
    assertEquals(names, ["0.weight", "0.bias", "2.weight", "2.bias"], JSON.stringify(options));
  }
});

Deno.test("what findings change makes them go away, removed entries last", () => {
  const faulty: [PartConfig[], Partial<Config>][] = [
    [[drop(0.5), dense(64), "relu", drop(0.9), drop(0.2), dense(10), drop(0.5)], {}],
    [[dense(64), "selu", drop(0.1), dense(10)], {}],
    [[dense(16), "relu", drop(0.5), dense(10)], { optimizer: { plugin: "sgd", learningRate: 0.5, momentum: 0.95 } }],
    [[dense(64), "relu", drop(0.2), dense(10)], { optimizer: { plugin: "sgd", weightDecay: 0.1 } }],
    [[dense(64), "relu", drop(0.5), "batch-norm", dense(10)], {}],
    [[{ plugin: "residual", block: dense(4), branch: { plugin: "layer-drop" } }, dense(10)], {}],
  ];
  for (const [model, more] of faulty) {
    const config = configOf(model, more);
    const look = (config: Config) => {
      const { model, loss, optimizer } = configuredRun(config, "run", registry);
      return inspectDropout(model, { loss, optimizer }).filter(({ changes }) => changes.length > 0);
    };
    const found = look(config);
    assert(found.length > 0, JSON.stringify(model));
    const changed = parseConfig(withChanges(config, found.flatMap(({ changes }) => changes)));
    assertEquals(look(changed), [], JSON.stringify(changed.model));
  }
});

Deno.test("a model that is one sequential is looked at as a list", () => {
  assertEquals(withList(configOf({ plugin: "sequential", layers: [dense(4), "relu"] })).model, [dense(4), "relu"]);
  assertEquals(withList(configOf(dense(4))).model, dense(4));
});
