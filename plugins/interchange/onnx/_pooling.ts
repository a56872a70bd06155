/** Pooling as nodes. @module */
import type { AnyFactory } from "../../../core/mod.ts";
import { averagePool1d } from "../../layers/average_pool1d.ts";
import { averagePool2d } from "../../layers/average_pool2d.ts";
import { averagePool3d } from "../../layers/average_pool3d.ts";
import { globalAveragePool } from "../../layers/global_average_pool.ts";
import { globalMaxPool } from "../../layers/global_max_pool.ts";
import { maxPool1d } from "../../layers/max_pool1d.ts";
import { maxPool2d } from "../../layers/max_pool2d.ts";
import { maxPool3d } from "../../layers/max_pool3d.ts";
import { windowOf, type WindowOptions } from "./_products.ts";
import type { OnnxPart, Site } from "./_site.ts";

/** Largest entries of windows. */
export const maxPoolPart: OnnxPart = (x, site: Site<WindowOptions>) => {
  const { attributes, extents } = windowOf(site, x, site.options);
  return site.op("MaxPool", [x], { attributes, shape: [...x.shape.slice(0, 2), ...extents] });
};

/** Means of windows. */
export const averagePoolPart: OnnxPart = (x, site: Site<WindowOptions & { countPadding?: boolean }>) => {
  const { attributes, extents } = windowOf(site, x, site.options);
  return site.op("AveragePool", [x], {
    attributes: { ...attributes, count_include_pad: site.options.countPadding === false ? 0 : 1 },
    shape: [...x.shape.slice(0, 2), ...extents],
  });
};

function overPlaces(type: string): OnnxPart {
  return (x, site: Site<{ keepAxes: boolean }>) => {
    const { keepAxes } = site.options;
    const axes = x.shape.map((_, axis) => axis).slice(2);
    return site.op(type, [x], {
      attributes: { axes, keepdims: keepAxes ? 1 : 0 },
      shape: [...x.shape.slice(0, 2), ...(keepAxes ? axes.map(() => 1) : [])],
    });
  };
}

/** Pooling. */
export const poolings: readonly (readonly [AnyFactory, OnnxPart])[] = [
  [maxPool1d, maxPoolPart],
  [maxPool2d, maxPoolPart],
  [maxPool3d, maxPoolPart],
  [averagePool1d, averagePoolPart],
  [averagePool2d, averagePoolPart],
  [averagePool3d, averagePoolPart],
  [globalAveragePool, overPlaces("ReduceMean")],
  [globalMaxPool, overPlaces("ReduceMax")],
];
