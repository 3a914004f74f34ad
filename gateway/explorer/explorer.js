/** Mounts GraphiQL on the page and connects it to the gateway through the sign-in helper. */

import { showSession } from "./bar.js";
import { exampleTabs, isRegisterExample, nextVariables } from "./examples.js";
import { Session } from "./session.js";

const { GraphiQL, React, ReactDOM } = globalThis;
const endpoint = document.querySelector("meta[name=graphql-endpoint]").content;
// Session storage, because typed passwords and tokens must end with the tab.
const storage = globalThis.sessionStorage;
const SAVED = "gateway:session";

async function send(params, headers) {
  const all = new Headers({
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json",
  });
  headers.forEach((value, name) => all.set(name, value));
  const response = await fetch(endpoint, { method: "POST", headers: all, body: JSON.stringify(params) });
  return response.json().catch(() => {
    throw new Error(`The server answered with status ${response.status} and no JSON.`);
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

/** Run an operation; once the account of the Register example exists, put another one into its tab. */
async function fetcher(params, { headers } = {}) {
  const answer = await session.run(params, headers);
  if (isRegisterExample(params) && params.query === activeQuery && (answer.data?.register || isTaken(answer))) {
    render({ variables: nextVariables() });
  }
  return answer;
}

function isTaken({ errors = [] }) {
  return errors.some(({ extensions }) => extensions?.fieldErrors?.some(({ code }) => code === "TAKEN"));
}

function noticeTab({ tabs, activeTabIndex }) {
  activeQuery = tabs[activeTabIndex].query ?? "";
  noticeHeaders(tabs[activeTabIndex].headers);
}

function noticeHeaders(text) {
  session.typed = typedAuthorization(text);
}

function typedAuthorization(text) {
  try {
    return new Headers(JSON.parse(text)).get("Authorization");
  } catch {
    return null;
  }
}

/** Keep the user signed in over a reload. While the page is open, a copy of its tab finds no tokens in storage. */
function surviveReloads() {
  const take = () => {
    const saved = storage.getItem(SAVED);
    storage.removeItem(SAVED);
    return saved;
  };
  session.restore(take());
  globalThis.addEventListener("pagehide", () => session.current && storage.setItem(SAVED, session.save()));
  globalThis.addEventListener("pageshow", ({ persisted }) => persisted && take());
}

function render(props) {
  root.render(React.createElement(GraphiQL, { ...always, ...props }));
}

// Read by GraphiQL's dialogs and menus, which add a style element.
globalThis.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;
const session = new Session(send, rootFields);
const tabs = firstTabs();
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
const always = {
  fetcher,
  defaultTabs: tabs,
  defaultEditorToolsVisibility: "variables",
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: false,
  onTabChange: noticeTab,
  onEditHeaders: noticeHeaders,
  storage,
};
let activeQuery = tabs[0].query;
surviveReloads();
showSession(session);
render({});
