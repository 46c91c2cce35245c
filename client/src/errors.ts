/**
 * What went wrong on the client's side. Errors of the server keep the server's
 * own code, such as `"016"`.
 *
 * - `closed`: the connection ended before the answer came, or was ended on purpose
 * - `timeout`: no connection, or no answer, in the time given
 * - `aborted`: the caller's `AbortSignal` fired
 * - `dropped`: the queue was full and this was its oldest request
 * - `offline`: the server cannot be reached
 * - `refused`: the server's authorizer said no
 * - `http`: the HTTP answer was not one of the protocol
 * - `decode`: a message could not be read
 * - `invalid`: what was passed cannot be sent, or is not what the method or the option takes
 * - `unsupported`: this build or this platform lacks what was asked for: an engine, a codec, a
 *   WebSocket, or what takes a socket that was handed in
 * - `error`: the server sent an error that carries no code
 */
export type ClientErrorCode =
  | "closed"
  | "timeout"
  | "aborted"
  | "dropped"
  | "offline"
  | "refused"
  | "http"
  | "decode"
  | "invalid"
  | "unsupported"
  | "error";

/** The one kind of error this client rejects with. */
export class StellarError extends Error {
  /** The server's code (`"016"`) or a {@link ClientErrorCode}. */
  code: string;
  /**
   * True when the request had left and its answer will not be seen: the server
   * may or may not have acted on it. Sending it again may do the thing twice.
   */
  mayHaveRun: boolean;
  /** The server's error value as it came, when the error is the server's. */
  error?: unknown;
  /** The whole answer that carried the error, when there was one. */
  response?: any;
  /** The HTTP status, for refusals and failed HTTP actions. */
  status?: number;

  /** Makes an error; `mayHaveRun` is false unless told, `cause` is what led to it. */
  constructor(code: string, message: string, mayHaveRun = false, cause?: any) {
    super(message, cause && { cause });
    this.name = "StellarError";
    this.code = code;
    this.mayHaveRun = mayHaveRun;
  }
}

/** The error itself if it is one of these, else one of this code that it is the cause of. */
export const asError = (error: any, code: ClientErrorCode, mayHaveRun?: boolean): StellarError =>
  error instanceof StellarError ? error : new StellarError(code, String(error), mayHaveRun, error);

/**
 * Turns the error value of an answer into a {@link StellarError}. It may be a
 * string, `{code, message}`, or an object with one entry for each bad input.
 */
export function serverError(error: any, response?: unknown): StellarError {
  const told: any =
    typeof error === "object" && error.message === undefined ? Object.values(error)[0] : error;
  const code = String(error.code ?? told?.code ?? "error");
  return Object.assign(new StellarError(code, String(told?.message ?? told)), { error, response });
}
