/** The clients of this page. They are created once, outside of components. */

import { createAuth } from "auth-gateway-client";
import { createPasskeys } from "auth-gateway-client/passkeys";
import { createProviders } from "auth-gateway-client/providers";

export const auth = createAuth({
  url: import.meta.env.VITE_GATEWAY_URL ?? "http://localhost:8000/graphql",
  mode: import.meta.env.VITE_GATEWAY_MODE === "cookie" ? "cookie" : "header",
});
export const passkeys = createPasskeys(auth);
export const providers = createProviders(auth);
