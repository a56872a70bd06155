/** Published nets for language, scaled down. @module */
import {
  characters,
  dense,
  dropout,
  images,
  type Part,
  plain,
  type PublishedPreset,
  times,
  warmCosine,
} from "./preset_parts.ts";

const embedding = (vocabulary: number, features: number, more: Record<string, unknown> = {}): Part => ({
  plugin: "embedding",
  vocabulary,
  features,
  deviation: 0.02,
  ...more,
});

/** Vaswani et al., NIPS 2017. */
const transformer: PublishedPreset = {
  name: "transformer",
  summary: "Transformer (base): dropout 0.1 on each sub-layer's output and on the sum of embeddings and positions, " +
    "label smoothing 0.1",
  source: "Vaswani et al., Attention Is All You Need, NIPS 2017, sections 5.3 and 5.4 (base: 0.1, big: 0.3)",
  dataset: characters,
  needs: "text",
  scaled:
    "2 blocks of 64 features and 4 heads for 6 of 512 and 8; a causal stack that goes on with a text, without the " +
    "encoder that it would translate from; a cosine for the inverse root behind the warm-up.",
  config: ({ classes }) => ({
    model: [
      embedding(classes, 64, { deviation: 0.125 }),
      { plugin: "sinusoidal-positions", scaled: true, dropout: dropout(0.1) },
      ...times(2, () => ({ plugin: "encoder-block", heads: 4, causal: true, dropout: dropout(0.1) })),
      dense(classes),
    ],
    loss: { plugin: "cross-entropy", labelSmoothing: 0.1 },
    optimizer: { plugin: "adam", learningRate: warmCosine(0.002), beta2: 0.98, epsilon: 1e-9 },
    epochs: 4,
    batchSize: 64,
  }),
};

/** Devlin, Chang, Lee, Toutanova, NAACL 2019. */
const bert: PublishedPreset = {
  name: "bert",
  summary:
    "BERT-base, with a classifier: dropout 0.1 on embeddings, attention weights, sub-layers and the pooled token",
  source: "Devlin, Chang, Lee, Toutanova, BERT, NAACL 2019, appendix A.2 (0.1 on all layers), and the authors' code " +
    "(hidden and attention dropout 0.1, classifier 0.1)",
  dataset: images,
  needs: "images",
  scaled:
    "2 blocks of 64 features and 4 heads for 12 of 768 and 12. It tells digits, whose rows of pixels are the words, by a " +
    "dense layer in place of the table: there is no data set of masked words.",
  config: ({ classes, train: { shape: [channels, height, width] } }) => ({
    model: [
      { plugin: "reshape", shape: [channels * height, width] },
      dense(64),
      plain("class-token"),
      plain("learned-positions"),
      { plugin: "layer-norm", epsilon: 1e-12 },
      dropout(0.1),
      ...times(2, () => ({
        plugin: "encoder-block",
        heads: 4,
        norm: "post",
        activation: "gelu",
        epsilon: 1e-12,
        attention: { plugin: "attention-dropout", rate: 0.1 },
        dropout: dropout(0.1),
      })),
      plain("pick-step"),
      dense(64),
      plain("tanh"),
      dropout(0.1),
      dense(classes),
    ],
    optimizer: { plugin: "adamw", learningRate: warmCosine(0.001), weightDecay: 0.01 },
    epochs: 10,
    batchSize: 32,
  }),
};

/** A causal stack with norms in front, as GPT-2 and GPT-3 have it, at some rate. */
function gpt(classes: number, rate: number): Part[] {
  const drop = rate === 0 ? {} : { dropout: dropout(rate) };
  const attention = rate === 0 ? {} : { attention: { plugin: "attention-dropout", rate } };
  return [
    embedding(classes, 64),
    { plugin: "learned-positions", ...drop },
    ...times(2, () => ({
      plugin: "encoder-block",
      heads: 4,
      norm: "pre",
      activation: "gelu",
      causal: true,
      ...attention,
      ...drop,
    })),
    plain("layer-norm"),
    dense(classes),
  ];
}

/** Radford et al., 2019. */
const gpt2: PublishedPreset = {
  name: "gpt-2",
  summary: "GPT-2: dropout 0.1 on embeddings, attention weights and sub-layers",
  source:
    "Radford et al., Language Models are Unsupervised Multitask Learners, 2019; rates of the released configuration " +
    "(embd_pdrop, attn_pdrop, resid_pdrop 0.1)",
  dataset: characters,
  needs: "text",
  scaled:
    "2 blocks of 64 features and 4 heads for 12 of 768 and 12; characters for byte pairs; the last layer has weights of " +
    "its own. Rates of learning are not published.",
  config: ({ classes }) => ({
    model: gpt(classes, 0.1),
    optimizer: { plugin: "adam", learningRate: warmCosine(0.002) },
    clip: { norm: 1 },
    epochs: 4,
    batchSize: 64,
  }),
};

/** Brown et al., NeurIPS 2020. */
const gpt3: PublishedPreset = {
  name: "gpt-3",
  summary: "GPT-3: no dropout is stated; weight decay 0.1",
  source:
    "Brown et al., Language Models are Few-Shot Learners, NeurIPS 2020, appendix B (weight decay 0.1, clipping at 1; " +
    "dropout is not stated)",
  dataset: characters,
  needs: "text",
  scaled:
    "2 blocks of 64 features and 4 heads for 96 of 12288 and 96; all attention is dense; characters for byte pairs; the " +
    "last layer has weights of its own.",
  config: ({ classes }) => ({
    model: gpt(classes, 0),
    optimizer: { plugin: "adamw", learningRate: warmCosine(0.002, 0.1), beta2: 0.95, weightDecay: 0.1 },
    clip: { norm: 1 },
    epochs: 4,
    batchSize: 64,
  }),
};

/** `down(silu(gate(x)) * up(x))`, as nodes of a graph that take `input`; the last of them is `down`. */
function swiGlu(
  input: string,
  features: number,
  hidden: number,
): Record<string, { layer: Part; inputs: string | string[] }> {
  const bare = (units: number) => dense(units, { bias: false });
  return {
    gate: { layer: bare(hidden), inputs: input },
    silu: { layer: plain("silu"), inputs: "gate" },
    up: { layer: bare(hidden), inputs: input },
    product: { layer: { plugin: "merge", by: "multiply" }, inputs: ["silu", "up"] },
    down: { layer: bare(features), inputs: "product" },
  };
}

const bareAttention = { plugin: "multi-head-attention", heads: 4, causal: true, bias: false };

/** Chowdhery et al., JMLR 2023. */
const palm: PublishedPreset = {
  name: "palm",
  summary: "PaLM: no dropout in pretraining",
  source:
    "Chowdhery et al., PaLM: Scaling Language Modeling with Pathways, JMLR 2023, section 5 (no dropout in pretraining, " +
    "0.1 in most finetuning)",
  dataset: characters,
  needs: "text",
  scaled:
    "2 parallel blocks of 64 features and 4 heads for 118 of 18432 and 48; learned positions for rotary ones; each head " +
    "has keys and values of its own; Adam for Adafactor; the last layer has weights of its own.",
  config: ({ classes }) => ({
    model: [
      embedding(classes, 64),
      plain("learned-positions"),
      ...times(2, () => ({
        plugin: "residual",
        block: {
          plugin: "graph",
          nodes: {
            norm: { layer: plain("layer-norm"), inputs: "x" },
            attention: { layer: bareAttention, inputs: "norm" },
            ...swiGlu("norm", 64, 256),
            both: { layer: { plugin: "merge", by: "add" }, inputs: ["attention", "down"] },
          },
          outputs: ["both"],
        },
      })),
      plain("layer-norm"),
      dense(classes, { bias: false }),
    ],
    optimizer: { plugin: "adam", learningRate: warmCosine(0.002) },
    clip: { norm: 1 },
    epochs: 4,
    batchSize: 64,
  }),
};

/** Touvron et al., 2023. */
const llama: PublishedPreset = {
  name: "llama",
  summary: "Llama: no dropout; RMS norm, SwiGLU, weight decay 0.1",
  source:
    "Touvron et al., LLaMA: Open and Efficient Foundation Language Models, 2023, sections 2.2 and 2.3 (no dropout is named; " +
    "weight decay 0.1, clipping at 1)",
  dataset: characters,
  needs: "text",
  scaled:
    "2 blocks of 64 features and 4 heads for 32 of 4096 and 32; learned positions for rotary ones; characters for byte " +
    "pairs.",
  config: ({ classes }) => ({
    model: [
      embedding(classes, 64),
      plain("learned-positions"),
      ...times(2, () => [
        { plugin: "residual", block: { plugin: "sequential", layers: [plain("rms-norm"), bareAttention] } },
        {
          plugin: "residual",
          block: {
            plugin: "graph",
            nodes: { norm: { layer: plain("rms-norm"), inputs: "x" }, ...swiGlu("norm", 64, 172) },
            outputs: ["down"],
          },
        },
      ]).flat(),
      plain("rms-norm"),
      dense(classes, { bias: false }),
    ],
    optimizer: { plugin: "adamw", learningRate: warmCosine(0.002, 0.1), beta2: 0.95, weightDecay: 0.1 },
    clip: { norm: 1 },
    epochs: 4,
    batchSize: 64,
  }),
};

/** Merity, Keskar, Socher, ICLR 2018. */
const awdLstm: PublishedPreset = {
  name: "awd-lstm",
  summary:
    "AWD-LSTM on the Penn Treebank: embedding 0.1, word vectors 0.4, between layers 0.25, output 0.4, recurrent weights 0.5",
  source:
    "Merity, Keskar, Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, and the authors' command for the " +
    "Penn Treebank (dropout 0.4, dropouth 0.25, dropouti 0.4, dropoute 0.1, wdrop 0.5, weight decay 1.2e-6, clipping at 0.25)",
  dataset: characters,
  needs: "text",
  scaled:
    "3 layers of 96, 96 and 64 units for 1150, 1150 and 400, vectors of 64 for 400; 32 tokens for 70; characters for " +
    "words; Adam for averaged SGD at 30; no penalties of activations; the last layer has weights of its own.",
  config: ({ classes }) => {
    const drop = (rate: number) => dropout(rate, { share: ["time"] });
    const lstm = (units: number) => ({ plugin: "lstm", units, weight: { plugin: "weight-drop", rate: 0.5 } });
    return {
      model: [
        embedding(classes, 64, { deviation: 0.1, embedding: { plugin: "embedding-dropout", rate: 0.1 } }),
        drop(0.4),
        lstm(96),
        drop(0.25),
        lstm(96),
        drop(0.25),
        lstm(64),
        drop(0.4),
        dense(classes),
      ],
      optimizer: { plugin: "adam", learningRate: 0.003, weightDecay: 1.2e-6 },
      clip: { norm: 0.25 },
      epochs: 4,
      batchSize: 20,
    };
  },
};

/** All of them. */
export const textPresets: readonly PublishedPreset[] = [transformer, bert, gpt2, gpt3, palm, llama, awdLstm];
