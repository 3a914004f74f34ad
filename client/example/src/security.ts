/** How the account is protected. Null on a gateway that does not have it. */

import type { AccountSecurity, Identity } from "auth-gateway-client";
import { useQuery } from "urql";

const SECURITY = `query Security { me { id security {
  twoFactorEnabled hasPassword totpEnabled recoveryCodesRemaining reauthenticatedUntil reauthenticationMethods
  passkeys { id name authenticator isBackedUp credentialId createdAt lastUsedAt } } } }`;
const IDENTITIES = `query Identities { me { id security { identities { id provider email createdAt lastUsedAt } } } }`;

type Security = Omit<AccountSecurity, "identities">;

export function useSecurity() {
  const [{ data }, execute] = useQuery<{ me: { security: Security } | null }>({ query: SECURITY });
  return { security: data?.me?.security ?? null, reload: () => execute({ requestPolicy: "network-only" }) };
}

export function useIdentities() {
  const [{ data }, execute] = useQuery<{ me: { security: { identities: Identity[] } } | null }>({ query: IDENTITIES });
  const identities = data?.me?.security.identities ?? null;
  return { identities, reload: () => execute({ requestPolicy: "network-only" }) };
}
