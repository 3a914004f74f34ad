/** A page that signs in, shows the signed-in user, and signs out; with urql. */

import { createRoot } from "react-dom/client";
import { Provider, gql, useQuery } from "urql";
import { SignIn } from "./SignIn.js";
import { Session } from "./session.js";
import { urqlClient } from "./urql.js";

const ME = gql<{ me: { username: string; email: string } }>`query Me { me { username email } }`;

const root = createRoot(document.getElementById("root")!);
const session = new Session("http://localhost:8000/graphql", render);
render();

/** Called after each sign-in and sign-out, because each user needs a new client. */
function render() {
  if (!session.isSignedIn) return root.render(<SignIn session={session} onSignedIn={render} />);
  root.render(<Provider value={urqlClient(session)}><Profile /></Provider>);
}

function Profile() {
  const [{ data, error }] = useQuery({ query: ME });
  if (error) return <p role="alert">{error.message}</p>;
  if (!data) return <p>Loading…</p>;
  return <p>Signed in as {data.me.username}. <button onClick={session.signOut}>Sign out</button></p>;
}
