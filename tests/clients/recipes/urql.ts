/** An urql client that renews the session when an access token is refused, then asks again. */

import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import type { Session } from "./session.js";

/** Make a new client whenever somebody signs in or out: its cache belongs to one user. */
export function urqlClient(session: Session): Client {
  const auth = authExchange(async ({ appendHeaders }) => {
    let refused: string | null = null;
    return {
      addAuthToOperation(operation) {
        const { token } = session;
        if (!token) return operation;
        const marked = { ...operation, context: { ...operation.context, token } };
        return appendHeaders(marked, { Authorization: `Bearer ${token}` });
      },
      // After a reload there is a session, and no access token yet.
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
