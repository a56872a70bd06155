/** Losses and their gradients. */
import { gradients, type Plugin, Tensor } from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { lossOf } from "../plugins/_apply.ts";
import { assertGolden, type GoldenCase, type Runner, tensorOf } from "./_golden.ts";

/** Classes stand last here, and second in the other framework. */
function classesLast(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return x.rank <= 2 ? x : x.transpose([0, ...axes.slice(2), 1]);
}

const crossEntropy: Runner = ({ attrs, inputs, outputs, grads }, dtype) => {
  const loss = plugins.crossEntropy({
    classWeights: attrs.weight ?? undefined,
    labelSmoothing: attrs.label_smoothing,
    ignoreIndex: attrs.ignore_index,
    reduction: attrs.reduction,
  });
  const x = tensorOf(inputs.x, dtype).withGradient();
  const soft = inputs.target.shape.length === inputs.x.shape.length;
  const target = soft ? classesLast(tensorOf(inputs.target, dtype)) : tensorOf(inputs.target, "int32");
  const value = lossOf(loss, classesLast(x), target);
  assertGolden(value, outputs.loss, "loss");
  assertGolden(gradients(value, [x])[0], grads.d_x, "d_x");
};

/** A loss of outputs `a` and targets `b`. */
const regression = (
  make: (attrs: GoldenCase["attrs"]) => Plugin<"loss">,
  targetOf: (b: Tensor) => Tensor = (b) => b,
): Runner =>
({ attrs, inputs, outputs, grads }, dtype) => {
  const a = tensorOf(inputs.a, dtype).withGradient();
  const value = lossOf(make(attrs), a, targetOf(tensorOf(inputs.b, dtype)));
  assertGolden(value, outputs.loss, "loss");
  assertGolden(gradients(value, [a])[0], grads.d_a, "d_a");
};

/** Means `a` and variances `var` side by side, the latter as they are and as logarithms. */
const gaussian: Runner = ({ attrs, note, inputs, outputs, grads }, dtype) => {
  const a = tensorOf(inputs.a, dtype).withGradient();
  const given = tensorOf(inputs.var, dtype).withGradient();
  const full: boolean = attrs.full ?? /full=True/.test(note);
  for (const kind of ["value", "log"] as const) {
    const heads = Tensor.concat([a, kind === "log" ? given.log() : given], a.rank - 1);
    const loss = plugins.gaussianNll({ variance: kind, full, epsilon: attrs.eps, reduction: attrs.reduction });
    const value = lossOf(loss, heads, tensorOf(inputs.b, dtype));
    assertGolden(value, outputs.loss, `loss (${kind})`);
    const [towardsMean, towardsVariance] = gradients(value, [a, given]);
    assertGolden(towardsMean, grads.d_a, `d_a (${kind})`);
    if (grads.d_var !== undefined) assertGolden(towardsVariance, grads.d_var, `d_var (${kind})`);
  }
};

/** By the beginning of a case's name. */
export const losses: Record<string, Runner> = {
  cross_entropy: crossEntropy,
  loss_bce_logits: regression(
    ({ reduction, pos_weight }) => plugins.binaryCrossEntropy({ reduction, positiveWeight: pos_weight }),
    (b) => b.sigmoid(),
  ),
  loss_gaussian_nll: gaussian,
  loss_huber: regression(({ reduction, delta }) => plugins.huber({ reduction, delta })),
  loss_l1: regression(({ reduction }) => plugins.meanAbsoluteError({ reduction })),
  loss_mse: regression(({ reduction }) => plugins.meanSquaredError({ reduction })),
};
