/** The landing pages in a real browser, with the links and codes of real mail; the pages' gateway is a strict one. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { PASSWORD, ask, pause, somebody } from "../world.mjs";
import { launch } from "./chromium.mjs";

const { DATABASE, GATEWAY, MAILS, PAGES, PICTURE, PYTHON } = process.env;
const NEW_PASSWORD = "a wholly different staple";
const REGISTER = `mutation ($username: String!, $email: String!, $password: String!) {
  register(username: $username, email: $email, password: $password) { token } }`;
const SIGN_IN = "mutation ($login: String!, $password: String!) { tokenAuth(username: $login, password: $password) { token } }";
const FORGET = "mutation ($email: String!) { requestPasswordReset(email: $email) { accepted } }";
const CHANGE = `mutation ($newEmail: String!, $password: String!) {
  changeEmail(newEmail: $newEmail, password: $password) { accepted } }`;
const VERIFY = "mutation ($token: String!) { verifyEmail(token: $token) { user { email } } }";
let browser, context, page, complaints, requested;

before(async () => (browser = await launch()));
after(() => browser?.close());

beforeEach(async () => {
  [complaints, requested] = [[], []];
  context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requested.push(request.url()));
});

afterEach(async () => {
  assert.deepEqual(complaints, []);
  assert.deepEqual(requested.filter((url) => !url.startsWith(`${PAGES}/`)), []);
  await context.close();
});

/** The newest mail to an address that leads to a page; codes and tokens out of it. */
async function mailed(address, place, count = 1) {
  for (let tries = 0; tries < 150; tries += 1) {
    const mails = readdirSync(MAILS).flatMap((file) => readFileSync(`${MAILS}/${file}`, "utf8").split(/^-{79}$/m));
    const found = mails.filter((mail) => mail.includes(`\nTo: ${address}\n`) && mail.includes(`${PAGES}/account/${place}#`));
    if (found.length >= count) {
      const text = found.sort((one, other) => sentAt(one) - sentAt(other)).at(-1);
      return { token: /token=([\w-]+)/.exec(text)[1], code: /^.*\b([A-Z0-9]{4}-[A-Z0-9]{4})$/m.exec(text)?.[1] };
    }
    await pause(0.1);
  }
  throw new Error(`no mail to ${address} about ${place}`);
}

const sentAt = (mail) => Date.parse(/^Date: (.+)$/m.exec(mail)[1]);

async function join() {
  const user = somebody();
  const { data } = await ask(GATEWAY, REGISTER, user);
  return { ...user, token: data.register.token };
}

/** Open a link as a mail has it; its token is nowhere to be seen from then on. */
async function open(place, token = "", mark = "#") {
  await page.goto("about:blank");
  await page.goto(`${PAGES}/account/${place}${token && `${mark}token=${token}`}`);
  await page.locator("section:visible").waitFor();
  assert.equal(page.url(), `${PAGES}/account/${place}`);
  if (token) assert.ok(!(await page.content()).includes(token));
}

const field = (label) => page.locator("section:visible").getByLabel(label, { exact: true });
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const isShown = (heading) => page.getByRole("heading", { name: heading }).waitFor();
const says = (text) => page.getByText(text).filter({ visible: true }).waitFor();
const signIn = (login, password) => ask(GATEWAY, SIGN_IN, { login, password });
const codeOfSignIn = async (login, password) => (await signIn(login, password)).errors?.[0].extensions.code;

/** Make every proof as old as it may not be. */
function letProofsExpire() {
  const age = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], 30); c.execute(\"update users_proof set expires_at = '2020-01-01'\"); c.commit()";
  execFileSync(PYTHON, ["-c", age, DATABASE]);
}

test("a link confirms an address once its button is pressed, by the keyboard alone, and not before", async () => {
  const { username, email } = await join();
  const { token } = await mailed(email, "verify");
  await open("verify", token);
  await open("verify", token);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await isShown("Your email address is confirmed");
  await says(username);
  assert.ok(requested.every((url) => !url.includes(token.slice(0, 8))));
  await open("verify", token);
  await press("Confirm email address");
  await isShown("This link does not work");
});

test("a code confirms an address, however it is typed, and a wrong one says what to do", async () => {
  const { email } = await join();
  const { code } = await mailed(email, "verify");
  await open("verify");
  await field("Email address").fill(email);
  await field("Code from the email").fill("BBBB-BBBB");
  await press("Confirm email address");
  await says("This code is wrong");
  await field("Code from the email").fill(` ${code.toLowerCase().replace("-", " ")} `);
  await page.keyboard.press("Enter");
  await isShown("Your email address is confirmed");
});

test("a link that is too old leads to a new mail, whose link opens in the same tab", async () => {
  const { email } = await join();
  const { token } = await mailed(email, "verify");
  letProofsExpire();
  // In the query, as some mail programs leave no fragment: then it is requested, and gone from the address as well.
  await open("verify", token, "?");
  await press("Confirm email address");
  await isShown("This link has expired");
  await press("Get a new email");
  await press("Send a new email");
  await says("Fill in this field.");
  await field("Email address").fill(email);
  await press("Send a new email");
  await says("we have sent a new email");
  assert.equal(await field("Email address").inputValue(), email);
  const fresh = await mailed(email, "verify", 2);
  await page.evaluate((token) => (location.hash = `token=${token}`), fresh.token);
  await page.waitForURL(`${PAGES}/account/verify`);
  await press("Confirm email address");
  await isShown("Your email address is confirmed");
});

test("a link lets one choose a password: a weak one is refused under its field, and the link still works", async () => {
  const { username, email } = await join();
  await ask(GATEWAY, FORGET, { email });
  const { token } = await mailed(email, "reset");
  await open("reset", token);
  await field("New password").fill("password");
  await press("Show password");
  assert.equal(await field("New password").getAttribute("type"), "text");
  await press("Set new password");
  await says("This password is too common.");
  assert.equal(await field("New password").getAttribute("aria-invalid"), "true");
  await page.setViewportSize({ width: 760, height: 690 });
  if (PICTURE) await page.screenshot({ path: PICTURE });
  await field("New password").fill(NEW_PASSWORD);
  await press("Set new password");
  await isShown("Your new password is set");
  await says("One device was signed out.");
  assert.ok(!(await page.content()).includes(NEW_PASSWORD));
  assert.equal(await page.locator("#link-password").inputValue(), "");
  assert.equal(await codeOfSignIn(username, PASSWORD), "INVALID_CREDENTIALS");
  assert.equal(await codeOfSignIn(username, NEW_PASSWORD), undefined);
  await page.getByRole("link", { name: "Go to Gateway" }).and(page.locator("[href='https://app.example/']")).waitFor();
  await open("reset", token);
  await isShown("This link does not work");
});

test("a reset link that does not work is reported before a password is typed", async () => {
  const { email } = await join();
  await ask(GATEWAY, FORGET, { email });
  const { token } = await mailed(email, "reset");
  await open("reset", token);
  await field("New password").waitFor();
  await open("reset", "not-a-token-of-ours");
  await isShown("This link does not work");
  letProofsExpire();
  await open("reset", token);
  await isShown("This link has expired");
  await press("Get a new email");
  await field("Email address").waitFor();
});

test("a link whose check gets no answer still asks for the password", async () => {
  await page.route("**/graphql", (route) => route.abort());
  await open("reset", "a-token-of-a-link");
  await field("New password").waitFor();
  // The browser's own word about it.
  assert.equal(complaints.splice(0).length, 1);
});

test("whoever forgot a password asks for a mail, and chooses another by its code", async () => {
  const { username, email } = await join();
  await open("reset");
  await field("Email address").fill("nobody");
  await press("Send email");
  await says("Enter an email address, for example");
  await field("Email address").fill(email);
  await press("Send email");
  await says("If this email address has an account");
  const { code } = await mailed(email, "reset");
  assert.equal(await field("Email address").inputValue(), email);
  await field("Code from the email").fill(code);
  await field("New password").fill(NEW_PASSWORD);
  await press("Set new password");
  await isShown("Your new password is set");
  assert.equal(await codeOfSignIn(username, NEW_PASSWORD), undefined);
});

test("a change of address is undone, and the page says what that means before and after", async () => {
  const { username, email } = await join();
  const newEmail = `new-${email}`;
  const { token: first } = await mailed(email, "verify");
  await ask(GATEWAY, VERIFY, { token: first });
  const { token } = (await signIn(username, PASSWORD)).data.tokenAuth;
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ query: CHANGE, variables: { newEmail, password: PASSWORD } });
  assert.equal((await (await fetch(GATEWAY, { method: "POST", headers, body })).json()).errors, undefined);
  await ask(GATEWAY, VERIFY, { token: (await mailed(newEmail, "verify")).token });
  await open("undo");
  await isShown("Open the link in our email");
  const undo = await mailed(email, "undo");
  await open("undo", undo.token);
  await says("The current password stops working.");
  await press("Undo the change");
  await isShown("The change is undone");
  await says(email);
  assert.equal(await codeOfSignIn(username, PASSWORD), "INVALID_CREDENTIALS");
  await mailed(email, "reset");
});

const REFUSALS = [
  ["RATE_LIMITED", { retryAfter: 240 }, "Wait 4 minutes"],
  ["RATE_LIMITED", { retryAfter: 86_000 }, "Wait 24 hours"],
  ["SERVICE_UNAVAILABLE", { retryAfter: 3 }, "Try again in 3 seconds"],
  ["CONFLICT", {}, "another account has this email address now. Try again."],
  ["INTERNAL_SERVER_ERROR", { requestId: "request-12345" }, "quote request-12345"],
  ["BAD_USER_INPUT", { fieldErrors: [{ field: "token", code: "TOO_LONG", message: "That is too long." }] }, "That is too long."],
];

for (const [code, more, words] of REFUSALS) {
  test(`${code} with ${JSON.stringify(more)} is told in plain words, and the button works again`, async () => {
    const errors = [{ message: "raw prose", extensions: { code, ...more } }];
    await page.route("**/graphql", (route) => route.fulfill({ json: { data: null, errors } }));
    await open("verify", "a-token-of-a-link");
    await press("Confirm email address");
    await says(words);
    assert.ok(!(await page.locator("body").innerText()).includes(code));
    await page.unroute("**/graphql");
    await press("Confirm email address");
    await isShown("This link does not work");
  });
}

test("no answer, and one that is none of the gateway's, are told in plain words too", async () => {
  const { email } = await join();
  await ask(GATEWAY, FORGET, { email });
  await open("reset", (await mailed(email, "reset")).token);
  await field("New password").fill(NEW_PASSWORD);
  await context.setOffline(true);
  await press("Set new password");
  await says("Check your internet connection");
  await context.setOffline(false);
  await page.route("**/graphql", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway" }));
  await press("Set new password");
  await says("The server is busy.");
  // The browser's own word about both.
  assert.equal(complaints.splice(0).length, 2);
});
