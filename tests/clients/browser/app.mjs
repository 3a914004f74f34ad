/** A single-page application with no build step: the recipes and urql, as modules, on an origin of its own. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const MODULES = {
  "@urql/core": "/node_modules/@urql/core/dist/urql-core.mjs",
  "@urql/exchange-auth": "/node_modules/@urql/exchange-auth/dist/urql-exchange-auth.mjs",
  "@0no-co/graphql.web": "/node_modules/@0no-co/graphql.web/dist/graphql.web.mjs",
  wonka: "/node_modules/wonka/dist/wonka.mjs",
};
// Bundlers put the value of `process.env.NODE_ENV` in; here it must be there.
const PAGE = `<!doctype html><title>App</title><link rel="icon" href="data:">
<script>globalThis.process = { env: { NODE_ENV: "production" } }</script>
<script type="importmap">${JSON.stringify({ imports: MODULES })}</script>`;
const FOLDERS = { "/recipes/": "../build/recipes/", "/node_modules/": "../node_modules/" };

async function answer(request, response) {
  const path = new URL(request.url, "http://app").pathname;
  const folder = Object.keys(FOLDERS).find((each) => path.startsWith(each));
  if (!folder) return response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
  const file = new URL(FOLDERS[folder] + path.slice(folder.length), import.meta.url);
  return response.writeHead(200, { "Content-Type": "text/javascript" }).end(await readFile(file));
}

/** Serve the application; resolves when it is there. */
export function serve(port) {
  const server = createServer(answer);
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}
