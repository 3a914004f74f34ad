/** Mounts GraphiQL on the page, with the sign-in helper between it and the gateway. */

import { showSession } from "./bar.js";
import { exampleTabs } from "./examples.js";
import { Session } from "./session.js";

const { GraphiQL, React, ReactDOM } = globalThis;
const endpoint = document.querySelector("meta[name=graphql-endpoint]").content;
// Session storage, not local: what is typed here holds passwords, and must end with the tab.
const storage = globalThis.sessionStorage;

async function send(params, headers) {
  const all = new Headers({
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json",
  });
  headers.forEach((value, name) => all.set(name, value));
  const response = await fetch(endpoint, { method: "POST", headers: all, body: JSON.stringify(params) });
  return response.json().catch(() => {
    throw new Error(`The server answered ${response.status}, and not in JSON.`);
  });
}

function rootFields({ query, operationName }) {
  try {
    const operation = GraphiQL.GraphQL.getOperationAST(GraphiQL.GraphQL.parse(query), operationName);
    return operation.selectionSet.selections.map(({ name }) => name?.value);
  } catch {
    return [];
  }
}

function firstTabs() {
  const tabs = exampleTabs();
  if (!storage.getItem("graphiql:tabState")) {
    // GraphiQL shows the first tab's variables only where it finds them stored.
    storage.setItem("graphiql:variables", tabs[0].variables);
  }
  return tabs;
}

// Read by GraphiQL's dialogs and menus, for the style element that they add.
globalThis.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;
const session = new Session(send, rootFields);
showSession(session);
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: (params, { headers } = {}) => session.run(params, headers),
    defaultTabs: firstTabs(),
    defaultEditorToolsVisibility: "variables",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    storage,
  }),
);
