/** The native kernel of blocks against its plain twin. */
import { type BlockShape, dropBlocks } from "../../plugins/dropout/drop_block/_kernel.ts";
import type { Spatial } from "../../core/backend/window.ts";
import { compare } from "./_compare.ts";
import { forSeeds, nativeTest, running } from "./_native.ts";
import { assertThrows } from "@std/assert";
import { BackendError } from "../../core/mod.ts";

const volume = ([d, h, w]: Spatial) => d * h * w;

nativeTest("dropBlocks zeroes the same cells as its twin, wrapping and inside, of maps of all shapes", () => {
  forSeeds(60, (draws) => {
    const wrap = draws.pick([true, false]);
    const axis = () => {
      const cells = draws.pick([1, 1, draws.whole(1, 20), draws.whole(1, 60)]);
      const block = draws.pick([1, cells, draws.whole(1, cells)]);
      return { cells, block, seeds: wrap ? draws.pick([1, cells]) : cells - block + 1 };
    };
    const axes = [axis(), axis(), axis()];
    const of = (name: "cells" | "block" | "seeds") => axes.map((axis) => axis[name]) as unknown as Spatial;
    const shape: BlockShape = {
      planes: draws.whole(0, 9),
      seeds: of("seeds"),
      cells: of("cells"),
      block: of("block"),
      wrap,
    };
    const seeds = draws.floats(shape.planes * volume(shape.seeds)).map((value) => Math.abs(value) > 1.5 ? value : 0);
    const out = draws.floats(shape.planes * volume(shape.cells));
    compare("dropBlocks", [out], (backend, [out]) => running(backend, dropBlocks)(seeds, out, shape), 0, 0);
  });
});

nativeTest("dropBlocks refuses blocks that would leave their map", () => {
  const [seeds, out] = [new Float32Array(100), new Float32Array(100)];
  const refused = (seed: number, block: number, wrap: boolean) => {
    const shape: BlockShape = { planes: 1, seeds: [1, 1, seed], cells: [1, 1, 10], block: [1, 1, block], wrap };
    assertThrows(() => dropBlocks(seeds, out, shape), BackendError, "blocks that end in a map of 10 cells");
  };
  refused(9, 3, false);
  refused(11, 3, true);
  refused(1, 11, true);
});
