/**
 * Training steps of TensorFlow.js with its WASM backend, for `deno task bench --peers`: a line on standard input,
 * `NET STEPS`, is answered by the milliseconds of a step. The nets are those of bench/nets.ts; its WASM backend has no
 * gradient of a convolution's filters, so nets that are not dense are answered by `none`.
 *
 * @module
 */
// Named at run time, so that nothing is loaded unless peers are asked for.
const VERSION = "4.22.0";
const load = (name: string) => import(`npm:@tensorflow/${name}@${VERSION}`);
const tf = await load("tfjs");
const wasm = await load("tfjs-backend-wasm");

if (!await tf.setBackend("wasm")) Deno.exit(1);
await tf.ready();
const threads = (() => {
  try {
    return wasm.getThreadsCount();
  } catch {
    return 1; // a build without threads
  }
})();
console.log(`TensorFlow.js ${VERSION}, WASM, threads: ${threads}`);

// deno-lint-ignore no-explicit-any -- its types are not loaded
type Any = any;

/** Dropout of inputs and hidden units; with one mask for the batch where it is shared. */
function drop(x: Any, rate: number, shared: boolean): Any {
  if (!shared) return tf.dropout(x, rate);
  return tf.mul(x, tf.dropout(tf.ones([1, x.shape[1]]), rate));
}

/** A step of dense layers with dropout behind them, and before them where its rate is not 0. */
function dense(widths: readonly number[], batch: number, inputRate: number, shared: boolean): () => void {
  const x = tf.randomUniform([batch, widths[0]]);
  const labels = tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % 10), "int32"), 10);
  const layers = widths.slice(1).map((units, i) => ({
    weight: tf.variable(tf.randomNormal([widths[i], units], 0, Math.sqrt(1 / widths[i]))),
    bias: tf.variable(tf.zeros([units])),
  }));
  const optimizer = tf.train.momentum(0.01, 0.9);
  const loss = () => {
    let y = inputRate === 0 ? x : drop(x, inputRate, shared);
    layers.forEach(({ weight, bias }, i) => {
      y = tf.add(tf.matMul(y, weight), bias);
      if (i < layers.length - 1) y = drop(tf.relu(y), 0.5, shared);
    });
    return tf.losses.softmaxCrossEntropy(labels, y);
  };
  // Its kernels run when they are called, so nothing has to be waited for.
  return () => void tf.tidy(() => optimizer.minimize(loss));
}

const wide = [784, 1024, 1024, 1024, 10];
const makers: Record<string, () => () => void> = {
  "mlp": () => dense(wide, 128, 0.2, false),
  "mlp-shared": () => dense(wide, 128, 0.2, true),
  "small": () => dense([784, 128, 10], 32, 0, false),
};
const steps = new Map<string, () => void>();

async function answer(line: string): Promise<void> {
  const [name, count] = line.split(" ");
  if (!(name in makers)) return console.log("none");
  if (!steps.has(name)) steps.set(name, makers[name]());
  const step = steps.get(name)!;
  const start = performance.now();
  for (let i = 0; i < Number(count); i++) step();
  console.log((performance.now() - start) / Number(count));
  await Promise.resolve();
}

let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) await answer(line);
}
