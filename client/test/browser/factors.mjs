/** Answers of a gateway with second factors, passkeys and providers, for the pages and for a real authenticator. */

import { randomBytes } from "node:crypto";
import { opened } from "../world.mjs";
import { fake, refusal } from "./app.mjs";

export const CODE = "123456";
export const RECOVERY_CODES = Array.from({ length: 10 }, (_, index) => `ABCD-EFGH-JKMN-PQR${index}`);
const QR = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h4v4H0zM5 5h4v4H5z"/></svg>')}`;

const challenge = () => randomBytes(32).toString("base64url");

/** Let all pages of a context see such a gateway, with more answers by name. Returns its state: `security`, what was `sent`, and what it requires. */
export async function offerFactors(context, gateway, more = {}) {
  const state = {
    security: {
      twoFactorEnabled: false,
      hasPassword: true,
      totpEnabled: false,
      recoveryCodesRemaining: 0,
      reauthenticatedUntil: null,
      reauthenticationMethods: ["PASSWORD"],
      passkeys: [],
    },
    identities: [],
    isRecent: true,
    sent: [],
  };
  const { security } = state;
  let sessions = 0;
  const signedIn = () => ({ data: opened(++sessions, { sid: `s${sessions}` }) });
  const needsRecent = (answer) => (variables) =>
    state.isRecent
      ? answer(variables)
      : refusal("REAUTHENTICATION_REQUIRED", { methods: security.reauthenticationMethods, maxAge: 600 });
  const invalid = () => refusal("INVALID_CREDENTIALS");

  const answers = {
    Options: () => ({
      data: { signInOptions: { registrationOpen: true, passkeysEnabled: true, passwordMinLength: 8 } },
    }),
    ProviderOptions: () => ({
      data: {
        signInOptions: {
          providers: [
            { name: "google", label: "Google" },
            { name: "github", label: "GitHub" },
          ],
        },
      },
    }),
    Security: () => ({ data: { me: { __typename: "User", id: "1", security } } }),
    Identities: () => ({ data: { me: { __typename: "User", id: "1", security: { identities: state.identities } } } }),
    SignIn: () =>
      security.twoFactorEnabled
        ? refusal("SECOND_FACTOR_REQUIRED", {
            challenge: "c",
            methods: ["TOTP", "RECOVERY_CODE", "PASSKEY"],
            expiresIn: 600,
          })
        : signedIn(),
    SecondFactor: ({ code, passkey }) => (code === CODE || passkey ? signedIn() : invalid()),
    Refresh: () => ({ data: opened(sessions, { sid: `s${sessions}` }) }),
    SignOut: () => ({ data: { revokeToken: { revoked: 1 } } }),
    Reauthenticate: ({ password, code }) => {
      if (password !== "secret" && code !== CODE) return invalid();
      state.isRecent = true;
      const { token, claims } = opened(sessions, { sid: `s${sessions}` }).session;
      return { data: { reauthenticate: { token, claims, reauthenticatedUntil: new Date().toISOString() } } };
    },
    BeginTotpSetup: needsRecent(() => ({
      data: { beginTotpSetup: { setup: "s", secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/Harbor", qrCode: QR } },
    })),
    ConfirmTotpSetup: ({ code }) => {
      if (code !== CODE) return invalid();
      Object.assign(security, { twoFactorEnabled: true, totpEnabled: true, recoveryCodesRemaining: 10 });
      return { data: { result: { recoveryCodes: RECOVERY_CODES } } };
    },
    RemoveTotp: needsRecent(() => {
      Object.assign(security, { twoFactorEnabled: false, totpEnabled: false, recoveryCodesRemaining: 0 });
      return { data: { removeTotp: { security: { totpEnabled: false } } } };
    }),
    PasskeyRegistrationOptions: needsRecent(() => ({
      data: {
        passkeyRegistrationOptions: {
          options: {
            rp: { id: "localhost", name: "Harbor" },
            user: { id: "dXNlcg", name: "alice", displayName: "alice" },
            challenge: challenge(),
            pubKeyCredParams: [{ type: "public-key", alg: -7 }],
            authenticatorSelection: { residentKey: "required", userVerification: "required" },
            excludeCredentials: security.passkeys.map(({ credentialId }) => ({ type: "public-key", id: credentialId })),
          },
        },
      },
    })),
    RegisterPasskey: ({ passkey }) => {
      const createdAt = new Date().toISOString();
      const stored = {
        id: "p1",
        name: "Phone",
        authenticator: null,
        isBackedUp: false,
        credentialId: passkey.id,
        createdAt,
        lastUsedAt: null,
      };
      security.passkeys = [stored];
      return { data: { registerPasskey: { passkey: stored } } };
    },
    RemovePasskey: needsRecent(() => {
      security.passkeys = [];
      return { data: { removePasskey: { removedPasskeyId: "p1" } } };
    }),
    RenamePasskey: ({ name }) => {
      security.passkeys[0].name = name;
      return { data: { renamePasskey: { passkey: { id: "p1" } } } };
    },
    PasskeyAssertionOptions: () => ({
      data: {
        passkeyAssertionOptions: {
          options: { challenge: challenge(), rpId: "localhost", userVerification: "required" },
        },
      },
    }),
    PasskeySignIn: ({ passkey }) =>
      security.passkeys.some(({ credentialId }) => credentialId === passkey.id)
        ? signedIn()
        : refusal("INVALID_CREDENTIALS", { reason: "UNKNOWN_PASSKEY" }),
    // A provider that agrees at once.
    StartProviderSignIn: needsRecent(({ redirectTo }) => ({
      data: {
        startProviderSignIn: {
          url: `${redirectTo}?code=provider-code&state=provider-state&iss=https%3A%2F%2Fprovider.example`,
          attempt: "a",
        },
      },
    })),
    ProviderSignIn: () => {
      const { session } = opened(++sessions, { sid: `s${sessions}` });
      return { data: { session: { ...session, isNewUser: true } } };
    },
    LinkProvider: () => {
      const identity = {
        id: "i1",
        provider: "google",
        email: "alice@gmail.com",
        createdAt: new Date().toISOString(),
        lastUsedAt: null,
      };
      state.identities = [identity];
      return { data: { linkProvider: { identity } } };
    },
    UnlinkProvider: needsRecent(() => {
      state.identities = [];
      return { data: { unlinkProvider: { unlinkedIdentityId: "i1" } } };
    }),
  };
  for (const [name, data] of Object.entries(more)) answers[name] = () => ({ data });
  for (const [name, answer] of Object.entries(answers)) {
    answers[name] = (variables) => {
      state.sent.push({ name, variables });
      return answer(variables);
    };
  }
  await fake(context, gateway, answers);
  return state;
}
