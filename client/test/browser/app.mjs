/** The example app on an origin of its own, in a real browser. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { newUser } from "../world.mjs";

const CLIENT = fileURLToPath(new URL("../..", import.meta.url));
const EXAMPLE = join(CLIENT, "example");
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml" };

/** Build the example for a gateway. In development React's Strict Mode runs every effect twice. */
export async function buildApp({ url, mode, outDir, isDevelopment = false }) {
  const vite = createRequire(join(EXAMPLE, "package.json")).resolve("vite");
  const { build } = await import(pathToFileURL(vite));
  process.env.VITE_GATEWAY_URL = url;
  process.env.VITE_GATEWAY_MODE = mode;
  process.env.NODE_ENV = isDevelopment ? "development" : "production";
  await build({ root: EXAMPLE, mode: process.env.NODE_ENV, logLevel: "error", build: { outDir, emptyOutDir: true } });
}

/** Serve a built app, whose paths all lead to its page, and the modules of the package below /package/. */
export async function serveApp(port, folder) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://app");
    const isPackage = pathname.startsWith("/package/");
    const name = extname(pathname) ? pathname : "/index.html";
    const file = isPackage ? join(CLIENT, "dist", name.slice("/package".length)) : join(folder, name);
    const body = await readFile(file).catch(() => null);
    response.writeHead(body ? 200 : 404, { "Content-Type": TYPES[extname(name)] ?? "text/plain" }).end(body ?? "");
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** The name of the operation that a request sends, or undefined. */
export function operationOf(request) {
  const text =
    request.method() === "POST" ? request.postDataJSON()?.query : new URL(request.url()).searchParams.get("query");
  return /^\s*(?:query|mutation) (\w+)/.exec(text ?? "")?.[1];
}

/** Answer operations of a page, or of all pages of a context, instead of the gateway: by name, from their variables. */
export async function fake(target, gateway, answers) {
  await target.route(`${gateway}**`, async (route) => {
    const request = route.request();
    const answer = answers[operationOf(request)];
    if (!answer || request.method() === "OPTIONS") return route.fallback();
    const json = await answer(request.method() === "POST" ? (request.postDataJSON().variables ?? {}) : {}, route);
    if (json === undefined) return;
    const headers = {
      "Access-Control-Allow-Origin": request.headers().origin,
      "Access-Control-Allow-Credentials": "true",
    };
    await route.fulfill({ headers, json });
  });
}

export const refusal = (code, more = {}) => ({
  data: null,
  errors: [{ message: `Refused: ${code}`, extensions: { code, ...more } }],
});

/** Create an account; fails unless it signs in. */
export async function signUp(page, app, user = newUser()) {
  await fillSignUp(page, app, user);
  await signedIn(page, user);
  return user;
}

export async function fillSignUp(page, app, user) {
  await page.goto(`${app}/sign-up`);
  await page.getByLabel("Username").fill(user.username);
  await page.getByLabel("Email").fill(user.email);
  await page.getByLabel("Password", { exact: true }).fill(user.password);
  await page.getByRole("button", { name: "Create account" }).click();
}

export async function signIn(page, { username, password }) {
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export const signedIn = (page, { username }) => page.getByRole("banner").getByText(username, { exact: true }).waitFor();
export const signedOut = (page) => page.getByRole("heading", { name: "Sign in" }).waitFor();
export const signOut = (page) => page.getByRole("button", { name: "Sign out", exact: true }).click();
