/** Mounts GraphiQL on the page and connects it to the gateway through the sign-in helper. */

import { showSession } from "./bar.js";
import { exampleTabs, isRegisterExample, nextVariables } from "./examples.js";
import { enablePasskeys } from "./passkeys.js";
import { Session } from "./session.js";

const { GraphiQL, React, ReactDOM } = globalThis;
const endpoint = document.querySelector("meta[name=graphql-endpoint]").content;
// Session storage, because typed passwords and tokens must end with the tab.
const storage = globalThis.sessionStorage;
const STORAGE_KEY = "gateway:session";

async function send(params, headers) {
  const allHeaders = new Headers({
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json",
  });
  headers.forEach((value, name) => allHeaders.set(name, value));
  const response = await fetch(endpoint, { method: "POST", headers: allHeaders, body: JSON.stringify(params) });
  return response.json().catch(() => {
    throw new Error(`The server responded with status ${response.status} and no JSON.`);
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

function askCode(methods) {
  // A passkey has a button of its own.
  if (!methods.includes("TOTP") && !methods.includes("RECOVERY_CODE")) return null;
  return globalThis.prompt("Two-factor authentication: enter a code of your authenticator app, or a recovery code.");
}

function firstTabs() {
  const tabs = exampleTabs();
  if (!storage.getItem("graphiql:tabState")) {
    // GraphiQL reads the variables of the first tab from its storage only.
    storage.setItem("graphiql:variables", tabs[0].variables);
  }
  return tabs;
}

/** Run an operation. When the account of the Register example exists, put another one into its tab. */
async function fetcher(params, { headers } = {}) {
  const response = await session.run(params, headers);
  if (isRegisterExample(params) && params.query === activeQuery && (response.data?.register || isTaken(response))) {
    render({ variables: nextVariables() });
  }
  return response;
}

function isTaken({ errors = [] }) {
  return errors.some(({ extensions }) => extensions?.fieldErrors?.some(({ code }) => code === "TAKEN"));
}

function onTabChange({ tabs, activeTabIndex }) {
  activeQuery = tabs[activeTabIndex].query ?? "";
  onEditHeaders(tabs[activeTabIndex].headers);
}

function onEditHeaders(text) {
  session.typed = typedAuthorization(text);
}

function typedAuthorization(text) {
  try {
    return new Headers(JSON.parse(text)).get("Authorization");
  } catch {
    return null;
  }
}

/** Keep the user signed in over a reload. The tokens are in storage during the reload only, so a duplicated tab has none. */
function keepSessionOnReload() {
  const take = () => {
    const saved = storage.getItem(STORAGE_KEY);
    storage.removeItem(STORAGE_KEY);
    return saved;
  };
  session.restore(take());
  globalThis.addEventListener("pagehide", () => session.current && storage.setItem(STORAGE_KEY, session.save()));
  globalThis.addEventListener("pageshow", ({ persisted }) => persisted && take());
}

function render(props) {
  root.render(React.createElement(GraphiQL, { ...commonProps, ...props }));
}

// GraphiQL's dialogs and menus add a style element with this nonce.
globalThis.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;
const session = new Session(send, rootFields, askCode);
const tabs = firstTabs();
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
const commonProps = {
  fetcher,
  defaultTabs: tabs,
  defaultEditorToolsVisibility: "variables",
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: false,
  onTabChange,
  onEditHeaders,
  storage,
};
let activeQuery = tabs[0].query;
keepSessionOnReload();
enablePasskeys(session, showSession(session));
render({});
