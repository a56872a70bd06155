/** What `plugin new` writes: a variant for each site, with its test. @module */

/** Sites for which there is a template. */
export const templateSites = [
  "activation",
  "weight",
  "recurrent",
  "branch",
  "attention",
  "embedding",
  "loss",
] as const;

/** A site for which there is a template. */
export type TemplateSite = typeof templateSites[number];

/** What differs from site to site. */
interface Template {
  /** Names imported from the library, beside `definePlugin` and `Factory`. */
  readonly imports: readonly string[];
  /** One sentence on what it does. */
  readonly summary: string;
  /** The option: its line of documentation, its field, and its schema. */
  readonly option: { readonly doc: string; readonly field: string; readonly schema: string };
  /** How it is used. */
  readonly usage: string;
  /** The methods, and the claims, as lines of the definition. */
  readonly body: string;
}

const rate = (what: string) => ({
  doc: `Probability of dropping ${what}, in [0, 1], or a schedule. Default 0.5.`,
  field: "rate?: Scheduled",
  schema: `rate: scheduled(rateSchema).default(0.5).describe("probability of dropping ${what}, in [0, 1]")`,
});

const rateImports = ["rateSchema", "type Scheduled", "scheduled"];

const templates: Record<TemplateSite, Template> = {
  activation: {
    imports: rateImports,
    summary: "Zeroes units at random in training.",
    option: rate("a unit"),
    usage: "sequential([dense(64), relu(), NAME({ rate: 0.5 }), dense(10)])",
    body:
      `  // Which units are dropped, as data: the library draws the mask and applies it. What is more than a mask is a method in its
  // place, from [batch, ...] to the same shape: activation(x, { mode, key, options }) { ... }
  activation: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  weight: {
    imports: rateImports,
    summary: "Zeroes weights at random in training.",
    option: rate("a weight"),
    usage: "dense(64, { weight: NAME({ rate: 0.5 }) })",
    body:
      `  // Which weights are dropped, as data: one draw for all examples of a batch. What is more than a mask is a method in its
  // place, from [units, ...inputs] to the same shape: weight(weight, { mode, key, options }) { ... }
  weight: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  recurrent: {
    imports: rateImports,
    summary: "Zeroes the outputs of a recurrent layer at random in training, anew at every step.",
    option: rate("an output"),
    usage: "lstm(64, { recurrent: NAME({ rate: 0.5 }) })",
    body: `  // The places it acts on; see RecurrentPlace.
  places: (_options, mode) => mode === "eval" ? [] : ["output"],
  // Which entries of [batch, features] are dropped. Without later(time) every step has the same mask. What is more than a
  // mask is a method in its place: recurrent(value, { place, time, previous }, { mode, key, options }) { ... }
  recurrent: {
    mask: ({ key, options: { rate } }, { place, time }) => ({ key: key.at(place).later(time), rate }),
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  branch: {
    imports: rateImports,
    summary: "Leaves out residual branches at random in training, for each example by itself.",
    option: rate("a branch"),
    usage: "residual(sequential([dense(64), relu()]), { branch: NAME({ rate: 0.5 }) })",
    body:
      `  // Which examples lose the branch; what is dropped is not computed. What is more than a mask is a method in its place, from
  // [batch, ...] to what is added to the shortcut: branch(x, block, { mode, key, options }) { ... }
  branch: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  attention: {
    imports: rateImports,
    summary: "Zeroes attention weights at random in training.",
    option: rate("an attention weight"),
    usage: "multiHeadAttention(8, { attention: NAME({ rate: 0.5 }) })",
    body: `  // The stages it acts on: scores before softmax, weights after it, or heads.
  stages: (_options, mode) => mode === "eval" ? [] : ["weights"],
  // Which entries of [batch, heads, queries, keys] are dropped. What is more than a mask is a method in its place:
  // attention(value, stage, { mode, key, options }) { ... }
  attention: { mask: ({ key, options: { rate } }) => ({ key, rate }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  embedding: {
    imports: rateImports,
    summary: "Zeroes the vectors of whole words at random in training.",
    option: rate("a word"),
    usage: "embedding(1000, 64, { embedding: NAME({ rate: 0.5 }) })",
    body:
      `  // Which entries of [batch, words, features] are dropped, as each example sees the table: sharing axes 0 and 2, a word
  // vanishes as a whole and everywhere. What is more than a mask is a method in its place, from the table and int32
  // indices [batch, ...] to [batch, ..., features]: embedding(table, indices, { mode, key, options }) { ... }
  embedding: { mask: ({ key, options: { rate } }) => ({ key, rate, share: [0, 2] }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },`,
  },
  loss: {
    imports: ["crossEntropyRows"],
    summary: "The mean cross-entropy of several passes over a batch, each with masks of its own.",
    option: {
      doc: "Number of passes in training, at least 2. Default 2.",
      field: "passes?: number",
      schema: 'passes: z.int().min(2, "expected a whole number of at least 2").default(2).describe("number of passes")',
    },
    usage: "fit(model, { loss: NAME({ passes: 4 }), ... })",
    body:
      `  // outputs: [batch, classes]; targets: int32 [batch], or numbers of the outputs' shape. Only the sum and its weight are
  // returned: the library divides, by the weight of the whole batch.
  loss: (outputs, targets) => ({ sum: crossEntropyRows(outputs, targets).sum(), weight: targets.size }),
  // In training, in place of the above: forward(0) is the ordinary pass, any other number one with other masks.
  objective(forward, targets, { passes }) {
    const sums = Array.from({ length: passes }, (_, pass) => crossEntropyRows(forward(pass), targets).sum());
    return { sum: sums.reduce((all, sum) => all.add(sum)).div(passes), weight: targets.size };
  },`,
  },
};

/** `word-drop` as `wordDrop`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `word-drop` as `word_drop`. */
export function snakeCase(name: string): string {
  return name.replaceAll("-", "_");
}

/** The source of a new plugin, `name` in kebab-case. */
export function pluginSource(name: string, site: TemplateSite): string {
  const template = templates[site];
  const factory = camelCase(name);
  const options = `${factory[0].toUpperCase()}${factory.slice(1)}Options`;
  const imports = ["definePlugin", "type Factory", ...template.imports];
  // In the formatter's order: by letters, a capital before its small one.
  const key = (name: string) => `${name.replace("type ", "").toLowerCase()} ${name.replace("type ", "")}`;
  imports.sort((a, b) => key(a) < key(b) ? -1 : 1);
  return `/**
 * ${template.summary}
 *
 * Say here whose formula it is, and where it stands.
 *
 * @module
 */
import { ${imports.join(", ")} } from "@thinned/dropout";
import { z } from "zod";

/** Options of {@linkcode ${factory}}. */
export interface ${options} {
  /** ${template.option.doc} */
  ${template.option.field};
}

/**
 * ${template.summary}
 *
 * Used as \`${template.usage.replace("NAME", factory)}\`.
 */
export const ${factory}: Factory<"${site}", ${options}> = definePlugin({
  name: "${name}",
  summary: "${template.summary}",
  options: z.object({
    ${template.option.schema},
  }),
${template.body}
});
`;
}

/** The source of its test: the exam. */
export function testSource(name: string): string {
  const factory = camelCase(name);
  return `import { assertPasses } from "@thinned/dropout/testing";
import { ${factory} } from "./${snakeCase(name)}.ts";

Deno.test("${factory}() passes the exam", () => assertPasses(${factory}));
`;
}
