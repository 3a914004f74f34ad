/** The sign-in helper: stores the tokens of the last response, adds them to requests and renews them before they expire. */

// Milliseconds.
const RENEW_BEFORE_EXPIRY = 30_000;
const RETRY_DELAY = 10_000;
const RENEW = `mutation Renew($refreshToken: String) {
  refreshToken(refreshToken: $refreshToken) { token refreshToken }
}`;
const RENEW_BY_COOKIE = "mutation Renew { refreshToken { token refreshToken } }";
const REVOKE = "mutation SignOut($refreshToken: String) { revokeToken(refreshToken: $refreshToken) { revoked } }";
const REVOKE_BY_COOKIE = "mutation SignOut { revokeToken { revoked } }";
const SECOND_STEP = `mutation SecondStep($challenge: String!, $code: String) {
  secondFactorAuth(challenge: $challenge, code: $code) { token refreshToken user { username } }
}`;
const SIGN_IN_FIELDS = new Set(["register", "tokenAuth", "secondFactorAuth", "passkeyAuth", "refreshToken"]);

/** At most one signed-in user. Dispatches `change` when the user or the token changes. */
export class Session extends EventTarget {
  // In memory while the page is open, because every script of the origin can read storage.
  #tokens = null;
  #typed = null;
  #renewal = null;
  #timer;
  #send;
  #rootFields;
  #askCode;

  /**
   * `send(params, headers)` resolves to the JSON of the response, `rootFields(params)` returns the root fields, and
   * `askCode(methods)` returns the code of a second factor, or null.
   */
  constructor(send, rootFields, askCode = () => null) {
    super();
    this.#send = send;
    this.#rootFields = rootFields;
    this.#askCode = askCode;
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

  /** Return the tokens as a string for `restore`, or null without a signed-in user. */
  save() {
    return this.#tokens && JSON.stringify(this.#tokens);
  }

  /** Continue with saved tokens. */
  restore(saved) {
    const tokens = JSON.parse(saved);
    if (tokens) this.#setTokens(tokens);
  }

  /** Run an operation as the signed-in user, unless it signs in or has an Authorization header. */
  async run(params, typed) {
    const headers = new Headers(typed);
    const fields = this.#rootFields(params);
    const usesSession = !headers.has("Authorization") && !fields.some((name) => SIGN_IN_FIELDS.has(name));
    const first = await (usesSession ? this.#runSignedIn(params, headers) : this.#send(params, headers));
    const response = await this.#completeSignIn(first);
    // The refresh token stays the same, so the response has none.
    this.#storeTokens(response, fields.includes("reauthenticate") ? this.#tokens?.refreshToken : undefined);
    return response;
  }

  /** Ask for the second factor if the sign-in needs one, and return the response of the second step. */
  async #completeSignIn(response) {
    const step = response?.errors?.find(({ extensions }) => extensions?.code === "SECOND_FACTOR_REQUIRED")?.extensions;
    const code = step && (await this.#askCode(step.methods));
    if (!code) return response;
    return this.#send({ query: SECOND_STEP, variables: { challenge: step.challenge, code } }, new Headers());
  }

  /** End the session here and on the server. */
  async signOut() {
    await this.#renewal;
    const tokens = this.#tokens;
    this.#setTokens(null);
    if (tokens && isRenewable(tokens)) {
      await this.#send(...requestWith(tokens, REVOKE, REVOKE_BY_COOKIE));
    }
  }

  async #runSignedIn(params, headers) {
    if (this.#tokens && Date.now() >= renewalDue(this.#tokens)) {
      await this.#renew();
    }
    const sent = this.#tokens;
    const response = await this.#send(params, this.#withToken(headers));
    if (sent && isRefused(response) && (await this.#replace(sent))) {
      return this.#send(params, this.#withToken(headers));
    }
    return response;
  }

  /** Return whether there is a newer token than the refused one. Renew the token if not. */
  async #replace(refused) {
    return this.#tokens === refused ? this.#renew() : this.#tokens !== null;
  }

  #withToken(headers) {
    const allHeaders = new Headers(headers);
    if (this.#tokens) {
      allHeaders.set("Authorization", `Bearer ${this.#tokens.token}`);
    }
    return allHeaders;
  }

  #storeTokens(response, refreshToken) {
    for (const value of Object.values(response?.data ?? {})) {
      const claims = readClaims(value?.token);
      if (claims) {
        this.#setTokens(readTokens({ refreshToken, ...value }, claims, this.#tokens));
      }
    }
  }

  /** Renew the token. Concurrent callers share one exchange, because a refresh token works once. */
  #renew() {
    this.#renewal ??= this.#exchange().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #exchange() {
    const tokens = this.#tokens;
    if (!tokens || !isRenewable(tokens)) {
      return false;
    }
    const response = await this.#send(...requestWith(tokens, RENEW, RENEW_BY_COOKIE)).catch(() => null);
    if (this.#tokens !== tokens) {
      return this.#tokens !== null;
    }
    const code = response?.errors?.[0]?.extensions?.code ?? "";
    if (code.startsWith("TOKEN_")) {
      this.#setTokens(null);
    } else if (!readClaims(response?.data?.refreshToken?.token)) {
      this.#scheduleRenewal(Date.now() + RETRY_DELAY);
    } else {
      this.#storeTokens(response);
      return true;
    }
    return false;
  }

  #setTokens(tokens) {
    this.#tokens = tokens;
    clearTimeout(this.#timer);
    if (tokens && isRenewable(tokens)) {
      this.#scheduleRenewal(renewalDue(tokens));
    }
    this.dispatchEvent(new Event("change"));
  }

  #scheduleRenewal(time) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renew(), Math.max(0, time - Date.now()));
  }
}

function readTokens({ token, refreshToken, user, payload }, claims, previous) {
  // From the lifetime, not from `exp`, because the clock of this machine may be wrong.
  const lifetime = (claims.exp - claims.iat) * 1000;
  return {
    token,
    refreshToken,
    lifetime,
    expiresAt: Date.now() + lifetime,
    subject: claims.sub,
    username: user?.username ?? payload?.username ?? claims.username ?? previousUsername(claims.sub, previous),
  };
}

function previousUsername(subject, previous) {
  return previous?.subject === subject ? previous.username : undefined;
}

function renewalDue({ expiresAt, lifetime }) {
  return expiresAt - Math.min(RENEW_BEFORE_EXPIRY, lifetime / 2);
}

/** Return whether there is a refresh token. A query need not select it. */
function isRenewable({ refreshToken }) {
  return typeof refreshToken === "string";
}

/** Return a request that sends the refresh token. In cookie mode it is an empty string: the browser sends the cookie. */
function requestWith({ refreshToken }, document, documentByCookie) {
  return refreshToken
    ? [{ query: document, variables: { refreshToken } }, new Headers()]
    : [{ query: documentByCookie }, new Headers()];
}

/** Return whether the token was refused and nothing else happened, so that running the operation again is safe. */
function isRefused({ data, errors }) {
  const isExpired = ({ extensions }) => extensions?.code === "UNAUTHENTICATED" && extensions.reason !== "TOKEN_MISSING";
  return Boolean(errors?.some(isExpired)) && Object.values(data ?? {}).every((value) => value === null);
}

function readClaims(token) {
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
