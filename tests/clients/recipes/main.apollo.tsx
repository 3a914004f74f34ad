/** A page that signs in, shows the signed-in user, and signs out; with Apollo. */

import { gql, type TypedDocumentNode } from "@apollo/client";
import { ApolloProvider, useQuery } from "@apollo/client/react";
import { createRoot } from "react-dom/client";
import { SignIn } from "./SignIn.js";
import { apolloClient } from "./apollo.js";
import { Session } from "./session.js";

const ME: TypedDocumentNode<{ me: { username: string; email: string } }> = gql`query Me { me { username email } }`;

const root = createRoot(document.getElementById("root")!);
const session = new Session("http://localhost:8000/graphql", render);
render();

/** Called after each sign-in and sign-out, because each user needs a new client. */
function render() {
  if (!session.isSignedIn) return root.render(<SignIn session={session} onSignedIn={render} />);
  root.render(<ApolloProvider client={apolloClient(session)}><Profile /></ApolloProvider>);
}

function Profile() {
  const { data, error } = useQuery(ME);
  if (error) return <p role="alert">{error.message}</p>;
  if (!data) return <p>Loading…</p>;
  return <p>Signed in as {data.me.username}. <button onClick={session.signOut}>Sign out</button></p>;
}
