/** The session of one page: signs in and out, refreshes the access token, and follows the other tabs. */

import { type Done, type Refused, type SendOptions, type Variables, createSend, refused } from "./gateway.js";
import type { AuthenticationMethod, ProviderResponse } from "./schema.js";
import {
  type Access,
  type AuthStorage,
  type SignedOutReason,
  type StoredSession,
  type TabMessage,
  browserStorage,
  createStore,
  memoryStorage,
} from "./store.js";
import { USER, type User } from "./user.js";

/** The selection of every mutation that opens a session. */
export const SESSION = `token refreshToken claims { sid iat exp } user { ${USER} }`;

const REGISTER = `mutation Register($username: String!, $email: String!, $password: String!,
    $passwordConfirmation: String, $fullName: String, $deviceName: String) {
  session: register(username: $username, email: $email, password: $password,
    passwordConfirmation: $passwordConfirmation, fullName: $fullName, deviceName: $deviceName) { ${SESSION} } }`;
const SIGN_IN = `mutation SignIn($username: String!, $password: String!, $deviceName: String) {
  session: tokenAuth(username: $username, password: $password, deviceName: $deviceName) { ${SESSION} } }`;
const SECOND_FACTOR = `mutation SecondFactor($challenge: String!, $code: String, $passkey: PasskeyAssertion) {
  session: secondFactorAuth(challenge: $challenge, code: $code, passkey: $passkey) { ${SESSION} } }`;
// Only the argument that is used, because a gateway need not have them all.
const REAUTHENTICATION_TYPES = {
  password: "String",
  code: "String",
  passkey: "PasskeyAssertion",
  provider: "ProviderResponse",
};
const reauthenticateWith = (name: keyof typeof REAUTHENTICATION_TYPES) =>
  `mutation Reauthenticate($${name}: ${REAUTHENTICATION_TYPES[name]}!) {
  reauthenticate(${name}: $${name}) { token claims { sid iat exp } reauthenticatedUntil } }`;
const REFRESH = `mutation Refresh($refreshToken: String!) {
  session: refreshToken(refreshToken: $refreshToken) { ${SESSION} } }`;
const REFRESH_COOKIE = `mutation Refresh { session: refreshToken { ${SESSION} } }`;
const SIGN_OUT = `mutation SignOut($refreshToken: String!) { revokeToken(refreshToken: $refreshToken) { revoked } }`;
const SIGN_OUT_COOKIE = `mutation SignOut { revokeToken { revoked } }`;
const ME = `query Me { me { ${USER} } }`;
const REQUEST_RESET = `mutation RequestPasswordReset($email: String!) {
  requestPasswordReset(email: $email) { accepted } }`;
const RESET = `mutation ResetPassword($token: String!, $email: String, $newPassword: String!) {
  resetPassword(token: $token, email: $email, newPassword: $newPassword) { endedSessions } }`;
const VERIFY = `mutation VerifyEmail($token: String!, $email: String) {
  verifyEmail(token: $token, email: $email) { verified } }`;
const REQUEST_VERIFICATION = `mutation RequestEmailVerification($email: String!, $username: String) {
  requestEmailVerification(email: $email, username: $username) { accepted } }`;

// A refused token costs a round trip, so the client replaces tokens this long before they expire.
const MAX_EXPIRY_MARGIN = 10_000;
const MAX_RETRY_DELAY = 60_000;
// Longer than the gateway's own limit of 5.5 seconds. Shorter than GATEWAY_REFRESH_GRACE, so that no request arrives
// with a refresh token that another tab used long before.
const DEFAULT_TIMEOUT = 8_000;

export interface AuthOptions {
  /** The gateway's GraphQL endpoint. */
  url: string;
  /** Where the refresh token is: in localStorage, or in the HttpOnly cookie of a gateway in cookie mode. */
  mode?: "header" | "cookie";
  /** The time in milliseconds after which a request fails with TIMEOUT. */
  timeout?: number;
  /** The key in the storage, for several clients on one origin. */
  storageKey?: string;
  /** Instead of localStorage, such as a store of a native app. */
  storage?: AuthStorage;
  /** Instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

export type AuthState =
  /** The client is refreshing the session of an earlier visit. `error` says why the last attempt failed. */
  | { status: "loading"; user: null; reason: null; error: Refused | null }
  | { status: "signedIn"; user: User; reason: null; error: null }
  /** `reason` is null unless the gateway ended the session. */
  | { status: "signedOut"; user: null; reason: SignedOutReason | null; error: null };

export interface SignedIn {
  status: "signedIn";
  user: User;
  /** Whether the sign-in with a provider created the account. */
  isNewUser?: boolean;
}

/** Pass `challenge` to `secondFactor`, with one of `methods`, within `expiresIn` seconds. */
export interface SecondFactorRequired {
  status: "secondFactorRequired";
  challenge: string;
  methods: AuthenticationMethod[];
  expiresIn: number;
}

/** The account is not signed in yet: the user must open the link in the mail first. */
export interface VerificationRequired {
  status: "verificationRequired";
}

export interface Reauthenticated {
  status: "reauthenticated";
  until: string;
}

export interface Registration {
  username: string;
  email: string;
  password: string;
  passwordConfirmation?: string;
  fullName?: string;
  deviceName?: string;
}

export interface Credentials {
  /** The username or email. */
  username: string;
  password: string;
  deviceName?: string;
}

/** The token of a mailed link, or a mailed code together with the email that received it. */
export interface MailedToken {
  token: string;
  email?: string;
}

/** The answer of the user's authenticator, as `PublicKeyCredential.toJSON()` returns it. */
export type PasskeyAssertion = object;

/** Exactly one of them. */
export type Reauthentication =
  | { password: string }
  | { code: string }
  | { passkey: PasskeyAssertion }
  | { provider: ProviderResponse };

interface Claims {
  sid: string;
  iat: number;
  exp: number;
}

interface Opened {
  token: string | null;
  refreshToken: string;
  claims: Claims;
  user: User;
  isNewUser?: boolean;
}

export type Auth = ReturnType<typeof createAuth>;

/** Create the one client of a page, outside of components. Without a window it touches nothing and is signed out. */
export function createAuth(options: AuthOptions) {
  const { url, mode = "header", timeout = DEFAULT_TIMEOUT, storageKey = "auth-gateway" } = options;
  const isCookieMode = mode === "cookie";
  const credentials: RequestCredentials = isCookieMode ? "include" : "same-origin";
  const sharedStorage = options.storage ?? browserStorage();
  const store = createStore(sharedStorage ?? memoryStorage(), storageKey);
  const disposed = new AbortController();
  const send = createSend(url, credentials, timeout, disposed.signal, options.fetch ?? ((...all) => fetch(...all)));

  let state: AuthState = store.read() ? loading(null) : signedOut(null);
  let access: Access | null = null;
  let refreshing: Promise<AuthState | Refused> | null = null;
  let superseded = new AbortController();
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let retries = 0;
  const listeners = new Set<(state: AuthState) => void>();
  // A message or an answer about a session may arrive after its end.
  const endedSessions = new Set<string>();

  // --- state -----------------------------------------------------------------------------------

  function setState(next: AuthState) {
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    state = next;
    for (const listener of [...listeners]) listener(state);
  }

  function hasFreshToken(refused?: string | null): boolean {
    return access !== null && access.token !== refused && Date.now() < access.expiresAt;
  }

  function adopt(next: Access) {
    access = next;
    retries = 0;
    setState({ status: "signedIn", user: next.user, reason: null, error: null });
  }

  /** Use a new access token, in all tabs. */
  function share(next: Access) {
    adopt(next);
    channel?.postMessage({ access: next } satisfies TabMessage);
  }

  function end(sid: string | undefined, reason: SignedOutReason | null) {
    abortRefresh();
    access = null;
    if (sid) endedSessions.add(sid);
    if (store.read()?.sid === sid) store.remove();
    setState(signedOut(reason));
  }

  // In cookie mode a late answer could replace or delete the cookie of the next session.
  function abortRefresh() {
    superseded.abort();
    superseded = new AbortController();
    refreshing = null;
  }

  function currentSid() {
    return access?.sid ?? store.read()?.sid;
  }

  // --- other tabs ------------------------------------------------------------------------------

  const channel = sharedStorage && "BroadcastChannel" in globalThis ? new BroadcastChannel(storageKey) : null;
  if (channel) channel.onmessage = ({ data }: MessageEvent<TabMessage>) => onTabMessage(data);
  if (typeof window !== "undefined") {
    const { signal } = disposed;
    window.addEventListener("storage", ({ key }) => (key === storageKey || key === null) && followStorage(!channel), {
      signal,
    });
    // A page that comes back from the back-forward cache has missed what the other tabs did.
    window.addEventListener("pageshow", ({ persisted }) => persisted && followStorage(true), { signal });
    window.addEventListener("online", () => state.status === "loading" && restore(), { signal });
  }

  function onTabMessage(message: TabMessage) {
    if ("access" in message) {
      if (endedSessions.has(message.access.sid)) return;
      // A refresh that is under way would use an old refresh token.
      abortRefresh();
      adopt(message.access);
    } else if (message.ended === (currentSid() ?? message.ended)) {
      end(message.ended, message.reason);
    }
  }

  function followStorage(includesSignIn: boolean) {
    const stored = store.read();
    if (!stored) {
      if (state.status !== "signedOut") end(access?.sid, null);
    } else if (includesSignIn && stored.sid !== access?.sid) {
      abortRefresh();
      access = null;
      setState(loading(null));
      restore();
    }
  }

  // --- refresh ---------------------------------------------------------------------------------

  /** Replace a refused access token. Concurrent calls share one request; none is sent if a newer token is here. */
  function refresh(refusedToken?: string | null): Promise<AuthState | Refused> {
    if (hasFreshToken(refusedToken)) return Promise.resolve(state);
    if (refreshing) return refreshing;
    const current = rotate(superseded.signal).finally(() => {
      if (refreshing === current) refreshing = null;
    });
    return (refreshing = current);
  }

  async function rotate(signal: AbortSignal): Promise<AuthState | Refused> {
    const spent = store.read();
    if (!spent) {
      if (state.status !== "signedOut") end(access?.sid, null);
      return state;
    }
    const { refreshToken } = spent;
    const result = await (isCookieMode
      ? send<{ session: Opened }>(REFRESH_COOKIE, {}, { signal })
      : send<{ session: Opened }>(REFRESH, { refreshToken }, { signal }));
    // This tab or another one signed out or in meanwhile, and that wins.
    if (signal.aborted && !disposed.signal.aborted) return state.status === "loading" ? refresh() : state;
    const stored = store.read();
    if (stored?.sid !== spent.sid) return stored ? refresh() : rotate(signal);
    if (result.status === "done") {
      const { session } = result.data;
      // Another tab may have refreshed again since: its token is the newer one.
      if (stored.refreshToken === refreshToken) store.write(toStored(session));
      share(toAccess(session));
      return state;
    }
    const { code } = result;
    if (code !== "TOKEN_REUSED" && code !== "TOKEN_EXPIRED" && code !== "TOKEN_INVALID") return result;
    endEverywhere(spent.sid, code);
    return state;
  }

  /** Refresh the session of an earlier visit, until the gateway answers. */
  function restore() {
    clearTimeout(retryTimer);
    void refresh().then((result) => {
      if (result.status !== "refused" || state.status !== "loading" || disposed.signal.aborted) return;
      setState(loading(result));
      const seconds = result.retryAfter ?? 2 ** Math.min(retries++, 6);
      retryTimer = setTimeout(restore, Math.min(seconds * 1000, MAX_RETRY_DELAY));
    });
  }

  function endEverywhere(sid: string, reason: SignedOutReason | null) {
    channel?.postMessage({ ended: sid, reason } satisfies TabMessage);
    end(sid, reason);
  }

  // --- sign-in and sign-out --------------------------------------------------------------------

  /** Run a mutation that opens a session, with the alias `session` and the selection `SESSION`, and sign in. */
  async function authenticate(
    document: string,
    variables: Variables,
    sendOptions?: SendOptions,
  ): Promise<SignedIn | SecondFactorRequired | VerificationRequired | Refused> {
    const result = await send<{ session: Opened | null }>(document, variables, sendOptions);
    if (result.status === "refused") {
      const { code, challenge, methods = [], expiresIn } = result as Refused & SecondFactorRequired;
      if (code !== "SECOND_FACTOR_REQUIRED") return result;
      return { status: "secondFactorRequired", challenge, methods, expiresIn };
    }
    const { session } = result.data;
    if (!session?.token) return { status: "verificationRequired" };
    if (isCookieMode !== (session.refreshToken === "")) {
      const otherMode = isCookieMode ? "header" : "cookie";
      const message = `Create the client with { mode: "${otherMode}" }, as the gateway is configured.`;
      return refused("WRONG_MODE", message);
    }
    abortRefresh();
    store.write(toStored(session));
    share(toAccess(session));
    const { user, isNewUser } = session;
    return isNewUser === undefined ? { status: "signedIn", user } : { status: "signedIn", user, isNewUser };
  }

  const cannotBePending = async <Field extends string>(result: ReturnType<typeof authenticate>) =>
    (await result) as SignedIn | SecondFactorRequired | Refused<Field>;

  if (state.status === "loading") restore();

  return {
    url,
    mode,
    /** For other GraphQL clients: whether they must send cookies. */
    credentials,

    get state(): AuthState {
      return state;
    },
    get user(): User | null {
      return state.user;
    },
    /** The access token, or null while there is none that can still be used: then `refresh`. */
    get token(): string | null {
      return hasFreshToken() ? access!.token : null;
    },
    /** Call a function after each change of `state`. Returns a function that ends this. */
    onChange(listener: (state: AuthState) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Does not sign in if the gateway requires a verified email: `verificationRequired`. */
    register: async (registration: Registration) =>
      (await authenticate(REGISTER, { ...registration })) as
        | SignedIn
        | VerificationRequired
        | Refused<keyof Registration>,
    signIn: (given: Credentials) => cannotBePending<keyof Credentials>(authenticate(SIGN_IN, { ...given })),
    /** Complete a sign-in that returned `secondFactorRequired`. */
    secondFactor: (given: { challenge: string } & ({ code: string } | { passkey: PasskeyAssertion })) =>
      cannotBePending<"code">(authenticate(SECOND_FACTOR, { ...given })),
    authenticate,

    /** Sign out in all tabs, at once. The result says whether the gateway has ended the session as well. */
    async signOut(): Promise<Done<unknown> | Refused> {
      const stored: StoredSession | null = store.read();
      const sid = currentSid();
      if (sid) endEverywhere(sid, null);
      else end(undefined, null);
      if (!stored) return { status: "done", data: null };
      const { refreshToken } = stored;
      return isCookieMode
        ? send(SIGN_OUT_COOKIE, {}, { keepalive: true })
        : send(SIGN_OUT, { refreshToken }, { keepalive: true });
    },
    refresh,

    /** Confirm that the user is present, after REAUTHENTICATION_REQUIRED. Then repeat what was refused. */
    async reauthenticate(given: Reauthentication): Promise<Reauthenticated | Refused<"password" | "code">> {
      interface Payload {
        token: string;
        claims: Claims;
        reauthenticatedUntil: string;
      }
      const [name] = Object.keys(given) as [keyof typeof REAUTHENTICATION_TYPES];
      const result = await request<{ reauthenticate: Payload }>(reauthenticateWith(name), { ...given });
      if (result.status === "refused") return result;
      const { token, claims, reauthenticatedUntil } = result.data.reauthenticate;
      if (state.user) share(toAccess({ token, claims, user: state.user }));
      return { status: "reauthenticated", until: reauthenticatedUntil };
    },

    passwordReset: {
      /** Succeeds whether or not the email has an account. */
      request: (email: string): Promise<Done<unknown> | Refused<"email">> => send(REQUEST_RESET, { email }),
      /** Set a new password with the token or the code of the mail. Ends all sessions. Sign in afterwards. */
      confirm: (given: MailedToken & { newPassword: string }): Promise<Done<unknown> | Refused<"newPassword">> =>
        send(RESET, { ...given }),
    },

    async verifyEmail(given: MailedToken): Promise<Done<unknown> | Refused<"token" | "email">> {
      const result = await request(VERIFY, { ...given });
      if (result.status === "done") await loadUser();
      return result;
    },
    /** Succeeds whether or not the email has an account. */
    requestEmailVerification: (given: {
      email: string;
      username?: string;
    }): Promise<Done<unknown> | Refused<"email">> => send(REQUEST_VERIFICATION, { ...given }),

    request,
    loadUser,

    /** End all requests, timers and listeners. */
    dispose() {
      clearTimeout(retryTimer);
      disposed.abort();
      channel?.close();
      listeners.clear();
    },
  };

  // --- requests of the signed-in user ----------------------------------------------------------

  /** Send a document with the access token. If it is refused, refresh once and repeat the request. */
  async function request<Data = Record<string, unknown>>(
    document: string,
    variables?: Variables,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Done<Data> | Refused> {
    const before = await refresh();
    if (before.status === "refused") return before;
    const token = access?.token ?? null;
    const result = await send<Data>(document, variables, { token, signal });
    if (!token || result.status !== "refused" || result.code !== "UNAUTHENTICATED") return result;
    const after = await refresh(token);
    if (after.status !== "signedIn") return after.status === "refused" ? after : result;
    return send<Data>(document, variables, { token: access!.token, signal });
  }

  /** Read the user again, for example after a change of the profile. */
  async function loadUser(): Promise<void> {
    if (state.status === "signedOut") return;
    const result = await request<{ me: User | null }>(ME);
    if (result.status === "done" && result.data.me && access) share({ ...access, user: result.data.me });
  }
}

function loading(error: Refused | null): AuthState {
  return { status: "loading", user: null, reason: null, error };
}

function signedOut(reason: SignedOutReason | null): AuthState {
  return { status: "signedOut", user: null, reason, error: null };
}

function toStored({ claims, refreshToken }: Opened): StoredSession {
  return { sid: claims.sid, refreshToken };
}

function toAccess({ token, claims, user }: Pick<Opened, "token" | "claims" | "user">): Access {
  // Measured from its arrival, because the clocks of the gateway and the device may differ.
  const lifetime = (claims.exp - claims.iat) * 1000;
  const expiresAt = Date.now() + lifetime - Math.min(MAX_EXPIRY_MARGIN, lifetime / 10);
  return { sid: claims.sid, token: token!, expiresAt, user };
}
