/** What survives a reload, and what tabs tell each other. */

import type { User } from "./user.js";

/** What `createAuth` needs of localStorage. */
export type AuthStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** In cookie mode `refreshToken` is empty: the browser keeps it in an HttpOnly cookie. */
export interface StoredSession {
  sid: string;
  refreshToken: string;
}

/** An access token, the session that it belongs to, and its user. `expiresAt` is in milliseconds. */
export interface Access {
  sid: string;
  token: string;
  expiresAt: number;
  user: User;
}

export type SignedOutReason = "TOKEN_REUSED" | "TOKEN_EXPIRED" | "TOKEN_INVALID";

export type TabMessage = { access: Access } | { ended: string; reason: SignedOutReason | null };

export function createStore(storage: AuthStorage, key: string) {
  return {
    read(): StoredSession | null {
      try {
        const { sid, refreshToken } = JSON.parse(storage.getItem(key) ?? "");
        return typeof sid === "string" && typeof refreshToken === "string" ? { sid, refreshToken } : null;
      } catch {
        return null;
      }
    },
    write: (session: StoredSession) => storage.setItem(key, JSON.stringify(session)),
    remove: () => storage.removeItem(key),
  };
}

/** Return localStorage, or null on a server and where the browser refuses it. */
export function browserStorage(): AuthStorage | null {
  try {
    if (typeof window === "undefined") return null;
    const probe = "auth-gateway-probe";
    window.localStorage.setItem(probe, "");
    window.localStorage.removeItem(probe);
    return window.localStorage;
  } catch {
    return null;
  }
}

export function memoryStorage(): AuthStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
