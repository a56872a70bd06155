/** HiddenCut: the facts of Chen, Shen, Chen and Yang. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { definePlugin, type Factory, OptionError, part, type Plugin, ShapeError, Tensor } from "../../../core/mod.ts";
import {
  decoderBlock,
  encoderBlock,
  hiddenCut,
  type HiddenCutOptions,
  linear,
  stochasticDepth,
} from "../../../plugins/mod.ts";
import { random } from "../../core/_tensors.ts";
import { built, checkModel, close, train, within } from "./_sequences.ts";

/** First position and length of each row's run of zeros in ones that went through it; throws if there is another. */
function spans(y: Tensor): [start: number, length: number][] {
  const [batch, time] = y.shape;
  close(y, y.slice([], [batch, time, 1]).broadcastTo(y.shape), "features");
  return (y.slice([], [batch, time, 1]).reshape([batch, time]).toArray() as number[][]).map((row) => {
    assert(row.every((value) => value === 0 || value === 1), "expected zeros and what was there");
    const text = row.map((value) => value === 0 ? "x" : ".").join("");
    const [, before, run] = text.match(/^(\.*)(x*)\.*$/) ?? assert(false, `expected one span, found ${text}`)!;
    return [before.length, run.length];
  });
}

/** What becomes of ones `[rows, time, 2]`. */
function cut(options: HiddenCutOptions, rows: number, time: number, mode: "train" | "sample" = "train"): Tensor {
  return built(hiddenCut(options), [time, 2]).forward(Tensor.ones([rows, time, 2], "float64"), { mode, step: 0 });
}

/** Throws unless each of some starts is as frequent as the others. */
function assertUniform(starts: readonly number[], expected: readonly number[], what: string): void {
  assertEquals([...new Set(starts)].sort((a, b) => a - b), [...expected].sort((a, b) => a - b), what);
  const share = 1 / expected.length;
  for (const start of expected) {
    const found = starts.filter((one) => one === start).length / starts.length;
    within(found, share, Math.sqrt(share * (1 - share) / starts.length), `${what}, start ${start}`);
  }
}

Deno.test("each example loses one span of max(1, floor(rate n)) positions, the others are as they were", () => {
  for (
    const [rate, time, length] of [[0.1, 30, 3], [0.1, 8, 1], [0.29, 100, 29], [0.5, 7, 3], [0.999, 5, 4], [1, 5, 5]]
  ) {
    for (const [, found] of spans(cut({ rate }, 40, time))) assertEquals(found, length, `rate ${rate} of ${time}`);
  }
});

Deno.test("without attention every span inside of the sequence is as likely, for each example by itself", () => {
  for (const mode of ["train", "sample"] as const) {
    const starts = spans(cut({ rate: 0.25 }, 20_000, 12, mode)).map(([start]) => start);
    assertUniform(starts, Array.from({ length: 10 }, (_, i) => i), `mode ${mode}`);
    const pairs = starts.filter((_, i) => i % 2 === 0).filter((start, i) => start === starts[2 * i + 1]).length /
      10_000;
    within(pairs, 0.1, Math.sqrt(0.09 / 10_000), "neighbours that agree");
  }
});

interface Told {
  cut: Plugin<"activation">;
}

/** Hands its second input to the variant, as a transformer block does. */
const told: Factory<"layer", Told> = definePlugin({
  name: "told",
  options: z.object({ cut: part("activation") }),
  forward: (x, { run, inputs, options }) => run(options.cut, [x, inputs[1]], "cut"),
});

function starts(options: HiddenCutOptions, attention: readonly number[], rows = 10_000): [number, number][] {
  const time = attention.length;
  const model = built(told({ cut: hiddenCut({ ...options, select: "attention" }) }), [[time, 2], [time]]);
  const received = Tensor.of([...attention], "float64").broadcastTo([rows, time]);
  return spans(model.forward([Tensor.ones([rows, time, 2], "float64"), received], train));
}

Deno.test("with attention a span begins at one of the 40 % of positions that received most, each as likely", () => {
  const attention = [0.5, 3, 0.1, 2, 0.2, 4, 0.3, 0.4, 1, 0.6];
  const found = starts({ rate: 0.2 }, attention);
  assert(found.every(([, length]) => length === 2));
  assertUniform(found.map(([start]) => start), [1, 3, 5, 8], "top 40 %");
  assertUniform(starts({ rate: 0.2, top: 0.1 }, attention).map(([start]) => start), [5], "top 10 %");
  // Of equals the first positions; a span that would reach over the end ends there.
  assertUniform(starts({ rate: 0.1 }, new Array(10).fill(1)).map(([start]) => start), [0, 1, 2, 3], "equals");
  assertEquals(starts({ rate: 0.5 }, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 50), new Array(50).fill([5, 5]));
});

Deno.test("positions that nobody sees are not counted as part of a sequence", () => {
  const found = starts({ rate: 0.5 }, [1, 5, 4, 3, 2, 1, 0, 0, 0, 0]);
  assert(found.every(([start, length]) => length === 3 && start + length <= 6));
  assertUniform(found.map(([start]) => start), [1, 2], "two of six positions");
  assert(starts({ rate: 0.5 }, [0, 0, 0, 0], 20).every(([, length]) => length === 2));
});

Deno.test("an encoder block cuts the output of its feed-forward part alone, by the attention of its own heads", () => {
  const [rows, time, features] = [30, 10, 4];
  const x = random([rows, time, features], 3);
  const at = (options: HiddenCutOptions) =>
    built(encoderBlock(2, { norm: "pre", output: hiddenCut(options) }), [time, features]);
  const [none, all] = [at({ rate: 0 }).forward(x, train), at({ rate: 1 }).forward(x, train)];
  const model = at({ rate: 0.3, select: "attention" });
  const { output, emitted } = model.forwardAll(x, train);
  const received = emitted.get("self_attn.received")!;
  received.sum(1).floats.forEach((sum) => assertAlmostEquals(sum, 2 * time, 1e-9));
  for (let row = 0; row < rows; row++) {
    const of = (y: Tensor, t: number) => [...y.slice([row, t], [row + 1, t + 1]).floats];
    const isCut = Array.from({ length: time }, (_, t) => {
      const found = of(output, t);
      const expected = [none, all].map((y) => of(y, t).every((value, i) => Math.abs(value - found[i]) < 1e-12));
      assert(expected[0] !== expected[1], `position ${t} of example ${row} is neither cut nor whole`);
      return expected[1];
    });
    const start = isCut.indexOf(true);
    assertEquals(isCut, isCut.map((_, t) => t >= start && t < start + 3));
    const own = [...received.slice([row], [row + 1]).floats];
    const top = [...own].sort((a, b) => b - a)[3];
    // A span that was moved back from the end holds the position that it was to begin at.
    const begins = start + 3 < time ? [own[start]] : own.slice(start);
    assert(begins.some((value) => value >= top), `the span of example ${row} begins at ${start}`);
  }
  assertNotEquals(at({ rate: 0.3 }).forward(x, train).toArray(), output.toArray());
  close(model.forward(x.slice([7]), { ...train, sample: 7 }), output.slice([7]), "part of the batch");
  close(model.forward(x), none, "evaluation");
});

Deno.test("a decoder block tells of its self-attention too, and padding that is hidden is not counted", () => {
  const output = hiddenCut({ rate: 0.5, select: "attention" });
  const decoder = built(decoderBlock(2, { norm: "pre", output }), [[6, 4], [5, 4]]);
  const [x, memory] = [random([3, 6, 4], 1), random([3, 5, 4], 2)];
  const { emitted } = decoder.forwardAll([x, memory], train);
  assertEquals(emitted.get("self_attn.received")!.shape, [3, 6]);
  assertEquals(emitted.get("multihead_attn.received")!.shape, [3, 5]);
  const encoder = built(encoderBlock(2, { norm: "pre", output }), [[6, 4], [6]]);
  const mask = Tensor.of([1, 1, 1, 1, 0, 0], "float64").broadcastTo([3, 6]);
  const found = encoder.forwardAll([x, mask], train).emitted.get("self_attn.received")!;
  assert(found.slice([0, 4]).floats.every((value) => value === 0));
  checkModel(decoder, x, memory);
});

Deno.test("hiddenCut() by attention is refused where nobody tells of it, by name", () => {
  const cut = hiddenCut({ select: "attention" });
  assertThrows(() => built(cut, [5, 2]), OptionError, "select");
  assertThrows(() => built(encoderBlock(2, { dropout: cut }), [5, 4]), OptionError, "select");
  const branch = stochasticDepth({ rate: 0.5 });
  assertThrows(() => built(encoderBlock(2, { output: cut, branch }), [5, 4]), OptionError, "select");
  built(encoderBlock(2, { output: hiddenCut(), branch }), [5, 4]);
});

Deno.test("hiddenCut() at the ends of its range, of infinities, under a schedule, and what it refuses", () => {
  const x = random([3, 5, 2], 1);
  const at = (rate: HiddenCutOptions["rate"]) => built(hiddenCut({ rate }), [5, 2]);
  close(at(0).forward(x, train), x, "rate 0");
  const infinite = Tensor.full([3, 5, 2], Infinity, "float64");
  assert(at(1).forward(infinite, train).floats.every((value) => value === 0));
  const later = at(linear({ from: 0, to: 1 }));
  const lengths = [0, 5, 10].map((step) =>
    spans(
      later.forward(Tensor.ones([1, 5, 2], "float64"), {
        mode: "train",
        step,
        progress: { step, stepsPerEpoch: 5, totalSteps: 10 },
      }),
    )[0][1]
  );
  assertEquals(lengths, [0, 2, 5]);
  assertEquals(at(0.5).forward(Tensor.zeros([0, 5, 2], "float64"), train).shape, [0, 5, 2]);
  assertThrows(() => built(hiddenCut(), [5]), ShapeError, "[batch, time, ...]");
  for (const rate of [-0.1, 1.1]) assertThrows(() => hiddenCut({ rate }), OptionError, "rate");
  for (const top of [0, 1.1]) assertThrows(() => hiddenCut({ top }), OptionError, "top");
});
