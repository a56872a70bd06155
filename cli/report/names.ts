/** What the classes of a report are called, and which of them is said. @module */
import { type Dataset, nameOfClass } from "../../mod.ts";

/** Names of the classes, in their order: their numbers where they have none; empty where there are no classes. */
export function classNamesOf({ classes, classNames }: Pick<Dataset, "classes" | "classNames">): string[] {
  return Array.from({ length: classes }, (_, place) => nameOfClass(place, classNames));
}

/** The place of the largest of some numbers, the first among equal ones. */
export function placeOfLargest(values: ArrayLike<number>, from = 0, to = values.length): number {
  let best = from;
  for (let i = from + 1; i < to; i++) if (values[i] > values[best]) best = i;
  return best - from;
}
