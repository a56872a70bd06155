import { assert, assertEquals } from "@std/assert";
import type { EndEvent, EpochEvent, EpochMetrics, RunInfo, StepEvent } from "../../core/mod.ts";
import { Board, ProgressBar } from "../../plugins/observers/_bar.ts";

const info: RunInfo = {
  name: "dropout",
  dataset: "points",
  validationExamples: 0,
  examples: 60000,
  parameters: 10,
  epochs: 10,
  stepsPerEpoch: 469,
  batchSize: 128,
  seed: 1,
  backend: { name: "reference", blas: "none", threads: 1, instructions: "none", reason: "" } as RunInfo["backend"],
  classification: true,
  resumedAt: 0,
};

function snapshot(): never {
  throw new Error("the bar needs no snapshot");
}

function stepEvent(step: number): StepEvent {
  const stepInEpoch = (step - 1) % 469 + 1;
  const examples = 128 * stepInEpoch;
  return {
    step,
    epoch: Math.ceil(step / 469),
    stepInEpoch,
    loss: 0.21337,
    error: 0.0659,
    examples,
    seconds: examples / 24512,
    snapshot,
  };
}

function epochEvent(epoch: number, changes: Partial<EpochMetrics> = {}): EpochEvent {
  const metrics: EpochMetrics = {
    epoch,
    step: 469 * epoch,
    trainLoss: 0.1021,
    trainError: 0.03,
    testLoss: 0.0912,
    testError: 0.026,
    runningLoss: 0.2,
    runningError: 0.06,
    seconds: 9.84,
    stepMs: 20,
  };
  return { ...metrics, ...changes, snapshot };
}

/** What a terminal shows after text with the few controls that the bar uses; checks that no line is too long. */
function terminal(columns: number) {
  const lines = [""];
  let row = 0;
  let column = 0;
  let writes = 0;
  return {
    terminal: true,
    columns: () => columns,
    write(text: string) {
      writes++;
      // deno-lint-ignore no-control-regex
      for (const [piece, up] of text.matchAll(/\x1b\[(\d+)A|\x1b\[J|[^\x1b]/g)) {
        if (up !== undefined) row -= Number(up);
        else if (piece === "\x1b[J") {
          lines[row] = lines[row].slice(0, column);
          lines.length = row + 1;
        } else if (piece === "\r") column = 0;
        else if (piece === "\n") [row, column] = [row + 1, 0];
        else {
          lines[row] = lines[row].slice(0, column).padEnd(column) + piece + lines[row].slice(column + 1);
          column++;
        }
        while (lines.length <= row) lines.push("");
      }
    },
    get lines() {
      return lines;
    },
    get writes() {
      return writes;
    },
  };
}

/** A screen that is not a terminal. */
function file() {
  let text = "";
  return {
    terminal: false,
    columns: () => 20,
    write: (more: string) => void (text += more),
    get text() {
      return text;
    },
  };
}

const finished = (interrupted: boolean): EndEvent => ({ interrupted, step: 1234, history: [epochEvent(1)], snapshot });

Deno.test("the progress bar shows name, epoch, bar, step, loss, accuracy, speed and the time left", () => {
  const screen = terminal(110);
  let now = 0;
  const bar = new ProgressBar(info, new Board(screen), () => now);
  bar.step(stepEvent(1));
  now = 10_000;
  bar.step(stepEvent(1 + 229));
  assertEquals(screen.lines, [
    "dropout  epoch  1/10  ━━━━━━━━━─────────  230/469  loss 0.2134  accuracy 93.41%  24,512 examples/s  3:15 left",
  ]);
  bar.epoch(epochEvent(1));
  assertEquals(screen.lines, [
    "dropout  epoch  1/10  train loss 0.1021  test loss 0.0912  test accuracy 97.40%  24,512 examples/s  9.8 s",
    "",
  ]);
});

Deno.test("the progress bar is drawn about ten times a second, and always fits its terminal", () => {
  for (const columns of [1, 10, 30, 60, 80, 100, 200]) {
    const screen = terminal(columns);
    let now = 0;
    const bar = new ProgressBar(
      { ...info, name: "a-name-that-is-far-too-long-for-one-line" },
      new Board(screen),
      () => now,
    );
    for (let step = 1; step <= 469; step++, now += 10) {
      bar.step(stepEvent(step));
      assertEquals(screen.lines.length, 1);
      assert(screen.lines[0].length < columns || columns === 1, `${columns}: ${screen.lines[0]}`);
      assert(!screen.lines[0].includes("\0"));
    }
    assertEquals(screen.writes, 47);
    if (columns >= 60) assert(screen.lines[0].startsWith("a-name-that-is-far-too-…  "), screen.lines[0]);
  }
});

Deno.test("the progress bar drops first what can be spared in a narrow terminal", () => {
  const draw = (columns: number): string => {
    const screen = terminal(columns);
    let now = 0;
    const bar = new ProgressBar(info, new Board(screen), () => now);
    bar.step(stepEvent(1));
    now = 10_000;
    bar.step(stepEvent(230));
    return screen.lines[0];
  };
  assertEquals(draw(81), "dropout   1/10  ━━━━━─────  230/469  loss 0.2134  acc 93.41%  24.5k/s  3:15 left");
  assertEquals(draw(75), "dropout   1/10  230/469  loss 0.2134  acc 93.41%  24.5k/s  3:15 left");
  assertEquals(draw(65), "dropout   1/10  230/469  loss 0.2134  acc 93.41%  3:15 left");
  assertEquals(draw(30), "dropout   1/10  loss 0.2134");
});

Deno.test("the progress bar writes one line an epoch, uncut, where there is no terminal", () => {
  const screen = file();
  const bar = new ProgressBar(info, new Board(screen));
  for (let step = 1; step <= 469; step++) bar.step(stepEvent(step));
  assertEquals(screen.text, "");
  bar.epoch(epochEvent(1));
  bar.epoch(epochEvent(10, { trainLoss: 0.000123, testLoss: 12345, testError: 0 }));
  bar.end(finished(false));
  assertEquals(screen.text.split("\n"), [
    "dropout  epoch  1/10  train loss 0.1021  test loss 0.0912  test accuracy 97.40%  24,512 examples/s  9.8 s",
    "dropout  epoch 10/10  train loss 1.23e-4  test loss 1.23e+4  test accuracy 100.00%  9.8 s",
    "",
  ]);
});

Deno.test("the progress bar shows an error in place of accuracy when there are no classes, and NaN as it is", () => {
  const screen = file();
  const bar = new ProgressBar({ ...info, classification: false }, new Board(screen));
  bar.epoch(epochEvent(1, { testError: 0.5, trainLoss: NaN }));
  assertEquals(screen.text, "dropout  epoch  1/10  train loss NaN  test loss 0.0912  test error 0.5000  9.8 s\n");
});

Deno.test("two runs side by side leave one line for each epoch, aligned, and nothing of a bar", () => {
  const screen = terminal(90);
  const board = new Board(screen);
  const bars = ["plain", "dropout"].map((name) => new ProgressBar({ ...info, name }, board));
  for (let epoch = 1; epoch <= 2; epoch++) {
    for (const bar of bars) {
      bar.step(stepEvent(469 * epoch));
      bar.epoch(epochEvent(epoch));
    }
  }
  const line = (name: string, epoch: number) =>
    `${name}   ${epoch}/10  train loss 0.1021  test loss 0.0912  test acc 97.40%  24.5k/s  9.8 s`;
  assertEquals(screen.lines, [
    line("plain  ", 1),
    line("dropout", 1),
    line("plain  ", 2),
    line("dropout", 2),
    "",
  ]);
});

Deno.test("two runs at the same time have a changing line each, below those that stay", () => {
  const screen = terminal(90);
  const board = new Board(screen);
  let now = 0;
  const [plain, dropout] = ["plain", "dropout"].map((name) => new ProgressBar({ ...info, name }, board, () => now));
  for (let step = 1; step <= 400; step++, now += 30) {
    plain.step(stepEvent(step));
    dropout.step(stepEvent(step));
  }
  assertEquals(screen.lines.map((line) => line.slice(0, 9)), ["plain    ", "dropout  "]);
  plain.epoch(epochEvent(1));
  assertEquals(screen.lines.map((line) => line.slice(0, 26)), [
    "plain     1/10  train loss",
    "dropout   1/10  ━━━━━━━━━━",
  ]);
  dropout.end(finished(true));
  plain.end(finished(false));
  assertEquals(screen.lines.slice(1), ["dropout  stopped after step 1,234, 1 of 10 epochs", ""]);
});

Deno.test("what others print while a bar is shown stays readable", () => {
  const screen = terminal(90);
  let now = 0;
  const bar = new ProgressBar(info, new Board(screen), () => now);
  bar.step(stepEvent(1));
  const message = "A message that is written in the middle of an epoch, and is longer than the bar that was there.";
  screen.write(message + "\n");
  now = 1000;
  bar.step(stepEvent(50));
  assertEquals(screen.lines[0], message);
  assert(screen.lines[1].startsWith("dropout   1/10"));
  assertEquals(screen.lines.length, 2);
});

Deno.test("progressBar() writes to standard error alone, one line an epoch when that is not a terminal", async () => {
  const root = new URL("../../", import.meta.url);
  const code = `
    import { fit } from "${root}core/mod.ts";
    import { dense } from "${root}plugins/layers/dense.ts";
    import { crossEntropy } from "${root}plugins/losses/cross_entropy.ts";
    import { progressBar } from "${root}plugins/observers/progress_bar.ts";
    import { sgd } from "${root}plugins/optimizers/sgd/sgd.ts";
    const inputs = Float32Array.of(0, 1, 2, 3);
    const split = { count: 4, shape: [1], inputs, scale: 1, labels: Int32Array.of(0, 0, 1, 1) };
    const data = { name: "four", classes: 2, outputs: 0, train: split, test: split };
    const options = { data, loss: crossEntropy(), optimizer: sgd(), observers: [progressBar()], batchSize: 2 };
    await fit(dense(2), { ...options, epochs: 2, name: "one" });`;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  assert(success, lines.join("\n"));
  assertEquals(new TextDecoder().decode(stdout), "");
  assertEquals(lines.length, 2);
  assert(lines.every((line, i) => line.startsWith(`one  epoch ${i + 1}/2  train loss `)), lines.join("\n"));
});
