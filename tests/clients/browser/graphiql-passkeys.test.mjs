/** The passkey button of GraphiQL: one press adds a passkey, and one press signs in with it. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { authenticator } from "./passkeys.mjs";

const { ORIGIN, PICTURE } = process.env;
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

async function open(address = ORIGIN) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(10_000);
  await page.goto(new URL("/graphql", address).href);
  await page.getByRole("button", { name: /Execute query/ }).click();
  await page.getByText(/^Signed in as alice_/).waitFor();
  return page;
}

test("a newcomer adds a passkey with one press and signs in with another", async () => {
  const page = await open();
  await authenticator(page);
  const user = await page.locator("#status").innerText();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey is added.").waitFor();
  if (PICTURE) await page.screenshot({ path: PICTURE });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText(user).waitFor();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("This device already has a passkey of the account.").waitFor();
});

test("without a passkey the button says what is wrong", async () => {
  const page = await open();
  await authenticator(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("The browser used no passkey").waitFor();
});

test("the page at 127.0.0.1 says where passkeys work", async () => {
  const page = await open(ORIGIN.replace("localhost", "127.0.0.1"));
  await authenticator(page);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("open http://localhost, not 127.0.0.1").waitFor();
});
