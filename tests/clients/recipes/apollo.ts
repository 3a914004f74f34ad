/** An Apollo client that renews the session when the gateway refuses an access token, then repeats the request. */

import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { from, switchMap } from "rxjs";
import type { Session } from "./session.js";

/** Create a new client after each sign-in and sign-out: a cache belongs to one user. */
export function apolloClient(session: Session): ApolloClient {
  const authorize = new SetContextLink(async ({ headers }) => {
    // After a reload there is a session but no access token.
    if (session.isSignedIn && !session.token) await session.renew();
    const { token } = session;
    return { token, headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers };
  });
  const retry = new ErrorLink(({ error, operation, forward }) => {
    if (!session.isSignedIn || !CombinedGraphQLErrors.is(error)) return;
    if (!error.errors.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED")) return;
    return from(session.renew(operation.getContext().token)).pipe(switchMap(() => forward(operation)));
  });
  const http = new HttpLink({ uri: session.url, credentials: session.credentials });
  return new ApolloClient({ cache: new InMemoryCache(), link: retry.concat(authorize).concat(http) });
}
