/* One step of an LSTM and of a GRU: the slow twin is core/backend/reference/recurrent.ts. */
#include "approx.h"
#include "kernel.h"

typedef struct {
  float *gates, *cell, *hidden;
  const float *previous, *product, *bias;
  int64_t units;
} Forward;

typedef struct {
  const float *gates, *previous, *cell;
  float *d_hidden, *d_cell, *d_gates, *d_product;
  int64_t units;
} Gradient;

static void lstm_range(void *context, int64_t begin, int64_t end) {
  const Forward *job = context;
  const int64_t n = job->units;
  for (int64_t row = begin; row < end; row++) {
    float *in = job->gates + 4 * row * n, *forget = in + n, *candidate = forget + n, *out = candidate + n;
    const float *previous = job->previous + row * n;
    float *cell = job->cell + row * n, *hidden = job->hidden + row * n;
    INDEPENDENT for (int64_t u = 0; u < n; u++) {
      const float i = sigmoid_f(in[u]), f = sigmoid_f(forget[u]);
      const float g = tanh_f(candidate[u]), o = sigmoid_f(out[u]);
      const float c = f * previous[u] + i * g;
      in[u] = i;
      forget[u] = f;
      candidate[u] = g;
      out[u] = o;
      cell[u] = c;
      hidden[u] = o * tanh_f(c);
    }
  }
}

KERNEL(lstm_cell)(float *gates, const float *previous, float *cell, float *hidden, double rows, double units) {
  if (!are_sizes(rows, units, 4)) return BAD_ARGUMENT;
  if (units == 0) return OK;
  Forward job = {.gates = gates, .cell = cell, .hidden = hidden, .previous = previous, .units = (int64_t)units};
  pool_run((int64_t)rows, row_grain(8 * job.units), lstm_range, &job);
  return OK;
}

static void lstm_gradient_range(void *context, int64_t begin, int64_t end) {
  const Gradient *job = context;
  const int64_t n = job->units;
  for (int64_t row = begin; row < end; row++) {
    const float *in = job->gates + 4 * row * n, *forget = in + n, *candidate = forget + n, *out = candidate + n;
    const float *previous = job->previous + row * n, *cell = job->cell + row * n;
    const float *d_hidden = job->d_hidden + row * n;
    float *d_cell = job->d_cell + row * n;
    float *d_in = job->d_gates + 4 * row * n, *d_forget = d_in + n, *d_candidate = d_forget + n;
    float *d_out = d_candidate + n;
    INDEPENDENT for (int64_t u = 0; u < n; u++) {
      const float i = in[u], f = forget[u], g = candidate[u], o = out[u], dh = d_hidden[u];
      const float squashed = tanh_f(cell[u]);
      const float dc = d_cell[u] + dh * o * (1.0f - squashed * squashed);
      d_in[u] = dc * g * i * (1.0f - i);
      d_forget[u] = dc * previous[u] * f * (1.0f - f);
      d_candidate[u] = dc * i * (1.0f - g * g);
      d_out[u] = dh * squashed * o * (1.0f - o);
      d_cell[u] = dc * f;
    }
  }
}

KERNEL(lstm_cell_gradient)(
    const float *gates, const float *previous, const float *cell, float *d_hidden, float *d_cell, float *d_gates,
    double rows, double units) {
  if (!are_sizes(rows, units, 4)) return BAD_ARGUMENT;
  if (units == 0) return OK;
  Gradient job = {gates, previous, cell, d_hidden, d_cell, d_gates, NULL, (int64_t)units};
  pool_run((int64_t)rows, row_grain(8 * job.units), lstm_gradient_range, &job);
  return OK;
}

static void gru_range(void *context, int64_t begin, int64_t end) {
  const Forward *job = context;
  const int64_t n = job->units;
  for (int64_t row = begin; row < end; row++) {
    float *reset = job->gates + 3 * row * n, *update = reset + n, *candidate = update + n;
    const float *product = job->product + 3 * row * n, *previous = job->previous + row * n;
    float *inner = job->cell + row * n, *hidden = job->hidden + row * n;
    const float *bias = job->bias;
    INDEPENDENT for (int64_t u = 0; u < n; u++) {
      const float r = sigmoid_f(reset[u] + product[u] + (bias == NULL ? 0.0f : bias[u]));
      const float z = sigmoid_f(update[u] + product[n + u] + (bias == NULL ? 0.0f : bias[n + u]));
      const float h = product[2 * n + u] + (bias == NULL ? 0.0f : bias[2 * n + u]);
      const float c = tanh_f(candidate[u] + r * h);
      reset[u] = r;
      update[u] = z;
      candidate[u] = c;
      inner[u] = h;
      hidden[u] = (1.0f - z) * c + z * previous[u];
    }
  }
}

KERNEL(gru_cell)(
    float *gates, const float *product, const float *bias, const float *previous, float *hidden, float *candidate,
    double rows, double units) {
  if (!are_sizes(rows, units, 4)) return BAD_ARGUMENT;
  if (units == 0) return OK;
  Forward job = {gates, candidate, hidden, previous, product, bias, (int64_t)units};
  pool_run((int64_t)rows, row_grain(8 * job.units), gru_range, &job);
  return OK;
}

static void gru_gradient_range(void *context, int64_t begin, int64_t end) {
  const Gradient *job = context;
  const int64_t n = job->units;
  for (int64_t row = begin; row < end; row++) {
    const float *reset = job->gates + 3 * row * n, *update = reset + n, *candidate = update + n;
    const float *inner = job->cell + row * n, *previous = job->previous + row * n;
    float *d_hidden = job->d_hidden + row * n;
    float *d_gates = job->d_gates + 3 * row * n, *d_product = job->d_product + 3 * row * n;
    INDEPENDENT for (int64_t u = 0; u < n; u++) {
      const float r = reset[u], z = update[u], c = candidate[u], dh = d_hidden[u];
      const float dc = dh * (1.0f - z) * (1.0f - c * c);
      const float dr = dc * inner[u] * r * (1.0f - r);
      const float dz = dh * (previous[u] - c) * z * (1.0f - z);
      d_gates[u] = dr;
      d_gates[n + u] = dz;
      d_gates[2 * n + u] = dc;
      d_product[u] = dr;
      d_product[n + u] = dz;
      d_product[2 * n + u] = dc * r;
      d_hidden[u] = dh * z;
    }
  }
}

KERNEL(gru_cell_gradient)(
    const float *gates, const float *candidate, const float *previous, float *d_hidden, float *d_gates,
    float *d_product, double rows, double units) {
  if (!are_sizes(rows, units, 4)) return BAD_ARGUMENT;
  if (units == 0) return OK;
  Gradient job = {gates, previous, candidate, d_hidden, NULL, d_gates, d_product, (int64_t)units};
  pool_run((int64_t)rows, row_grain(8 * job.units), gru_gradient_range, &job);
  return OK;
}
