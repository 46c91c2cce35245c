import { refusalOf } from "./refusal";
import type { TransportContext, TransportEvents } from "./transport";

/** The requests of a connection over HTTP. The first failure closes the connection. */
export interface HttpRequests {
  /** Sends a request, and passes a successful response to `use`. Without a body it is a GET. */
  request(url: URL, body: string | null, use?: (response: Response) => Promise<void>): Promise<void>;
  /** Returns `true` after `end` or a failure. */
  ended(): boolean;
  /** Aborts pending requests. */
  end(): void;
}

/** Creates the requests of a connection. */
export function httpRequests({ fetch }: TransportContext, { close }: TransportEvents): HttpRequests {
  if (!fetch) throw new TypeError("The option fetch is needed");
  const controller = new AbortController();
  const { signal } = controller;
  return {
    async request(url, body, use) {
      try {
        const response = await fetch(url.href, {
          ...(body != null && { method: "POST", body, headers: { "content-type": "text/plain" } }),
          credentials: "include",
          cache: "no-store",
          signal,
        });
        if (response.ok) {
          if (use) await use(response);
          // An unread body would keep its HTTP connection busy.
          else await response.text();
        } else close(1006, `HTTP ${response.status}`, await refusalOf(response));
      } catch (error) {
        controller.abort();
        // In Node, the reason is the `cause` of the error of fetch.
        close(1006, String((error as Error).cause ?? error), undefined, error);
      }
    },
    ended: () => signal.aborted,
    end: () => controller.abort(),
  };
}

/**
 * Returns a function that sends packets in sequential requests.
 *
 * Packets that are queued during a request share the next one, up to `limit` characters.
 */
export function batches(
  post: (batch: string[]) => Promise<void>,
  limit: () => number,
): (packet: string) => void {
  const waiting: string[] = [];
  let busy = false;
  const run = async () => {
    busy = true;
    // Collects the packets of the current tick.
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
