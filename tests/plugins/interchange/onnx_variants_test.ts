/** Every built-in variant in an ONNX file: what evaluation makes of it, to 1e-5, whether it is the identity or not. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type AnyFactory,
  type BuildOptions,
  isFactory,
  type LayerPlugin,
  type Plugin,
  PluginError,
  rolesOf,
  siteRoles,
} from "../../../core/mod.ts";
import * as plugins from "../../../plugins/mod.ts";
import { disturbed } from "../_disturbed.ts";
import { assertSame } from "./_onnx_runtime.ts";

const { conv2d, dense, embedding, encoderBlock, flatten, gru, lstm, multiHeadAttention, relu, residual } = plugins;
const { bypass, batchNorm, decoderBlock, sequential, sigmoid, toOnnx } = plugins;

/** A net around a variant, and what it takes. */
// deno-lint-ignore no-explicit-any
type Host = readonly [(variant: any) => LayerPlugin, BuildOptions];

const features = { inputShape: [6] };
const image = { inputShape: [2, 6, 5] };
const sequence = { inputShape: [5, 4] };
const words: BuildOptions = { inputShape: [5], inputType: "int32" };

/** Nets with a site for each role. Each case of a variant is tried in all of those in which it can stand. */
const hosts: Readonly<Record<(typeof siteRoles)[number], readonly Host[]>> = {
  activation: [
    [(variant) => sequential([dense(12), variant, dense(3)]), features],
    [(variant) => sequential([conv2d(12, 3, { padding: 1 }), relu(), variant, flatten(), dense(3)]), image],
    [(variant) => sequential([variant, gru(3)]), sequence],
    [(variant) => encoderBlock(2, { dropout: variant, hidden: variant, output: variant }), sequence],
    [(variant) => sequential([variant, embedding(6, 3)]), words],
  ],
  weight: [
    [(variant) => sequential([dense(5, { weight: variant }), relu()]), features],
    [(variant) => conv2d(4, 3, { weight: variant }), image],
    [(variant) => lstm(3, { weight: variant, inputWeight: variant, layers: 2 }), sequence],
    [(variant) => embedding(6, 4, { weight: variant }), words],
    [(variant) => encoderBlock(2, { weight: variant }), sequence],
  ],
  product: [
    [(variant) => sequential([dense(5, { weight: variant }), sigmoid(), dense(3)]), features],
    [(variant) => dense(5, { weight: variant }), sequence],
    [(variant) => sequential([conv2d(4, 3, { weight: variant }), relu()]), image],
    [(variant) => gru(3, { inputWeight: variant, bidirectional: true }), sequence],
    [(variant) => multiHeadAttention(2, { weight: variant }), sequence],
  ],
  recurrent: [
    [(variant) => lstm(3, { recurrent: variant, bidirectional: true, layers: 2 }), sequence],
    [(variant) => gru(3, { recurrent: variant }), sequence],
    [(variant) => plugins.rnn(3, { recurrent: variant, returnSequences: false }), sequence],
    [
      (variant) =>
        sequential([
          embedding(6, 4, { padding: 0 }),
          lstm(3, { recurrent: variant, padding: 0, returnSequences: false }),
        ]),
      words,
    ],
  ],
  branch: [
    [(variant) => residual(sequential([dense(8), relu(), dense(6)]), { branch: variant }), features],
    [(variant) => bypass(dense(6), { branch: variant }), features],
    [(variant) => decoderBlock(2, { branch: variant }), { inputShape: [[5, 4], [5, 4]] }],
  ],
  attention: [
    [(variant) => multiHeadAttention(2, { attention: variant, causal: true }), sequence],
    [(variant) => encoderBlock(2, { attention: variant }), sequence],
  ],
  embedding: [[(variant) => embedding(6, 4, { embedding: variant, padding: 1 }), words]],
};

/** Whether a case can stand in a host. */
function fits(layer: (variant: Plugin) => LayerPlugin, variant: Plugin, options: BuildOptions): boolean {
  try {
    disturbed(layer(variant), options);
    return true;
  } catch {
    return false;
  }
}

const variants = Object.values<unknown>(plugins).filter(isFactory) as AnyFactory[];

for (const role of siteRoles) {
  for (const factory of variants.filter(({ definition }) => rolesOf(definition).includes(role))) {
    const { name, cases = [{}], positional = [] } = factory.definition;
    Deno.test(`toOnnx() evaluates ${name} at a site for ${role} as the model does`, async () => {
      let tried = 0;
      for (const [i, options] of cases.entries()) {
        const rest = { ...options };
        const given = positional.map((key) => options[key as string]);
        for (const key of positional) delete rest[key as string];
        const variant = factory(...given, rest);
        // The first case in all nets, the others in one.
        const found = hosts[role].filter(([layer, input]) => fits(layer, variant, input)).slice(0, i === 0 ? 9 : 1);
        for (const [layer, input] of found) {
          tried++;
          const model = disturbed(layer(variant), input);
          const averages = rest.inference === "normal" && model.root.plugin === "sequential";
          if (averages) await assertRejects(() => toOnnx(model), PluginError, "averages over its own draws");
          else await assertSame(model);
        }
      }
      assert(tried > 0, "no case fits anywhere");
    });
  }
}

Deno.test("what evaluation scales by is in the file where nothing can be folded, too", async () => {
  const classic = { convention: "classic", rate: 0.4 } as const;
  const cases: readonly LayerPlugin[] = [
    plugins.dropout(classic),
    sequential([plugins.dropout(classic), sigmoid(), dense(3)]),
    residual(dense(6), { branch: plugins.stochasticDepth(classic) }),
    dense(4, { weight: plugins.dropConnect(classic) }),
    sequential([dense(4, { weight: plugins.standout({ alpha: 0.7, beta: 0.3 }) }), sigmoid(), dense(2)]),
    sequential([dense(4, { weight: plugins.standout({ alpha: 0 }) }), plugins.tanh()]),
  ];
  for (const layer of cases) {
    for (const fold of [true, false]) await assertSame(disturbed(layer, features), { fold });
  }
  const layers = [dense(5), batchNorm(), relu(), plugins.dropout(classic), dense(3)];
  await assertSame(disturbed(sequential(layers), features));
  await assertSame(disturbed(sequential(layers), features), { fold: false });
});

Deno.test("layers that layerDrop left out for good are not in the file", async () => {
  const layer = residual(dense(6), { branch: plugins.layerDrop({ pruned: true }) });
  const model = disturbed(layer, features);
  await assertSame(model);
  assertEquals(new TextDecoder().decode(await toOnnx(model)).includes("Gemm"), false);
});
