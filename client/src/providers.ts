/** Sign-in with a provider, such as Google. The browser goes to the provider and comes back to a page of yours. */

import { type Auth, type Reauthenticated, SESSION, type SecondFactorRequired, type SignedIn } from "./auth.js";
import { type Done, type Refused, refused } from "./gateway.js";
import type { Identity, ProviderPurpose, ProviderResponse } from "./schema.js";

const START = `mutation StartProviderSignIn($provider: String!, $redirectTo: String!, $purpose: ProviderPurpose) {
  startProviderSignIn(provider: $provider, redirectTo: $redirectTo, purpose: $purpose) { url attempt } }`;
const SIGN_IN = `mutation ProviderSignIn($response: ProviderResponse!, $deviceName: String) {
  session: providerAuth(response: $response, deviceName: $deviceName) { isNewUser ${SESSION} } }`;
const LINK = `mutation LinkProvider($response: ProviderResponse!) {
  linkProvider(response: $response) { identity { id provider email createdAt lastUsedAt } } }`;

const KEY = "auth-gateway.provider";

export interface ProviderStart {
  /** A name of `signInOptions { providers { name } }`. */
  provider: string;
  /** The page that calls `finish`; one of the gateway's GATEWAY_PROVIDER_REDIRECTS. */
  redirectTo: string;
  purpose?: ProviderPurpose;
}

export type ProviderResult = SignedIn | SecondFactorRequired | Reauthenticated | Done<Identity> | Refused;

export function createProviders(auth: Auth) {
  let finishing: Promise<ProviderResult> | null = null;

  return {
    /** Leave the page for the provider. */
    async start({ provider, redirectTo, purpose = "SIGN_IN" }: ProviderStart): Promise<Done<null> | Refused> {
      const result = await auth.request<{ startProviderSignIn: { url: string; attempt: string } }>(START, {
        provider,
        redirectTo,
        purpose,
      });
      if (result.status === "refused") return result;
      const { url, attempt } = result.data.startProviderSignIn;
      sessionStorage.setItem(KEY, JSON.stringify({ attempt, purpose }));
      location.assign(url);
      return { status: "done", data: null };
    },

    /**
     * Take the provider's answer from the URL of this page, and sign in, link or reauthenticate, as it was started.
     * Returns null if the URL has no answer. Repeated calls return the same result.
     */
    finish({ deviceName }: { deviceName?: string } = {}): Promise<ProviderResult> | null {
      const parameters = new URLSearchParams(location.search);
      const state = parameters.get("state");
      if (state === null) return finishing;
      const code = parameters.get("code");
      const iss = parameters.get("iss");
      const error = parameters.get("error_description") ?? parameters.get("error");
      for (const name of [
        "state",
        "code",
        "iss",
        "error",
        "error_description",
        "error_uri",
        "session_state",
        "scope",
      ]) {
        parameters.delete(name);
      }
      const rest = parameters.size > 0 ? `?${parameters}` : "";
      history.replaceState(history.state, "", location.pathname + rest + location.hash);
      const started = sessionStorage.getItem(KEY);
      sessionStorage.removeItem(KEY);
      if (code === null) {
        finishing = Promise.resolve(refused("ABORTED", error ?? "The provider did not confirm the sign-in."));
      } else if (started === null) {
        finishing = Promise.resolve(refused("ABORTED", "This sign-in was started in another tab. Start again."));
      } else {
        const { attempt, purpose } = JSON.parse(started) as { attempt: string; purpose: ProviderPurpose };
        finishing = complete(purpose, { attempt, code, state, ...(iss !== null && { iss }) }, deviceName);
      }
      return finishing;
    },
  };

  async function complete(
    purpose: ProviderPurpose,
    response: ProviderResponse,
    deviceName?: string,
  ): Promise<ProviderResult> {
    if (purpose === "REAUTHENTICATE") return auth.reauthenticate({ provider: response });
    if (purpose === "SIGN_IN") {
      return (await auth.authenticate(SIGN_IN, { response, deviceName })) as SignedIn | SecondFactorRequired | Refused;
    }
    const result = await auth.request<{ linkProvider: { identity: Identity } }>(LINK, { response });
    return result.status === "refused" ? result : { status: "done", data: result.data.linkProvider.identity };
  }
}
