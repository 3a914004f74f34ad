/** Use instead of session.ts if the gateway is in cookie mode: no script can read the refresh token. */

const SIGN_IN = /* GraphQL */ `mutation SignIn($login: String!, $password: String!) {
  pair: tokenAuth(username: $login, password: $password) { token } }`;
const RENEW = /* GraphQL */ `mutation Renew { pair: refreshToken { token } }`;
const SIGN_OUT = /* GraphQL */ `mutation SignOut { revokeToken { revoked } }`;

// Not a secret. It marks that a user is signed in, so that a reload renews and a sign-out reaches all tabs.
const KEY = "gateway.isSignedIn";
type Pair = { token: string | null };

/** An error of the gateway: act on `extensions.code`, show `message`. */
export class GatewayError extends Error {
  readonly extensions: { code: string; [more: string]: unknown };

  constructor(message: string, extensions: GatewayError["extensions"]) {
    super(message);
    this.extensions = extensions;
  }
}

export class Session {
  readonly url: string;
  readonly onSignedOut: (code?: string) => void;
  token: string | null = null;
  readonly credentials: RequestCredentials = "include";
  #renewal: Promise<void> | null = null;
  #tabs = new BroadcastChannel(KEY);

  constructor(url: string, onSignedOut: (code?: string) => void = () => {}) {
    this.url = url;
    this.onSignedOut = onSignedOut;
    // All tabs use a token that one tab renewed, and a sign-out in one tab signs out all of them.
    this.#tabs.onmessage = ({ data }) => (this.token = data);
    globalThis.addEventListener?.("storage", ({ key, newValue }) => key === KEY && !newValue && this.#end());
  }

  get isSignedIn() { return localStorage.getItem(KEY) !== null; }
  signIn = async (login: string, password: string) => this.keep(await ask(this.url, SIGN_IN, { login, password }));
  signOut = () => inOneTab(async () => {
    this.#end();
    await ask(this.url, SIGN_OUT);
  });

  /** Replace a refused access token. Concurrent calls share one request; none is sent if a newer token is here. */
  async renew(refused: string | null = null): Promise<void> {
    if (this.token && this.token !== refused) return;
    await (this.#renewal ??= inOneTab(() => this.#rotate(refused)).finally(() => { this.#renewal = null; }));
  }

  async #rotate(refused: string | null) {
    if (!this.isSignedIn || (this.token && this.token !== refused)) return;
    try {
      this.keep(await ask(this.url, RENEW));
    } catch (error) {
      if (!(error instanceof GatewayError && error.extensions.code.startsWith("TOKEN_"))) throw error;
      this.#end(error.extensions.code);
    }
  }

  /** Store the payload of `tokenAuth` or `register`. */
  keep({ token }: Pair) {
    localStorage.setItem(KEY, "yes");
    this.#tabs.postMessage((this.token = token));
  }

  #end(code?: string) {
    this.token = null;
    localStorage.removeItem(KEY);
    this.onSignedOut(code);
  }
}

async function ask(url: string, query: string, variables: Record<string, string> = {}): Promise<Pair> {
  const body = JSON.stringify({ query, variables });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", credentials: "include", headers, body });
  const { data, errors } = await answer.json();
  if (errors) throw new GatewayError(errors[0].message, errors[0].extensions);
  return data.pair;
}

/** Run in one tab at a time, if Web Locks exist. Otherwise the gateway gives concurrent tabs the same tokens. */
const inOneTab = async <T>(act: () => Promise<T>): Promise<T> => navigator.locks?.request(KEY, act) ?? act();
