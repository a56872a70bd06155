/** Convolution, pooling and normalisation against PyTorch's answers. */
import { goldenTest } from "../_golden.ts";
import { spatialCases } from "./_spatial_cases.ts";

for (const [name, check] of Object.entries(spatialCases)) goldenTest(name, check);
