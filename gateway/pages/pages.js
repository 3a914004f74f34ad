/** A landing page: one step at a time. A button of a step sends one mutation. */

import { GatewayError, run } from "./client.js";
import { isComplete, readValues, resetForms, showErrors, togglePassword, whileBusy } from "./form.js";
import { TOKEN_MESSAGES, messageFor, payloadValues } from "./messages.js";
import { showStatus, showStep, showValues } from "./steps.js";
import { takeToken } from "./token.js";

const { first } = document.querySelector("main").dataset;
// The token of the link. It is stored only here, until it is used or refused.
let token = null;

/** Start with the token of the link, and again if another link changes the fragment of the open page. */
async function start(event) {
  const newToken = takeToken();
  if (event && !newToken) return;
  token = newToken;
  resetForms();
  if (token && !(await isUsable(token))) return;
  showStep(token ? "link" : first, "", !event);
}

/**
 * Return whether the link works, before a person types a password for it. The gateway checks the token before the
 * password, and an empty password does not use the token.
 */
async function isUsable(checked) {
  const form = document.querySelector("form[data-check-link]");
  if (!form) return true;
  showStatus("Checking the link…");
  const result = await run(form.dataset.document, { token: checked, newPassword: "" }).catch((error) => error);
  // Another link may have been opened in the meantime.
  if (token !== checked) return false;
  const isRefused = result.extensions?.code in TOKEN_MESSAGES;
  if (isRefused) showError(form, result.extensions);
  return !isRefused;
}

async function submit(form) {
  showStatus("");
  if (!isComplete(form)) return;
  const { document: query, next, message, linkToken } = form.dataset;
  const variables = linkToken === undefined ? readValues(form) : { ...readValues(form), token };
  try {
    const payload = await run(query, variables);
    if (next === "done") finish(payload);
    else showStep(next, message);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    showError(form, error.extensions);
  }
}

function finish(payload) {
  token = null;
  const values = payloadValues(payload);
  showValues(values);
  // Password managers save the new password under this username when the form disappears.
  for (const field of document.querySelectorAll("[name=username]")) field.value = values.username ?? "";
  showStep("done");
  resetForms();
}

function showError(form, { code, fieldErrors = [], ...extensions }) {
  const isTokenError = code in TOKEN_MESSAGES;
  if (isTokenError && form.dataset.linkToken !== undefined) {
    token = null;
    showStep(code === "TOKEN_EXPIRED" ? "expired" : "invalid");
    return;
  }
  const errors = isTokenError ? [{ field: "token", message: TOKEN_MESSAGES[code] }] : fieldErrors;
  if (showErrors(form, errors)) return;
  showStatus(errors.map(({ message }) => message).join(" ") || messageFor({ code, ...extensions }), true);
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(event.target, () => submit(event.target));
});
document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-go-to]")) showStep(target.dataset.goTo);
  if (target.matches(".reveal")) togglePassword(target);
});
globalThis.addEventListener("hashchange", start);
start();
