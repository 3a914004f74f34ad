/** An application over the generated types: it compiles only while the schema says what it relies on. */

import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { ErrorCode } from "./codes.js";
import type { ErrorCode as CodeOfADocument } from "./gql/graphql.js";
import { graphql } from "./gql/index.js";
import type { HomeQuery, SignInMutationVariables } from "./operations.js";

const home = graphql(`
  query Home {
    me {
      username
      dateJoined
      imageUrl
      sessions {
        id
        isCurrent
      }
    }
    errorCodes
  }
`);

const signIn = graphql(`
  mutation SignIn($username: String!, $password: String!) {
    tokenAuth(username: $username, password: $password) {
      token
      refreshExpiresIn
      claims {
        sub
      }
    }
  }
`);

export function greet({ me }: ResultOf<typeof home>): string {
  // A refused field is null; what is inside an answer is not.
  return me ? `${me.username}, since ${me.dateJoined.slice(0, 10)}, on ${me.sessions.length} devices` : "Sign in";
}

export const whose = ({ tokenAuth }: ResultOf<typeof signIn>): string | undefined => tokenAuth?.claims.sub;
export const variables: VariablesOf<typeof signIn> & SignInMutationVariables = { username: "ada", password: "" };
export const picture = (query: HomeQuery): string | null | undefined => query.me?.imageUrl;

/** Every code has its words: a new one in the schema, or one misspelt here, does not compile. */
export const words = {
  [ErrorCode.Unauthenticated]: "Sign in",
} satisfies Partial<Record<CodeOfADocument, string>>;

export function explain(code: ErrorCode): string {
  switch (code) {
    case ErrorCode.InvalidCredentials:
      return "The username or password is wrong.";
    case ErrorCode.RateLimited:
      return "Wait a little.";
    case ErrorCode.TokenReused:
      return "Somebody else used your session.";
    // @ts-expect-error: the schema knows no such code
    case "NO_SUCH_CODE":
    default:
      return words.UNAUTHENTICATED;
  }
}

// @ts-expect-error: an argument that the schema requires is missing
export const incomplete: VariablesOf<typeof signIn> = { username: "ada" };
