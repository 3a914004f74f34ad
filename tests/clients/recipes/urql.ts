/** An urql client that renews the session when the gateway refuses an access token, then repeats the request. */

import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import type { Session } from "./session.js";

/** Create a new client after each sign-in and sign-out: a cache belongs to one user. */
export function urqlClient(session: Session): Client {
  const auth = authExchange(async ({ appendHeaders }) => {
    let refused: string | null = null;
    return {
      addAuthToOperation(operation) {
        const { token } = session;
        if (!token) return operation;
        const withToken = { ...operation, context: { ...operation.context, token } };
        return appendHeaders(withToken, { Authorization: `Bearer ${token}` });
      },
      // After a reload there is a session but no access token.
      willAuthError: () => session.isSignedIn && !session.token,
      didAuthError(error, operation) {
        refused = operation.context.token;
        const isRefused = error.graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED");
        return session.isSignedIn && isRefused;
      },
      refreshAuth: () => session.renew(refused),
    };
  });
  const fetchOptions = { credentials: session.credentials };
  return new Client({ url: session.url, fetchOptions, exchanges: [cacheExchange, auth, fetchExchange] });
}
