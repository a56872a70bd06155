/** One step of an LSTM and of a GRU, plain. @module */
import type { Floats } from "../arrays.ts";
import { sigmoid } from "./elementwise.ts";

/** One step of an LSTM. */
export function lstmCell(
  gates: Floats,
  previous: Floats,
  cell: Floats,
  hidden: Floats,
  rows: number,
  units: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let u = 0; u < units; u++) {
      const [at, gate] = [r * units + u, 4 * r * units + u];
      const i = sigmoid(gates[gate]);
      const f = sigmoid(gates[gate + units]);
      const g = Math.tanh(gates[gate + 2 * units]);
      const o = sigmoid(gates[gate + 3 * units]);
      const c = f * previous[at] + i * g;
      gates[gate] = i;
      gates[gate + units] = f;
      gates[gate + 2 * units] = g;
      gates[gate + 3 * units] = o;
      cell[at] = c;
      hidden[at] = o * Math.tanh(c);
    }
  }
}

/** Gradient of one step of an LSTM. */
export function lstmCellGradient(
  gates: Floats,
  previous: Floats,
  cell: Floats,
  dHidden: Floats,
  dCell: Floats,
  dGates: Floats,
  rows: number,
  units: number,
): void {
  for (let r = 0; r < rows; r++) {
    for (let u = 0; u < units; u++) {
      const [at, gate] = [r * units + u, 4 * r * units + u];
      const [i, f, g, o] = [0, 1, 2, 3].map((k) => gates[gate + k * units]);
      const squashed = Math.tanh(cell[at]);
      const dc = dCell[at] + dHidden[at] * o * (1 - squashed * squashed);
      dGates[gate] = dc * g * i * (1 - i);
      dGates[gate + units] = dc * previous[at] * f * (1 - f);
      dGates[gate + 2 * units] = dc * i * (1 - g * g);
      dGates[gate + 3 * units] = dHidden[at] * squashed * o * (1 - o);
      dCell[at] = dc * f;
    }
  }
}

/** One step of a GRU. */
export function gruCell(
  gates: Floats,
  product: Floats,
  bias: Floats | null,
  previous: Floats,
  hidden: Floats,
  candidate: Floats,
  rows: number,
  units: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let u = 0; u < units; u++) {
      const [at, gate] = [row * units + u, 3 * row * units + u];
      const [hr, hz, hn] = [0, 1, 2].map((k) => product[gate + k * units] + (bias?.[k * units + u] ?? 0));
      const r = sigmoid(gates[gate] + hr);
      const z = sigmoid(gates[gate + units] + hz);
      const n = Math.tanh(gates[gate + 2 * units] + r * hn);
      gates[gate] = r;
      gates[gate + units] = z;
      gates[gate + 2 * units] = n;
      candidate[at] = hn;
      hidden[at] = (1 - z) * n + z * previous[at];
    }
  }
}

/** Gradient of one step of a GRU. */
export function gruCellGradient(
  gates: Floats,
  candidate: Floats,
  previous: Floats,
  dHidden: Floats,
  dGates: Floats,
  dProduct: Floats,
  rows: number,
  units: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let u = 0; u < units; u++) {
      const [at, gate] = [row * units + u, 3 * row * units + u];
      const [r, z, n] = [0, 1, 2].map((k) => gates[gate + k * units]);
      const dh = dHidden[at];
      const dn = dh * (1 - z) * (1 - n * n);
      const dr = dn * candidate[at] * r * (1 - r);
      const dz = dh * (previous[at] - n) * z * (1 - z);
      dGates[gate] = dProduct[gate] = dr;
      dGates[gate + units] = dProduct[gate + units] = dz;
      dGates[gate + 2 * units] = dn;
      dProduct[gate + 2 * units] = dn * r;
      dHidden[at] = dh * z;
    }
  }
}
