/**
 * Shows that PyTorch takes over what `toPyTorch` writes: `deno run -A bench/peers/torch_weights.ts [PYTHON]`, where PYTHON can
 * import torch. Nets of both are built alike, PyTorch's loads the weights and statistics of ours from a safetensors file, and
 * the outputs for one batch are compared. It prints the largest difference of each net, and ends with status 1 where one is
 * above 1e-5.
 *
 * @module
 */
import {
  averagePool2d,
  batchNorm,
  buildModel,
  type BuildOptions,
  conv1d,
  conv2d,
  conv3d,
  decoderBlock,
  dense,
  dropout,
  embedding,
  encoderBlock,
  encodeSafetensors,
  flatten,
  gelu,
  groupNorm,
  gru,
  Key,
  layerNorm,
  type LayerPlugin,
  leakyRelu,
  lstm,
  maxPool2d,
  multiHeadAttention,
  relu,
  rnn,
  sequential,
  tanh,
  Tensor,
  toPyTorch,
} from "../../mod.ts";

const sequence = { inputShape: [7, 8] };
const classic = dropout({ rate: 0.3, convention: "classic" });

/** Our nets by the names that torch_weights.py gives to its own. */
const nets: Readonly<Record<string, readonly [LayerPlugin, BuildOptions]>> = {
  mlp: [sequential([dense(16), batchNorm(), relu(), dropout(), dense(16), tanh(), dense(5)]), { inputShape: [12] }],
  // The factor of the classic convention goes into the weights behind it.
  classic: [sequential([classic, dense(16), relu(), classic, dense(5)]), { inputShape: [12] }],
  cnn: [
    sequential([
      conv2d(8, 3, { padding: 1 }),
      batchNorm(),
      relu(),
      maxPool2d(2),
      conv2d(8, 3, { groups: 4, bias: false, dilation: 2, padding: 2 }),
      groupNorm(2),
      leakyRelu(),
      averagePool2d(2),
      flatten(),
      dense(5),
    ]),
    { inputShape: [4, 8, 8] },
  ],
  signal: [sequential([conv1d(6, 3, { stride: 2 }), gelu(), flatten(), dense(3)]), { inputShape: [2, 15] }],
  volume: [sequential([conv3d(4, 2), relu(), flatten(), dense(3)]), { inputShape: [2, 4, 5, 4] }],
  rnn: [rnn(6, { bidirectional: true }), sequence],
  gru: [gru(6, { layers: 2, bidirectional: true, dropout: dropout() }), sequence],
  lstm: [lstm(6, { layers: 2, dropout: dropout() }), sequence],
  embedding: [sequential([embedding(10, 6), layerNorm()]), { inputShape: [7], inputType: "int32" }],
  attention: [multiHeadAttention(2), sequence],
  encoder: [encoderBlock(2, { feedForward: 12, dropout: dropout() }), sequence],
  prenorm: [encoderBlock(2, { feedForward: 12, norm: "pre", activation: "gelu" }), sequence],
  decoder: [decoderBlock(2, { feedForward: 12 }), { inputShape: [[7, 8], [5, 8]] }],
};

/** Writes a net's weights, its inputs and its outputs into a folder. */
async function write(folder: string, name: string, [layer, options]: readonly [LayerPlugin, BuildOptions]) {
  const model = buildModel(layer, { seed: 1, ...options });
  const key = Key.seed(2).at(name);
  for (const { name, tensor } of model.parameters()) {
    tensor.assign(tensor.add(Tensor.normal(tensor.shape, key.at(name)).mul(0.2)).detach());
  }
  for (const [name, tensor] of model.state()) tensor.assign(Tensor.uniform(tensor.shape, key.at(name)).add(0.5));
  const inputs = model.inputShapes.map((shape, i) => {
    const extents = [3, ...shape];
    const x = Tensor.normal(extents, key.at(`input ${i}`));
    if (options.inputType !== "int32") return x;
    return Tensor.from(Int32Array.from(x.floats, (value) => Math.abs(Math.floor(3 * value)) % 10), extents);
  });
  const run = new Map<string, Tensor>(inputs.map((x, i) => [`input.${i}`, x]));
  run.set("output", model.forward(inputs));
  await Deno.writeFile(`${folder}/${name}.safetensors`, encodeSafetensors(toPyTorch(model)));
  await Deno.writeFile(`${folder}/${name}.run.safetensors`, encodeSafetensors(run));
}

const folder = await Deno.makeTempDir();
try {
  for (const [name, net] of Object.entries(nets)) await write(folder, name, net);
  const script = new URL("torch_weights.py", import.meta.url).pathname;
  const { code } = await new Deno.Command(Deno.args[0] ?? "python3", { args: [script, folder] }).output().then(
    ({ code, stdout, stderr }) => {
      console.log(new TextDecoder().decode(stdout).trimEnd());
      if (code !== 0) console.error(new TextDecoder().decode(stderr).trimEnd());
      return { code };
    },
  );
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
