/** The figures that the authors published. @module */

/** What was published for a set: means over the splits and their standard errors, in the target's units. */
export interface Published {
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Its standard error; 0 where less than half of the last digit is left. */
  readonly rmseError: number;
  /** Predictive log-likelihood. */
  readonly logLikelihood: number;
  /** Its standard error. */
  readonly logLikelihoodError: number;
  /** Where it stands. */
  readonly source: string;
  /** What is to be known before it is compared. */
  readonly note?: string;
}

type Row = readonly [rmse: number, rmseError: number, logLikelihood: number, logLikelihoodError: number];

/** Names of the authors' folders, beside shorter ones. */
const folders: Readonly<Record<string, readonly string[]>> = {
  boston: ["bostonHousing", "boston-housing", "boston_housing", "housing"],
  concrete: ["concrete-strength"],
  energy: ["energy-efficiency"],
  kin8nm: [],
  naval: ["naval-propulsion-plant", "naval-propulsion"],
  power: ["power-plant", "powerplant", "power_plant"],
  protein: ["protein-tertiary-structure", "protein-structure"],
  wine: ["wine-quality-red", "wine-red", "wine_quality_red"],
  yacht: ["yacht-hydrodynamics"],
};

/** A table, and what a study must be for it to stand beside. */
interface Table {
  readonly epochsTimes: number;
  readonly batchSize: number;
  readonly source: string;
  readonly note?: string;
  readonly rows: Readonly<Record<string, Row>>;
}

/** The paper's table. Its hyperparameters are of a Bayesian optimisation, in place of the grid. */
const paper: Pick<Table, "source" | "rows"> = {
  source: "Gal and Ghahramani 2016, table 1",
  rows: {
    boston: [2.97, 0.19, -2.46, 0.06],
    concrete: [5.23, 0.12, -3.04, 0.02],
    energy: [1.66, 0.04, -1.99, 0.02],
    kin8nm: [0.10, 0.00, 0.95, 0.01],
    naval: [0.01, 0.00, 3.80, 0.01],
    power: [4.02, 0.04, -2.80, 0.01],
    protein: [4.36, 0.01, -2.89, 0.00],
    wine: [0.62, 0.01, -0.93, 0.01],
    yacht: [1.11, 0.09, -1.55, 0.03],
  },
};

const tables: readonly Table[] = [
  {
    ...paper,
    epochsTimes: 1,
    batchSize: 128,
    note: "the paper's nets were trained for more steps than 40 epochs of 128 examples a step: " +
      "--epochs-times 10 --batch-size 32 comes to its figures",
  },
  { ...paper, epochsTimes: 10, batchSize: 32 },
  {
    epochsTimes: 100,
    batchSize: 128,
    source: "github.com/yaringal/DropoutUncertaintyExps, grid search",
    rows: {
      boston: [2.90, 0.18, -2.40, 0.04],
      concrete: [4.83, 0.16, -2.94, 0.02],
      energy: [0.54, 0.01, -1.21, 0.01],
      kin8nm: [0.08, 0.00, 1.14, 0.01],
      naval: [0.00, 0.00, 4.45, 0.00],
      power: [4.01, 0.04, -2.81, 0.01],
      protein: [4.27, 0.02, -2.87, 0.00],
      wine: [0.62, 0.01, -0.93, 0.01],
      yacht: [0.67, 0.05, -1.25, 0.02],
    },
  },
];

/** All names under which the authors' sets are known. */
export const knownNames: readonly string[] = Object.entries(folders).flatMap(([name, others]) => [name, ...others]);

/** Other names of a set, for looking for its folder; none of a set that is not the authors'. */
export function otherNames(name: string): readonly string[] {
  const found = Object.entries(folders).find(([short, others]) => short === name || others.includes(name));
  return found === undefined ? [] : [found[0], ...found[1]].filter((other) => other !== name);
}

/**
 * What was published for a set with one hidden layer and a grid; null for what was not.
 *
 * @param name the set's name, or its folder's
 * @param epochsTimes multiplier of the epochs
 * @param batchSize examples a step
 */
export function publishedFor(name: string, epochsTimes: number, batchSize: number): Published | null {
  const table = tables.find((one) => one.epochsTimes === epochsTimes && one.batchSize === batchSize);
  const row = [name, ...otherNames(name)].map((one) => table?.rows[one]).find((found) => found !== undefined);
  if (table === undefined || row === undefined) return null;
  const [rmse, rmseError, logLikelihood, logLikelihoodError] = row;
  const { source, note } = table;
  return { rmse, rmseError, logLikelihood, logLikelihoodError, source, ...(note === undefined ? {} : { note }) };
}
