/**
 * The C sources as text, so that they arrive with the module wherever it comes from, and how they are compiled. Linking
 * is `cc -shared -o LIBRARY OBJECTS -lpthread -ldl -lm`.
 *
 * @module
 */
import abi from "./src/abi.c" with { type: "text" };
import approx from "./src/approx.h" with { type: "text" };
import attention from "./src/attention.c" with { type: "text" };
import attentionBlocks from "./src/attention_blocks.h" with { type: "text" };
import attentionWeights from "./src/attention_weights.h" with { type: "text" };
import averagePooling from "./src/average_pooling.c" with { type: "text" };
import biasActivation from "./src/bias_activation.c" with { type: "text" };
import blas from "./src/blas.c" with { type: "text" };
import convolution from "./src/convolution.c" with { type: "text" };
import convolutionWeight from "./src/convolution_weight.c" with { type: "text" };
import direct from "./src/direct.h" with { type: "text" };
import draw from "./src/draw.h" with { type: "text" };
import elementwise from "./src/elementwise.c" with { type: "text" };
import extremes from "./src/extremes.h" with { type: "text" };
import flat from "./src/flat.h" with { type: "text" };
import flatConvolution from "./src/flat_convolution.h" with { type: "text" };
import flatGradient from "./src/flat_gradient.h" with { type: "text" };
import functions from "./src/functions.h" with { type: "text" };
import gradientProduct from "./src/gradient_product.c" with { type: "text" };
import groupedHeader from "./src/grouped.h" with { type: "text" };
import groupedWeight from "./src/grouped_weight.c" with { type: "text" };
import groupedWeightHeader from "./src/grouped_weight.h" with { type: "text" };
import guest from "./src/guest.c" with { type: "text" };
import kernel from "./src/kernel.h" with { type: "text" };
import movement from "./src/movement.c" with { type: "text" };
import normal from "./src/normal.h" with { type: "text" };
import normalization from "./src/normalization.c" with { type: "text" };
import panels from "./src/panels.c" with { type: "text" };
import philox from "./src/philox.h" with { type: "text" };
import pooling from "./src/pooling.c" with { type: "text" };
import poolingHeader from "./src/pooling.h" with { type: "text" };
import products from "./src/products.c" with { type: "text" };
import productsHeader from "./src/products.h" with { type: "text" };
import random from "./src/random.c" with { type: "text" };
import recurrent from "./src/recurrent.c" with { type: "text" };
import reductions from "./src/reductions.c" with { type: "text" };
import softmax from "./src/softmax.c" with { type: "text" };
import stream from "./src/stream.h" with { type: "text" };
import sums from "./src/sums.h" with { type: "text" };
import thinnedProducts from "./src/thinned_products.c" with { type: "text" };
import threads from "./src/threads.c" with { type: "text" };
import tile from "./src/tile.h" with { type: "text" };
import transpose from "./src/transpose.h" with { type: "text" };
import walk from "./src/walk.h" with { type: "text" };
import window from "./src/window.h" with { type: "text" };

/** Raised whenever the meaning of a symbol changes; the library tells which one it was compiled for. */
export const ABI_VERSION = 6;

/** Every source file by its name. They lie in one folder. */
export const sources: Record<string, string> = {
  "abi.c": abi,
  "approx.h": approx,
  "attention.c": attention,
  "attention_blocks.h": attentionBlocks,
  "attention_weights.h": attentionWeights,
  "average_pooling.c": averagePooling,
  "bias_activation.c": biasActivation,
  "blas.c": blas,
  "convolution.c": convolution,
  "convolution_weight.c": convolutionWeight,
  "direct.h": direct,
  "draw.h": draw,
  "elementwise.c": elementwise,
  "extremes.h": extremes,
  "flat.h": flat,
  "flat_convolution.h": flatConvolution,
  "flat_gradient.h": flatGradient,
  "functions.h": functions,
  "gradient_product.c": gradientProduct,
  "grouped.h": groupedHeader,
  "grouped_weight.c": groupedWeight,
  "grouped_weight.h": groupedWeightHeader,
  "guest.c": guest,
  "kernel.h": kernel,
  "movement.c": movement,
  "normal.h": normal,
  "normalization.c": normalization,
  "panels.c": panels,
  "philox.h": philox,
  "pooling.c": pooling,
  "pooling.h": poolingHeader,
  "products.c": products,
  "products.h": productsHeader,
  "random.c": random,
  "recurrent.c": recurrent,
  "reductions.c": reductions,
  "softmax.c": softmax,
  "stream.h": stream,
  "sums.h": sums,
  "thinned_products.c": thinnedProducts,
  "threads.c": threads,
  "tile.h": tile,
  "transpose.h": transpose,
  "walk.h": walk,
  "window.h": window,
};

/** A processor architecture, as `Deno.build.arch` names it. */
export type Architecture = "x86_64" | "aarch64";

/** One run of the compiler: `cc ...flags -c file -o output`. */
export interface CompilationUnit {
  /** A name in {@linkcode sources}. */
  readonly file: string;
  /** All flags that this unit needs. */
  readonly flags: readonly string[];
  /** Name of the object file. */
  readonly output: string;
}

const common = [
  "-std=c11",
  "-D_GNU_SOURCE", // sched.h, dlfcn.h and time.h in full
  `-DTHINNED_ABI_VERSION=${ABI_VERSION}`,
  "-O3",
  "-fPIC",
  "-pthread",
  "-fvisibility=hidden",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-Wno-psabi", // about calls between compilers, which vectors never cross here
];

/** Files that exist once; all others are compiled once for each instruction set. */
const singleFiles = ["abi.c", "blas.c", "threads.c"];

/** The instruction sets of an architecture and their flags, the portable one first. */
const instructionSets: Record<Architecture, Record<string, readonly string[]>> = {
  x86_64: {
    portable: [],
    avx2: ["-mavx2", "-mfma"],
    avx512: ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
  },
  aarch64: { portable: ["-DTHINNED_NO_INTRINSICS"], neon: [] },
};

/** What to compile for an architecture: the core's kernels. */
export function compilationUnits(architecture: Architecture): CompilationUnit[] {
  const kernelFiles = Object.keys(sources).filter((name) =>
    name.endsWith(".c") && !singleFiles.includes(name) && name !== "guest.c"
  );
  return unitsOf(architecture, singleFiles, kernelFiles, (file) => file !== "random.c");
}

/** What to compile for a library with kernels of plugins. */
export function guestUnits(
  architecture: Architecture,
  files: readonly string[],
  contracts: (file: string) => boolean,
): CompilationUnit[] {
  return unitsOf(architecture, ["guest.c"], files, contracts);
}

function unitsOf(
  architecture: Architecture,
  once: readonly string[],
  kernelFiles: readonly string[],
  contracts: (file: string) => boolean,
): CompilationUnit[] {
  const units = once.map((file): CompilationUnit => ({ file, flags: common, output: file.replace(".c", ".o") }));
  for (const [variant, extra] of Object.entries(instructionSets[architecture])) {
    for (const file of kernelFiles) {
      // Random numbers are the same bits everywhere, so nothing may be rounded once instead of twice there.
      const contraction = `-ffp-contract=${contracts(file) ? "fast" : "off"}`;
      units.push({
        file,
        flags: [...common, `-DVARIANT=${variant}`, contraction, ...extra],
        output: file.replace(".c", `_${variant}.o`),
      });
    }
  }
  return units;
}
