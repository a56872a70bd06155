/** Points in the plane, of two classes. @module */
import { type Dataset, Key, type Split, Tensor } from "../../../core/mod.ts";
import { EXTENT, type Pattern, type Scene } from "./scene.ts";

/** A point without noise, from two numbers in (0, 1). */
type Draw = (u: number, v: number, label: 0 | 1) => readonly [x: number, y: number];

const draws: Readonly<Record<Exclude<Pattern, "own">, Draw>> = {
  moons: (u, _, label) => {
    const [x, y] = [Math.cos(Math.PI * u), Math.sin(Math.PI * u)];
    return label === 0 ? [0.8 * (x - 0.5), 0.8 * (y - 0.25)] : [0.8 * (0.5 - x), 0.8 * (0.25 - y)];
  },
  circles: (u, v, label) => {
    const radius = label === 0 ? 0.5 * Math.sqrt(v) : 0.9 + 0.2 * v;
    return [radius * Math.cos(2 * Math.PI * u), radius * Math.sin(2 * Math.PI * u)];
  },
  spirals: (u, _, label) => {
    const turn = 0.15 + 0.85 * u;
    const angle = 3 * Math.PI * turn + Math.PI * label;
    return [1.3 * turn * Math.cos(angle), 1.3 * turn * Math.sin(angle)];
  },
  xor: (u, v, label) => {
    const side = u < 0.5 ? 1 : -1;
    const [x, y] = [side * (0.1 + 1.1 * (side > 0 ? 2 * u : 2 * u - 1)), 0.1 + 1.1 * v];
    return [x, label === 0 ? Math.sign(x) * y : -Math.sign(x) * y];
  },
  blobs: (_u, _v, label) => label === 0 ? [-0.5, -0.4] : [0.5, 0.4],
};

/** Points of a scene: coordinates, classes, and which of them are trained on. */
export interface Points {
  /** x and y, one after the other. */
  readonly places: Float32Array<ArrayBuffer>;
  /** The class of each, 0 or 1. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** 1 for those that are trained on, 0 for those that only measure. */
  readonly trained: Uint8Array<ArrayBuffer>;
}

/**
 * The points of a scene. Point i follows from the seed and i alone: more points leave the first ones where they are.
 *
 * @param scene pattern, noise, count and seed, or points of a person's own
 */
export function pointsOf({ data, points, noise, count: asked, share, seed }: Scene): Points {
  const count = data === "own" ? points.length / 3 : asked;
  const places = new Float32Array(2 * count);
  const labels = new Int32Array(count);
  if (data === "own") {
    for (let i = 0; i < count; i++) {
      places.set(points.slice(3 * i, 3 * i + 2), 2 * i);
      labels[i] = points[3 * i + 2];
    }
  } else {
    const key = Key.seed(seed).at("playground");
    const uniform = Tensor.uniform([count, 2], key.at("place")).floats;
    const normal = Tensor.normal([count, 2], key.at("noise")).floats;
    for (let i = 0; i < count; i++) {
      const label = (i % 2) as 0 | 1;
      const spread = data === "blobs" ? 0.2 + noise : noise;
      draws[data](uniform[2 * i], uniform[2 * i + 1], label).forEach((place, axis) => {
        places[2 * i + axis] = Math.max(-EXTENT, Math.min(EXTENT, place + spread * normal[2 * i + axis]));
      });
      labels[i] = label;
    }
  }
  return { places, labels, trained: chosen(labels, share) };
}

/** Of each class the same share, spread evenly over its points. */
function chosen(labels: Int32Array, share: number): Uint8Array<ArrayBuffer> {
  const seen = [0, 0];
  return Uint8Array.from(labels, (label) => {
    const before = Math.floor(seen[label] * share / 100 + 0.5);
    seen[label]++;
    return Math.floor(seen[label] * share / 100 + 0.5) > before ? 1 : 0;
  });
}

/** Points as a data set of the library; null where a part of it would be empty. */
export function datasetOf({ places, labels, trained }: Points): Dataset | null {
  const part = (wanted: number): Split => {
    const rows = [...labels.keys()].filter((i) => trained[i] === wanted);
    return {
      count: rows.length,
      shape: [2],
      scale: 1,
      inputs: Float32Array.from(rows.flatMap((i) => [places[2 * i], places[2 * i + 1]])),
      labels: Int32Array.from(rows, (i) => labels[i]),
    };
  };
  const [test, train] = [part(0), part(1)];
  if (train.count === 0 || test.count === 0) return null;
  return { name: "points", classes: 2, outputs: 0, classNames: ["blue", "orange"], train, test };
}
