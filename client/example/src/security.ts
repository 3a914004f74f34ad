/** How the account is protected. Null on a gateway without second factors. */

import type { AccountSecurity } from "auth-gateway-client";
import { useQuery } from "urql";

const SECURITY = `query Security { me { id security {
  twoFactorEnabled hasPassword totpEnabled recoveryCodesRemaining reauthenticatedUntil reauthenticationMethods
  passkeys { id name authenticator isBackedUp credentialId createdAt lastUsedAt }
  identities { id provider email createdAt lastUsedAt } } } }`;

export function useSecurity() {
  const [{ data }, execute] = useQuery<{ me: { security: AccountSecurity } | null }>({ query: SECURITY });
  return { security: data?.me?.security ?? null, reload: () => execute({ requestPolicy: "network-only" }) };
}
