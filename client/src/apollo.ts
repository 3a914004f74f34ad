/** Apollo Client 3 and 4: sends the access token, and refreshes it once for all operations that need it. */

import { ApolloLink, HttpLink, Observable } from "@apollo/client/core";
import type { Auth } from "./auth.js";

/** Place it before `HttpLink`. */
export function apolloAuthLink(auth: Auth): ApolloLink {
  return new ApolloLink((operation, forward) => {
    return new Observable<ApolloLink.Result>((observer) => {
      let isClosed = false;
      let subscription: { unsubscribe(): void } | undefined;

      async function send(refused: string | null): Promise<void> {
        await auth.refresh(refused);
        if (isClosed) return;
        const { token } = auth;
        operation.setContext(({ headers = {} }: { headers?: Record<string, string> }) => {
          const { authorization: _, ...others } = headers;
          return { headers: token ? { ...others, authorization: `Bearer ${token}` } : others };
        });
        let isRepeated = false;
        subscription = forward(operation).subscribe({
          next(result) {
            const isRefused = result.errors?.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED");
            if (!isRefused || !token || refused !== null || auth.state.status === "signedOut")
              return observer.next(result);
            isRepeated = true;
            void send(token);
          },
          error: (error) => observer.error(error),
          complete: () => isRepeated || observer.complete(),
        });
      }

      void send(null);
      return () => {
        isClosed = true;
        subscription?.unsubscribe();
      };
    });
  });
}

/**
 * The link of an ApolloClient. Create a new client for each user: the cache of the old one contains the data of the
 * user before.
 */
export function apolloLink(auth: Auth): ApolloLink {
  return apolloAuthLink(auth).concat(new HttpLink({ uri: auth.url, credentials: auth.credentials }));
}
