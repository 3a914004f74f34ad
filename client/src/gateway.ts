/** Sends GraphQL requests with a timeout, and returns every failure as a value. */

import type { AuthenticationMethod, ErrorCode, FieldErrorCode } from "./schema.js";

/** What can go wrong before the gateway answers, or in the browser. */
export type ClientErrorCode =
  /** No answer, or not one of a gateway. Ask the user to try again. */
  | "NETWORK_ERROR"
  /** No answer in time. */
  | "TIMEOUT"
  /** The caller aborted the request, or the user cancelled the browser's dialog. */
  | "ABORTED"
  /** The `mode` of `createAuth` is not the gateway's. */
  | "WRONG_MODE"
  /** The browser cannot do this. */
  | "NOT_SUPPORTED";

export interface FieldError {
  code: FieldErrorCode;
  message: string;
}

/** A failure: act on `code`, show `message`. */
export interface Refused<Field extends string = string> {
  status: "refused";
  code: ErrorCode | ClientErrorCode;
  message: string;
  /** The errors of each invalid argument, after BAD_USER_INPUT. */
  fieldErrors: { [Name in Field]?: FieldError[] };
  /** In seconds, after RATE_LIMITED and SERVICE_UNAVAILABLE. */
  retryAfter?: number;
  /** More about UNAUTHENTICATED, INVALID_CREDENTIALS and PROVIDER_ERROR. */
  reason?: string;
  /** How the user can reauthenticate, after REAUTHENTICATION_REQUIRED. */
  methods?: AuthenticationMethod[];
  /** For a report, after INTERNAL_SERVER_ERROR. */
  requestId?: string;
  /** Everything else that the gateway sends with this code. */
  [extension: string]: unknown;
}

export interface Done<Data> {
  status: "done";
  data: Data;
}

export type Variables = Record<string, unknown>;

export interface SendOptions {
  token?: string | null;
  signal?: AbortSignal | undefined;
  /** Whether the request outlives the page. */
  keepalive?: boolean;
}

interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { code?: ErrorCode; fieldErrors?: (FieldError & { field: string })[] } }[];
}

export function refused(code: ClientErrorCode, message: string): Refused<never> {
  return { status: "refused", code, message, fieldErrors: {} };
}

/** Return a function that sends a document to the gateway. Aborting `disposed` ends all its requests. */
export function createSend(
  url: string,
  credentials: RequestCredentials,
  timeout: number,
  disposed: AbortSignal,
  fetch: typeof globalThis.fetch,
) {
  return async <Data>(query: string, variables: Variables = {}, options: SendOptions = {}) => {
    const { token, signal, keepalive = false } = options;
    const late = AbortSignal.timeout(timeout);
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      const response = await fetch(url, {
        method: "POST",
        body: JSON.stringify({ query, variables }),
        headers,
        credentials,
        keepalive,
        signal: AbortSignal.any(signal ? [signal, late, disposed] : [late, disposed]),
      });
      const { data, errors } = (await response.json()) as Answer<Data>;
      if (errors?.[0]) return fromError(errors[0]);
      if (data) return { status: "done", data } satisfies Done<Data>;
    } catch {
      if (signal?.aborted || disposed.aborted) return refused("ABORTED", "The request was cancelled.");
      if (late.aborted) return refused("TIMEOUT", "The server did not answer in time. Try again.");
    }
    return refused("NETWORK_ERROR", "The server cannot be reached. Check your connection and try again.");
  };
}

function fromError({ message, extensions = {} }: NonNullable<Answer<unknown>["errors"]>[number]): Refused {
  const { code = "INTERNAL_SERVER_ERROR", fieldErrors: list = [], ...more } = extensions;
  const fieldErrors: Refused["fieldErrors"] = {};
  for (const { field, ...error } of list) (fieldErrors[field] ??= []).push(error);
  return { ...more, status: "refused", code, message, fieldErrors };
}
