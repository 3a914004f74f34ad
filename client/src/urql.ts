/** urql: sends the access token, and refreshes it once for all operations that need it. */

import { Client, type ClientOptions, type Exchange, cacheExchange, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import type { Auth } from "./auth.js";

/** Place it before `fetchExchange`. */
export function urqlExchange(auth: Auth): Exchange {
  return authExchange(async ({ appendHeaders }) => {
    let refused: string | null = null;
    return {
      addAuthToOperation(operation) {
        const { token } = auth;
        if (!token) return operation;
        const context = { ...operation.context, accessToken: token };
        return appendHeaders({ ...operation, context }, { Authorization: `Bearer ${token}` });
      },
      willAuthError: () => auth.state.status !== "signedOut" && !auth.token,
      didAuthError(error, operation) {
        refused = operation.context.accessToken ?? null;
        const isRefused = error.graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED");
        return isRefused && auth.state.status !== "signedOut";
      },
      async refreshAuth() {
        await auth.refresh(refused);
        refused = null;
      },
    };
  });
}

/** Create a new client for each user: the cache of the old one contains the data of the user before. */
export function urqlClient(auth: Auth, options: Partial<ClientOptions> = {}): Client {
  return new Client({
    url: auth.url,
    fetchOptions: { credentials: auth.credentials },
    exchanges: [cacheExchange, urqlExchange(auth), fetchExchange],
    ...options,
  });
}
