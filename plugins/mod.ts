/** All built-in plugins. @module */
export * from "./constraints/max_norm.ts";
export * from "./datasets/csv.ts";
export * from "./datasets/digits.ts";
export {
  downloadMnist,
  type DownloadOptions,
  type DownloadProgress,
  type RemoteFile,
} from "./datasets/download_mnist.ts";
export * from "./datasets/mnist.ts";
export * from "./dropout/alpha_dropout.ts";
export * from "./dropout/attention_dropout.ts";
export * from "./dropout/drop_key.ts";
export * from "./dropout/dropout.ts";
export * from "./dropout/gaussian_dropout.ts";
export * from "./dropout/spatial_dropout.ts";
export * from "./dropout/stochastic_depth.ts";
export * from "./layers/concat.ts";
export * from "./layers/decoder_block.ts";
export * from "./layers/dense.ts";
export * from "./layers/elu.ts";
export * from "./layers/encoder_block.ts";
export * from "./layers/flatten.ts";
export * from "./layers/gelu.ts";
export * from "./layers/graph.ts";
export * from "./layers/leaky_relu.ts";
export * from "./layers/learned_positions.ts";
export * from "./layers/log_softmax.ts";
export * from "./layers/maxout.ts";
export * from "./layers/merge.ts";
export * from "./layers/multi_head_attention.ts";
export * from "./layers/parallel.ts";
export * from "./layers/relu.ts";
export * from "./layers/repeat.ts";
export * from "./layers/residual.ts";
export * from "./layers/selu.ts";
export * from "./layers/sequential.ts";
export * from "./layers/sigmoid.ts";
export * from "./layers/silu.ts";
export * from "./layers/sinusoidal_positions.ts";
export * from "./layers/softmax.ts";
export * from "./layers/softplus.ts";
export * from "./layers/tanh.ts";
export * from "./losses/binary_cross_entropy.ts";
export * from "./losses/cross_entropy.ts";
export * from "./losses/gaussian_nll.ts";
export * from "./losses/huber.ts";
export * from "./losses/kl_divergence.ts";
export * from "./losses/mean_absolute_error.ts";
export * from "./losses/mean_squared_error.ts";
export * from "./observers/checkpoint_writer.ts";
export * from "./observers/metrics_log.ts";
export * from "./observers/progress_bar.ts";
export * from "./optimizers/adagrad.ts";
export * from "./optimizers/adam.ts";
export * from "./optimizers/adamw.ts";
export * from "./optimizers/rmsprop.ts";
export * from "./optimizers/sgd.ts";
export * from "./schedules/constant.ts";
export * from "./schedules/cosine.ts";
export * from "./schedules/exponential.ts";
export * from "./schedules/inverse_time.ts";
export * from "./schedules/linear.ts";
export * from "./schedules/momentum_ramp.ts";
export * from "./schedules/one_cycle.ts";
export * from "./schedules/step.ts";
export * from "./schedules/warm_up.ts";
