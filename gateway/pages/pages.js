/** A landing page: one step at a time, each of which asks the gateway for one thing when its button is pressed. */

import { takeToken } from "./address.js";
import { busily, clear, complain, isComplete, reveal, valuesOf } from "./form.js";
import { Refused, ask } from "./gateway.js";
import { fill, show, tell } from "./steps.js";
import { OF_CODE, facts, inWords } from "./words.js";

const { first } = document.querySelector("main").dataset;
// The token of the link, kept only here, until it is used up or refused.
let token = null;

/** Begin with the token of the link; once more when another link changes the fragment of the open page. */
async function start(event) {
  const found = takeToken();
  if (event && !found) return;
  token = found;
  clear();
  if (token && !(await isUsable(token))) return;
  show(token ? "link" : first, "", !event);
}

/**
 * Whether the link works, asked before a person types a password for it. An empty password is never taken and uses
 * nothing up, and the gateway looks at the token first.
 */
async function isUsable(checked) {
  const form = document.querySelector("form[data-check]");
  if (!form) return true;
  tell("Checking the link…");
  const error = await ask(form.dataset.document, { token: checked, newPassword: "" }).catch((refused) => refused);
  // Another link may have been opened meanwhile.
  if (token !== checked) return false;
  const isRefused = error.extensions?.code in OF_CODE;
  if (isRefused) refuse(form, error.extensions);
  return !isRefused;
}

async function submit(form) {
  tell("");
  if (!isComplete(form)) return;
  const { document: query, next, brings, says } = form.dataset;
  const variables = brings ? { ...valuesOf(form), token } : valuesOf(form);
  try {
    const payload = await ask(query, variables);
    if (next === "done") finish(payload);
    else show(next, says);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(form, error.extensions);
  }
}

function finish(payload) {
  token = null;
  const shown = facts(payload);
  fill(shown);
  // For password managers, which save the new password under this name when the form disappears.
  for (const field of document.querySelectorAll("[name=username]")) field.value = shown.username ?? "";
  show("done");
  clear();
}

function refuse(form, { code, fieldErrors = [], ...more }) {
  const isOfToken = code in OF_CODE;
  if (isOfToken && form.dataset.brings) {
    token = null;
    show(code === "TOKEN_EXPIRED" ? "expired" : "spent");
    return;
  }
  const errors = isOfToken ? [{ field: "token", message: OF_CODE[code] }] : fieldErrors;
  if (complain(form, errors)) return;
  tell(errors.map(({ message }) => message).join(" ") || inWords({ code, ...more }), true);
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  busily(event.target, () => submit(event.target));
});
document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-goes]")) show(target.dataset.goes);
  if (target.matches(".reveal")) reveal(target);
});
globalThis.addEventListener("hashchange", start);
start();
