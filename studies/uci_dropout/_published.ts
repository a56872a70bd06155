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

/** Tables by the multiplier of the epochs. */
const tables: Readonly<Record<number, { readonly source: string; readonly rows: Readonly<Record<string, Row>> }>> = {
  // The paper's hyperparameters are of a Bayesian optimisation, in place of the grid.
  1: {
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
  },
  10: {
    source: "github.com/yaringal/DropoutUncertaintyExps, the table of ten times the epochs",
    rows: {
      boston: [2.80, 0.19, -2.39, 0.05],
      concrete: [4.81, 0.14, -2.94, 0.02],
      energy: [1.09, 0.05, -1.72, 0.02],
      kin8nm: [0.09, 0.00, 0.97, 0.01],
      naval: [0.00, 0.00, 3.92, 0.01],
      power: [4.00, 0.04, -2.79, 0.01],
      protein: [4.27, 0.01, -2.87, 0.00],
      wine: [0.61, 0.01, -0.92, 0.01],
      yacht: [0.72, 0.06, -1.38, 0.01],
    },
  },
  100: {
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
};

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
 * @param times multiplier of the epochs
 */
export function publishedFor(name: string, times: number): Published | null {
  const row = [name, ...otherNames(name)].map((one) => tables[times]?.rows[one]).find((found) => found !== undefined);
  if (row === undefined) return null;
  const [rmse, rmseError, logLikelihood, logLikelihoodError] = row;
  return { rmse, rmseError, logLikelihood, logLikelihoodError, source: tables[times].source };
}
