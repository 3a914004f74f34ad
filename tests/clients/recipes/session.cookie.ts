/** In place of session.ts where the gateway is in cookie mode: no script ever sees the refresh token. */

const SIGN_IN = /* GraphQL */ `mutation SignIn($login: String!, $password: String!) {
  pair: tokenAuth(username: $login, password: $password) { token } }`;
const RENEW = /* GraphQL */ `mutation Renew { pair: refreshToken { token } }`;
const SIGN_OUT = /* GraphQL */ `mutation SignOut { revokeToken { revoked } }`;

// No secret: that somebody is signed in, so that a reload renews and a sign-out reaches every tab.
const KEY = "gateway.isSignedIn";
type Pair = { token: string | null };

/** What the gateway refused: `extensions.code` is for the program, `message` for people. */
export class Refused extends Error {
  constructor(message: string, readonly extensions: { code: string; [more: string]: unknown }) { super(message); }
}

export class Session {
  token: string | null = null;
  readonly credentials: RequestCredentials = "include";
  #renewal: Promise<void> | null = null;
  #tabs = new BroadcastChannel(KEY);

  constructor(readonly url: string, readonly onSignedOut = (_code?: string): void => {}) {
    // What one tab renews serves all, and signed out in one is signed out in all.
    this.#tabs.onmessage = ({ data }) => (this.token = data);
    globalThis.addEventListener?.("storage", ({ key, newValue }) => key === KEY && !newValue && this.#end());
  }

  get isSignedIn() { return localStorage.getItem(KEY) !== null; }
  signIn = async (login: string, password: string) => this.keep(await ask(this.url, SIGN_IN, { login, password }));
  signOut = () => oneTab(async () => {
    this.#end();
    await ask(this.url, SIGN_OUT);
  });

  /** The next token in place of a refused one: one request for all who ask, none where it is here already. */
  async renew(refused: string | null = null): Promise<void> {
    if (this.token && this.token !== refused) return;
    await (this.#renewal ??= oneTab(() => this.#rotate(refused)).finally(() => { this.#renewal = null; }));
  }

  async #rotate(refused: string | null) {
    if (!this.isSignedIn || (this.token && this.token !== refused)) return;
    try {
      this.keep(await ask(this.url, RENEW));
    } catch (error) {
      if (!(error instanceof Refused && error.extensions.code.startsWith("TOKEN_"))) throw error;
      this.#end(error.extensions.code);
    }
  }

  /** Take what `tokenAuth` or `register` answered. */
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
  if (errors) throw new Refused(errors[0].message, errors[0].extensions);
  return data.pair;
}

/** One tab at a time by Web Locks; without them, the gateway gives tabs that ask at once the same next token. */
const oneTab = async <T>(act: () => Promise<T>): Promise<T> => navigator.locks?.request(KEY, act) ?? act();
