/** What tensors, models, histories and results show of themselves in a notebook. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decode } from "fast-png";
import { buildModel, fit, jupyterDisplay, recycling, Tensor } from "../../../core/mod.ts";
import { escaped } from "../../../core/display/jupyter.ts";
import { lineChart, ticks } from "../../../core/display/line_chart.ts";
import { encodePng } from "../../../core/display/png.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { line, network, options } from "../_runs.ts";

const html = async (tensor: Tensor) => (await tensor[jupyterDisplay]())["text/html"];

/** The image that a piece of HTML holds, as it is decoded. */
function imageIn(html: string) {
  const [, text] = html.match(/src="data:image\/png;base64,([^"]+)"/)!;
  return decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
}

Deno.test("images come out of a PNG file as they went in, grey and in colours", async () => {
  for (const channels of [1, 3] as const) {
    const pixels = Uint8Array.from({ length: 5 * 4 * channels }, (_, i) => 11 * i);
    const { width, height, channels: found, depth, data } = decode(await encodePng(pixels, 5, 4, channels));
    assertEquals([width, height, found, depth, [...data]], [5, 4, channels, 8, [...pixels]]);
  }
});

Deno.test("a small tensor shows its numbers, with its type and shape", async () => {
  const small = await html(Tensor.of([[1, -2.5], [1 / 3, 1e9]]));
  assertStringIncludes(small, "Tensor float32 [2, 2]");
  assertEquals([...small.matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(([, text]) => text), [
    "1",
    "-2.5",
    "0.3333",
    "1000000000",
  ]);
  assertEquals([...(await html(Tensor.of([1, 2, 3], "int32"))).matchAll(/<tr/g)].length, 1);
  assertStringIncludes(await html(Tensor.of(7)), ">7</td>");
  assertEquals((await html(Tensor.zeros([0, 3]))).includes("<td"), false);
  const long = await html(Tensor.from(Float32Array.from({ length: 200 }, (_, i) => i), [200]));
  assertStringIncludes(long, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …");
  assertStringIncludes(long, "from 0 to 199, mean 99.5");
});

Deno.test("matrices and images show themselves as pictures, black for the smallest number and white for the largest", async () => {
  const ramp = Tensor.from(Float32Array.from({ length: 16 * 20 }, (_, i) => i % 20), [16, 20]);
  const matrix = await html(ramp);
  assertStringIncludes(matrix, "black is 0, white 19");
  const { width, height, data } = imageIn(matrix);
  assertEquals([width, height, data[0], data[19], data[20]], [20, 16, 0, 255, 0]);
  // Five of 8 x 8 lie in three columns and two rows, with a line between.
  const batch = imageIn(await html(Tensor.ones([5, 1, 8, 8])));
  assertEquals([batch.width, batch.height, batch.channels], [26, 17, 1]);
  const colour = Tensor.from(Float32Array.from({ length: 3 * 8 * 8 }, (_, i) => i < 64 ? 1 : 0), [3, 8, 8]);
  const image = imageIn(await html(colour));
  assertEquals([image.channels, ...image.data.slice(0, 3)], [3, 255, 0, 0]);
  const many = await html(Tensor.zeros([100, 8, 8]));
  assertStringIncludes(many, "the first 64 of 100");
  for (const shape of [[3, 20], [2, 2, 16, 16], [2000, 2000], [4, 4, 4, 4, 4]]) {
    assertEquals((await html(Tensor.zeros(shape))).includes("<img"), false, String(shape));
  }
});

Deno.test("a tensor whose step has ended says so, and nothing else", async () => {
  let gone!: Tensor;
  recycling(() => void (gone = Tensor.ones([4]).add(1)));
  assertEquals(await gone[jupyterDisplay](), { "text/plain": "Tensor(float32 [4]: recycled)" });
});

Deno.test("a model shows its summary as a table", () => {
  const shown = buildModel(network(), { inputShape: [6] })[jupyterDisplay]();
  const cells = [...shown["text/html"].matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(([, text]) => text.trim());
  assertEquals(cells.slice(10, 15), ["1", "dense", "[8]", "56", ""]);
  assertStringIncludes(shown["text/html"], "83 parameters, input [6]");
  assertStringIncludes(shown["text/plain"], "83 parameters, 2 variants, input [6], float32");
});

Deno.test("a result and its history show curves and the numbers of their epochs, of classes and of numbers", async () => {
  const run = await fit(network(), options({ validation: 0.2, name: "a <b>" }));
  const shown = run[jupyterDisplay]();
  const percent = `${(100 * run.testError).toFixed(1)} %`;
  assertStringIncludes(shown["text/html"], "<strong>a &lt;b&gt;</strong>");
  assertStringIncludes(shown["text/html"], `test error ${percent}`);
  assertStringIncludes(shown["text/plain"], `test error ${percent}`);
  assertEquals([...shown["text/html"].matchAll(/<svg /g)].length, 2);
  for (const name of ["train", "test", "validation"]) assertStringIncludes(shown["text/html"], `>${name}</tspan>`);
  const method = (run.history as unknown as Record<symbol, () => Record<string, string>>)[jupyterDisplay];
  const lines = method()["text/plain"].split("\n");
  assertEquals(lines.length, 5);
  assertMatch(lines[0], /^epoch +train loss +test loss +train error +test error +validation error +time$/);
  assertEquals(Object.keys(run.history), ["0", "1", "2", "3"], "it is an array as before");
  assertEquals(JSON.parse(JSON.stringify(run.history)).length, 4);
});

Deno.test("axes have ticks of 1, 2 or 5 times a power of ten, and curves are broken where there is no number", () => {
  assertEquals(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assertEquals(ticks(1, 30, 6, true), [5, 10, 15, 20, 25, 30]);
  assertEquals(ticks(1, 3, 6, true), [1, 2, 3]);
  assertEquals(ticks(4, 4, 5), [4]);
  const chart = (points: [number, number][]) => lineChart([{ name: "x & y", points }], { title: "T", across: "epoch" });
  const paths = (svg: string) => [...svg.matchAll(/<path d="([^"]*)"/g)].map(([, d]) => d);
  const [path] = paths(chart([[1, 1], [2, 2], [3, NaN], [4, 1], [5, 2]]));
  assertEquals([...path.matchAll(/[ML]/g)].join(""), "MLML");
  assertStringIncludes(chart([[1, 1]]), "x &amp; y");
  for (const points of [[], [[1, NaN]], [[1, 3]], [[1, 0], [2, 0]]] as [number, number][][]) {
    assert(!/NaN|Infinity|undefined/.test(chart(points)), chart(points));
  }
  assertEquals(escaped(`<a b="&">`), "&lt;a b=&quot;&amp;&quot;&gt;");
});

Deno.test("numbers of a regression are shown in their units", async () => {
  const run = await fit(dense(1), options({ data: line(), loss: undefined, epochs: 2 }));
  assertStringIncludes(run[jupyterDisplay]()["text/html"], "Root mean squared error");
  assert(!run[jupyterDisplay]()["text/plain"].includes("%"));
});
