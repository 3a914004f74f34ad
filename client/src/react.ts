/** React: the state of the client, for components. */

import { type ReactNode, createContext, createElement, useContext, useSyncExternalStore } from "react";
import type { Auth, AuthState } from "./auth.js";
import type { User } from "./user.js";

const Context = createContext<Auth | null>(null);
// Servers render, and browsers hydrate, the page of a visitor of whom nothing is known yet.
const UNKNOWN: AuthState = { status: "loading", user: null, reason: null, error: null };

export function AuthProvider({ auth, children }: { auth: Auth; children?: ReactNode }) {
  return createElement(Context, { value: auth }, children);
}

/** The client and its state. The component renders again when the state changes. */
export function useAuth(): AuthState & { auth: Auth } {
  const auth = useContext(Context);
  if (!auth) throw new Error("Wrap the component in <AuthProvider auth={…}>.");
  const state = useSyncExternalStore(
    auth.onChange,
    () => auth.state,
    () => UNKNOWN,
  );
  return { ...state, auth };
}

/** The signed-in user, or null. */
export function useUser(): User | null {
  return useAuth().user;
}
