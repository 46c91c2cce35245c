import { refusalOf } from "./refusal";
import type { TransportContext, TransportEvents } from "./transport";

/** The requests of one connection over HTTP. They end with it, and it with the first that fails. */
export interface HttpLine {
  /** Asks, and hands a good answer on. Without a body it is a GET. */
  ask(url: URL, body: string | null, use?: (response: Response) => Promise<void>): Promise<void>;
  /** True once it has ended. */
  ended(): boolean;
  /** Ends it: requests under way are given up. */
  end(): void;
}

/** Makes the requests of a connection. */
export function httpLine({ fetch }: TransportContext, { close }: TransportEvents): HttpLine {
  if (!fetch) throw new TypeError("The option fetch is needed");
  const controller = new AbortController();
  const { signal } = controller;
  return {
    async ask(url, body, use) {
      try {
        const response = await fetch(url.href, {
          ...(body != null && { method: "POST", body, headers: { "content-type": "text/plain" } }),
          credentials: "include",
          cache: "no-store",
          signal,
        });
        if (response.ok) {
          if (use) await use(response);
          // A body that is not read keeps its connection busy.
          else await response.text();
        } else close(1006, `HTTP ${response.status}`, await refusalOf(response));
      } catch (error) {
        controller.abort();
        // What fetch of Node failed of is the cause of its error.
        close(1006, String((error as Error).cause ?? error), undefined, error);
      }
    },
    ended: () => signal.aborted,
    end: () => controller.abort(),
  };
}

/**
 * Sends what is given to it with one request at a time: what comes up meanwhile goes with the
 * next, as much as fits into `limit` characters.
 */
export function batches(
  post: (batch: string[]) => Promise<void>,
  limit: () => number,
): (packet: string) => void {
  const waiting: string[] = [];
  let busy = false;
  const run = async () => {
    busy = true;
    // What is written in the same turn goes together.
    await null;
    while (waiting.length) {
      const most = limit();
      let size = 0;
      let count = 0;
      do size += waiting[count++]!.length + 1;
      while (count < waiting.length && size + waiting[count]!.length < most);
      await post(waiting.splice(0, count));
    }
    busy = false;
  };
  return (packet) => {
    waiting.push(packet);
    if (!busy) void run();
  };
}
