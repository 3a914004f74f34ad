/** Password reset in two steps: request a mail, then set a new password with its link or code. Does not sign in. */

import { GatewayError } from "./session.js";

const REQUEST = /* GraphQL */ `mutation RequestReset($email: String!) {
  requestPasswordReset(email: $email) { accepted } }`;
const RESET = /* GraphQL */ `mutation ResetPassword($token: String!, $email: String, $newPassword: String!) {
  resetPassword(token: $token, email: $email, newPassword: $newPassword) { endedSessions } }`;

/** Succeeds whether or not the email has an account. Tell the user: "If there is an account, a mail is on its way." */
export const requestReset = (url: string, email: string) => ask(url, REQUEST, { email });

/**
 * Pass the link's `token`, or the code as `token` together with the `email` it was sent to. After BAD_USER_INPUT the user
 * may choose another password; after TOKEN_INVALID or TOKEN_EXPIRED request another mail.
 */
export const resetPassword = (url: string, mailed: { token: string; email?: string }, newPassword: string) =>
  ask(url, RESET, { ...mailed, newPassword });

/** Return the token of the link that opened this page, and remove it from the URL and the browser's history. */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  return token;
}

async function ask(url: string, query: string, variables: Record<string, string>): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { errors } = await answer.json();
  if (errors) throw new GatewayError(errors[0].message, errors[0].extensions);
}
