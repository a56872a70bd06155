/** Where variants stand in a model in place of its dropout. */
import { assertEquals, assertThrows } from "@std/assert";
import { positionsFor } from "../../../cli/compare/_fit.ts";
import { rateIn, withoutVariants, withVariant } from "../../../cli/compare/_place.ts";
import { readVariants } from "../../../cli/compare/_variants.ts";
import type { PartConfig } from "../../../cli/configuration/config.ts";
import {
  buildModel,
  builtins,
  type LayerPlugin,
  OptionError,
  PluginError,
  Registry,
  ThinnedError,
} from "../../../mod.ts";

const registry = new Registry(builtins);

const place = (model: PartConfig[], plugin: string, rate?: number, options: Record<string, unknown> = {}) =>
  withVariant(
    model,
    { label: plugin, plugin, options, tuned: rate === undefined ? undefined : { option: "rate", value: rate } },
    registry,
  );

const gone = { plugin: "dropout", rate: 0 };
const net: PartConfig[] = [
  { plugin: "dropout", rate: 0.2 },
  { plugin: "dense", units: 8 },
  "relu",
  { plugin: "dropout", rate: 0.5, share: ["batch"] },
  { plugin: "dense", units: 4 },
];

Deno.test("a variant of activations stands where dropout did, rates in the model's own proportion", () => {
  assertEquals(place(net, "gaussian-dropout", 0.25), [
    { plugin: "gaussian-dropout", rate: 0.1 },
    { plugin: "dense", units: 8 },
    { plugin: "relu" },
    { plugin: "gaussian-dropout", rate: 0.25 },
    { plugin: "dense", units: 4 },
  ]);
  // The model's own plugin keeps its other options, and the model is left as it was.
  assertEquals((place(net, "dropout", 0.25) as PartConfig[])[3], { plugin: "dropout", rate: 0.25, share: ["batch"] });
  assertEquals(net[3], { plugin: "dropout", rate: 0.5, share: ["batch"] });
  assertEquals(rateIn(net, "dropout", registry), 0.5);
  assertEquals(rateIn(net, "uout", registry), undefined);
});

Deno.test("a variant of weights stands at the layer whose units were dropped, and never at the outputs", () => {
  assertEquals(place(net, "drop-connect", 0.3), [
    gone,
    { plugin: "dense", units: 8, weight: { plugin: "drop-connect", rate: 0.3 } },
    { plugin: "relu" },
    gone,
    { plugin: "dense", units: 4 },
  ]);
});

Deno.test("without dropout all layers keep their places, and variants in options are gone", () => {
  const model = [
    { plugin: "embedding", vocabulary: 5, features: 4, embedding: { plugin: "embedding-dropout" } },
    {
      plugin: "lstm",
      units: 3,
      layers: 2,
      recurrent: { plugin: "zoneout" },
      dropout: { plugin: "dropout", rate: 0.3 },
    },
    { plugin: "word-dropout", name: "words", rate: 0.1 },
    { plugin: "dense", units: 5 },
  ];
  assertEquals(withoutVariants(model, registry), [
    { plugin: "embedding", vocabulary: 5, features: 4 },
    { plugin: "lstm", units: 3, layers: 2, dropout: gone },
    { ...gone, name: "words" },
    { plugin: "dense", units: 5 },
  ]);
});

Deno.test("variants of recurrences, attention, branches and embeddings stand wherever there is one", () => {
  const model = [
    { plugin: "embedding", vocabulary: 5, features: 4 },
    { plugin: "encoder-block", heads: 2, dropout: { plugin: "dropout", rate: 0.1 } },
    { plugin: "residual", block: { plugin: "sequential", layers: [{ plugin: "gru", units: 4 }] } },
    { plugin: "dropout", rate: 0.5 },
  ];
  const bare = withoutVariants(model, registry) as Record<string, unknown>[];
  const gru = (more: Record<string, unknown>) => ({
    plugin: "residual",
    block: { plugin: "sequential", layers: [{ plugin: "gru", units: 4, ...more }] },
  });
  const zoneout = { plugin: "zoneout" };
  assertEquals(place(model, "zoneout"), [bare[0], bare[1], gru({ recurrent: zoneout }), bare[3]]);
  const keys = { plugin: "drop-key", rate: 0.3 };
  assertEquals(place(model, "drop-key", 0.3), [bare[0], { ...bare[1], attention: keys }, bare[2], bare[3]]);
  const depth = { plugin: "stochastic-depth", rate: 0.2 };
  assertEquals(place(model, "stochastic-depth", 0.2), [
    bare[0],
    { ...bare[1], branch: depth },
    { ...bare[2], branch: depth },
    bare[3],
  ]);
  // Where words are embedded, that is where they are dropped.
  const words = { plugin: "word-dropout", rate: 0.1 };
  assertEquals(place(model, "word-dropout", 0.1), [{ ...bare[0], embedding: words }, ...bare.slice(1)]);
  // The weight of the state, not that of the input; at the proportion of the dropout behind it; and no embedding's table.
  assertEquals(place(model, "weight-drop", 0.5), [
    bare[0],
    { ...bare[1], weight: { plugin: "weight-drop", rate: 0.1 } },
    gru({ weight: { plugin: "weight-drop", rate: 0.5 } }),
    bare[3],
  ]);
});

Deno.test("a variant without a place in the model is refused by name, with what it would need", () => {
  const refused = (plugin: string) => assertThrows(() => place(net, plugin), PluginError).message;
  assertEquals(
    refused("zoneout"),
    "--variants: zoneout: expected a model with a recurrent layer: rnn, lstm or gru; found one without.",
  );
  assertThrows(() => place([{ plugin: "dense", units: 3 }], "dropout"), PluginError, "a variant at a layer position");
  assertThrows(
    () => place([{ plugin: "dense", units: 3 }], "drop-connect"),
    PluginError,
    "dropout somewhere behind it",
  );
});

Deno.test("a variant that fits some positions stands at these, and the others keep what they have", () => {
  const images: PartConfig[] = [
    { plugin: "conv2d", channels: 2, kernel: 3 },
    { plugin: "dropout", rate: 0.1 },
    { plugin: "flatten" },
    { plugin: "dense", units: 8 },
    { plugin: "dropout", rate: 0.5 },
    { plugin: "dense", units: 4 },
  ];
  const none = withoutVariants(images, registry);
  const root = registry.create({ plugin: "sequential", layers: none }, "model") as unknown as LayerPlugin;
  const without = buildModel(root, { inputShape: [1, 8, 8], seed: 1 });
  const positions = (text: string, model = images) =>
    positionsFor(readVariants(text, registry)[0], { model }, without, registry);
  assertEquals(positions("spatial-dropout"), { at: [0], of: 2 });
  assertEquals(positions("drop-block:block=5"), { at: [0], of: 2 });
  assertEquals(positions("dropout"), undefined); // all of them
  assertEquals(positions("hidden-cut:select=attention"), undefined); // none of them
  assertEquals(positions("drop-connect"), undefined); // it stands at weights
  assertEquals(positions("spatial-dropout", [...images, ...images]), undefined); // not those of the model that was built
  const placed = withVariant(
    images,
    {
      label: "",
      plugin: "spatial-dropout",
      options: {},
      tuned: { option: "rate", value: 0.3 },
      positions: [0],
    },
    registry,
  );
  assertEquals(placed, images.map((part, i) => i === 1 ? { plugin: "spatial-dropout", rate: 0.3 } : part));
});

Deno.test("variants are named with options, by names that folders can have", () => {
  assertEquals(readVariants("dropout, drop-block:block=3:border=inside,dropout:rate=0.95,none", registry), [
    { label: "dropout", name: "dropout", plugin: "dropout", options: {} },
    {
      label: "drop-block:block=3:border=inside",
      name: "drop-block-block_3-border_inside",
      plugin: "drop-block",
      options: { block: 3, border: "inside" },
    },
    { label: "dropout:rate=0.95", name: "dropout-rate_0_95", plugin: "dropout", options: { rate: 0.95 } },
  ]);
  assertThrows(() => readVariants("dropot", registry), OptionError, 'did you mean "dropout"?');
  assertThrows(() => readVariants("r-drop", registry), OptionError, "the loss r-drop");
  assertThrows(() => readVariants("dropout,dropout", registry), OptionError, "variants that differ");
  assertThrows(() => readVariants("dropout:rate=2", registry), ThinnedError, "--variants: dropout.rate");
  assertThrows(() => readVariants("dropout:0.3", registry), OptionError, "option=value");
  assertThrows(() => readVariants("none", registry), OptionError, "variants beside none");
});
