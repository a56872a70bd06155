import { assertEquals, assertThrows } from "@std/assert";
import { firstScene, readScene, type Scene, SceneError, writeScene } from "../../../cli/play/page/scene.ts";

Deno.test("a scene is written into an address as what differs from the first, and read back the same", () => {
  const scenes: readonly Scene[] = [
    firstScene,
    {
      ...firstScene,
      data: "spirals",
      noise: 0.05,
      layers: [32, 16, 8],
      rates: [0, 0.25, 0.5, 0.125],
      seed: 2 ** 32 - 1,
    },
    { ...firstScene, data: "own", points: [-1.25, 0.5, 1, 0.07, -1.6, 0] },
    { ...firstScene, variant: "drop-connect", options: { per: "batch", samples: 3, odd: "a,b:c&d=é", yes: true } },
    { ...firstScene, learningRate: 0.0003, weightDecay: 0.1, doubt: "information", passes: 64, activation: "tanh" },
  ];
  assertEquals(scenes.map((scene) => readScene(`#${writeScene(scene)}`)), scenes);
  assertEquals(writeScene(firstScene), "");
  assertEquals(writeScene({ ...firstScene, data: "xor", rates: [0, 0.3] }), "data=xor&rates=0,0.3");
});

Deno.test("points of one's own are not in the address while others are shown", () => {
  assertEquals(writeScene({ ...firstScene, points: [0, 0, 1] }), "");
});

Deno.test("an address that is no scene is refused in one sentence, by what is wrong with it", () => {
  const cases = {
    "data=moon": 'scene: data: expected one of moons, circles, spirals, xor, blobs, own, found "moon".',
    "noise=2": 'scene: noise: expected a number in [0, 0.6], found "2".',
    "seed=1.5": 'scene: seed: expected a whole number in [0, 4294967295], found "1.5".',
    "layers=": 'scene: layers: expected the widths of one to four layers, found "".',
    "layers=8,0": 'scene: layers.1: expected a whole number in [1, 32], found "0".',
    "rates=a": 'scene: rates.0: expected a number in [-1000000, 1000000], found "a".',
    "points=1,2": 'scene: points: expected x, y and class of at most 400 points, found "2 numbers".',
    "points=1,2,3": 'scene: points.2: expected a whole number in [0, 1], found "3".',
    "variant=%": 'scene: address: expected letters as encodeURIComponent writes them, found "%".',
    "passes": 'scene: passes: expected a whole number in [2, 64], found "".',
  };
  for (const [address, message] of Object.entries(cases)) assertThrows(() => readScene(address), SceneError, message);
  assertThrows(() => readScene("toString=1"), SceneError, "scene: toString: expected one of data, points");
});
