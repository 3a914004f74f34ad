/** The recipe that guards a Node service, against a live gateway and through a rotation. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { before, mock, test } from "node:test";
import { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, generateKeyPair } from "jose";
import { caller } from "./recipes/guard.mjs";
import { REGISTER, ask, pause, somebody } from "./world.mjs";

const { GATEWAY, GATEWAY_ORIGIN, PYTHON, ROTATED } = process.env;
const JWKS = new URL("/.well-known/jwks.json", GATEWAY_ORIGIN);
let token;

async function join() {
  const { data } = await ask(GATEWAY, REGISTER, somebody());
  return data.register.token;
}

const signed = (claims, key, header) =>
  new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...header }).sign(key);

before(async () => {
  token = await join();
});

test("a token of ours tells who asks", async () => {
  assert.equal((await caller(`Bearer ${token}`)).sub, decodeJwt(token).sub);
});

test("S-33 S-34 S-35: every forged token is refused", async () => {
  const claims = decodeJwt(token);
  const { kid } = decodeProtectedHeader(token);
  const ours = await (await fetch(JWKS)).json();
  const stranger = (await generateKeyPair("ES256")).privateKey;
  const [head, payload, signature] = token.split(".");
  const grown = Buffer.from(JSON.stringify({ ...claims, sub: "someone" })).toString("base64url");
  const forged = {
    unsigned: new UnsecuredJWT(claims).encode(),
    "HMAC of the public key": await signed(claims, Buffer.from(JSON.stringify(ours)), { alg: "HS256", kid }),
    "a stranger's key of our name": await signed(claims, stranger, { kid }),
    "a stranger's key": await signed(claims, stranger, { kid: "stranger" }),
    "another algorithm": await signed(claims, (await generateKeyPair("EdDSA")).privateKey, { alg: "EdDSA", kid }),
    "other claims": `${head}.${grown}.${signature}`,
    "no signature": `${head}.${payload}.`,
    rubbish: "a.b.c",
    nothing: "",
  };
  for (const [name, each] of Object.entries(forged)) {
    await assert.rejects(caller(`Bearer ${each}`), undefined, name);
  }
});

test("S-38: a token of ours is refused where it is over", async () => {
  mock.timers.enable({ apis: ["Date"], now: (decodeJwt(token).exp + 60) * 1000 });
  try {
    await assert.rejects(caller(`Bearer ${token}`), { code: "ERR_JWT_EXPIRED" });
  } finally {
    mock.timers.reset();
  }
});

test("S-92: tokens of before and after a rotation are taken", async () => {
  execFileSync(PYTHON, ["manage.py", "rotate_keys", "--now"], { cwd: "../..", env: JSON.parse(ROTATED) });
  await pause(2);
  const later = await join();
  assert.notEqual(decodeProtectedHeader(later).kid, decodeProtectedHeader(token).kid);
  for (const each of [token, later]) {
    assert.equal((await caller(`Bearer ${each}`)).sub, decodeJwt(each).sub);
  }
});
