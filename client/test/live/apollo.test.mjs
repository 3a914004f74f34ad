/** The Apollo link against a real gateway, with Apollo Client 4. */

import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { apolloAuthLink } from "../../dist/apollo.js";
import { tell } from "./stories.mjs";

tell((auth, fetch) => {
  const link = apolloAuthLink(auth).concat(new HttpLink({ uri: auth.url, fetch }));
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  const errorPolicy = "all";
  const told = ({ data, error }) => {
    if (error && !CombinedGraphQLErrors.is(error)) throw error;
    return { data, code: error?.errors[0].extensions.code };
  };
  return {
    query: async (text) => told(await client.query({ query: gql(text), errorPolicy })),
    mutate: async (text, variables) => told(await client.mutate({ mutation: gql(text), variables, errorPolicy })),
  };
});
