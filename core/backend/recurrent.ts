/** One step of an LSTM and of a GRU. @module */
import { defineKernel, type Kernel } from "./kernel.ts";
import { inout, input, optionalInput, output, size, type Sizes } from "./parameters.ts";
import * as twins from "./reference/recurrent.ts";

const state = ["rows", "units"];
const four = ({ rows, units }: Readonly<Sizes>) => 4 * rows * units;
const three = ({ rows, units }: Readonly<Sizes>) => 3 * rows * units;

/**
 * One step of an LSTM. `gates: [rows, 4 units]` holds the sums of i, f, g, o and receives their activations;
 * `cell = f previous + i g` and `hidden = o tanh(cell)`, each `[rows, units]`.
 */
export const lstmCell: Kernel<typeof twins.lstmCell> = defineKernel({
  name: "lstmCell",
  parameters: [
    inout("gates", four),
    input("previous", state),
    output("cell", state),
    output("hidden", state),
    size("rows"),
    size("units"),
  ],
  twin: twins.lstmCell,
});

/**
 * Gradient of the above, from what it left in `gates` and `cell`. `dCell` holds the gradient towards `cell` and
 * receives that towards `previous`; `dGates` receives that towards the sums.
 */
export const lstmCellGradient: Kernel<typeof twins.lstmCellGradient> = defineKernel({
  name: "lstmCellGradient",
  parameters: [
    input("gates", four),
    input("previous", state),
    input("cell", state),
    input("dHidden", state),
    inout("dCell", state),
    output("dGates", four),
    size("rows"),
    size("units"),
  ],
  twin: twins.lstmCellGradient,
});

/**
 * One step of a GRU. `gates: [rows, 3 units]` holds the input's share of the sums of r, z, n and receives their
 * activations; `product` is the state's share, to which `bias` (`[3 units]` or null) is added. `candidate` receives
 * the state's share of n; `hidden = (1 - z) n + z previous`.
 */
export const gruCell: Kernel<typeof twins.gruCell> = defineKernel({
  name: "gruCell",
  parameters: [
    inout("gates", three),
    input("product", three),
    optionalInput("bias", ({ units }) => 3 * units),
    input("previous", state),
    output("hidden", state),
    output("candidate", state),
    size("rows"),
    size("units"),
  ],
  twin: twins.gruCell,
});

/**
 * Gradient of the above, from what it left in `gates` and `candidate`. `dHidden` holds the gradient towards `hidden`
 * and receives that towards `previous` but for its way through the product; `dGates` and `dProduct` receive those
 * towards the input's and the state's share.
 */
export const gruCellGradient: Kernel<typeof twins.gruCellGradient> = defineKernel({
  name: "gruCellGradient",
  parameters: [
    input("gates", three),
    input("candidate", state),
    input("previous", state),
    inout("dHidden", state),
    output("dGates", three),
    output("dProduct", three),
    size("rows"),
    size("units"),
  ],
  twin: twins.gruCellGradient,
});
