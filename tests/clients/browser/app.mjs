/** A single-page application with no build step: the client package, urql and Apollo, as modules, on an origin of its own. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

const MODULES = {
  "@urql/core": "/node_modules/@urql/core/dist/urql-core.mjs",
  "@urql/exchange-auth": "/node_modules/@urql/exchange-auth/dist/urql-exchange-auth.mjs",
  "@0no-co/graphql.web": "/node_modules/@0no-co/graphql.web/dist/graphql.web.mjs",
  wonka: "/node_modules/wonka/dist/wonka.mjs",
  ...apollo(),
  rxjs: "/node_modules/rxjs/dist/esm/index.js",
  graphql: "/node_modules/graphql/index.mjs",
  "graphql-tag": "/node_modules/graphql-tag/lib/index.js",
  optimism: "/node_modules/optimism/lib/index.js",
  tslib: "/node_modules/tslib/tslib.es6.mjs",
  ...Object.fromEntries(
    ["caches", "context", "equality", "trie"].map((name) => [`@wry/${name}`, `/node_modules/@wry/${name}/lib/index.js`]),
  ),
};
// Bundlers put the value of `process.env.NODE_ENV` in; here it must be there.
const PAGE = `<!doctype html><title>App</title><link rel="icon" href="data:">
<script>globalThis.process = { env: { NODE_ENV: "production" } }</script>
<script type="importmap">${JSON.stringify({ imports: MODULES })}</script>`;
const FOLDERS = {
  "/package/": "../../../client/dist/",
  "/recipes/": "../build/recipes/",
  "/node_modules/": "../node_modules/",
};

/** Where each entry of Apollo lies, by the package's own word. */
function apollo() {
  const { exports } = JSON.parse(readFileSync(new URL("../node_modules/@apollo/client/package.json", import.meta.url)));
  const place = (entry) => (typeof entry === "string" ? entry : place(entry.module ?? entry.default));
  const plain = Object.keys(exports).filter((name) => !/[*.]\w|\*/.test(name));
  return Object.fromEntries(
    plain.map((name) => [`@apollo/client${name.slice(1)}`, `/node_modules/@apollo/client${place(exports[name]).slice(1)}`]),
  );
}

async function answer(request, response) {
  const path = new URL(request.url, "http://app").pathname;
  const folder = Object.keys(FOLDERS).find((each) => path.startsWith(each));
  if (!folder) return response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
  // rxjs leaves the ends of its files' names to bundlers.
  const name = path.slice(folder.length).replace(/(?<!js)$/, ".js");
  const file = new URL(FOLDERS[folder] + name, import.meta.url);
  return response.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "max-age=60" }).end(await readFile(file));
}

/** Serve the application, over TLS where a certificate is given; resolves when it is there. */
export function serve(port, tls) {
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}
