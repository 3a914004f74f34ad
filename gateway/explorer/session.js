/** The sign-in helper: keeps the tokens of the last answer, adds them to requests and renews them in time. */

const RENEW_AHEAD = 30_000;
const TRY_AGAIN = 10_000;
const RENEW = `mutation Renew($refreshToken: String) {
  refreshToken(refreshToken: $refreshToken) { token refreshToken }
}`;
const RENEW_BY_COOKIE = "mutation Renew { refreshToken { token refreshToken } }";
const REVOKE = "mutation SignOut($refreshToken: String) { revokeToken(refreshToken: $refreshToken) { revoked } }";
const REVOKE_BY_COOKIE = "mutation SignOut { revokeToken { revoked } }";
const SIGNS_IN = new Set(["register", "tokenAuth", "refreshToken"]);

/** At most one signed-in user. Dispatches `change` when the user or the token changes. */
export class Session extends EventTarget {
  // In memory while the page is open: any script of the origin can read storage.
  #tokens = null;
  #typed = null;
  #renewal = null;
  #timer;
  #send;
  #rootFields;

  /** `send(params, headers)` resolves to the answer's JSON; `rootFields(params)` returns the operation's root fields. */
  constructor(send, rootFields) {
    super();
    this.#send = send;
    this.#rootFields = rootFields;
  }

  /** `{ username, token, expiresAt, isRenewable }`, or null without a signed-in user. */
  get current() {
    return this.#tokens && { ...this.#tokens, isRenewable: isRenewable(this.#tokens) };
  }

  /** The Authorization header typed for the current tab, or null. Requests send it in place of the token. */
  get typed() {
    return this.#typed;
  }

  set typed(header) {
    if (this.#typed === header) return;
    this.#typed = header;
    this.dispatchEvent(new Event("change"));
  }

  /** The tokens as a text for `restore`, or null without a signed-in user. */
  save() {
    return this.#tokens && JSON.stringify(this.#tokens);
  }

  /** Continue with saved tokens. */
  restore(text) {
    const tokens = JSON.parse(text);
    if (tokens) this.#keep(tokens);
  }

  /** Run an operation as the signed-in user, unless it signs in or has an Authorization header. */
  async run(params, typed) {
    const headers = new Headers(typed);
    const isOurs = !headers.has("Authorization") && !this.#rootFields(params).some((name) => SIGNS_IN.has(name));
    const answer = await (isOurs ? this.#runSignedIn(params, headers) : this.#send(params, headers));
    this.#notice(answer);
    return answer;
  }

  /** End the session here and on the server. */
  async signOut() {
    await this.#renewal;
    const tokens = this.#tokens;
    this.#keep(null);
    if (tokens && isRenewable(tokens)) {
      await this.#send(...spending(tokens, REVOKE, REVOKE_BY_COOKIE));
    }
  }

  async #runSignedIn(params, headers) {
    if (this.#tokens && Date.now() >= renewalDue(this.#tokens)) {
      await this.#renew();
    }
    const lent = this.#tokens;
    const answer = await this.#send(params, this.#withToken(headers));
    if (lent && isRefused(answer) && (await this.#replace(lent))) {
      return this.#send(params, this.#withToken(headers));
    }
    return answer;
  }

  /** Whether there is a newer token than the refused one, if need be after a renewal. */
  async #replace(refused) {
    return this.#tokens === refused ? this.#renew() : this.#tokens !== null;
  }

  #withToken(headers) {
    const all = new Headers(headers);
    if (this.#tokens) {
      all.set("Authorization", `Bearer ${this.#tokens.token}`);
    }
    return all;
  }

  #notice(answer) {
    for (const value of Object.values(answer?.data ?? {})) {
      const claims = claimsOf(value?.token);
      if (claims) {
        this.#keep(tokensFrom(value, claims, this.#tokens));
      }
    }
  }

  /** Concurrent callers share one exchange, since a refresh token can be used once. */
  #renew() {
    this.#renewal ??= this.#exchange().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #exchange() {
    const spent = this.#tokens;
    if (!spent || !isRenewable(spent)) {
      return false;
    }
    const answer = await this.#send(...spending(spent, RENEW, RENEW_BY_COOKIE)).catch(() => null);
    if (this.#tokens !== spent) {
      return this.#tokens !== null;
    }
    const refusal = answer?.errors?.[0]?.extensions?.code ?? "";
    if (refusal.startsWith("TOKEN_")) {
      this.#keep(null);
    } else if (!claimsOf(answer?.data?.refreshToken?.token)) {
      this.#wake(Date.now() + TRY_AGAIN);
    } else {
      this.#notice(answer);
      return true;
    }
    return false;
  }

  #keep(tokens) {
    this.#tokens = tokens;
    clearTimeout(this.#timer);
    if (tokens && isRenewable(tokens)) {
      this.#wake(renewalDue(tokens));
    }
    this.dispatchEvent(new Event("change"));
  }

  #wake(at) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renew(), Math.max(0, at - Date.now()));
  }
}

function tokensFrom({ token, refreshToken, user, payload }, claims, previous) {
  // Counted from now, not read from `exp`: this machine's clock may be wrong, its pace is not.
  const lifetime = (claims.exp - claims.iat) * 1000;
  return {
    token,
    refreshToken,
    lifetime,
    expiresAt: Date.now() + lifetime,
    subject: claims.sub,
    username: user?.username ?? payload?.username ?? claims.username ?? nameOf(claims.sub, previous),
  };
}

function nameOf(subject, previous) {
  return previous?.subject === subject ? previous.username : undefined;
}

function renewalDue({ expiresAt, lifetime }) {
  return expiresAt - Math.min(RENEW_AHEAD, lifetime / 2);
}

/** An answer that did not select `refreshToken` leaves nothing to renew with. */
function isRenewable({ refreshToken }) {
  return typeof refreshToken === "string";
}

/** In cookie mode the refresh token is the empty string: the browser sends the real one itself. */
function spending({ refreshToken }, document, documentByCookie) {
  return refreshToken
    ? [{ query: document, variables: { refreshToken } }, new Headers()]
    : [{ query: documentByCookie }, new Headers()];
}

/** The token was refused, and nothing else was done: running it again repeats no effect. */
function isRefused({ data, errors }) {
  const isDue = ({ extensions }) => extensions?.code === "UNAUTHENTICATED" && extensions.reason !== "TOKEN_MISSING";
  return Boolean(errors?.some(isDue)) && Object.values(data ?? {}).every((value) => value === null);
}

function claimsOf(token) {
  try {
    const claims = JSON.parse(decode(token.split(".")[1]));
    return claims.exp > claims.iat ? claims : null;
  } catch {
    return null;
  }
}

function decode(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
