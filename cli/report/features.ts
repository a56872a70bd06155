/** First-layer weights as images: figure 7 of Srivastava et al., JMLR 15 (2014). @module */
import type { Dataset, Model } from "../../mod.ts";
import { isImage, weightsUrl } from "./images.ts";
import type { FeatureReport } from "./report_data.ts";

/** Units that are shown at most. */
const MOST = 64;

/** The shape of an example as an image, `[channels, height, width]`; undefined where it is none. */
export function imageShape({ image, train }: Dataset): readonly [number, number, number] | undefined {
  const shape = image ?? train.shape;
  return isImage(shape) ? shape : undefined;
}

/**
 * What each unit of the first layer looks for: the weights of a dense layer in the image's own shape, or the windows of a
 * convolution. Undefined where the first weight sees no image.
 */
export function featuresOf(model: Model, dataset: Dataset): FeatureReport | undefined {
  const image = imageShape(dataset);
  const first = model.parameters().find(({ tensor: { rank } }) => rank > 1);
  if (image === undefined || first === undefined) return undefined;
  const { name, tensor: { shape, floats } } = first;
  const [units] = shape;
  const [channels, height, width] = shape.length === 2 && shape[1] === image[0] * image[1] * image[2]
    ? image
    : shape.length === 4 && shape[1] === image[0]
    ? shape.slice(1)
    : [];
  if (width === undefined || (height === 1 && width === 1)) return undefined;
  const size = channels * height * width;
  const tiles = Array.from(
    { length: Math.min(units, MOST) },
    (_, unit) => weightsUrl({ values: floats.subarray(unit * size, (unit + 1) * size), channels, height, width }),
  );
  return { name, units, width, height, tiles };
}
