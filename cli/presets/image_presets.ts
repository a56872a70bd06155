/** Published nets for images, scaled down. @module */
import {
  dense,
  dropout,
  images,
  linearFromZero,
  type Part,
  plain,
  type PublishedPreset,
  times,
  warmCosine,
} from "./preset_parts.ts";

const conv = (channels: number, kernel: number, more: Record<string, unknown> = {}): Part => ({
  plugin: "conv2d",
  channels,
  kernel,
  padding: "same",
  initializer: "he-normal",
  ...more,
});

const heDense = (units: number) => dense(units, { initializer: "he-normal" });

/** Krizhevsky, Sutskever, Hinton, NIPS 2012. */
const alexnet: PublishedPreset = {
  name: "alexnet",
  summary: "AlexNet: dropout 0.5 behind the first two dense layers",
  source:
    "Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012, " +
    "sections 3.5, 4.2 and 5",
  dataset: images,
  needs: "images",
  scaled:
    "Channels 12, 32, 48, 48, 32 for 96, 256, 384, 384, 256 and 256 units for 4096; the first kernel is 5 at stride 1 " +
    "for 11 at stride 4; no colour augmentation, no groups over two processors; 30 epochs for 90.",
  config: ({ classes }) => {
    const norm = { plugin: "local-response-norm", size: 5, alpha: 1e-4, beta: 0.75, k: 2 };
    const pool = { plugin: "max-pool2d", kernel: 3, stride: 2 };
    // The paper multiplies by the keep probability when it tests.
    const half = dropout(0.5, { convention: "classic" });
    return {
      model: [
        ...[conv(12, 5), plain("relu"), norm, pool],
        ...[conv(32, 5), plain("relu"), norm, pool],
        ...[conv(48, 3), plain("relu"), conv(48, 3), plain("relu"), conv(32, 3), plain("relu"), pool],
        ...[plain("flatten"), heDense(256), plain("relu"), half, heDense(256), plain("relu"), half, dense(classes)],
      ],
      optimizer: { plugin: "sgd", learningRate: 0.01, momentum: 0.9, weightDecay: 0.0005 },
      epochs: 30,
      batchSize: 128,
    };
  },
};

/** Simonyan, Zisserman, ICLR 2015. */
const vgg16: PublishedPreset = {
  name: "vgg-16",
  summary: "VGG-16: dropout 0.5 behind the first two dense layers",
  source: "Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015, " +
    "table 1 (D) and section 3.1",
  dataset: images,
  needs: "images",
  scaled:
    "An eighth of the channels, 128 units for 4096; four of the five poolings, since images are small; batches of 64 " +
    "for 256; no scale jittering; 30 epochs for 74.",
  config: ({ classes }) => {
    const stage = (channels: number, count: number, pools = true) => [
      ...times(count, () => [conv(channels, 3), plain("relu")]).flat(),
      ...(pools ? [{ plugin: "max-pool2d", kernel: 2 }] : []),
    ];
    return {
      model: [
        ...stage(8, 2),
        ...stage(16, 2),
        ...stage(32, 3),
        ...stage(64, 3),
        ...stage(64, 3, false),
        plain("flatten"),
        ...times(2, () => [heDense(128), plain("relu"), dropout(0.5)]).flat(),
        dense(classes),
      ],
      optimizer: { plugin: "sgd", learningRate: 0.01, momentum: 0.9, weightDecay: 0.0005 },
      epochs: 30,
      batchSize: 64,
    };
  },
};

/** The beginning of a vision transformer: patches, their projection, the class token and positions. */
function patchTokens(features: number, drop?: Part): Part[] {
  return [
    { plugin: "patches", size: 4 },
    dense(features),
    plain("class-token"),
    { plugin: "learned-positions", ...(drop === undefined ? {} : { dropout: drop }) },
  ];
}

const preNorm = { plugin: "encoder-block", heads: 4, norm: "pre", activation: "gelu" };

/** Dosovitskiy et al., ICLR 2021. */
const vit: PublishedPreset = {
  name: "vit",
  summary:
    "ViT on ImageNet: dropout 0.1 on positions and behind every dense layer but those of queries, keys and values",
  source:
    "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021, appendix B.1 and table 3 (ImageNet: dropout 0.1, " +
    "weight decay 0.3; JFT-300M: 0)",
  dataset: images,
  needs: "images",
  scaled:
    "4 blocks of 64 features and 4 heads for 12 of 768 and 12; patches of 4 for 16; batches of 64 for 4096; 10 epochs " +
    "for 300.",
  config: ({ classes }) => {
    const drop = dropout(0.1);
    return {
      model: [
        ...patchTokens(64, drop),
        ...times(4, () => ({ ...preNorm, dropout: drop, hidden: drop })),
        plain("layer-norm"),
        plain("pick-step"),
        dense(classes),
      ],
      optimizer: { plugin: "adamw", learningRate: warmCosine(0.003), weightDecay: 0.3 },
      clip: { norm: 1 },
      epochs: 10,
      batchSize: 64,
    };
  },
};

/** Touvron et al., ICML 2021. */
const deit: PublishedPreset = {
  name: "deit",
  summary: "DeiT-B: no dropout, stochastic depth that rises linearly to 0.1, label smoothing 0.1",
  source:
    "Touvron et al., Training data-efficient image transformers & distillation through attention, ICML 2021, and " +
    "the authors' code (drop 0, drop-path 0.1, linear in depth)",
  dataset: images,
  needs: "images",
  scaled:
    "6 blocks of 64 features and 4 heads for 12 of 768 and 12; patches of 4 for 16; batches of 64 for 1024; mixup alone " +
    "of mixup and CutMix, cutout for random erasing, no RandAugment, no repeated augmentation; 40 epochs for 300.",
  config: ({ classes }) => ({
    model: [
      ...patchTokens(64),
      ...linearFromZero(0.1, 6).map((rate) => ({ ...preNorm, branch: { plugin: "stochastic-depth", rate } })),
      plain("layer-norm"),
      plain("pick-step"),
      dense(classes),
    ],
    loss: { plugin: "cross-entropy", labelSmoothing: 0.1 },
    optimizer: { plugin: "adamw", learningRate: warmCosine(0.001), weightDecay: 0.05 },
    augment: [{ plugin: "cutout", size: 8, probability: 0.25 }, { plugin: "mixup", alpha: 0.8 }],
    epochs: 40,
    batchSize: 64,
  }),
};

/** Liu et al., CVPR 2022. */
const convnext: PublishedPreset = {
  name: "convnext",
  summary: "ConvNeXt-T: stochastic depth that rises linearly to 0.1, layer scale 1e-6, label smoothing 0.1, no dropout",
  source:
    "Liu et al., A ConvNet for the 2020s, CVPR 2022, table 5, and the authors' code (drop-path 0.1, linear from 0; " +
    "layer scale 1e-6)",
  dataset: images,
  needs: "images",
  scaled:
    "Depths 1, 1, 3, 1 and widths 16, 32, 64, 128 for 3, 3, 9, 3 and 96 to 768; a stem of 2 for 4; group norm of one " +
    "group for layer norm over channels; batches of 64 for 4096; mixup alone of mixup and CutMix, cutout for random erasing, " +
    "no RandAugment, no average of the weights, which needs more steps; 10 epochs for 300.",
  config: ({ classes }) => {
    const widths = [16, 32, 64, 128];
    const depths = [1, 1, 3, 1];
    const norm = { plugin: "group-norm", groups: 1, epsilon: 1e-6 };
    const rates = linearFromZero(0.1, depths.reduce((a, b) => a + b));
    const block = (width: number, rate: number): Part => ({
      plugin: "residual",
      block: {
        plugin: "sequential",
        layers: [
          { plugin: "conv2d", channels: width, kernel: 7, padding: "same", groups: width },
          norm,
          { plugin: "conv2d", channels: 4 * width, kernel: 1 },
          plain("gelu"),
          { plugin: "conv2d", channels: width, kernel: 1 },
          { plugin: "layer-scale", value: 1e-6, features: "first" },
        ],
      },
      branch: { plugin: "stochastic-depth", rate },
    });
    const down = (width: number, first: boolean): Part[] => {
      const reduce = { plugin: "conv2d", channels: width, kernel: 2, stride: 2 };
      return first ? [reduce, norm] : [norm, reduce];
    };
    return {
      model: [
        ...widths.flatMap((width, stage) => [
          ...down(width, stage === 0),
          ...times(depths[stage], () => block(width, rates.shift()!)),
        ]),
        plain("global-average-pool"),
        { plugin: "layer-norm", epsilon: 1e-6 },
        dense(classes),
      ],
      loss: { plugin: "cross-entropy", labelSmoothing: 0.1 },
      optimizer: { plugin: "adamw", learningRate: warmCosine(0.004), weightDecay: 0.05 },
      augment: [{ plugin: "cutout", size: 8, probability: 0.25 }, { plugin: "mixup", alpha: 0.8 }],
      epochs: 10,
      batchSize: 64,
    };
  },
};

/** Brock, De, Smith, Simonyan, ICML 2021. */
const nfnet: PublishedPreset = {
  name: "nfnet",
  summary: "NFNet-F0: dropout 0.2 before the last layer, stochastic depth 0.25 i / n that is never rescaled",
  source:
    "Brock, De, Smith, Simonyan, High-Performance Large-Scale Image Recognition Without Normalization, ICML 2021, " +
    "table 1, and the authors' code (0.25 i / n for block i of n, by example, without a factor)",
  dataset: images,
  needs: "images",
  scaled:
    "6 blocks of 16 to 48 channels for 12 of 256 to 1536; convolutions without scaled weight standardisation and " +
    "squeeze-and-excite; a layer scale that begins at 0 for the factor of SkipInit; clipping by the norm for adaptive " +
    "clipping; batches of 64 for 4096; no RandAugment, no CutMix, no average of the weights, which needs more steps; 30 epochs for 360.",
  config: ({ classes }) => {
    const widths = [16, 16, 32, 32, 48, 48];
    const block = (width: number, i: number): Part => ({
      plugin: "residual",
      block: {
        plugin: "sequential",
        layers: [
          plain("gelu"),
          conv(width / 2, 1),
          plain("gelu"),
          conv(width / 2, 3, { stride: i === 2 || i === 4 ? 2 : 1, padding: 1 }),
          plain("gelu"),
          conv(width, 1),
          { plugin: "layer-scale", value: 0, features: "first" },
        ],
      },
      // A kept branch is not scaled, and evaluation is the whole net: what layer-drop does, drawn by example.
      branch: { plugin: "layer-drop", mode: "row", rate: Number((0.25 * i / widths.length).toFixed(6)) },
      ...(i > 0 && widths[i - 1] === width ? {} : {
        projection: conv(width, 1, { stride: i === 0 ? 1 : 2, padding: 0 }),
      }),
    });
    return {
      model: [
        conv(16, 3, { stride: 2, padding: 1 }),
        ...widths.map(block),
        conv(96, 1),
        plain("gelu"),
        plain("global-average-pool"),
        dropout(0.2),
        dense(classes),
      ],
      loss: { plugin: "cross-entropy", labelSmoothing: 0.1 },
      optimizer: { plugin: "sgd", learningRate: warmCosine(0.1), momentum: 0.9, nesterov: true, weightDecay: 2e-5 },
      clip: { norm: 1 },
      epochs: 30,
      batchSize: 64,
    };
  },
};

/** All of them. */
export const imagePresets: readonly PublishedPreset[] = [alexnet, vgg16, vit, deit, convnext, nfnet];
