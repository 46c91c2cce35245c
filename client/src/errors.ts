/**
 * Codes of errors that occur in the client. Errors of the server keep the server's code, such as
 * `"016"`.
 *
 * - `closed`: the connection was closed before the response arrived
 * - `timeout`: no connection or no response within the timeout
 * - `aborted`: the caller's `AbortSignal` fired
 * - `dropped`: the request was volatile, waited too long, or was the oldest in a full queue
 * - `offline`: the server cannot be reached
 * - `refused`: the server's authorizer refused the connection
 * - `http`: the HTTP response does not follow the protocol
 * - `decode`: a message could not be decoded
 * - `invalid`: an argument or an option is invalid
 * - `unsupported`: the build or platform lacks an engine, codec, WebSocket or socket adapter
 * - `error`: the server sent an error without a code
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

/** The error that every promise of the client rejects with. */
export class StellarError extends Error {
  /** The server's code (`"016"`) or a {@link ClientErrorCode}. */
  code: string;
  /**
   * `true` if the request was sent and its response was lost. The server may have processed it, so
   * a retry may execute it twice.
   */
  mayHaveRun: boolean;
  /** The server's raw error value, for errors of the server. */
  error?: unknown;
  /** The response that contained the error, if any. */
  response?: any;
  /** The HTTP status, for refusals and failed HTTP actions. */
  status?: number;

  /** Creates an error. `cause` is the underlying error. */
  constructor(code: string, message: string, mayHaveRun = false, cause?: any) {
    super(message, cause && { cause });
    this.name = "StellarError";
    this.code = code;
    this.mayHaveRun = mayHaveRun;
  }
}

/** Returns a {@link StellarError} unchanged, and wraps any other error with this code. */
export const asError = (error: any, code: ClientErrorCode, mayHaveRun?: boolean): StellarError =>
  error instanceof StellarError ? error : new StellarError(code, String(error), mayHaveRun, error);

/**
 * Converts the error value of a response to a {@link StellarError}.
 *
 * The value may be a string, `{code, message}`, or an object with an entry per invalid input.
 */
export function serverError(error: any, response?: unknown): StellarError {
  const first: any =
    typeof error === "object" && error.message === undefined ? Object.values(error)[0] : error;
  const code = String(error.code ?? first?.code ?? "error");
  return Object.assign(new StellarError(code, String(first?.message ?? first)), { error, response });
}
