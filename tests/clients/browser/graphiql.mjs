/** Drives GraphiQL in a real browser: `node graphiql.mjs <gateway's URL> <screenshot.png>`. */

import assert from "node:assert/strict";
import process from "node:process";
import { launch } from "./chromium.mjs";

const [origin, picture] = process.argv.slice(2);

/** A page whose every complaint, and every request to another origin, is written down. */
async function open(browser) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== new URL(origin).origin) {
      complaints.push(`foreign request: ${request.url()}`);
    }
  });
  return { page, complaints };
}

/** What the page sends to the gateway from here on: the operation's name and its Authorization. */
function record(page) {
  const sent = [];
  page.on("request", (request) => {
    if (request.method() !== "POST") return;
    const [, name] = /(?:query|mutation)\s+(\w+)/.exec(request.postDataJSON().query) ?? [];
    sent.push({ name, authorization: request.headers().authorization });
  });
  return sent;
}

/** Choose a tab, run it, and wait for an answer that holds the text. */
async function run(page, tab, expected) {
  await page.getByRole("tab", { name: tab }).click();
  await page.waitForTimeout(100);
  await page.getByRole("button", { name: /Execute query/ }).click();
  await waitForAnswer(page, expected);
}

async function waitForAnswer(page, expected) {
  const answer = page.locator(".result-window .CodeMirror-code");
  await answer.filter({ hasText: expected }).waitFor().catch(async () => {
    throw new Error(`no answer with ${expected}, but: ${await answer.innerText()}`);
  });
}

/** GraphiQL with the answer and the documentation side by side. */
async function takePicture(page) {
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.locator(".graphiql-doc-explorer").getByText("Query", { exact: true }).click();
  await page.mouse.move(640, 790);
  await page.waitForTimeout(500);
  await page.screenshot({ path: picture });
  await page.getByRole("button", { name: "Hide Documentation Explorer" }).click();
}

function checkPolicy(response) {
  const policy = response.headers()["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'none'/, "the page has no strict Content-Security-Policy");
  assert.doesNotMatch(policy, /unsafe-/, "the Content-Security-Policy allows unsafe code");
}

async function typedUsername(page) {
  const variables = await page.getByRole("region", { name: "Variables" }).innerText();
  return /"username": "([^"]+)"/.exec(variables)[1];
}

async function signInAndReadMe(page, sent) {
  await run(page, "Me", "UNAUTHENTICATED");
  await page.getByRole("tab", { name: "Register" }).click();
  const username = await typedUsername(page);
  await run(page, "Register", username);
  await page.getByText(`Signed in as ${username}`).waitFor();
  await registerAgain(page, username);
  await run(page, "SignIn", "refreshExpiresIn");
  await run(page, "Me", username);
  await waitForAnswer(page, '"isCurrent": true');
  assert.equal(sent.find(({ name }) => name === "SignIn").authorization, undefined, "a token went with tokenAuth");
  assert.match(sent.at(-1).authorization ?? "", /^Bearer ey/, "the token was not sent with Me");
  return username;
}

/** Register a second time: the tab holds another name by then. The tab SignIn signs in to the first account. */
async function registerAgain(page, username) {
  await page.getByRole("region", { name: "Variables" }).filter({ hasNotText: username }).waitFor();
  const next = await typedUsername(page);
  await page.getByRole("button", { name: /Execute query/ }).click();
  await page.getByText(`Signed in as ${next}`).waitFor();
}

/** A reload keeps the user signed in, and while the page is open no token lies in storage. */
async function reload(page, username) {
  await page.reload();
  await page.getByText(`Signed in as ${username}`).waitFor();
  const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.doesNotMatch(stored, /eyJ/, "a token lies in storage");
  await run(page, "Me", '"isCurrent": true');
}

/** On a phone nothing is wider than the screen, and editor and answer have its width. */
async function lookFromAPhone(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  const widths = await page.evaluate(() =>
    [".graphiql-editors", ".graphiql-response"].map((part) => document.querySelector(part).clientWidth),
  );
  assert.ok(widths.every((width) => width > 340), `too narrow: ${widths}`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await run(page, "Me", '"isCurrent": true');
  await page.screenshot({ path: picture.replace(".png", "-phone.png") });
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** The dialogs and menus add a style element, which the policy must let through. */
async function tryTheCorners(page) {
  for (const name of ["Open settings dialog", "Open short keys dialog"]) {
    await page.getByRole("button", { name }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  await page.getByRole("button", { name: "Show History" }).click();
  await page.locator(".graphiql-history-item").filter({ hasText: "Register" }).first().waitFor();
}

/** A header typed by hand is sent as it is. */
async function typeAHeader(page, sent) {
  await page.getByRole("button", { name: "Headers" }).click();
  const editor = page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror");
  await editor.click();
  await page.keyboard.insertText('{"Authorization": "Bearer by.hand"}');
  await page.getByText("Requests send Authorization: Bearer by.hand from the Headers tab.").waitFor();
  await page.getByRole("button", { name: /Execute query/ }).click();
  await waitForAnswer(page, "UNAUTHENTICATED");
  assert.equal(sent.at(-1).authorization, "Bearer by.hand", "the typed header was not sent as it was typed");
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.getByText(/^Requests send Authorization: Bearer eyJ/).waitFor();
  await page.getByRole("button", { name: "Variables" }).click();
}

/** Almost the token's whole life passes: another takes its place, and `me` still answers. */
async function outliveTheToken(page, sent, username) {
  const before = sent.at(-1).authorization;
  await page.clock.fastForward("04:45");
  await assertSoon(() => sent.some(({ name }) => name === "Renew"), "the token was not renewed before it expired");
  await run(page, "Me", username);
  assert.equal(sent.find(({ name }) => name === "Renew").authorization, undefined, "a token went with refreshToken");
  assert.notEqual(sent.at(-1).authorization, before, "the old token is still sent");
}

async function assertSoon(isTrue, message) {
  for (let tries = 0; tries < 100 && !isTrue(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(isTrue(), message);
}

async function signOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Not signed in").waitFor();
  await run(page, "Me", "UNAUTHENTICATED");
}

async function visit(browser) {
  const { page, complaints } = await open(browser);
  const sent = record(page);
  await page.clock.install();
  checkPolicy(await page.goto(new URL("/graphql", origin).href));
  await page.getByRole("button", { name: /Execute query/ }).waitFor();
  const username = await signInAndReadMe(page, sent);
  await takePicture(page);
  await typeAHeader(page, sent);
  await reload(page, username);
  if (!process.env.UPDATE_SCREENSHOT) await lookFromAPhone(page);
  await outliveTheToken(page, sent, username);
  await tryTheCorners(page);
  await signOut(page);
  assert.deepEqual(complaints, [], "the browser complained");
}

async function main() {
  assert.ok(origin && picture, "usage: node graphiql.mjs <gateway's URL> <screenshot.png>");
  const browser = await launch();
  try {
    await visit(browser);
  } finally {
    await browser.close();
  }
}

try {
  await main();
  console.log(`graphiql: register, sign in, me, renewal and sign-out work; ${picture} is written`);
} catch (error) {
  console.error(`graphiql: ${error.message}`);
  process.exitCode = 1;
}
