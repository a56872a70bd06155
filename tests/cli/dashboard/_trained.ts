/** A dashboard, and a short training that it watches. @module */
import { crossEntropy, dense, digits, dropout, relu, sequential, sgd, Trainer } from "../../../mod.ts";
import { Dashboard } from "../../../cli/dashboard/dashboard.ts";
import { exampleReport } from "../report/_example.ts";

/** What a test gets. */
export interface Watched extends AsyncDisposable {
  readonly dashboard: Dashboard;
  /** A training of a small net, which the dashboard watches. */
  readonly trainer: Trainer;
  /** What was asked for. */
  readonly asked: { stops: number; reports: number };
  /** An address of the dashboard, with its token or another. */
  url(path: string, token?: string): string;
}

/** Begins to serve, on any free port. */
export async function watched(port = 0): Promise<Watched> {
  const interruption = new AbortController();
  const asked = { stops: 0, reports: 0 };
  const dashboard = new Dashboard({
    port,
    report: () => {
      asked.reports++;
      return Promise.resolve(exampleReport);
    },
    stop: () => {
      asked.stops++;
      interruption.abort();
    },
    signal: interruption.signal,
    resume: "deno task train --resume here",
  });
  const model = sequential([dense(16), relu(), dropout({ rate: 0.5 }), dense(10)]);
  const trainer = await Trainer.create(model, {
    data: digits({ train: 400, test: 100 }),
    loss: crossEntropy(),
    optimizer: sgd({ learningRate: 0.1 }),
    epochs: 4,
    batchSize: 20,
    signal: interruption.signal,
    observers: [dashboard.observer()],
    name: "dropout",
  });
  const { origin, searchParams } = new URL(dashboard.url);
  let closed = false;
  const close = dashboard.close.bind(dashboard);
  dashboard.close = async (...args) => {
    closed = true;
    await close(...args);
  };
  return {
    dashboard,
    trainer,
    asked,
    url: (path, token = searchParams.get("token")!) => `${origin}/${path}?token=${token}`,
    [Symbol.asyncDispose]: async () => {
      if (!closed) await dashboard.close("failed");
    },
  };
}

/** An event that was heard. */
export interface Heard {
  readonly name: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** The events of a stream, one after the other. */
export async function* events(response: Response): AsyncGenerator<Heard> {
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const whole = text.split("\n\n");
    text = whole.pop()!;
    for (const event of whole) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event)!;
      yield { name, data: JSON.parse(data) };
    }
  }
}
