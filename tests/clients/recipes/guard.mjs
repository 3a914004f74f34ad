/** Verifies access tokens of the gateway: `caller` returns the claims or throws. */

import { createRemoteJWKSet, jwtVerify } from "jose";

const GATEWAY = process.env.GATEWAY_ORIGIN ?? "http://localhost:8000";
const ISSUER = process.env.GATEWAY_ISSUER ?? GATEWAY;
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", GATEWAY), { cacheMaxAge: 300_000 });

/** Return the claims of a valid Authorization header; `sub` is the user's id. */
export async function caller(authorization = "") {
  const { payload } = await jwtVerify(authorization.replace(/^Bearer /, ""), keys, {
    issuer: ISSUER,
    audience: "gateway",
    typ: "at+jwt",
    algorithms: ["ES256"],
    requiredClaims: ["exp", "iat", "sub", "sid"],
    clockTolerance: 30,
  });
  return payload;
}
